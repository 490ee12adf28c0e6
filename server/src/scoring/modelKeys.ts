/** Names of what judges: the models by their files, and the calibration on top of them. */
import type { ModelManifest } from './manifest.ts';

export interface ModelKeys {
  /** Backbone, tokenizer, windows, head input and heads. */
  readonly model: string;
  /** Calibrations, consensus, outcome and rule table. */
  readonly calibration: string;
}

export function modelKeys(manifest: ModelManifest, sha256: (text: string) => string): ModelKeys {
  const { backbone, tokenizer, headInput, scorers, consensus, runOutcome, rules } = manifest;
  return {
    model: sha256(JSON.stringify([backbone.sha256, backbone.window, tokenizer.sha256, headInput, scorers.map((s) => [s.id, s.sha256])])),
    calibration: sha256(JSON.stringify([scorers.map((s) => [s.id, s.calibration]), consensus, runOutcome ?? null, rules ?? null])),
  };
}
