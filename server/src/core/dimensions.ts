/** The qualities a step is judged on. The registry is open: a dimension not listed here is kept and shown as undeclared. */

export interface Dimension {
  readonly id: string;
  readonly title: string;
  /** The question a score answers; high is always the good answer. */
  readonly question: string;
  /** Where training labels come from; undefined where nobody has labels yet. */
  readonly labelSource?: string;
}

export const PRIMARY_DIMENSION = 'reasoning_quality';

export const DIMENSIONS: readonly Dimension[] = [
  { id: 'reasoning_quality', title: 'Reasoning quality', question: 'Is the step right and sound?', labelSource: 'people: step labels of PRM800K and MR-Ben' },
  { id: 'relevance', title: 'Relevance', question: 'Does the step move toward the goal?', labelSource: 'people: PRM800K, neutral against good' },
  { id: 'novelty', title: 'Novelty', question: 'Does the step add anything new?', labelSource: 'made: redundant and circular steps of PRMBench' },
  { id: 'truthfulness', title: 'Truthfulness', question: 'Are the facts it states true?', labelSource: 'made: counterfactual and deceptive steps of PRMBench' },
  { id: 'coherence', title: 'Coherence', question: 'Does it fit what came before?', labelSource: 'made: steps of PRMBench that contradict earlier ones' },
  { id: 'clarity', title: 'Clarity', question: 'Is it clearly put?' },
  { id: 'implementability', title: 'Implementability', question: 'Are its conditions met?', labelSource: 'made: missing conditions and domain errors of PRMBench' },
  { id: 'alignment', title: 'Alignment', question: 'Does it belong to this goal?', labelSource: 'made: steps under the goal of another trace' },
  { id: 'helpfulness', title: 'Helpfulness', question: 'Does it help the user?' },
  { id: 'technical_depth', title: 'Technical depth', question: 'Does it go as deep as the task needs?' },
];

/** The declared dimension, or undefined for one that only a file knows. */
export function findDimension(id: string): Dimension | undefined {
  return DIMENSIONS.find((d) => d.id === id);
}
