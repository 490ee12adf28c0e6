/** A MARS result in words. */
import type { MarsResult } from './marsResult.ts';

type Told = Pick<MarsResult, 'scorers' | 'agreement_score' | 'std_dev' | 'primary_conflict' | 'co_scored' | 'grounding' | 'high_disagreement' | 'variance_threshold' | 'preferred_model' | 'preferred_basis' | 'trust_reference' | 'outlier_scorers' | 'redundant_scorers'>;

/** Says only what can be told: no reference, no conflict, no outlier is no clause. `rows`: steps with a score. */
export function explain(result: Told, rows: number): string {
  const { scorers, agreement_score: agreement, std_dev: std, primary_conflict: conflict } = result;
  const [only] = scorers;
  if (only === undefined) return 'No scores: nothing can be said.';
  if (scorers.length === 1) return `Ungrounded: ${only} alone scored ${count(rows)}, and one scorer agrees with nobody.`;
  if (agreement === null || std === null) return `Insufficient: ${scorers.length} scorers, but no step was scored by two of them.`;
  const clauses = [`MARS agreement ${agreement.toFixed(3)} (std ${std.toFixed(3)} between ${scorers.length} scorers, ${count(result.co_scored)} scored by two or more)`];
  if (result.grounding === 'insufficient') clauses.push('too few steps to rely on');
  if (result.high_disagreement) clauses.push(`high disagreement (threshold ${result.variance_threshold})`);
  if (result.preferred_model !== null && result.preferred_basis === 'trust_reference') clauses.push(`most aligned with ${result.trust_reference ?? ''}: ${result.preferred_model}`);
  else if (result.preferred_model !== null && scorers.length > 2) clauses.push(`closest to the others: ${result.preferred_model}`);
  if (conflict !== null && conflict.delta >= 0.0005) clauses.push(`widest gap: ${conflict.pair[0]} above ${conflict.pair[1]} by ${conflict.delta.toFixed(3)} (n ${conflict.n})`);
  for (const outlier of result.outlier_scorers) clauses.push(`${outlier.scorer} stands ${outlier.mean > 0 ? 'above' : 'below'} the others by ${Math.abs(outlier.mean).toFixed(3)}`);
  for (const { pair, correlation } of result.redundant_scorers) clauses.push(`${pair[0]} and ${pair[1]} say the same (r ${correlation.toFixed(2)})`);
  return `${clauses.join('; ')}.`;
}

function count(steps: number): string {
  return steps === 1 ? '1 step' : `${steps} steps`;
}
