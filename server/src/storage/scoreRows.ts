/** Scores and attributes as rows: what SQL can ask of them. */
import type { JsonValue } from '../core/planTrace.ts';
import type { ScoreRecord } from '../core/scoreRecord.ts';
import { pack, restOf, unpack } from './packedScores.ts';
import type { PackedScores } from './packedScores.ts';
import { prepared } from './store.ts';
import type { Store } from './store.ts';

export const FLOAT = 0;
export const BOOL = 1;
export const STRING = 2;
export const JSON_TEXT = 3;

export interface StoredValue {
  readonly numValue: number | null;
  readonly value: string | null;
  readonly dataType: number;
}

/** Writes one attribute; what the score had under this key is replaced. */
export function writeAttribute(store: Store, scoreId: number, keyId: number, { numValue, value, dataType }: StoredValue): void {
  prepared(store.db, `INSERT INTO score_attributes (score_id, key_id, num_value, value, data_type) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (score_id, key_id) DO UPDATE SET num_value = excluded.num_value, value = excluded.value, data_type = excluded.data_type`).run(scoreId, keyId, numValue, value, dataType);
}

/** Writes the rows of an evaluation. */
export function writeScoreRows(store: Store, evaluationId: number, packed: PackedScores): void {
  const insert = prepared(store.db, 'INSERT INTO scores (evaluation_id, kind_id, score, weight, rationale) VALUES (?, ?, ?, ?, ?)');
  const { rationales, others } = restOf(packed);
  let at = 0;
  packed.kinds.forEach((kind, i) => {
    const score = packed.scores[i] ?? Number.NaN;
    const scoreId = Number(insert.run(evaluationId, kind, Number.isNaN(score) ? null : score, packed.weights[i], rationales?.[i] ?? '').lastInsertRowid);
    for (const end = at + (packed.attributeCounts[i] ?? 0); at < end; at++) {
      const value = packed.values[at] ?? Number.NaN;
      writeAttribute(store, scoreId, packed.keys[at] ?? 0, storedValue(Number.isNaN(value) ? others?.[at] ?? null : value));
    }
  });
}

/** The scores of an evaluation: from the packed copy where it is sound, else from the rows. */
export function scoresOf(store: Store, evaluation: { readonly id: number; readonly packed: Uint8Array | null }): PackedScores {
  return (evaluation.packed === null ? undefined : unpack(evaluation.packed)) ?? packRows(store, evaluation.id);
}

function packRows(store: Store, evaluationId: number): PackedScores {
  const scores = prepared<{ readonly id: number; readonly kindId: number; readonly score: number | null; readonly weight: number; readonly rationale: string }>(store.db,
    'SELECT id, kind_id AS kindId, score, weight, rationale FROM scores WHERE evaluation_id = ?').all(evaluationId);
  const attributesOf = prepared<StoredValue & { readonly keyId: number }>(store.db, 'SELECT key_id AS keyId, num_value AS numValue, value, data_type AS dataType FROM score_attributes WHERE score_id = ?');
  const records = scores.map(({ id, kindId, score, weight, rationale }): ScoreRecord => ({
    scorableId: '', ...store.names.kind(kindId), score, weight, rationale,
    attributes: Object.fromEntries(attributesOf.all(id).map((a) => [store.names.key(a.keyId), typedValue(a)])),
  }));
  return pack(records, store.names);
}

/** How a value stands in its row. Numbers that are not finite become null. */
export function storedValue(value: JsonValue): StoredValue {
  if (typeof value === 'number') return Number.isFinite(value) ? { numValue: value, value: null, dataType: FLOAT } : { numValue: null, value: 'null', dataType: JSON_TEXT };
  if (typeof value === 'boolean') return { numValue: value ? 1 : 0, value: null, dataType: BOOL };
  if (typeof value === 'string') return { numValue: null, value, dataType: STRING };
  return { numValue: null, value: JSON.stringify(value), dataType: JSON_TEXT };
}

/** The value of a row again; JSON that cannot be read stays text. */
export function typedValue({ numValue, value, dataType }: StoredValue): JsonValue {
  if (dataType === FLOAT) return numValue;
  if (dataType === BOOL) return numValue === 1;
  if (dataType === STRING || value === null) return value;
  try {
    return JSON.parse(value) as JsonValue;
  } catch {
    return value;
  }
}
