/** Energy-based: how well the step fits its context, and how far it would have to move to fit better. */
import type { Scorer } from '../scorer.ts';
import { entropyOf, softmax } from '../softmax.ts';

/** Refinement steps of the energy; the head answers the energy before them and after each. */
export const REFINEMENTS = 4;

export const ebt: Scorer = {
  id: 'ebt',
  title: 'Energy-based',
  idea: 'Energy of the step in its context: low where it fits, and a few steps downhill to where it would fit better.',
  outputs: [{ name: 'neg_energy', width: 1 }, { name: 'baseline', width: 1 }, { name: 'energies', width: REFINEMENTS + 1 }, { name: 'path_length', width: 1 }],
  mainOutput: 'neg_energy',
  explain(at) {
    // The head answers minus the energy, for the step and for what is expected here: higher is better there, lower here.
    const energy = -at('neg_energy');
    const baseline = -at('baseline');
    const policyEntropy = entropyOf(softmax(Array.from({ length: REFINEMENTS + 1 }, (_, i) => -at('energies', i))));
    return {
      attributes: { energy, baseline, advantage: baseline - energy, policy_entropy: policyEntropy, trace_length: at('path_length') },
      rationale: `energy ${energy.toFixed(2)} where ${baseline.toFixed(2)} is expected, path of refinement ${at('path_length').toFixed(2)}`,
    };
  },
};
