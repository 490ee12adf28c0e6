/** What MARS says of the numbers beside the scores: how they lie, and which move together. */
import type { MarsResult, MetricPair } from './marsResult.ts';
import type { MarsSums, MetricPairSums } from './marsSums.ts';
import { pairKey } from './marsSums.ts';
import { MIN_CORRELATION_ROWS, pearson, populationStd } from './moments.ts';

export function scorerMetrics(sums: MarsSums, scorers: readonly string[]): MarsResult['scorer_metrics'] {
  return Object.fromEntries(scorers.map((scorer) => [scorer, Object.fromEntries([...sums.scorers.get(scorer)?.metrics ?? []].flatMap(([metric, moments]) => {
    const std = populationStd(moments);
    return std === null ? [] : [[metric, { mean: moments.mean, std, min: moments.min, max: moments.max, count: moments.n }] as const];
  }))]));
}

/** Pairs of metrics of one scorer; scorers that have both are pooled. */
export function metricCorrelations(sums: MarsSums): MarsResult['metric_correlations'] {
  const within = new Map<string, { readonly a: string; readonly b: string; readonly found: { readonly r: number; readonly n: number }[] }>();
  for (const { a, b, co } of sums.metricPairs.values()) {
    const r = a.scorer === b.scorer ? pearson(co) : null;
    if (r === null) continue;
    const key = pairKey(a.metric, b.metric);
    const entry = within.get(key) ?? { a: a.metric, b: b.metric, found: [] };
    entry.found.push({ r, n: co.n });
    within.set(key, entry);
  }
  const byFirst: Record<string, Record<string, number>> = {};
  for (const { a, b, found } of within.values()) (byFirst[a] ??= {})[b] = pooled(found);
  return byFirst;
}

/** All (scorer, metric) pairs whose correlation can be told. */
export function metricPairs(sums: MarsSums, scorers: readonly string[]): readonly MetricPair[] {
  const scores = scorers.flatMap((a, i) => scorers.slice(i + 1).flatMap((b): MetricPairSums[] => {
    const co = sums.pairs.get(pairKey(a, b))?.co;
    return co === undefined ? [] : [{ a: { scorer: a, metric: 'score' }, b: { scorer: b, metric: 'score' }, co }];
  }));
  return [...scores, ...sums.metricPairs.values()].flatMap(({ a, b, co }) => {
    const correlation = pearson(co);
    return correlation === null ? [] : [{ a, b, correlation, n: co.n }];
  }).sort((x, y) => Math.abs(y.correlation) - Math.abs(x.correlation) || (name(x) < name(y) ? -1 : 1));
}

function name({ a, b }: MetricPair): string {
  return `${a.scorer}.${a.metric} ${b.scorer}.${b.metric}`;
}

/** From here on z is mostly rounding: a perfect correlation would outweigh all others. */
const NEARLY_ONE = 1 - 1e-6;

/** Mean of Fisher's z = atanh r, weighted by n − 3; plain where every n is 3. Where all are nearly perfect the mean of r itself. */
function pooled(found: readonly { readonly r: number; readonly n: number }[]): number {
  const [only, ...more] = found;
  if (only !== undefined && more.length === 0) return only.r;
  const isWeighted = found.some((f) => f.n > MIN_CORRELATION_ROWS);
  const isPerfect = found.every((f) => Math.abs(f.r) > NEARLY_ONE);
  let sum = 0;
  let weight = 0;
  for (const { r, n } of found) {
    const w = isWeighted ? n - MIN_CORRELATION_ROWS : 1;
    sum += w * (isPerfect ? r : Math.atanh(Math.max(-NEARLY_ONE, Math.min(NEARLY_ONE, r))));
    weight += w;
  }
  return isPerfect ? sum / weight : Math.tanh(sum / weight);
}
