/** Krippendorff's alpha for interval data in closed form: how far scorers agree beyond chance, whatever cells are missing. */
import { isConstant, mergeMoments } from './moments.ts';
import type { Moments } from './moments.ts';

/** Sums over rows with two or more values: only those can be held against each other. */
export interface AlphaSums {
  /** Σ m·s², m values of a row, s² their sample variance. */
  readonly within: number;
  /** Of all these values together. */
  readonly values: Moments;
}

export function mergeAlphaSums(a: AlphaSums, b: AlphaSums): AlphaSums {
  return { within: a.within + b.within, values: mergeMoments(a.values, b.values) };
}

/**
 * 1 = full agreement, 0 = what chance gives, below 0 = systematic disagreement; null where no row has two values
 * or all values are the same, which tells nothing.
 * α = 1 − Dₒ/Dₑ with Dₒ = 2·Σ m·s²/n and Dₑ = 2·Σ(x − x̄)²/(n − 1) (Krippendorff, Content Analysis, 11.3).
 */
export function krippendorffAlpha(sums: AlphaSums): number | null {
  const { n, m2 } = sums.values;
  return n < 2 || isConstant(sums.values) ? null : 1 - (sums.within / n) / (m2 / (n - 1));
}
