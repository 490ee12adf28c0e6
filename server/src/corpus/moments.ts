/** Counts, means and co-moments that merge: the moments of two shards together are those of the whole. */

export interface Spread {
  readonly n: number;
  readonly mean: number;
  /** Sum of squared distances from the mean. */
  readonly m2: number;
}

/** Of the values that are numbers. With none: n 0, mean 0, min Infinity, max -Infinity. */
export interface Moments extends Spread {
  readonly min: number;
  readonly max: number;
}

/** Of rows in which both values are numbers. */
export interface CoMoments {
  readonly n: number;
  readonly meanA: number;
  readonly meanB: number;
  readonly m2A: number;
  readonly m2B: number;
  /** Sum of products of the distances from the means. */
  readonly cross: number;
  /** Sum of |a - b|. */
  readonly gap: number;
}

export const NO_MOMENTS: Moments = { n: 0, mean: 0, m2: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
export const NO_CO_MOMENTS: CoMoments = { n: 0, meanA: 0, meanB: 0, m2A: 0, m2B: 0, cross: 0, gap: 0 };

/** Fewest rows from which a correlation says anything: two always lie on a line. */
export const MIN_CORRELATION_ROWS = 3;
/** A deviation this small beside the mean is the rounding of a constant. */
const CONSTANT = 1e-12;

/** Missing values are NaN. */
export function momentsOf(values: Float64Array): Moments {
  let n = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  // By index: an iterator over a typed array costs five times as much.
  for (let i = 0; i < values.length; i++) {
    const x = values[i] ?? Number.NaN;
    if (x !== x) continue;
    n++;
    sum += x;
    if (x < min) min = x;
    if (x > max) max = x;
  }
  if (n === 0) return NO_MOMENTS;
  const about = sum / n;
  let rest = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i] ?? Number.NaN;
    if (x !== x) continue;
    const d = x - about;
    rest += d;
    squares += d * d;
  }
  return momentsAbout(about, { n, sum: rest, squares, min, max });
}

/** From sums about a point near the mean. */
export function momentsAbout(about: number, sums: { readonly n: number; readonly sum: number; readonly squares: number; readonly min: number; readonly max: number }): Moments {
  const { n, sum, squares, min, max } = sums;
  if (n === 0) return NO_MOMENTS;
  return min === max ? { n, mean: min, m2: 0, min, max } : { n, mean: about + sum / n, m2: Math.max(0, squares - (sum * sum) / n), min, max };
}

export function mergeMoments(a: Moments, b: Moments): Moments {
  return { ...mergeSpreads(a, b), min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

/** Chan, Golub, LeVeque 1979. */
export function mergeSpreads(a: Spread, b: Spread): Spread {
  if (a.n === 0 || b.n === 0) return a.n === 0 ? b : a;
  const n = a.n + b.n;
  const d = b.mean - a.mean;
  return { n, mean: a.mean + (d * b.n) / n, m2: a.m2 + b.m2 + (d * d * a.n * b.n) / n };
}

/** `aboutA`, `aboutB`: points near the means; they change rounding only. */
export function coMomentsOf(a: Float64Array, b: Float64Array, aboutA: number, aboutB: number): CoMoments {
  const sums = { n: 0, a: 0, b: 0, aa: 0, bb: 0, ab: 0, gap: 0 };
  addProducts(a, b, aboutA, aboutB, sums);
  const { n } = sums;
  if (n === 0) return NO_CO_MOMENTS;
  const m2A = sums.aa - (sums.a * sums.a) / n;
  const m2B = sums.bb - (sums.b * sums.b) / n;
  if (m2A < CANCELLED * sums.aa || m2B < CANCELLED * sums.bb || m2A === 0 || m2B === 0) return carefully(a, b);
  return { n, meanA: aboutA + sums.a / n, meanB: aboutB + sums.b / n, m2A, m2B, cross: sums.ab - (sums.a * sums.b) / n, gap: sums.gap };
}

/** Share of a sum of squares below which what remains of it after centring is mostly rounding. */
const CANCELLED = 1e-3;

interface Products { n: number; a: number; b: number; aa: number; bb: number; ab: number; gap: number }

function addProducts(a: Float64Array, b: Float64Array, aboutA: number, aboutB: number, sums: Products): void {
  let n = 0;
  let sumA = 0;
  let sumB = 0;
  let squaresA = 0;
  let squaresB = 0;
  let products = 0;
  let gap = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] ?? Number.NaN;
    const y = b[i] ?? Number.NaN;
    const d = x - y;
    if (d !== d) continue;
    const u = x - aboutA;
    const v = y - aboutB;
    n++;
    sumA += u;
    sumB += v;
    squaresA += u * u;
    squaresB += v * v;
    products += u * v;
    gap += Math.abs(d);
  }
  Object.assign(sums, { n, a: sumA, b: sumB, aa: squaresA, bb: squaresB, ab: products, gap });
}

/** About the means of the common rows themselves; a side that is constant there is so exactly. */
function carefully(a: Float64Array, b: Float64Array): CoMoments {
  const isCommon = (_: number, i: number): boolean => !Number.isNaN((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN));
  const [commonA, commonB] = [a.filter(isCommon), b.filter(isCommon)];
  const [x, y] = [momentsOf(commonA), momentsOf(commonB)];
  const sums = { n: 0, a: 0, b: 0, aa: 0, bb: 0, ab: 0, gap: 0 };
  addProducts(commonA, commonB, x.mean, y.mean, sums);
  return { n: x.n, meanA: x.mean, meanB: y.mean, m2A: x.m2, m2B: y.m2, cross: sums.ab - (sums.a * sums.b) / x.n, gap: sums.gap };
}

export function mergeCoMoments(a: CoMoments, b: CoMoments): CoMoments {
  if (a.n === 0) return b;
  if (b.n === 0) return a;
  const n = a.n + b.n;
  const dA = b.meanA - a.meanA;
  const dB = b.meanB - a.meanB;
  const share = (a.n * b.n) / n;
  return {
    n, meanA: a.meanA + (dA * b.n) / n, meanB: a.meanB + (dB * b.n) / n, gap: a.gap + b.gap,
    m2A: a.m2A + b.m2A + dA * dA * share, m2B: a.m2B + b.m2B + dB * dB * share, cross: a.cross + b.cross + dA * dB * share,
  };
}

/** Standard deviation of what was measured, ddof 0; null of nothing. */
export function populationStd(moments: Moments): number | null {
  return moments.n === 0 ? null : Math.sqrt(moments.m2 / moments.n);
}

/** Whether the values do not vary beyond rounding; nothing at all does not vary either. */
export function isConstant(moments: Spread): boolean {
  return Math.sqrt(moments.m2 / Math.max(1, moments.n)) <= CONSTANT * Math.abs(moments.mean);
}

/** Pearson's r, -1 to 1; null with fewer than three rows or where either side is constant. */
export function pearson(co: CoMoments): number | null {
  if (co.n < MIN_CORRELATION_ROWS) return null;
  if (isConstant({ n: co.n, mean: co.meanA, m2: co.m2A }) || isConstant({ n: co.n, mean: co.meanB, m2: co.m2B })) return null;
  return Math.max(-1, Math.min(1, co.cross / Math.sqrt(co.m2A * co.m2B)));
}
