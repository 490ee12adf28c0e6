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
  { id: 'sicql.policy_logit_accept', unit: 'logit', range: [-INF, INF], direction: 'higher-is-better', meaning: 'policy before normalising: keep the step', formula: 'policy_logits[0]' },
  { id: 'sicql.policy_logit_revise', unit: 'logit', range: [-INF, INF], direction: 'lower-is-better', meaning: 'policy before normalising: rework the step', formula: 'policy_logits[1]' },
  { id: 'sicql.policy_logit_escalate', unit: 'logit', range: [-INF, INF], direction: 'lower-is-better', meaning: 'policy before normalising: let a person look', formula: 'policy_logits[2]' },
  { id: 'ebt.energy', unit: 'energy', range: [-INF, INF], direction: 'lower-is-better', meaning: 'how badly the step fits its context', formula: 'E(context, step)' },
  { id: 'ebt.baseline', unit: 'energy', range: [-INF, INF], direction: 'none', meaning: 'energy expected of a step in this context', formula: 'E₀(context)' },
  { id: 'ebt.advantage', unit: 'energy', range: [-INF, INF], direction: 'higher-is-better', meaning: 'how much better than expected the step fits', formula: 'baseline − energy' },
  { id: 'ebt.policy_entropy', unit: 'nats', range: [0, Math.log(5)], direction: 'none', meaning: 'how evenly the energy falls on the way down: 0 when one refinement decides', formula: '−Σ p ln p, p = softmax(−energies of the refinement)' },
  { id: 'ebt.trace_length', unit: 'length', range: [0, INF], direction: 'lower-is-better', meaning: 'way the step goes to fit better', formula: 'Σ |sᵢ₊₁ − sᵢ| over the refinement' },
  { id: 'hrm.energy', unit: 'logit', range: [-INF, INF], direction: 'lower-is-better', meaning: 'how badly the step follows from the way that led to it', formula: '−logit' },
  { id: 'hrm.trace_length', unit: 'steps', range: [1, INF], direction: 'none', meaning: 'steps read so far, this one among them', formula: 'count' },
  { id: 'hrm.convergence', unit: 'share', range: [0, INF], direction: 'lower-is-better', meaning: 'how far the second look at the step still moved the fast memory', formula: '|z₂ − z₁| / |z₂|' },
  { id: 'hrm.zL_magnitude', unit: 'length', range: [0, INF], direction: 'none', meaning: 'size of the fast memory before normalising', formula: '|zL|' },
  { id: 'hrm.zH_magnitude', unit: 'length', range: [0, INF], direction: 'none', meaning: 'size of the slow memory before normalising', formula: '|zH|' },
  { id: 'mrq.baseline_score', unit: 'logit', range: [-INF, INF], direction: 'none', meaning: 'value expected of a step in this context', formula: 'value₀(context)' },
  { id: 'mrq.scaled_score', unit: 'probability', range: [0, 1], direction: 'higher-is-better', meaning: 'chance that the step beats the one expected here, uncalibrated', formula: 'σ(value − baseline_score)' },
  { id: 'mrq.meta_score', unit: 'probability', range: [0, 1], direction: 'higher-is-better', meaning: 'calibrated chance that the step is good, by this scorer alone', formula: 'calibration(value)' },
  { id: 'mrq.embedding_distance', unit: 'deviations', range: [0, INF], direction: 'lower-is-better', meaning: 'distance from the mean good step', formula: 'whitened root mean square distance' },
  { id: 'contrastive_ranker.preference_score', unit: 'probability', range: [0, 1], direction: 'higher-is-better', meaning: 'chance that the step is preferred to an average step for this goal, uncalibrated', formula: 'σ(g(step) − g(baseline))' },
  { id: 'contrastive_ranker.ranking_strength', unit: 'share', range: [0, 1], direction: 'none', meaning: 'how one-sided the preference is', formula: '|2·preference_score − 1|' },
  { id: 'contrastive_ranker.embedding_similarity', unit: 'cosine', range: [-1, 1], direction: 'higher-is-better', meaning: 'closeness to steps that were good for such goals', formula: 'cos(step, centroid of good steps)' },
  { id: 'contrastive_ranker.decision_boundary', unit: 'logit', range: [0, INF], direction: 'none', meaning: 'distance from being undecided', formula: '|preference logit|' },
  { id: 'svm.decision_function', unit: 'margin', range: [-INF, INF], direction: 'higher-is-better', meaning: 'side and distance from the separating surface', formula: 'Σ αᵢ k(x, sᵢ) + b' },
  { id: 'svm.margin', unit: 'margin', range: [0, INF], direction: 'none', meaning: 'distance from the separating surface', formula: '|decision_function|' },
  { id: 'svm.support_vector_count', unit: 'count', range: [0, INF], direction: 'none', meaning: 'known steps the surface is drawn from', formula: 'count' },
  { id: 'svm.kernel_similarity', unit: 'share', range: [0, 1], direction: 'higher-is-better', meaning: 'closeness to good steps of the training data', formula: 'kernel to good support vectors' },
  { id: 'trace.logprob_mean', unit: 'nats', range: [-INF, 0], direction: 'higher-is-better', meaning: 'mean log probability the producer gave its tokens', formula: 'mean(ln p)' },
  { id: 'trace.logprob_min', unit: 'nats', range: [-INF, 0], direction: 'higher-is-better', meaning: 'log probability of its least likely token', formula: 'min(ln p)' },
  { id: 'trace.perplexity', unit: 'tokens', range: [1, INF], direction: 'lower-is-better', meaning: 'among how many tokens the producer chose on average', formula: 'e^−mean(ln p)' },
  { id: 'trace.low_probability_share', unit: 'share', range: [0, 1], direction: 'lower-is-better', meaning: 'tokens with less than one chance in ten', formula: 'share of ln p < −2.3' },
  { id: 'trace.duration_ms', unit: 'milliseconds', range: [0, INF], direction: 'none', meaning: 'how long the step took, as recorded', formula: 'end − start' },
  { id: 'trace.input_tokens', unit: 'tokens', range: [0, INF], direction: 'none', meaning: 'tokens the model read for the step, as recorded', formula: 'as given' },
  { id: 'trace.output_tokens', unit: 'tokens', range: [0, INF], direction: 'none', meaning: 'tokens the model wrote, as recorded', formula: 'as given' },
  { id: 'trace.cached_tokens', unit: 'tokens', range: [0, INF], direction: 'none', meaning: 'tokens read from a cache, as recorded', formula: 'as given' },
  { id: 'trace.cost_usd', unit: 'US dollars', range: [0, INF], direction: 'lower-is-better', meaning: 'price of the step, as recorded', formula: 'as given' },
  { id: 'consensus.uncertainty', unit: 'probability', range: [0, 1], direction: 'lower-is-better', meaning: 'chance that the consensus is on the wrong side, calibrated', formula: 'logistic of margin, spread and distance' },
  { id: 'consensus.spread', unit: 'score', range: [0, 1], direction: 'lower-is-better', meaning: 'gap between the highest and the lowest scorer', formula: 'max − min of the scores that took part' },
  { id: 'consensus.scorers', unit: 'count', range: [1, INF], direction: 'none', meaning: 'scorers that took part', formula: 'count' },
  { id: 'human.label', unit: 'label', range: [-1, 1], direction: 'higher-is-better', meaning: '1 good, 0 bad, −1 first bad step', formula: 'given by a person' },
  { id: 'rules.arithmetic_error', unit: 'count', range: [0, INF], direction: 'lower-is-better', meaning: 'equations of the step that do not hold', formula: 'findings of arithmetic-error on the step' },
  { id: 'rules.repeated_action', unit: 'count', range: [0, INF], direction: 'lower-is-better', meaning: 'repetitions of a call, a loop or the same words that begin to count here', formula: 'findings of repeated-action on the step' },
  { id: 'rules.step_error_ignored', unit: 'count', range: [0, INF], direction: 'lower-is-better', meaning: 'failures before it that the step passes over', formula: 'findings of step-error-ignored on the step' },
  { id: 'rules.unsupported_number', unit: 'count', range: [0, INF], direction: 'lower-is-better', meaning: 'figures of the final answer that come from nowhere', formula: 'findings of unsupported-number on the step' },
  { id: 'rules.tool_args_invalid', unit: 'count', range: [0, INF], direction: 'lower-is-better', meaning: 'calls whose arguments are no valid object', formula: 'findings of tool-args-invalid on the step' },
  { id: 'rules.output_truncated', unit: 'count', range: [0, INF], direction: 'lower-is-better', meaning: 'texts of the step that were cut off', formula: 'findings of output-truncated on the step' },
  { id: 'rules.empty_step', unit: 'count', range: [0, INF], direction: 'lower-is-better', meaning: '1 where the step says and does nothing', formula: 'findings of empty-step on the step' },
  { id: 'rules.content_not_captured', unit: 'count', range: [0, INF], direction: 'lower-is-better', meaning: '1 where its words were not recorded', formula: 'findings of content-not-captured on the step' },
  { id: 'rules.secret_in_trace', unit: 'count', range: [0, INF], direction: 'lower-is-better', meaning: 'credentials in the step', formula: 'findings of secret-in-trace on the step' },
  { id: 'rules.findings', unit: 'count', range: [0, INF], direction: 'lower-is-better', meaning: 'checks that found something wrong in the step', formula: 'count of rule findings' },
];

/** The declared metric of a scorer's attribute; undefined means "undeclared". */
export function findMetric(scorer: string, attribute: string): Metric | undefined {
  return METRICS.find((m) => m.id === `${scorer}.${attribute}`);
}
