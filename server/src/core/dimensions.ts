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
  { id: 'reasoning_quality', title: 'Reasoning quality', question: 'Is the step right and sound?', labelSource: 'human step labels (PRM800K, MR-Ben)' },
  { id: 'relevance', title: 'Relevance', question: 'Does the step move toward the goal?', labelSource: 'PRM800K neutral against good' },
  { id: 'novelty', title: 'Novelty', question: 'Does the step add anything new?' },
  { id: 'truthfulness', title: 'Truthfulness', question: 'Are the facts it states true?' },
  { id: 'coherence', title: 'Coherence', question: 'Does it fit what came before?' },
  { id: 'clarity', title: 'Clarity', question: 'Is it clearly put?' },
  { id: 'implementability', title: 'Implementability', question: 'Are its conditions met?' },
  { id: 'alignment', title: 'Alignment', question: 'Does it belong to this goal?' },
  { id: 'helpfulness', title: 'Helpfulness', question: 'Does it help the user?' },
  { id: 'technical_depth', title: 'Technical depth', question: 'Does it go as deep as the task needs?' },
];

/** The declared dimension, or undefined for one that only a file knows. */
export function findDimension(id: string): Dimension | undefined {
  return DIMENSIONS.find((d) => d.id === id);
}
