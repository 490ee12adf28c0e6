/** The shape of models/artifacts/manifest.json: what is shipped, how it is calibrated, which thresholds were chosen on dev. */
import type { RuleTable } from './scorers/rules.ts';
import type { WindowRules } from './windows.ts';

export type Calibration =
  | { readonly kind: 'platt'; readonly a: number; readonly b: number }
  | { readonly kind: 'isotonic'; readonly x: readonly number[]; readonly y: readonly number[] };

export interface ScorerManifest {
  readonly id: string;
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Order of the head's outputs. */
  readonly dimensions: readonly string[];
  readonly enabledByDefault: boolean;
  /** By dimension that ships; maps the raw main output to the probability of "good". */
  readonly calibration: Readonly<Record<string, Calibration>>;
  /** Numbers a scorer carries from step to step; undefined for one that judges each row alone. */
  readonly stateWidth?: number;
  readonly supportVectorCount?: number;
}

export interface ConsensusManifest {
  readonly weights: Readonly<Record<string, number>>;
  readonly a: number;
  readonly b: number;
  readonly uncertainty: {
    readonly kind: 'logistic';
    readonly intercept: number;
    /** By name: margin, score, spread, distance or `scorer.attribute`. */
    readonly coefficients: Readonly<Record<string, number>>;
    /** Value of a term where nobody measured it; 0 where none is given. */
    readonly usual?: Readonly<Record<string, number>>;
  };
}

export interface DimensionManifest {
  /** Whether its scores beat those of reasoning_quality on its own labels. */
  readonly ships: boolean;
  readonly question?: string;
  readonly labels?: string;
  readonly auroc?: number;
  readonly dataset?: string;
}

export interface ModelManifest {
  readonly manifestVersion: 2;
  readonly dimensions: Readonly<Record<string, DimensionManifest>>;
  readonly backbone: {
    readonly id: string;
    readonly version: string;
    readonly file: string;
    readonly sha256: string;
    readonly sizeBytes: number;
    readonly width: number;
    readonly window: WindowRules;
  };
  readonly tokenizer: { readonly file: string; readonly sha256: string; readonly sizeBytes: number };
  readonly headInput: { readonly version: number; readonly width: number; readonly scalars: readonly string[] };
  readonly scorers: readonly ScorerManifest[];
  readonly consensus: Readonly<Record<string, ConsensusManifest>>;
  /** Calibration of hrm's run_logit after the last step to the chance that the run succeeds. */
  readonly runOutcome?: { readonly a: number; readonly b: number; readonly dataset?: string };
  /** What the checks were measured to say; without it they only count. */
  readonly rules?: RuleTable;
  readonly thresholds: {
    /** Consensus of reasoning_quality under which a step counts as the first error, 0–1. */
    readonly firstError: number;
    /** `values[length][alpha]`: P(any step of a clean trace of that length scores below) <= alpha. */
    readonly lowScore: { readonly alphas: readonly number[]; readonly lengths: readonly number[]; readonly values: readonly (readonly number[])[] };
    readonly highUncertainty: number;
    readonly scorerConflict: number;
  };
}

/** Dimensions that ship, in the order of the manifest. */
export function shippedDimensions(manifest: ModelManifest): readonly string[] {
  return Object.entries(manifest.dimensions).flatMap(([id, { ships }]) => (ships ? [id] : []));
}
