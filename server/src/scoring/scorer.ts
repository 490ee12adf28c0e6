/** A scorer: how the raw outputs of one head become a result a person can read. */
import type { ScoreResult } from '../core/scoreResult.ts';
import { calibrate } from './calibration.ts';
import type { ScorerManifest } from './manifest.ts';

export interface HeadOutput {
  readonly name: string;
  /** Values a dimension. */
  readonly width: number;
}

/** Reads one value of the row and dimension at hand: `at('policy_logits', 2)`. */
export type ReadOutput = (output: string, index?: number) => number;

export interface Explanation {
  /** Keys as in core/metrics.ts. */
  readonly attributes: Readonly<Record<string, number>>;
  /** One short line. */
  readonly rationale: string;
}

export interface Scorer {
  readonly id: string;
  readonly title: string;
  /** What sets it apart from the other scorers, one sentence. */
  readonly idea: string;
  readonly outputs: readonly HeadOutput[];
  /** The output that is calibrated into the score. */
  readonly mainOutput: string;
  explain(at: ReadOutput): Explanation;
}

/** One row of a head's outputs by name; each holds dimensions × width values. */
export type HeadRow = Readonly<Record<string, ArrayLike<number>>>;

/** The result of one row on one dimension; unscored ('error') when the head gave no finite number or is not calibrated there. */
export function toResult(options: { readonly scorer: Scorer; readonly entry: ScorerManifest; readonly row: HeadRow; readonly dimension: string }): ScoreResult {
  const { scorer, entry, row, dimension } = options;
  const base = { dimension, scorer: scorer.id, scorerVersion: entry.version };
  const dimensionIndex = entry.dimensions.indexOf(dimension);
  const calibration = entry.calibration[dimension];
  if (dimensionIndex < 0 || calibration === undefined) return { kind: 'unscored', ...base, reason: 'abstained' };
  const at: ReadOutput = (output, index = 0) => {
    const width = scorer.outputs.find((o) => o.name === output)?.width ?? 1;
    return row[output]?.[dimensionIndex * width + index] ?? Number.NaN;
  };
  const score = calibrate(calibration, at(scorer.mainOutput));
  const { attributes, rationale } = scorer.explain(at);
  if (!Number.isFinite(score) || Object.values(attributes).some((v) => !Number.isFinite(v))) return { kind: 'unscored', ...base, reason: 'error' };
  return { kind: 'scored', ...base, score, rationale, weight: 1, attributes };
}
