/** Figures over columns of numbers in which NaN is missing. */
import { coMomentsOf, isConstant, MIN_CORRELATION_ROWS, momentsOf, pearson } from './moments.ts';

export interface Summary {
  readonly n: number;
  readonly mean: number | null;
  /** Sample standard deviation (n - 1); null with fewer than two values. */
  readonly std: number | null;
  readonly min: number | null;
  readonly max: number | null;
}

export interface Correlation {
  /** Pearson's r, -1 to 1; null with fewer than three rows or where either side is constant. */
  readonly r: number | null;
  /** Rows in which both are known. */
  readonly n: number;
}

export function summaryOf(values: Float64Array): Summary {
  const { n, mean, m2, min, max } = momentsOf(values);
  return n === 0 ? { n, mean: null, std: null, min: null, max: null } : { n, mean, std: n < 2 ? null : Math.sqrt(m2 / (n - 1)), min, max };
}

export function correlation(a: Float64Array, b: Float64Array): Correlation {
  const co = coMomentsOf(a, b, momentsOf(a).mean, momentsOf(b).mean);
  return { r: pearson(co), n: co.n };
}

/** Spearman's rho: Pearson's r of the ranks, ties sharing their mean rank. */
export function rankCorrelation(a: Float64Array, b: Float64Array): Correlation {
  const both = [...a.keys()].filter((i) => !Number.isNaN(a[i]) && !Number.isNaN(b[i]));
  const ranksOf = (values: Float64Array): Float64Array => ranks(Float64Array.from(both, (i) => values[i] ?? Number.NaN));
  return correlation(ranksOf(a), ranksOf(b));
}

/** How many population standard deviations each value lies from the mean; undefined with fewer than three values or where they do not vary. */
export function zScores(values: Float64Array): Float64Array | undefined {
  const moments = momentsOf(values);
  if (moments.n < MIN_CORRELATION_ROWS || isConstant(moments)) return undefined;
  const std = Math.sqrt(moments.m2 / moments.n);
  return values.map((x) => (x - moments.mean) / std);
}

/** NaN of nothing. */
export function median(values: Float64Array): number {
  const sorted = values.filter((x) => !Number.isNaN(x)).sort();
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

function ranks(values: Float64Array): Float64Array {
  const order = [...values.keys()].sort((i, j) => (values[i] ?? 0) - (values[j] ?? 0));
  const found = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to] ?? 0] === values[order[from] ?? 0]) to++;
    for (let i = from; i < to; i++) found[order[i] ?? 0] = (from + to + 1) / 2;
    from = to;
  }
  return found;
}
