/** Kernel classifier: on which side of a smooth surface between known good and bad steps this one falls. */
import type { Scorer } from '../scorer.ts';

export const svm: Scorer = {
  id: 'svm',
  title: 'Kernel classifier',
  idea: 'Side of the surface that separates known good steps from bad ones, and closeness to the good.',
  outputs: [{ name: 'decision', width: 1 }, { name: 'kernel_similarity', width: 1 }],
  mainOutput: 'decision',
  explain(at, { entry }) {
    const decision = at('decision');
    const similarity = at('kernel_similarity');
    return {
      attributes: { decision_function: decision, margin: Math.abs(decision), support_vector_count: entry.supportVectorCount ?? 0, kernel_similarity: similarity },
      rationale: `decision ${decision.toFixed(2)}, similarity to good steps ${similarity.toFixed(2)}`,
    };
  },
};
