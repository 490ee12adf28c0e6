/** How far the scorers of one step agree: the spread, the pair in conflict, who stands apart. */

export interface StepAgreement {
  /** Highest score less the lowest; 0 with fewer than two. */
  readonly spread: number;
  /** Sample standard deviation between scorers; null with fewer than two. */
  readonly std: number | null;
  /** Who scores highest and lowest, on ties first in the alphabet; undefined where all agree or fewer than two scored. */
  readonly pair: { readonly high: string; readonly low: string } | undefined;
  /** The one scorer whose distance from the others' median is above the threshold and more than twice that of any other with it set aside. */
  readonly standsApart: string | undefined;
}

/** Distance on the scale of scores, 0–1, from which disagreement counts. */
export const DISAGREEMENT = 0.15;
/** What exceeds a bound only by rounding is at it. */
export const ROUNDING = 1e-12;

/** Scores 0–1 by scorer; what is no number is missing. */
export function stepAgreement(scores: ReadonlyMap<string, number>, threshold = DISAGREEMENT): StepAgreement {
  const sorted = [...scores].filter(([, x]) => Number.isFinite(x)).sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
  const values = Float64Array.from(sorted, ([, x]) => x);
  const n = values.length;
  const low = sorted[0];
  // Of several highest the first in the alphabet.
  const high = sorted.find(([, x]) => x === values[n - 1]);
  if (n < 2 || low === undefined || high === undefined) return { spread: 0, std: null, pair: undefined, standsApart: undefined };
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const std = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / (n - 1));
  const apart = apartAt(values, n, threshold);
  return { spread: high[1] - low[1], std, pair: high[1] > low[1] ? { high: high[0], low: low[0] } : undefined, standsApart: sorted[apart]?.[0] };
}

/** Position, in the first `n` ascending values, of the one that stands apart; -1 for none, as always with fewer than three. */
export function apartAt(values: Float64Array, n: number, threshold: number): number {
  const lowest = values[0] ?? 0;
  const highest = values[n - 1] ?? 0;
  if (n < 3 || highest - lowest <= threshold) return -1;
  const above = highest - median(values, 0, n - 1);
  const below = median(values, 1, n) - lowest;
  const isTop = above > below;
  const distance = isTop ? above : below;
  if (distance <= threshold + ROUNDING) return -1;
  const from = isTop ? 0 : 1;
  const to = isTop ? n - 1 : n;
  const next = Math.max((values[to - 1] ?? 0) - median(values, from, to - 1), median(values, from + 1, to) - (values[from] ?? 0));
  return distance > 2 * next + ROUNDING ? (isTop ? n - 1 : 0) : -1;
}

/** Of ascending values[from, to), at least one. */
function median(values: Float64Array, from: number, to: number): number {
  const middle = from + ((to - from) >> 1);
  const upper = values[middle] ?? Number.NaN;
  return (to - from) % 2 === 1 ? upper : ((values[middle - 1] ?? Number.NaN) + upper) / 2;
}
