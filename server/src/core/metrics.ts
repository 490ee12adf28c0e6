/** What every number beside a score means: the one table behind hovers, documents and exports. */

export interface Metric {
  /** `scorer.attribute`. */
  readonly id: string;
  readonly unit: string;
  readonly range: readonly [lo: number, hi: number];
  /** Which way is good; 'none' where neither is. */
  readonly direction: 'higher-is-better' | 'lower-is-better' | 'none';
  readonly meaning: string;
  readonly formula: string;
}

const INF = Number.POSITIVE_INFINITY;

export const METRICS: readonly Metric[] = [
  { id: 'sicql.q_value', unit: 'logit', range: [-INF, INF], direction: 'higher-is-better', meaning: 'value of taking this step here', formula: 'Q(goal, context, step)' },
  { id: 'sicql.v_value', unit: 'logit', range: [-INF, INF], direction: 'higher-is-better', meaning: 'outlook before the step was taken', formula: 'V(goal, context)' },
  { id: 'sicql.advantage', unit: 'logit', range: [-INF, INF], direction: 'higher-is-better', meaning: 'how far the step beat its outlook', formula: 'Q − V' },
  { id: 'sicql.q_gap', unit: 'logit', range: [0, INF], direction: 'lower-is-better', meaning: 'gap between Q and an optimistic estimate of the same step', formula: 'upper expectile − Q' },
  { id: 'sicql.entropy', unit: 'nats', range: [0, Math.log(3)], direction: 'lower-is-better', meaning: 'indecision between accept, revise and escalate', formula: '−Σ p ln p' },
  { id: 'sicql.p_accept', unit: 'probability', range: [0, 1], direction: 'higher-is-better', meaning: 'policy: keep the step', formula: 'softmax(policy_logits)[0]' },
  { id: 'sicql.p_revise', unit: 'probability', range: [0, 1], direction: 'lower-is-better', meaning: 'policy: rework the step', formula: 'softmax(policy_logits)[1]' },
  { id: 'sicql.p_escalate', unit: 'probability', range: [0, 1], direction: 'lower-is-better', meaning: 'policy: let a person look', formula: 'softmax(policy_logits)[2]' },
  { id: 'contrastive_ranker.preference_score', unit: 'probability', range: [0, 1], direction: 'higher-is-better', meaning: 'chance that the step is preferred to an average step for this goal, uncalibrated', formula: 'σ(g(step) − g(baseline))' },
  { id: 'contrastive_ranker.ranking_strength', unit: 'share', range: [0, 1], direction: 'none', meaning: 'how one-sided the preference is', formula: '|2·preference_score − 1|' },
  { id: 'contrastive_ranker.embedding_similarity', unit: 'cosine', range: [-1, 1], direction: 'higher-is-better', meaning: 'closeness to steps that were good for such goals', formula: 'cos(step, centroid of good steps)' },
  { id: 'contrastive_ranker.decision_boundary', unit: 'logit', range: [0, INF], direction: 'none', meaning: 'distance from being undecided', formula: '|preference logit|' },
  { id: 'svm.decision_function', unit: 'margin', range: [-INF, INF], direction: 'higher-is-better', meaning: 'side and distance from the separating surface', formula: 'Σ αᵢ k(x, sᵢ) + b' },
  { id: 'svm.margin', unit: 'margin', range: [0, INF], direction: 'none', meaning: 'distance from the separating surface', formula: '|decision_function|' },
  { id: 'svm.kernel_similarity', unit: 'share', range: [0, 1], direction: 'higher-is-better', meaning: 'closeness to good steps of the training data', formula: 'kernel to good support vectors' },
  { id: 'human.label', unit: 'label', range: [-1, 1], direction: 'higher-is-better', meaning: '1 good, 0 bad, −1 first bad step', formula: 'given by a person' },
  { id: 'rules.findings', unit: 'count', range: [0, INF], direction: 'lower-is-better', meaning: 'checks that found something wrong in the step', formula: 'count of rule findings' },
];

/** The declared metric of a scorer's attribute; undefined means "undeclared". */
export function findMetric(scorer: string, attribute: string): Metric | undefined {
  return METRICS.find((m) => m.id === `${scorer}.${attribute}`);
}
