/** MARS, Model Agreement and Reasoning Signal: how far scorers of a dimension agree, who disagrees with whom, whom to believe. */
import { krippendorffAlpha } from './krippendorff.ts';
import { marsIntervals } from './bootstrap.ts';
import type { MarsIntervals } from './bootstrap.ts';
import type { MarsInput } from './marsColumns.ts';
import { referenceCandidates } from './marsConfig.ts';
import { effectiveScorers } from './effectiveScorers.ts';
import { explain } from './marsExplanation.ts';
import { metricCorrelations, metricPairs, scorerMetrics } from './marsMetrics.ts';
import type { MarsReport, MarsResult, PrimaryConflict } from './marsResult.ts';
import { accumulate, joinParts, judging, pairKey } from './marsSums.ts';
import type { MarsSums, PairSums, RowPart } from './marsSums.ts';
import { biasOf, outlierScorers } from './outlierScorers.ts';
import { MIN_CORRELATION_ROWS, pearson, populationStd } from './moments.ts';
import { ROUNDING } from './stepAgreement.ts';

export type { MarsColumn, MarsInput } from './marsColumns.ts';
export type { MarsReport, MarsResult } from './marsResult.ts';
export { accumulate, mergeSums } from './marsSums.ts';

/** Without intervals: those take a thousand times longer, see withIntervals. */
export function marsDimension(input: MarsInput): MarsResult {
  return finish(accumulate(input));
}

/** The result with its 95 % intervals, by bootstrap over steps. */
export function withIntervals(result: MarsResult, input: MarsInput): MarsResult {
  return joinIntervals(result, marsIntervals(input, result.primary_conflict?.pair ?? null));
}

/** All dimensions, in alphabetical order. */
export function mars(inputs: readonly MarsInput[], options: { readonly hasIntervals?: boolean } = {}): MarsReport {
  return reportOf(inputs.map((input) => {
    const result = marsDimension(input);
    return options.hasIntervals === true ? withIntervals(result, input) : result;
  }));
}

export function reportOf(results: readonly MarsResult[]): MarsReport {
  const sorted = [...results].sort((a, b) => (a.dimension < b.dimension ? -1 : 1));
  const scored = sorted.flatMap(({ average_score: average, agreement_score: agreement }) => (average === null ? [] : [{ average, agreement }]));
  const weight = scored.reduce((sum, s) => sum + (s.agreement ?? 0), 0);
  const unweighted = scored.length > 0 && weight === 0;
  const aggregate = scored.length === 0 ? null : weight === 0 ? mean(scored.map((s) => s.average)) : scored.reduce((sum, s) => sum + s.average * (s.agreement ?? 0), 0) / weight;
  return { dimensions: Object.fromEntries(sorted.map((r) => [r.dimension, r])), aggregate, unweighted };
}

/** What the sums say; of merged shards the same as of the whole. */
export function finish(all: MarsSums): MarsResult {
  const sums = judging(all);
  const scorers = [...sums.scorers.keys()].sort();
  const reference = referenceCandidates(sums.config).find((name) => sums.scorers.has(name)) ?? null;
  const { n: coScored, stdSum, stdPopulationSum } = sums.agreement;
  const std = coScored === 0 ? null : stdSum / coScored;
  const stdPopulation = coScored === 0 ? null : stdPopulationSum / coScored;
  const means = scorers.map((s) => sums.scorers.get(s)?.scaled.mean ?? Number.NaN);
  const cells = scorers.reduce((sum, s) => sum + (sums.scorers.get(s)?.scaled.n ?? 0), 0);
  const rows = sums.parts.reduce((sum, p) => sum + p.rows.length, 0);
  const told = {
    dimension: sums.dimension, source: 'mars' as const, scorers, std_dev: std, agreement_score: std === null ? null : 1 - Math.min(std, 1),
    std_dev_population: stdPopulation, agreement_scaled: stdPopulation === null ? null : Math.max(0, 1 - 2 * stdPopulation),
    score_spread_mean_col_std: scorers.length === 0 ? null : mean(scorers.map((s) => spreadOf(sums, s))),
    average_score: scorers.length === 0 ? null : mean(means),
    scorer_means: Object.fromEntries(scorers.map((s, i) => [s, means[i] ?? Number.NaN])),
    primary_conflict: primaryConflict(sums, scorers),
    ...preferred(sums, scorers, reference),
    high_disagreement: std !== null && std > sums.config.variance_threshold + ROUNDING,
    ...reliability(sums, scorers, reference),
    scorer_metrics: scorerMetrics(sums, scorers), metric_correlations: metricCorrelations(sums),
    trust_reference: reference, variance_threshold: sums.config.variance_threshold,
    krippendorff_alpha: krippendorffAlpha(sums.alpha), alpha_interval: null, agreement_interval: null, delta_interval: null,
    coverage: rows === 0 ? null : cells / (rows * scorers.length), co_scored: coScored,
    grounding: scorers.length === 1 ? 'ungrounded' as const : coScored < MIN_CORRELATION_ROWS ? 'insufficient' as const : 'grounded' as const,
    ...effectiveScorers(sums, reference),
    bias: Object.fromEntries(biasOf(sums)), outlier_scorers: outlierScorers(sums),
    metric_pairs: metricPairs(sums, scorers), step_conflicts: sums.conflicts,
    clipped: scorers.reduce((sum, s) => sum + (sums.scorers.get(s)?.clipped ?? 0), 0),
  };
  let joined: RowPart | undefined;
  const part = (): RowPart => (joined ??= joinParts(sums.parts));
  return {
    ...told, explanation: explain(told, rows),
    get rows() { return part().rows; },
    get row_std() { return part().std; },
    get row_std_population() { return populationOf(part()); },
    get high_disagreement_scorables() { return part().disagreeing; },
    get high_agreement_scorables() { return part().agreeing; },
  };
}

