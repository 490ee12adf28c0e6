/** A scorer: how the raw outputs of one head become a result a person can read. */
import type { ScoreResult } from '../core/scoreResult.ts';
import { calibrate } from './calibration.ts';
import type { ScorerManifest } from './manifest.ts';

export interface HeadOutput {
  readonly name: string;
  /** Values a dimension; of an output that is not by dimension values in all, 'state' being the scorer's state. */
  readonly width: number | 'state';
  /** One value for all dimensions together. */
  readonly isShared?: true;
  /** Not an output of the head: the steps folded in so far, counted by the trace scorer. */
  readonly isCounted?: true;
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
  /** In the order in which they are stored. */
  readonly outputs: readonly HeadOutput[];
  /** The output that is calibrated into the score. */
  readonly mainOutput: string;
  /** `score` is the calibrated probability of "good". */
  explain(at: ReadOutput, known: { readonly score: number; readonly entry: ScorerManifest }): Explanation;
}

/** One row of a head's outputs by name; each holds dimensions × width values, or `width` values where it is shared. */
export type HeadRow = Readonly<Record<string, ArrayLike<number>>>;

/** Values of an output in one stored row. */
export function outputSize(output: HeadOutput, entry: ScorerManifest): number {
  const width = output.width === 'state' ? entry.stateWidth ?? 0 : output.width;
  return output.isShared === true ? width : width * entry.dimensions.length;
}

/** Reads the row on one dimension; NaN for what the row lacks. */
export function readRow(scorer: Scorer, entry: ScorerManifest, row: HeadRow, dimension: string): ReadOutput {
  const dimensionIndex = entry.dimensions.indexOf(dimension);
  return (name, index = 0) => {
    const output = scorer.outputs.find((o) => o.name === name);
    const width = output?.width === 'state' || output === undefined ? 1 : output.width;
    return row[name]?.[(output?.isShared === true ? 0 : dimensionIndex * width) + index] ?? Number.NaN;
  };
}

/** The result of one row on one dimension; unscored ('error') when the head gave no finite number or is not calibrated there. */
export function toResult(options: { readonly scorer: Scorer; readonly entry: ScorerManifest; readonly row: HeadRow; readonly dimension: string }): ScoreResult {
  const { scorer, entry, row, dimension } = options;
  const base = { dimension, scorer: scorer.id, scorerVersion: entry.version };
  const calibration = entry.calibration[dimension];
  if (!entry.dimensions.includes(dimension) || calibration === undefined) return { kind: 'unscored', ...base, reason: 'abstained' };
  const at = readRow(scorer, entry, row, dimension);
  const score = calibrate(calibration, at(scorer.mainOutput));
  const { attributes, rationale } = scorer.explain(at, { score, entry });
  if (!Number.isFinite(score) || Object.values(attributes).some((v) => !Number.isFinite(v))) return { kind: 'unscored', ...base, reason: 'error' };
  return { kind: 'scored', ...base, score, rationale, weight: 1, attributes };
}
