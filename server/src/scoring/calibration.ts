/** Raw main output of a head -> probability that the step is good. */
import type { Calibration } from './manifest.ts';

/** Probabilities nearer to 0 or 1 are not told apart: logit clips here. */
export const PROBABILITY_FLOOR = 1e-4;

/** 0–1; NaN for a raw output that is not finite. Platt is a sigmoid; isotonic interpolates linearly and holds its end values. */
export function calibrate(calibration: Calibration, raw: number): number {
  if (!Number.isFinite(raw)) return Number.NaN;
  return calibration.kind === 'platt' ? sigmoid(calibration.a * raw + calibration.b) : interpolate(calibration.x, calibration.y, raw);
}

/** 1 / (1 + e^−x). */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-Math.max(-60, Math.min(60, x))));
}

/** ln(p / (1 − p)) of p clipped to [1e−4, 1 − 1e−4]. */
export function logit(p: number): number {
  const clipped = Math.max(PROBABILITY_FLOOR, Math.min(1 - PROBABILITY_FLOOR, p));
  return Math.log(clipped / (1 - clipped));
}

/** Piecewise linear through (x, y), x ascending; constant outside; NaN with no points. */
export function interpolate(x: readonly number[], y: readonly number[], at: number): number {
  const last = x.length - 1;
  const firstX = x[0];
  const lastX = x[last];
  if (firstX === undefined || lastX === undefined) return Number.NaN;
  if (at <= firstX) return y[0] ?? Number.NaN;
  if (at >= lastX) return y[last] ?? Number.NaN;
  let lo = 0;
  let hi = last;
  while (hi - lo > 1) {
    const mid = (lo + hi) >> 1;
    if ((x[mid] ?? 0) <= at) lo = mid;
    else hi = mid;
  }
  const [x0, x1, y0, y1] = [x[lo] ?? 0, x[hi] ?? 0, y[lo] ?? Number.NaN, y[hi] ?? Number.NaN];
  return x1 === x0 ? y1 : y0 + ((y1 - y0) * (at - x0)) / (x1 - x0);
}
