/** The mergeable half of MARS: sums over the rows of one dimension. Those of two sets of rows together are those of all of them. */
import { mergeAlphaSums } from './krippendorff.ts';
import type { AlphaSums } from './krippendorff.ts';
import { scaledColumns } from './marsColumns.ts';
import type { MarsInput, ScaledColumn } from './marsColumns.ts';
import { DEFAULT_MARS_CONFIG, referenceCandidates } from './marsConfig.ts';
import type { MarsConfig } from './marsConfig.ts';
import { EXAMPLES, rowSums } from './marsRows.ts';
import type { RowSums, Standing } from './marsRows.ts';
import { coMomentsOf, mergeCoMoments, mergeMoments, mergeSpreads, momentsOf } from './moments.ts';
import type { CoMoments, Moments } from './moments.ts';
import { ROUNDING, stepAgreement } from './stepAgreement.ts';

export interface ScorerSums extends Standing {
  /** On 0–1. */
  readonly scaled: Moments;
  readonly clipped: number;
  /** By metric, on the scorer's own scale. */
  readonly metrics: ReadonlyMap<string, Moments>;
}

export interface MetricPairSums {
  readonly a: MetricName;
  readonly b: MetricName;
  readonly co: CoMoments;
}

export interface MetricName {
  readonly scorer: string;
  readonly metric: string;
}

/** One step in which scorers disagree. */
export interface StepConflict {
  readonly id: string;
  readonly std: number;
  readonly spread: number;
  /** Highest first. */
  readonly pair: readonly [high: string, low: string];
  readonly stands_apart: string | null;
}

export interface PairSums {
  /** In alphabetical order. */
  readonly scorers: readonly [a: string, b: string];
  readonly co: CoMoments;
}

/** What is kept of every row. */
export interface RowPart {
  /** Ids of rows with a value. */
  readonly rows: readonly string[];
  /** Sample standard deviations between their scorers, NaN with fewer than two; how many scorers. */
  readonly std: Float64Array;
  readonly counts: Uint16Array;
  /** Ids of rows above the threshold, and at or under it. */
  readonly disagreeing: readonly string[];
  readonly agreeing: readonly string[];
}

export interface MarsSums {
  readonly dimension: string;
  readonly config: MarsConfig;
  /** One a shard, in their order: joined only when somebody asks. */
  readonly parts: readonly RowPart[];
  /** Over rows with two or more scores. */
  readonly agreement: Pick<RowSums, 'n' | 'stdSum' | 'stdPopulationSum'>;
  readonly alpha: AlphaSums;
  readonly scorers: ReadonlyMap<string, ScorerSums>;
  readonly pairs: ReadonlyMap<string, PairSums>;
  /** By reference: pairs of the others' distances from it. */
  readonly errors: ReadonlyMap<string, ReadonlyMap<string, PairSums>>;
  readonly metricPairs: ReadonlyMap<string, MetricPairSums>;
  /** The widest first. */
  readonly conflicts: readonly StepConflict[];
}

/** Conflicts told of one dimension. */
const MAX_CONFLICTS = 20;

/** One pass over the columns; no object a row. Throws where the declared range of a column is none. */
export function accumulate(input: MarsInput): MarsSums {
  const config: MarsConfig = { ...DEFAULT_MARS_CONFIG, ...input.config };
  const columns = scaledColumns(input);
  const scaled = columns.map((c) => c.scaled);
  const means = columns.map((c) => c.moments.mean);
  const found = rowSums(scaled, { rowIds: input.rowIds, means, threshold: config.variance_threshold });
  const rows = found.filled.length === input.rowIds.length ? input.rowIds : Array.from(found.filled, (i) => input.rowIds[i] ?? '');
  return {
    dimension: input.dimension, config,
    parts: [{ rows, std: found.std, counts: found.counts, ...sides(rows, found.std, config.variance_threshold) }],
    agreement: { n: found.n, stdSum: found.stdSum, stdPopulationSum: found.stdPopulationSum },
    alpha: found.alpha,
    scorers: new Map(columns.flatMap((c, i): (readonly [string, ScorerSums])[] => {
      const standing = found.standings[i];
      return standing === undefined ? [] : [[c.scorer, { ...standing, scaled: c.moments, clipped: c.clipped, metrics: new Map([...c.metrics].map(([name, m]) => [name, m.moments] as const)) }]];
    })),
    pairs: pairSums(columns.map((c) => ({ scorer: c.scorer, values: c.scaled, mean: c.moments.mean }))),
    errors: errorSums(columns, config),
    metricPairs: metricPairSums(columns),
    conflicts: widest(columns, found, rows, config.variance_threshold),
  };
}

