/** Scores under which a step is reported, chosen on dev data and published in the manifest. */
import { interpolate } from './calibration.ts';
import type { ModelManifest } from './manifest.ts';

/**
 * Consensus, 0–1, under which a step is reported so that at most `falseAlarmPercent` of clean traces of this length show a report.
 * Linear in the rate, linear in the logarithm of the length, held at the ends of the table.
 */
export function lowScoreThreshold(manifest: ModelManifest, options: { readonly falseAlarmPercent: number; readonly traceLength: number }): number {
  const { alphas, lengths, values } = manifest.thresholds.lowScore;
  const logLengths = lengths.map((l) => Math.log(l));
  const at = Math.log(Math.max(1, options.traceLength));
  const atLength = alphas.map((_, alpha) => interpolate(logLengths, values.map((row) => row[alpha] ?? Number.NaN), at));
  return interpolate(alphas, atLength, options.falseAlarmPercent / 100);
}

/** Index of the first step whose consensus, 0–1, is under the manifest's `firstError`; undefined in a trace without one. Steps without a score are passed over. */
export function firstErrorIndex(manifest: ModelManifest, scores: readonly (number | undefined)[]): number | undefined {
  const found = scores.findIndex((s) => s !== undefined && s < manifest.thresholds.firstError);
  return found < 0 ? undefined : found;
}
