/** What a step's rating says about a dimension other than reasoning quality. Python twin: models/finetune.py. */

/** What an injected error of PRMBench speaks about, by the last part of the row's `dataset`. */
const DIMENSION_BY_ERROR: Readonly<Record<string, string>> = {
  circular: 'novelty', redundency: 'novelty', step_contradiction: 'coherence', missing_condition: 'implementability',
  domain_inconsistency: 'implementability', counterfactual: 'truthfulness', deception: 'truthfulness',
};

/** 1 good, 0 bad, null where the rating says nothing about the dimension. A neutral step is right but does not help: bad for relevance. */
export function labelOn(dimension: string, dataset: string, rating: number | null): 1 | 0 | null {
  if (dimension === 'relevance') return rating === 1 ? 1 : rating === 0.5 ? 0 : null;
  if (DIMENSION_BY_ERROR[dataset.split('/').at(-1) ?? ''] !== dimension) return null;
  return rating === 1 ? 1 : rating === 0 ? 0 : null;
}
