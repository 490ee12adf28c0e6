/** One head input row: what a head knows about a step, built step by step; row t depends on steps 0..t alone. */

/** Everything earlier scored steps leave behind. Immutable to the eye: states of one trace share their list of vectors. */
export interface ContextState {
  /** Steps folded in. */
  readonly count: number;
  /** Sum of their vectors, added in order in double precision. */
  readonly sum: Float64Array;
  readonly last: Float32Array | undefined;
  /** The first `count` entries are this state's; later ones belong to states that came after. */
  readonly shared: Float32Array[];
}

export interface RowInput {
  /** (384), L2-normalised. */
  readonly goal: Float32Array;
  /** (384), L2-normalised. */
  readonly step: Float32Array;
  /** The steps before this one. */
  readonly context: ContextState;
  /** The step's text, for its surface features. */
  readonly text: string;
}

export const VECTOR_WIDTH = 384;
/** How far back the closest earlier step is looked for; no trace of the training data is longer, and cost stays linear. */
const LOOK_BACK = 256;
/** Scalars after the four vectors, in order. */
export const ROW_SCALARS = ['cos_goal_step', 'cos_context_step', 'cos_prev_step', 'max_cos_earlier', 'position', 'log_chars', 'digit_share', 'log_newlines'] as const;
export const ROW_WIDTH = 4 * VECTOR_WIDTH + ROW_SCALARS.length;

/** The state before the first step. */
export function emptyContext(): ContextState {
  return { count: 0, sum: new Float64Array(VECTOR_WIDTH), last: undefined, shared: [] };
}

/** The state after one more step. Costs one vector, however long the trace; a second branch from one state copies the list. */
export function advance(context: ContextState, stepVector: Float32Array): ContextState {
  const sum = context.sum.slice();
  for (let i = 0; i < VECTOR_WIDTH; i++) sum[i] = (sum[i] ?? 0) + (stepVector[i] ?? 0);
  const shared = context.shared.length === context.count ? context.shared : context.shared.slice(0, context.count);
  shared.push(stepVector);
  return { count: context.count + 1, sum, last: stepVector, shared };
}

/** Writes row `rowIndex` of `out`, (rows, ROW_WIDTH). Vectors of no step are zeros; cosines with them are 0. */
export function writeRow(out: Float32Array, rowIndex: number, input: RowInput): void {
  const { goal, step, context, text } = input;
  const at = rowIndex * ROW_WIDTH;
  out.set(goal, at);
  out.set(step, at + VECTOR_WIDTH);
  const meanAt = at + 2 * VECTOR_WIDTH;
  const mean = new Float64Array(VECTOR_WIDTH);
  if (context.count > 0) for (let i = 0; i < VECTOR_WIDTH; i++) mean[i] = (context.sum[i] ?? 0) / context.count;
  out.set(mean, meanAt);
  const previousAt = at + 3 * VECTOR_WIDTH;
  if (context.last === undefined) out.fill(0, previousAt, previousAt + VECTOR_WIDTH);
  else out.set(context.last, previousAt);
  const scalars = [
    cosine(goal, step), cosine(mean, step), context.last === undefined ? 0 : cosine(context.last, step), maxCosine(context, step),
    Math.min(context.count, 50) / 50, ...surface(text),
  ];
  out.set(scalars, at + 4 * VECTOR_WIDTH);
}

type Vector = Float32Array | Float64Array;

/** Four sums side by side: fast, and always in the same order. */
function dot(a: Vector, b: Vector): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < VECTOR_WIDTH; i += 4) {
    s0 += (a[i] ?? 0) * (b[i] ?? 0);
    s1 += (a[i + 1] ?? 0) * (b[i + 1] ?? 0);
    s2 += (a[i + 2] ?? 0) * (b[i + 2] ?? 0);
    s3 += (a[i + 3] ?? 0) * (b[i + 3] ?? 0);
  }
  return s0 + s1 + (s2 + s3);
}

/** 0 when either is the zero vector. */
function cosine(a: Vector, b: Vector): number {
  const norm = Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b));
  return norm > 0 ? dot(a, b) / norm : 0;
}

/** Step vectors have unit length, so the product is the cosine. */
function maxCosine(context: ContextState, step: Float32Array): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let i = Math.max(0, context.count - LOOK_BACK); i < context.count; i++) {
    const earlier = context.shared[i];
    if (earlier !== undefined) best = Math.max(best, dot(earlier, step));
  }
  return context.count === 0 ? 0 : best;
}

/** log_chars, digit_share, log_newlines. */
function surface(text: string): readonly [number, number, number] {
  let digits = 0;
  let newlines = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 48 && unit <= 57) digits++;
    else if (unit === 10) newlines++;
  }
  return [Math.log1p(text.length) / 10, digits / Math.max(text.length, 1), Math.log1p(newlines) / 5];
}
