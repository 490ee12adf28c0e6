/**
 * The scores of one evaluation in one piece of bytes, little-endian: reading a whole memory from rows costs ten
 * times as much. Checked by a sum, so that damage shows and the rows are read in its place.
 *
 *   u32 sum of all that follows · u32 scores n · u32 attributes m · u32 unused
 *   f64 score[n] weight[n] value[m]   (NaN: no judgement; no number)
 *   u32 kind[n] attributes[n] key[m]
 *   UTF-8 JSON {"rationales":[n],"others":{position:value}}, or nothing
 *
 * Scores stand by kind, attributes by key: equal evaluations have equal bytes.
 */
import { crc32 } from 'node:zlib';
import type { JsonValue } from '../core/planTrace.ts';
import type { ScoreRecord } from '../core/scoreRecord.ts';
import type { Names } from './store.ts';

const HEADER = 16;
const TOLERANCE = 1e-12;

export interface PackedScores {
  readonly bytes: Uint8Array;
  readonly scores: Float64Array;
  readonly weights: Float64Array;
  readonly values: Float64Array;
  readonly kinds: Uint32Array;
  readonly attributeCounts: Uint32Array;
  readonly keys: Uint32Array;
  /** '' where every attribute is a number and no score has a rationale. */
  readonly rest: string;
}

export interface PackedRest {
  readonly rationales?: readonly string[];
  readonly others?: Readonly<Record<string, JsonValue>>;
}

/** Of two records of one kind the later one counts. Numbers that are not finite become null. */
export function pack(records: readonly ScoreRecord[], names: Names): PackedScores {
  const byKind = new Map(records.map((record) => [names.kindId(record), record] as const));
  const sorted = [...byKind].sort(([a], [b]) => a - b).map(([kind, record]) => ({
    kind, record, attributes: Object.entries(record.attributes).map(([key, value]) => ({ key: names.keyId(key), value })).sort((a, b) => a.key - b.key),
  }));
  const attributes = sorted.flatMap((s) => s.attributes);
  const others = Object.fromEntries(attributes.flatMap(({ value }, i) => (typeof value === 'number' && Number.isFinite(value) ? [] : [[i, typeof value === 'number' ? null : value]])));
  const hasRationales = sorted.some((s) => s.record.rationale !== '');
  const rest: PackedRest = {
    ...(hasRationales ? { rationales: sorted.map((s) => s.record.rationale) } : {}),
    ...(Object.keys(others).length > 0 ? { others } : {}),
  };
  const text = Object.keys(rest).length === 0 ? '' : JSON.stringify(rest);
  const tail = Buffer.from(text, 'utf8');
  const [n, m] = [sorted.length, attributes.length];
  const bytes = new Uint8Array(HEADER + 16 * n + 8 * m + 8 * n + 4 * m + tail.length);
  const views = viewsOf(bytes, n, m);
  views.scores.set(sorted.map(({ record: { score } }) => (score === null || !Number.isFinite(score) ? Number.NaN : score)));
  views.weights.set(sorted.map((s) => s.record.weight));
  views.values.set(attributes.map(({ value }) => (typeof value === 'number' && Number.isFinite(value) ? value : Number.NaN)));
  views.kinds.set(sorted.map((s) => s.kind));
  views.attributeCounts.set(sorted.map((s) => s.attributes.length));
  views.keys.set(attributes.map((a) => a.key));
  bytes.set(tail, bytes.length - tail.length);
  new Uint32Array(bytes.buffer, 0, 3).set([0, n, m]);
  new Uint32Array(bytes.buffer, 0, 1)[0] = crc32(bytes.subarray(4));
  return { bytes, ...views, rest: text };
}

/** Undefined where the bytes are damaged. */
export function unpack(stored: Uint8Array): PackedScores | undefined {
  if (stored.length < HEADER) return undefined;
  // Copied where it does not stand on eight bytes: the views need that.
  const bytes = stored.byteOffset % 8 === 0 ? stored : new Uint8Array(stored);
  const [sum = 0, n = 0, m = 0] = new Uint32Array(bytes.buffer, bytes.byteOffset, 3);
  const restAt = HEADER + 24 * n + 12 * m;
  if (restAt > bytes.length || crc32(bytes.subarray(4)) !== sum) return undefined;
  return { bytes, ...viewsOf(bytes, n, m), rest: restAt === bytes.length ? '' : Buffer.from(bytes.buffer, bytes.byteOffset + restAt, bytes.length - restAt).toString('utf8') };
}

export function restOf(packed: PackedScores): PackedRest {
  return packed.rest === '' ? {} : JSON.parse(packed.rest) as PackedRest;
}

/** Whether two evaluations say the same, numbers to 1e-12; the words of a rationale do not count. */
export function saysTheSame(a: PackedScores, b: PackedScores): boolean {
  if (Buffer.compare(a.bytes, b.bytes) === 0) return true;
  return isEqual(a.kinds, b.kinds) && isEqual(a.attributeCounts, b.attributeCounts) && isEqual(a.keys, b.keys)
    && isClose(a.scores, b.scores) && isClose(a.weights, b.weights) && isClose(a.values, b.values)
    && JSON.stringify(restOf(a).others) === JSON.stringify(restOf(b).others);
}

/** The records again, in the order of their kinds. */
export function unpackRecords(packed: PackedScores, scorableId: string, names: Names): ScoreRecord[] {
  const { rationales, others } = restOf(packed);
  let at = 0;
  return Array.from(packed.kinds, (kindId, i) => {
    const attributes: Record<string, JsonValue> = {};
    for (const end = at + (packed.attributeCounts[i] ?? 0); at < end; at++) {
      const value = packed.values[at] ?? Number.NaN;
      attributes[names.key(packed.keys[at] ?? 0)] = Number.isNaN(value) ? others?.[at] ?? null : value;
    }
    const score = packed.scores[i] ?? Number.NaN;
    return { scorableId, ...names.kind(kindId), score: Number.isNaN(score) ? null : score, rationale: rationales?.[i] ?? '', weight: packed.weights[i] ?? 1, attributes };
  });
}

function viewsOf(bytes: Uint8Array, n: number, m: number): Omit<PackedScores, 'bytes' | 'rest'> {
  const { buffer, byteOffset } = bytes;
  const numbers = new Float64Array(buffer, byteOffset + HEADER, 2 * n + m);
  const ids = new Uint32Array(buffer, byteOffset + HEADER + 8 * numbers.length, 2 * n + m);
  return {
    scores: numbers.subarray(0, n), weights: numbers.subarray(n, 2 * n), values: numbers.subarray(2 * n),
    kinds: ids.subarray(0, n), attributeCounts: ids.subarray(n, 2 * n), keys: ids.subarray(2 * n),
  };
}

function isEqual(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
}

function isClose(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((v, i) => {
    const other = b[i] ?? Number.NaN;
    return Number.isNaN(v) ? Number.isNaN(other) : Math.abs(v - other) <= TOLERANCE;
  });
}