/** As JSON: deviations by row id, null where a row has fewer than two scores. */
export function printResult(result: MarsResult): Readonly<Record<string, unknown>> {
  const byRow = (values: Float64Array): Readonly<Record<string, number | null>> => Object.fromEntries(result.rows.map((id, i) => {
    const value = values[i] ?? Number.NaN;
    return [id, Number.isNaN(value) ? null : value];
  }));
  return { ...result, row_std: byRow(result.row_std), row_std_population: byRow(result.row_std_population) };
}

export function joinIntervals(result: MarsResult, { agreement, alpha, delta }: MarsIntervals): MarsResult {
  return { ...result, agreement_interval: agreement, alpha_interval: alpha, delta_interval: delta };
}

/** The same deviations with ddof 0. */
function populationOf({ std, counts }: RowPart): Float64Array {
  return std.map((s, i) => s * Math.sqrt(1 - 1 / (counts[i] ?? Number.NaN)));
}

function spreadOf(sums: MarsSums, scorer: string): number {
  const found = sums.scorers.get(scorer);
  return (found === undefined ? null : populationStd(found.scaled)) ?? Number.NaN;
}

function primaryConflict(sums: MarsSums, scorers: readonly string[]): PrimaryConflict | null {
  let widest: PrimaryConflict | null = null;
  for (const { scorers: [a, b], co } of pairsOf(sums, scorers)) {
    if (co.n === 0) continue;
    const difference = co.meanA - co.meanB;
    const delta = Math.abs(difference);
    if (widest !== null && delta <= widest.delta + ROUNDING) continue;
    widest = { pair: difference < -ROUNDING ? [b, a] : [a, b], delta, mean_abs_diff: co.gap / co.n, n: co.n };
  }
  return widest;
}

/** In alphabetical order. */
function pairsOf(sums: MarsSums, scorers: readonly string[]): readonly PairSums[] {
  return scorers.flatMap((a, i) => scorers.slice(i + 1).flatMap((b) => sums.pairs.get(pairKey(a, b)) ?? []));
}

function preferred(sums: MarsSums, scorers: readonly string[], reference: string | null): Pick<MarsResult, 'preferred_model' | 'preferred_basis' | 'distance'> {
  const fromReference = reference === null ? [] : scorers.flatMap((s) => {
    const co = s === reference ? undefined : sums.pairs.get(pairKey(s, reference))?.co;
    return co === undefined || co.n === 0 ? [] : [[s, co.gap / co.n] as const];
  });
  // A reference that shares no step with anyone tells nothing.
  const distances = fromReference.length > 0 ? fromReference : scorers.flatMap((s) => {
    const deviation = sums.scorers.get(s)?.deviation;
    return deviation === undefined || deviation.n === 0 || s === reference ? [] : [[s, deviation.absolute / deviation.n] as const];
  });
  let best: readonly [string, number] | undefined;
  for (const entry of distances) if (best === undefined || entry[1] < best[1] - ROUNDING) best = entry;
  return { preferred_model: best?.[0] ?? null, preferred_basis: best === undefined ? null : fromReference.length > 0 ? 'trust_reference' : 'leave_one_out_median', distance: Object.fromEntries(distances) };
}

function reliability(sums: MarsSums, scorers: readonly string[], reference: string | null): Pick<MarsResult, 'reliability' | 'reliability_n'> {
  const found = scorers.map((s) => {
    const scorer = sums.scorers.get(s);
    if (s === reference) return { s, r: 1, n: scorer?.scaled.n ?? 0 };
    const co = reference === null ? scorer?.others : sums.pairs.get(pairKey(s, reference))?.co;
    return { s, r: co === undefined ? null : pearson(co), n: co?.n ?? 0 };
  });
  return { reliability: Object.fromEntries(found.map((f) => [f.s, f.r])), reliability_n: Object.fromEntries(found.map((f) => [f.s, f.n])) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
