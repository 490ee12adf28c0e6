/** Intervals by resampling whole problems: steps under one problem are no independent witnesses. Python twin: models/evaluate.py. */

/** One resampling: how often each problem was drawn. */
export type Draw = ArrayLike<number>;

export interface Bootstrap {
  /** Resamplings of this many problems; the same each time they are asked for. */
  drawsOf(problemCount: number): readonly Draw[];
}

export type Interval = readonly [low: number, high: number];

export const BOOTSTRAP_SEED = 20_261_123;
const DRAWS = 1000;

/** The same seed gives the same draws. Those of the Python twin come from another generator, so intervals agree to about a tenth of their width. */
export function createBootstrap(options: { readonly seed?: number; readonly draws?: number } = {}): Bootstrap {
  const known = new Map<number, readonly Draw[]>();
  return {
    drawsOf(problemCount) {
      const before = known.get(problemCount);
      if (before !== undefined) return before;
      const random = seededRandom((options.seed ?? BOOTSTRAP_SEED) + problemCount);
      const draws = Array.from({ length: options.draws ?? DRAWS }, () => {
        const counts = new Uint16Array(problemCount);
        for (let i = 0; i < problemCount; i++) {
          const drawn = Math.floor(random() * problemCount);
          counts[drawn] = (counts[drawn] ?? 0) + 1;
        }
        return counts;
      });
      known.set(problemCount, draws);
      return draws;
    },
  };
}

/** The middle 95 % of the values, those that are no number passed over; null where none is left. Linear between neighbours. */
export function interval(values: readonly number[]): Interval | null {
  const sorted = values.filter((v) => !Number.isNaN(v)).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  return [quantile(sorted, 0.025), quantile(sorted, 0.975)];
}

/** Numbers problems from 0 in the order in which they appear. */
export function numberProblems<T>(problems: readonly T[]): { readonly index: Uint32Array; readonly count: number } {
  const numbers = new Map<T, number>();
  const index = Uint32Array.from(problems, (p) => {
    const number = numbers.get(p) ?? numbers.size;
    numbers.set(p, number);
    return number;
  });
  return { index, count: numbers.size };
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}
