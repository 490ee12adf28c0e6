/** Implicit Q-learning: the value of the step, the outlook before it, and what to do about it. */
import type { Scorer } from '../scorer.ts';

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
    const [accept = 0, revise = 0, escalate = 0] = softmax(POLICY_ACTIONS.map((_, i) => at('policy_logits', i)));
    const entropy = -[accept, revise, escalate].reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0);
    return {
      // The gap is 0 or more by construction; rounding in the head may leave it a hair below.
      attributes: { q_value: q, v_value: v, advantage: q - v, q_gap: Math.max(0, at('q_upper') - q), entropy, p_accept: accept, p_revise: revise, p_escalate: escalate },
      rationale: `Q ${q.toFixed(2)}, V ${v.toFixed(2)}, advantage ${(q - v).toFixed(2)}, entropy ${entropy.toFixed(2)}`,
    };
  },
};

function softmax(logits: readonly number[]): readonly number[] {
  const top = Math.max(...logits);
  const weights = logits.map((l) => Math.exp(l - top));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
}
