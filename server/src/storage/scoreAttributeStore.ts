/**
 * The attributes of scores, asked by score and by key. No scores named means all; an empty list of scores means none.
 * What is unknown is null or absent, never 0.
 */
import type { JsonValue } from '../core/planTrace.ts';
import { storedValue, typedValue, writeAttribute } from './scoreRows.ts';
import type { StoredValue } from './scoreRows.ts';
import { inTransaction, prepared } from './store.ts';
import type { Store } from './store.ts';

export interface ScoreAttribute {
  readonly scoreId: number;
  readonly key: string;
  readonly value: JsonValue;
}

export interface AttributeStats {
  readonly key: string;
  readonly count: number;
  /** Null without a value. */
  readonly mean: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Of the sample; null with fewer than two values. */
  readonly stddev: number | null;
}

export interface MetricCorrelation {
  readonly metrics: readonly [string, string];
  /** Pearson; null with fewer than three scores that have both, or where one is constant. */
  readonly r: number | null;
  readonly n: number;
}

const MIN_PAIRS = 3;
const SELECTED = 'a.score_id AS scoreId, k.key, a.num_value AS numValue, a.value, a.data_type AS dataType FROM score_attributes a JOIN attribute_keys k ON k.id = a.key_id';
const AMONG_SCORES = '(@scores IS NULL OR a.score_id IN (SELECT value FROM json_each(@scores)))';
type Row = StoredValue & { readonly scoreId: number; readonly key: string };

export function addAttribute(store: Store, attribute: ScoreAttribute): void {
  addAttributesBulk(store, [attribute]);
}

/** One transaction; a key that the score has already gets the new value. Throws where a score does not exist. */
export function addAttributesBulk(store: Store, attributes: readonly ScoreAttribute[]): void {
  inTransaction(store, () => {
    for (const { scoreId, key, value } of attributes) writeAttribute(store, scoreId, store.names.keyId(key), storedValue(value));
    voidCopies(store, [...new Set(attributes.map((a) => a.scoreId))]);
  });
}

/** One attribute of one score. */
export function getAttribute(store: Store, scoreId: number, key: string): ScoreAttribute | undefined {
  const row = prepared<Row>(store.db, `SELECT ${SELECTED} WHERE a.score_id = ? AND k.key = ?`).get(scoreId, key);
  return row === undefined ? undefined : attributeOf(row);
}

/** By key. */
export function getAttributesForScore(store: Store, scoreId: number): ScoreAttribute[] {
  return getAttributesForScores(store, [scoreId]);
}

/** By score, then key. */
export function getAttributesForScores(store: Store, scoreIds: readonly number[]): ScoreAttribute[] {
  return prepared<Row>(store.db, `SELECT ${SELECTED} WHERE a.score_id IN (SELECT value FROM json_each(?)) ORDER BY a.score_id, k.key`).all(JSON.stringify(scoreIds)).map(attributeOf);
}

/** Newest score first. */
export function getAttributesByKey(store: Store, key: string, options: { readonly scoreIds?: readonly number[]; readonly limit?: number } = {}): ScoreAttribute[] {
  return prepared<Row>(store.db, `SELECT ${SELECTED} WHERE k.key = @key AND ${AMONG_SCORES} ORDER BY a.score_id DESC LIMIT @limit`).all({ scores: among(options.scoreIds), key, limit: options.limit ?? 100 }).map(attributeOf);
}

/** By score, then key. */
export function getAttributesByKeys(store: Store, keys: readonly string[], scoreIds?: readonly number[]): ScoreAttribute[] {
  return prepared<Row>(store.db, `SELECT ${SELECTED} WHERE k.key IN (SELECT value FROM json_each(@keys)) AND ${AMONG_SCORES} ORDER BY a.score_id, k.key`).all({ scores: among(scoreIds), keys: JSON.stringify(keys) }).map(attributeOf);
}

/** All there are, newest score first. */
export function getAllAttributes(store: Store, limit = 100): ScoreAttribute[] {
  return prepared<Row>(store.db, `SELECT ${SELECTED} ORDER BY a.score_id DESC, k.key LIMIT ?`).all(limit).map(attributeOf);
}

/** Attributes by score and key; scores without any of the keys are absent. */
export function getAttributeMatrix(store: Store, scoreIds: readonly number[], keys: readonly string[]): ReadonlyMap<number, ReadonlyMap<string, ScoreAttribute>> {
  const byScore = Map.groupBy(getAttributesByKeys(store, keys, scoreIds), (a) => a.scoreId);
  return new Map([...byScore].map(([id, attributes]) => [id, new Map(attributes.map((a) => [a.key, a]))]));
}

