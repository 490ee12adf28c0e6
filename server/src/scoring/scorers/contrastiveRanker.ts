/** Contrastive ranker: whether the step would be preferred to the step one expects for this goal. */
import { sigmoid } from '../calibration.ts';
import type { Scorer } from '../scorer.ts';

export const contrastiveRanker: Scorer = {
  id: 'contrastive_ranker',
  title: 'Contrastive ranker',
  idea: 'Preference of this step over the one expected for the goal, learned from pairs.',
  outputs: [{ name: 'preference_logit', width: 1 }, { name: 'embedding_similarity', width: 1 }, { name: 'utility', width: 1 }],
  mainOutput: 'preference_logit',
  explain(at) {
    const logit = at('preference_logit');
    const preference = sigmoid(logit);
    return {
      attributes: {
        preference_score: preference, ranking_strength: Math.abs(2 * preference - 1),
        embedding_similarity: at('embedding_similarity'), decision_boundary: Math.abs(logit),
      },
      rationale: `preferred with ${preference.toFixed(2)}, likeness to good steps ${at('embedding_similarity').toFixed(2)}`,
    };
  },
};
