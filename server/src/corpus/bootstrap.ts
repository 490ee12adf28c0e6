/** 95 % intervals of agreement, alpha and the conflict of a pair: Poisson bootstrap over steps, seeded by step id, so that shards merge. */
import { krippendorffAlpha } from './krippendorff.ts';
import { scaledColumns } from './marsColumns.ts';
import type { MarsInput } from './marsColumns.ts';
import type { Interval } from './marsResult.ts';
import { momentsAbout } from './moments.ts';

/** Sums of every draw, each row weighted by how often the draw holds it. */
export interface DrawSums {
  readonly draws: number;
  /** Rows with two or more scores; rows that both of the pair scored. */
  readonly coScored: number;
  readonly pairRows: number;
  /** FIELDS numbers a draw. */
  readonly sums: Float64Array;
}

export interface MarsIntervals {
  readonly agreement: Interval | null;
  readonly alpha: Interval | null;
  /** First of the pair less the second. */
  readonly delta: Interval | null;
}

export interface DrawOptions {
  /** Whose difference is wanted; null for none. */
  readonly pair: readonly [string, string] | null;
  readonly draws?: number;
  readonly seed?: number;
}

const DRAWS = 1000;
const SEED = 20_261_123;
/** Fewer steps give no interval worth the name. */
const MIN_ROWS = 8;
/** A draw's sums: weight, deviations; values, scatter within rows, their sum, their squares; weight of the pair, differences. */
const FIELDS = 8;
/** Scores are summed about the middle of their scale. */
const CENTER = 0.5;
/** A variance that is rounding: the draw holds one value only. */
const SAME = 1e-14;

/** Of no rows, in the usual number of draws. */
export const NO_DRAWS: DrawSums = { draws: DRAWS, coScored: 0, pairRows: 0, sums: new Float64Array(DRAWS * FIELDS) };

/** Null where fewer than 8 steps tell. Work: steps × draws. */
export function marsIntervals(input: MarsInput, pair: readonly [string, string] | null): MarsIntervals {
  return intervalsOf(accumulateDraws(input, { pair }));
}

/** The same rows give the same weights in any shard and order. */
export function accumulateDraws(input: MarsInput, options: DrawOptions): DrawSums {
  const { draws = DRAWS, seed = SEED, pair } = options;
  const columns = scaledColumns(input);
  const scaled = columns.map((c) => c.scaled);
  const [high, low] = [pair?.[0], pair?.[1]].map((name) => columns.find((c) => c.scorer === name)?.scaled);
  const sums = new Float64Array(draws * FIELDS);
  let coScored = 0;
  let pairRows = 0;
  for (let i = 0; i < input.rowIds.length; i++) {
    let m = 0;
    let sum = 0;
    let squares = 0;
    for (const column of scaled) {
      const x = (column[i] ?? Number.NaN) - CENTER;
      if (x !== x) continue;
      m++;
      sum += x;
      squares += x * x;
    }
    if (m < 2) continue;
    coScored++;
    let scatter = 0;
    for (const column of scaled) {
      const d = (column[i] ?? Number.NaN) - CENTER - sum / m;
      if (d === d) scatter += d * d;
    }
    const std = Math.sqrt(scatter / (m - 1));
    const within = (m * scatter) / (m - 1);
    const difference = (high?.[i] ?? Number.NaN) - (low?.[i] ?? Number.NaN);
    const isPair = difference === difference;
    if (isPair) pairRows++;
    const [start, stride] = rowSeeds(input.rowIds[i] ?? '', seed);
    for (let draw = 0, state = start; draw < draws; draw++, state = (state + stride) | 0) {
      const w = poisson(mix(state));
      if (w === 0) continue;
      const k = draw * FIELDS;
      sums[k] = (sums[k] ?? 0) + w;
      sums[k + 1] = (sums[k + 1] ?? 0) + w * std;
      sums[k + 2] = (sums[k + 2] ?? 0) + w * m;
      sums[k + 3] = (sums[k + 3] ?? 0) + w * within;
      sums[k + 4] = (sums[k + 4] ?? 0) + w * sum;
      sums[k + 5] = (sums[k + 5] ?? 0) + w * squares;
      if (!isPair) continue;
      sums[k + 6] = (sums[k + 6] ?? 0) + w;
      sums[k + 7] = (sums[k + 7] ?? 0) + w * difference;
    }
  }
  return { draws, coScored, pairRows, sums };
}

/** Of shards drawn with the same pair, draws and seed. */
export function mergeDraws(a: DrawSums, b: DrawSums): DrawSums {
  return { draws: a.draws, coScored: a.coScored + b.coScored, pairRows: a.pairRows + b.pairRows, sums: a.sums.map((x, i) => x + (b.sums[i] ?? 0)) };
}

export function intervalsOf(drawn: DrawSums): MarsIntervals {
  const agreement: number[] = [];
  const alpha: number[] = [];
  const delta: number[] = [];
  for (let draw = 0; draw < drawn.draws; draw++) {
    const [weight = 0, deviations = 0, n = 0, within = 0, sum = 0, squares = 0, pairWeight = 0, differences = 0] = drawn.sums.subarray(draw * FIELDS, (draw + 1) * FIELDS);
    if (weight > 0) {
      agreement.push(1 - Math.min(1, deviations / weight));
      const values = momentsAbout(CENTER, { n, sum, squares, min: 0, max: 1 });
      const drawnAlpha = values.m2 < n * SAME ? null : krippendorffAlpha({ within, values });
      if (drawnAlpha !== null) alpha.push(drawnAlpha);
    }
    if (pairWeight > 0) delta.push(differences / pairWeight);
  }
  return {
    agreement: drawn.coScored < MIN_ROWS ? null : middle(agreement), alpha: drawn.coScored < MIN_ROWS ? null : middle(alpha),
    delta: drawn.pairRows < MIN_ROWS ? null : middle(delta),
  };
}

/** The middle 95 %, linear between neighbours; null of nothing. */
function middle(values: readonly number[]): Interval | null {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? null : [quantile(sorted, 0.025), quantile(sorted, 0.975)];
}

function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  return below + ((sorted[Math.ceil(at)] ?? below) - below) * (at - Math.floor(at));
}

/** Two 32-bit numbers from an id (FNV-1a, mixed): where its stream starts and how it goes on; the second is odd. */
function rowSeeds(id: string, seed: number): readonly [start: number, stride: number] {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return [mix(hash), mix(hash ^ 0x5bd1e995) | 1];
}

/** The finaliser of MurmurHash3: every bit of the result hangs on every bit of the state. */
function mix(state: number): number {
  let x = state ^ (state >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** P(X <= k) for Poisson with mean 1, in units of 2^-32. */
const POISSON = [1, 2, 2.5, 16 / 6, 65 / 24, 326 / 120, 1957 / 720].map((sum) => (sum / Math.E) * 2 ** 32);
const [P0 = 0, P1 = 0, P2 = 0, P3 = 0, P4 = 0, P5 = 0, P6 = 0] = POISSON;

/** How often a draw holds a row; above 7 never, which happens once in a million. */
function poisson(u: number): number {
  return u < P0 ? 0 : u < P1 ? 1 : u < P2 ? 2 : u < P3 ? 3 : u < P4 ? 4 : u < P5 ? 5 : u < P6 ? 6 : 7;
}
