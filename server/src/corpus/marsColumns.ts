/** What MARS reads: one column of scores a scorer, on that scorer's own scale, and the same on 0–1. */
import { DEFAULT_MARS_CONFIG } from './marsConfig.ts';
import type { MarsConfig } from './marsConfig.ts';
import { momentsOf } from './moments.ts';
import type { Moments } from './moments.ts';

export interface MarsColumn {
  readonly scorer: string;
  /** Declared range of `scores`: [0, 1] for ours. Never taken from the data. */
  readonly range: readonly [lo: number, hi: number];
  /** One value a row, on the scorer's own scale; NaN missing. */
  readonly scores: Float64Array;
  /** By attribute, one value a row; NaN missing. */
  readonly metrics: ReadonlyMap<string, Float64Array>;
}

export interface MarsInput {
  readonly dimension: string;
  readonly rowIds: readonly string[];
  /** One a scorer; a value a row each. */
  readonly columns: readonly MarsColumn[];
  /** What is left out is the default. */
  readonly config?: Partial<MarsConfig>;
}

/** A column ready to be summed. */
export interface ScaledColumn {
  readonly scorer: string;
  /** 0–1, clipped, or NaN. */
  readonly scaled: Float64Array;
  readonly moments: Moments;
  /** Scores outside the declared range. */
  readonly clipped: number;
  /** On the scorer's own scale, finite or NaN; 'score' is the score. */
  readonly metrics: ReadonlyMap<string, Measured>;
}

export interface Measured {
  readonly values: Float64Array;
  readonly moments: Moments;
}

/** Columns with at least one value, by scorer in alphabetical order, with those of their metrics that have one. Throws where a declared range is none. */
export function scaledColumns(input: MarsInput): readonly ScaledColumn[] {
  const metrics = input.config?.metrics ?? DEFAULT_MARS_CONFIG.metrics;
  return input.columns.map((column) => scale(column, metrics)).filter((c) => c.metrics.size > 0).sort((a, b) => (a.scorer < b.scorer ? -1 : 1));
}

/** Rows [from, to) on the same memory. */
export function rowsOf(input: MarsInput, from: number, to: number): MarsInput {
  return {
    ...input, rowIds: input.rowIds.slice(from, to),
    columns: input.columns.map((c) => ({ ...c, scores: c.scores.subarray(from, to), metrics: new Map([...c.metrics].map(([name, values]) => [name, values.subarray(from, to)] as const)) })),
  };
}

function scale(column: MarsColumn, wanted: MarsConfig['metrics']): ScaledColumn {
  const { scorer, range: [lo, hi] } = column;
  const width = hi - lo;
  if (!(width > 0 && Number.isFinite(width))) throw new RangeError(`The scale of ${scorer} is [${lo}, ${hi}]: its second number must be the larger one.`);
  const own = measured(column.scores);
  const { values, moments } = own;
  const clipped = moments.min < lo || moments.max > hi ? values.reduce((n, x) => n + Number(x < lo || x > hi), 0) : 0;
  const scaled = lo === 0 && hi === 1 && clipped === 0 ? own : measured(values.map((x) => Math.min(1, Math.max(0, (x - lo) / width))));
  // The score comes first unless the configuration puts it elsewhere.
  const names = wanted === 'all' ? [...column.metrics.keys()].filter((m) => m !== 'score').sort() : wanted;
  const metrics = new Map((names.includes('score') ? names : ['score', ...names]).flatMap((name): (readonly [string, Measured])[] => {
    const given = column.metrics.get(name);
    const found = name === 'score' ? own : given === undefined ? undefined : measured(given);
    return found === undefined || found.moments.n === 0 ? [] : [[name, found]];
  }));
  return { scorer, clipped, scaled: scaled.values, moments: scaled.moments, metrics };
}

/** What is infinite is missing. */
function measured(values: Float64Array): Measured {
  const moments = momentsOf(values);
  if (moments.n === 0 || (Number.isFinite(moments.min) && Number.isFinite(moments.max))) return { values, moments };
  const finite = values.map((x) => (Number.isFinite(x) ? x : Number.NaN));
  return { values: finite, moments: momentsOf(finite) };
}
