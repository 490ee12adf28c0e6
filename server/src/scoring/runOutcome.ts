/** The chance that a whole run succeeds, as hrm sees it after the steps read so far. */
import { sigmoid } from './calibration.ts';
import type { ModelManifest } from './manifest.ts';
import { splitOutputs } from './rawScores.ts';
import type { RawByScorer } from './rawScores.ts';

export interface RunOutcome {
  /** 0–1. */
  readonly probability: number;
  /** Runs it was calibrated on, as the manifest names them. */
  readonly dataset: string;
}

/** From the raw scores of the last step; undefined without an outcome model or without hrm's word on that step. */
export function runOutcome(manifest: ModelManifest, last: RawByScorer): RunOutcome | undefined {
  const entry = manifest.scorers.find((s) => s.id === 'hrm');
  const values = last.get('hrm');
  const fit = manifest.runOutcome;
  if (entry === undefined || values === undefined || fit === undefined) return undefined;
  const logit = splitOutputs(entry, values)['run_logit']?.[0];
  const probability = sigmoid(fit.a * (logit ?? Number.NaN) + fit.b);
  return Number.isFinite(probability) ? { probability, dataset: fit.dataset ?? '' } : undefined;
}
