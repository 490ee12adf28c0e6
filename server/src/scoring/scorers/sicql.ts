/** Implicit Q-learning: the value of the step, the outlook before it, and what to do about it. */
import type { Scorer } from '../scorer.ts';
import { entropyOf, softmax } from '../softmax.ts';

/** Order of the policy's actions in `policy_logits`. */
export const POLICY_ACTIONS = ['accept', 'revise', 'escalate'] as const;

export const sicql: Scorer = {
  id: 'sicql',
  title: 'Implicit Q-learning',
  idea: 'Value of taking this step here against the outlook before it was taken.',
  outputs: [{ name: 'q', width: 1 }, { name: 'v', width: 1 }, { name: 'q_upper', width: 1 }, { name: 'policy_logits', width: 3 }],
  mainOutput: 'q',
  explain(at) {
    const [q, v] = [at('q'), at('v')];
    const logits = POLICY_ACTIONS.map((_, i) => at('policy_logits', i));
    const shares = softmax(logits);
    const entropy = entropyOf(shares);
    const byAction = (prefix: string, values: readonly number[]): Record<string, number> => Object.fromEntries(POLICY_ACTIONS.map((action, i) => [`${prefix}_${action}`, values[i] ?? Number.NaN]));
    return {
      attributes: {
        // The gap is 0 or more by construction; rounding in the head may leave it a hair below.
        q_value: q, v_value: v, advantage: q - v, q_gap: Math.max(0, at('q_upper') - q), entropy,
        ...byAction('policy_logit', logits), ...byAction('p', shares),
      },
      rationale: `Q ${q.toFixed(2)}, V ${v.toFixed(2)}, advantage ${(q - v).toFixed(2)}, entropy ${entropy.toFixed(2)}`,
    };
  },
};
