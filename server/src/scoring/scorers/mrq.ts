/** Bradley–Terry: a value learned from pairs alone, in which the better step has the higher one. */
import { sigmoid } from '../calibration.ts';
import type { Scorer } from '../scorer.ts';

export const mrq: Scorer = {
  id: 'mrq',
  title: 'Preference value',
  idea: 'Value learned from pairs of steps: the chance that one beats another is the sigmoid of their difference.',
  outputs: [{ name: 'value', width: 1 }, { name: 'baseline', width: 1 }, { name: 'embedding_distance', width: 1 }],
  mainOutput: 'value',
  explain(at, { score }) {
    const baseline = at('baseline');
    const scaled = sigmoid(at('value') - baseline);
    return {
      attributes: { baseline_score: baseline, scaled_score: scaled, meta_score: score, embedding_distance: at('embedding_distance') },
      rationale: `beats the step expected here with ${scaled.toFixed(2)}, ${at('embedding_distance').toFixed(2)} from good steps`,
    };
  },
};