/** Values by score and key, null where a score lacks one; scores without any of the keys are absent. */
export function getAttributeValues(store: Store, scoreIds: readonly number[], keys: readonly string[]): ReadonlyMap<number, Readonly<Record<string, JsonValue>>> {
  return new Map([...getAttributeMatrix(store, scoreIds, keys)].map(([id, byKey]) => [id, Object.fromEntries(keys.map((key) => [key, byKey.get(key)?.value ?? null]))]));
}

/** Over numbers, and booleans as 0 and 1. */
export function getAttributeStats(store: Store, key: string, scoreIds?: readonly number[]): AttributeStats {
  const keyId = store.names.knownKeyId(key) ?? null;
  const from = `FROM score_attributes a WHERE a.key_id = @key AND a.num_value IS NOT NULL AND ${AMONG_SCORES}`;
  const first = prepared<Omit<AttributeStats, 'key' | 'stddev'>>(store.db, `SELECT count(*) AS count, avg(a.num_value) AS mean, min(a.num_value) AS min, max(a.num_value) AS max ${from}`).get({ scores: among(scoreIds), key: keyId });
  const { count, mean, min, max } = first ?? { count: 0, mean: null, min: null, max: null };
  // The second pass over deviations keeps its digits where the values are large and close together.
  const squares = prepared<{ sum: number | null }>(store.db, `SELECT sum((a.num_value - @mean) * (a.num_value - @mean)) AS sum ${from}`).get({ scores: among(scoreIds), key: keyId, mean })?.sum ?? null;
  return { key, count, mean, min, max, stddev: count < 2 || squares === null ? null : Math.sqrt(squares / (count - 1)) };
}

/** Every pair of the metrics, over the scores that have both as numbers. */
export function getMetricCorrelations(store: Store, metrics: readonly string[], scoreIds?: readonly number[]): MetricCorrelation[] {
  const pairs = prepared<{ x: number; y: number }>(store.db, `SELECT a.num_value AS x, b.num_value AS y FROM score_attributes a JOIN score_attributes b ON b.score_id = a.score_id
    WHERE a.key_id = @first AND b.key_id = @second AND a.num_value IS NOT NULL AND b.num_value IS NOT NULL AND ${AMONG_SCORES}`);
  return metrics.flatMap((first, i) => metrics.slice(i + 1).map((second): MetricCorrelation => {
    const rows = pairs.all({ scores: among(scoreIds), first: store.names.knownKeyId(first) ?? null, second: store.names.knownKeyId(second) ?? null });
    return { metrics: [first, second], r: pearson(rows), n: rows.length };
  }));
}

/** Answers how many went. */
export function deleteAttributesForScore(store: Store, scoreId: number): number {
  return inTransaction(store, () => {
    voidCopies(store, [scoreId]);
    return prepared(store.db, 'DELETE FROM score_attributes WHERE score_id = ?').run(scoreId).changes;
  });
}

/** Answers whether it was there. */
export function deleteAttribute(store: Store, scoreId: number, key: string): boolean {
  return inTransaction(store, () => {
    voidCopies(store, [scoreId]);
    return prepared(store.db, 'DELETE FROM score_attributes WHERE score_id = ? AND key_id = ?').run(scoreId, store.names.knownKeyId(key) ?? null).changes > 0;
  });
}

/** The packed copies of these scores' evaluations no longer say what the rows say. */
function voidCopies(store: Store, scoreIds: readonly number[]): void {
  prepared(store.db, 'UPDATE evaluations SET packed = NULL WHERE id IN (SELECT evaluation_id FROM scores WHERE id IN (SELECT value FROM json_each(?)))').run(JSON.stringify(scoreIds));
}

function among(scoreIds: readonly number[] | undefined): string | null {
  return scoreIds === undefined ? null : JSON.stringify(scoreIds);
}

function attributeOf(row: Row): ScoreAttribute {
  return { scoreId: row.scoreId, key: row.key, value: typedValue(row) };
}

function pearson(pairs: readonly { readonly x: number; readonly y: number }[]): number | null {
  const n = pairs.length;
  if (n < MIN_PAIRS) return null;
  const [meanX, meanY] = [pairs.reduce((s, p) => s + p.x, 0) / n, pairs.reduce((s, p) => s + p.y, 0) / n];
  let [xx, yy, xy] = [0, 0, 0];
  for (const { x, y } of pairs) {
    xx += (x - meanX) ** 2;
    yy += (y - meanY) ** 2;
    xy += (x - meanX) * (y - meanY);
  }
  return xx === 0 || yy === 0 ? null : xy / Math.sqrt(xx * yy);
}
