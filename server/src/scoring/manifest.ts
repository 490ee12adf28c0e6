/** The shape of models/artifacts/manifest.json: what is shipped, how it is calibrated, which thresholds were chosen on dev. */

export type Calibration =
  | { readonly kind: 'platt'; readonly a: number; readonly b: number }
  | { readonly kind: 'isotonic'; readonly x: readonly number[]; readonly y: readonly number[] };

export interface ScorerManifest {
  readonly id: string;
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly dimensions: readonly string[];
  readonly enabledByDefault: boolean;
  /** By dimension; maps the raw main output to the probability of "good". */
  readonly calibration: Readonly<Record<string, Calibration>>;
}

export interface ConsensusManifest {
  readonly weights: Readonly<Record<string, number>>;
  readonly a: number;
  readonly b: number;
  readonly uncertainty: { readonly kind: 'logistic'; readonly intercept: number; readonly margin: number; readonly spread: number; readonly distance: number };
}

export interface ModelManifest {
  readonly manifestVersion: 1;
  readonly backbone: {
    readonly id: string;
    readonly version: string;
    readonly file: string;
    readonly sha256: string;
    readonly sizeBytes: number;
    readonly width: number;
    readonly chunkTokens: number;
    /** Whether a padded batch gives the same bits as one text alone. */
    readonly batchExact: boolean;
  };
  readonly tokenizer: { readonly file: string; readonly sha256: string; readonly sizeBytes: number };
  readonly headInput: { readonly version: number; readonly width: number };
  readonly scorers: readonly ScorerManifest[];
  readonly consensus: Readonly<Record<string, ConsensusManifest>>;
  readonly thresholds: {
    /** Consensus of reasoning_quality under which a step counts as the first error, 0–1. */
    readonly firstError: number;
    /** `values[length][alpha]`: P(any step of a clean trace of that length scores below) <= alpha. */
    readonly lowScore: { readonly alphas: readonly number[]; readonly lengths: readonly number[]; readonly values: readonly (readonly number[])[] };
    readonly highUncertainty: number;
    readonly scorerConflict: number;
  };
}
