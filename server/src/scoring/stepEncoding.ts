/** What the backbone says about units, pooled into what it says about a step. */

/** Width of a token state. */
export const STATE_WIDTH = 384;

/** A unit as it was read in its window; vectors are (384). */
export interface UnitEncoding {
  /** State of the unit's marker. */
  readonly marker: Float32Array;
  /** Mean state of the chunk's tokens; the marker's where there are none. */
  readonly mean: Float32Array;
  /** Mean sentence readout of the same tokens. */
  readonly sentence: Float32Array;
  /** State of the marker before the unit in its window; zeros for the first unit of a trace. */
  readonly before: Float32Array;
  /** Logit. */
  readonly quality: number;
  /** Sum of softplus(hazard) over the chunk's tokens. */
  readonly hazard: number;
  /** Tokens of the chunk, marker not counted. */
  readonly tokens: number;
}

export interface WindowEncoding {
  /** State of [SEP]: it sees the goal alone. */
  readonly goal: Float32Array;
  /** Mean sentence readout of the goal's tokens; of [SEP] where the goal has none. */
  readonly goalSentence: Float32Array;
  /** One a unit that was read in the window, in order. */
  readonly units: readonly UnitEncoding[];
}

/** Vectors are (384); `sentence` and `goalSentence` are L2-normalised. */
export interface StepEncoding {
  readonly goal: Float32Array;
  readonly goalSentence: Float32Array;
  readonly context: Float32Array;
  readonly marker: Float32Array;
  readonly mean: Float32Array;
  readonly sentence: Float32Array;
  readonly quality: number;
  /** ln of the step's hazard: the step is good with probability e^−hazard, were the hazard calibrated. */
  readonly logHazard: number;
}

const LEAST_HAZARD = 1e-6;

/**
 * A step from its units, in order, the first of them read in a window with this goal. A chunk weighs e^−quality, so that
 * one bad chunk is not lost among good ones; summed in reading order in double precision.
 */
export function poolStep(goal: Pick<WindowEncoding, 'goal' | 'goalSentence'>, units: readonly UnitEncoding[]): StepEncoding {
  const worst = units.reduce((low, u) => Math.min(low, u.quality), Number.POSITIVE_INFINITY);
  const weights = shares(units.map((u) => Math.exp(worst - u.quality)));
  const lengths = shares(units.map((u) => Math.max(1, u.tokens)));
  return {
    goal: goal.goal,
    goalSentence: normalised(goal.goalSentence),
    context: units[0]?.before ?? new Float32Array(STATE_WIDTH),
    marker: weighted(units.map((u) => u.marker), weights),
    mean: weighted(units.map((u) => u.mean), weights),
    sentence: normalised(weighted(units.map((u) => u.sentence), lengths)),
    quality: units.reduce((sum, u, i) => sum + (weights[i] ?? 0) * u.quality, 0),
    logHazard: Math.log(Math.max(LEAST_HAZARD, units.reduce((sum, u) => sum + u.hazard, 0))),
  };
}

function shares(weights: readonly number[]): readonly number[] {
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
}

function weighted(vectors: readonly Float32Array[], weights: readonly number[]): Float32Array {
  const [only] = vectors;
  if (vectors.length === 1 && only !== undefined) return only;
  const sum = new Float64Array(STATE_WIDTH);
  vectors.forEach((vector, v) => {
    const weight = weights[v] ?? 0;
    for (let i = 0; i < STATE_WIDTH; i++) sum[i] = (sum[i] ?? 0) + weight * (vector[i] ?? 0);
  });
  return Float32Array.from(sum);
}

/** Unit length; zeros stay zeros. */
function normalised(vector: Float32Array): Float32Array {
  let square = 0;
  for (const v of vector) square += v * v;
  const norm = Math.sqrt(square);
  return norm > 0 ? vector.map((v) => v / norm) : vector;
}