/** Sums over the rows of both, which must be different rows under the same settings; throws where they are not of one dimension. */
export function mergeSums(a: MarsSums, b: MarsSums): MarsSums {
  if (a.dimension !== b.dimension || a.config.variance_threshold !== b.config.variance_threshold) throw new Error(`Sums of ${a.dimension} and ${b.dimension} under different settings do not merge.`);
  return {
    dimension: a.dimension, config: a.config, parts: [...a.parts, ...b.parts],
    agreement: { n: a.agreement.n + b.agreement.n, stdSum: a.agreement.stdSum + b.agreement.stdSum, stdPopulationSum: a.agreement.stdPopulationSum + b.agreement.stdPopulationSum },
    alpha: mergeAlphaSums(a.alpha, b.alpha),
    scorers: mergeMaps(a.scorers, b.scorers, mergeScorers),
    pairs: mergeMaps(a.pairs, b.pairs, mergePairs),
    errors: mergeMaps(a.errors, b.errors, (x, y) => mergeMaps(x, y, mergePairs)),
    metricPairs: mergeMaps(a.metricPairs, b.metricPairs, (x, y) => ({ ...x, co: mergeCoMoments(x.co, y.co) })),
    conflicts: [...a.conflicts, ...b.conflicts].sort((x, y) => y.std - x.std).slice(0, MAX_CONFLICTS),
  };
}

/** Without scorers that have attributes but no score: they judge nothing. In one shard they are kept, for another may hold their scores. */
export function judging(sums: MarsSums): MarsSums {
  const scorers = new Map([...sums.scorers].filter(([, s]) => s.scaled.n > 0));
  return { ...sums, scorers, metricPairs: new Map([...sums.metricPairs].filter(([, { a, b }]) => scorers.has(a.scorer) && scorers.has(b.scorer))) };
}

/** The parts as one. */
export function joinParts(parts: readonly RowPart[]): RowPart {
  const [only, ...more] = parts;
  if (only !== undefined && more.length === 0) return only;
  const rows = parts.reduce((sum, p) => sum + p.rows.length, 0);
  return {
    rows: parts.flatMap((p) => p.rows), std: joined(new Float64Array(rows), parts.map((p) => p.std)), counts: joined(new Uint16Array(rows), parts.map((p) => p.counts)),
    disagreeing: parts.flatMap((p) => p.disagreeing), agreeing: parts.flatMap((p) => p.agreeing),
  };
}

/** Name of a pair of scorers in either order. */
export function pairKey(a: string, b: string): string {
  return a < b ? `${a}\u0000${b}` : `${b}\u0000${a}`;
}

function mergeScorers(a: ScorerSums, b: ScorerSums): ScorerSums {
  return {
    scaled: mergeMoments(a.scaled, b.scaled), clipped: a.clipped + b.clipped, metrics: mergeMaps(a.metrics, b.metrics, mergeMoments),
    others: mergeCoMoments(a.others, b.others),
    deviation: { ...mergeSpreads(a.deviation, b.deviation), absolute: a.deviation.absolute + b.deviation.absolute },
    apart: { n: a.apart.n + b.apart.n, ids: [...a.apart.ids, ...b.apart.ids].slice(0, EXAMPLES) },
  };
}

function mergePairs(a: PairSums, b: PairSums): PairSums {
  return { scorers: a.scorers, co: mergeCoMoments(a.co, b.co) };
}

