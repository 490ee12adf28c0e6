/** One head input row: what a head knows about a step, built step by step; row t depends on steps 0..t alone. Python twin: models/features.py. */
import { STATE_WIDTH } from './stepEncoding.ts';
import type { StepEncoding } from './stepEncoding.ts';
import { advanceSurface, emptySurface, SURFACE_FEATURES, surfaceFeatures } from './surfaceFeatures.ts';
import type { SurfaceState } from './surfaceFeatures.ts';

/** Everything earlier scored steps leave behind for a row. Never changes. */
export interface RowContext {
  /** Sentence vectors of the steps before, oldest first, at most LOOK_BACK. */
  readonly earlier: readonly Float32Array[];
  readonly surface: SurfaceState;
}

export interface RowInput {
  readonly encoding: StepEncoding;
  /** The steps before this one. */
  readonly context: RowContext;
  /** The step's text, for its surface features. */
  readonly text: string;
}

/** How far back the closest earlier step is looked for; cost and memory stay linear in the length of a trace. */
export const LOOK_BACK = 256;
/** Scalars after the four vectors, in order. */
export const ROW_SCALARS: readonly string[] = ['quality', 'log_hazard', 'cos_goal_step', 'cos_prev_step', 'max_cos_earlier', ...SURFACE_FEATURES];
export const ROW_WIDTH = 4 * STATE_WIDTH + ROW_SCALARS.length;

/** Before the first step. */
export function emptyContext(goalText: string): RowContext {
  return { earlier: [], surface: emptySurface(goalText) };
}

/** After one more step. Costs that step, however long the trace. */
export function advance(context: RowContext, step: { readonly sentence: Float32Array; readonly text: string }): RowContext {
  const { earlier } = context;
  return {
    earlier: [...(earlier.length < LOOK_BACK ? earlier : earlier.slice(earlier.length - LOOK_BACK + 1)), step.sentence],
    surface: advanceSurface(context.surface, step.text),
  };
}

/** Writes row `rowIndex` of `out`, (rows, ROW_WIDTH): goal, context, marker and mean state, then the scalars. */
export function writeRow(out: Float32Array, rowIndex: number, input: RowInput): void {
  const { encoding, context, text } = input;
  const at = rowIndex * ROW_WIDTH;
  [encoding.goal, encoding.context, encoding.marker, encoding.mean].forEach((vector, i) => out.set(vector, at + i * STATE_WIDTH));
  const previous = context.earlier.at(-1);
  out.set([
    encoding.quality, encoding.logHazard, dot(encoding.goalSentence, encoding.sentence),
    previous === undefined ? 0 : dot(previous, encoding.sentence), maxCosine(context.earlier, encoding.sentence),
    ...surfaceFeatures(context.surface, text),
  ], at + 4 * STATE_WIDTH);
}

/** Cosine of unit vectors. Four sums side by side: fast, and always in the same order. */
function dot(a: Float32Array, b: Float32Array): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < STATE_WIDTH; i += 4) {
    s0 += (a[i] ?? 0) * (b[i] ?? 0);
    s1 += (a[i + 1] ?? 0) * (b[i + 1] ?? 0);
    s2 += (a[i + 2] ?? 0) * (b[i + 2] ?? 0);
    s3 += (a[i + 3] ?? 0) * (b[i + 3] ?? 0);
  }
  return s0 + s1 + (s2 + s3);
}

/** 0 with no earlier step. */
function maxCosine(earlier: readonly Float32Array[], step: Float32Array): number {
  return earlier.length === 0 ? 0 : earlier.reduce((best, vector) => Math.max(best, dot(vector, step)), Number.NEGATIVE_INFINITY);
}