function mergeMaps<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>, merge: (x: T, y: T) => T): ReadonlyMap<string, T> {
  const merged = new Map(a);
  for (const [key, value] of b) {
    const before = merged.get(key);
    merged.set(key, before === undefined ? value : merge(before, value));
  }
  return merged;
}

function joined<T extends Float64Array | Uint16Array>(all: T, pieces: readonly T[]): T {
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function sides(rows: readonly string[], std: Float64Array, threshold: number): { readonly disagreeing: readonly string[]; readonly agreeing: readonly string[] } {
  const disagreeing: string[] = [];
  const agreeing: string[] = [];
  for (let i = 0; i < std.length; i++) {
    const value = std[i] ?? Number.NaN;
    const id = rows[i] ?? '';
    if (value > threshold + ROUNDING) disagreeing.push(id);
    else if (value === value) agreeing.push(id);
  }
  return { disagreeing, agreeing };
}

function pairSums(columns: readonly { readonly scorer: string; readonly values: Float64Array; readonly mean: number }[]): ReadonlyMap<string, PairSums> {
  return new Map(columns.flatMap((a, i) => columns.slice(i + 1).map((b) => [pairKey(a.scorer, b.scorer), { scorers: [a.scorer, b.scorer], co: coMomentsOf(a.values, b.values, a.mean, b.mean) }] as const)));
}

function errorSums(columns: readonly ScaledColumn[], config: MarsConfig): MarsSums['errors'] {
  return new Map(referenceCandidates(config).flatMap((name) => {
    const reference = columns.find((c) => c.scorer === name);
    if (reference === undefined) return [];
    const errors = columns.filter((c) => c !== reference).map((c) => {
      const values = c.scaled.map((x, i) => distance(x, reference.scaled[i] ?? Number.NaN));
      return { scorer: c.scorer, values, mean: momentsOf(values).mean };
    });
    return [[name, pairSums(errors)] as const];
  }));
}

/** 0 where the two are equal up to rounding, so that a constant distance is seen as one. */
function distance(x: number, reference: number): number {
  const d = x - reference;
  return Math.abs(d) < ROUNDING ? 0 : d;
}

/** Within scorers and across them; score with score across scorers is in `pairs` already. */
function metricPairSums(columns: readonly ScaledColumn[]): MarsSums['metricPairs'] {
  const all = columns.flatMap((c) => [...c.metrics].map(([metric, { values, moments }]) => ({ name: { scorer: c.scorer, metric }, values, mean: moments.mean })));
  return new Map(all.flatMap((a, i) => all.slice(i + 1).flatMap((b) => (a.name.metric === 'score' && b.name.metric === 'score' ? [] : [[
    `${a.name.scorer}\u0000${a.name.metric}\u0000${b.name.scorer}\u0000${b.name.metric}`, { a: a.name, b: b.name, co: coMomentsOf(a.values, b.values, a.mean, b.mean) },
  ] as const]))));
}

function widest(columns: readonly ScaledColumn[], found: RowSums, rows: readonly string[], threshold: number): readonly StepConflict[] {
  const top: { readonly at: number; readonly std: number }[] = [];
  for (let at = 0; at < found.std.length; at++) {
    const std = found.std[at] ?? Number.NaN;
    if (!(std > threshold + ROUNDING) || (top.length === MAX_CONFLICTS && std <= (top.at(-1)?.std ?? 0))) continue;
    const place = top.findIndex((t) => t.std < std);
    top.splice(place === -1 ? top.length : place, 0, { at, std });
    if (top.length > MAX_CONFLICTS) top.pop();
  }
  return top.flatMap(({ at, std }) => {
    const row = found.filled[at] ?? 0;
    const { spread, pair, standsApart } = stepAgreement(new Map(columns.map((c) => [c.scorer, c.scaled[row] ?? Number.NaN])), threshold);
    return pair === undefined ? [] : [{ id: rows[at] ?? '', std, spread, pair: [pair.high, pair.low], stands_apart: standsApart ?? null }];
  });
}
