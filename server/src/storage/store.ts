/** An open memory: the database, its prepared statements, and the numbers its names go by. */
import type BetterSqlite3 from 'better-sqlite3';
import type { ScoreKind } from '../corpus/scoreColumns.ts';

export interface Store {
  readonly db: BetterSqlite3.Database;
  readonly names: Names;
  /** Evaluations kept of one scorable, the newest. */
  readonly keepEvaluations: number;
  /** Bytes of the file above which the oldest goes. */
  readonly maxBytes: number;
}

/** Numbers of score kinds and attribute keys; they are never deleted, so what was read once stays true. */
export interface Names {
  /** Adds it where it is new: inside a transaction only. */
  kindId(kind: ScoreKind): number;
  keyId(key: string): number;
  /** Number of a key; undefined where no attribute ever had it. */
  knownKeyId(key: string): number | undefined;
  kind(id: number): ScoreKind;
  key(id: number): string;
  /** After a rollback: numbers given meanwhile are void. */
  forget(): void;
}

const KEEP_EVALUATIONS = 50;
const MAX_BYTES = 500 * 2 ** 20;

export interface StoreLimits {
  readonly keepEvaluations?: number;
  readonly maxBytes?: number;
}

export function storeOf(db: BetterSqlite3.Database, limits: StoreLimits = {}): Store {
  return { db, names: namesOf(db), keepEvaluations: limits.keepEvaluations ?? KEEP_EVALUATIONS, maxBytes: limits.maxBytes ?? MAX_BYTES };
}

/** Runs `work` as one write: all of it is on disk afterwards, or nothing. */
export function inTransaction<T>(store: Store, work: () => T): T {
  try {
    return store.db.transaction(work).immediate();
  } catch (error) {
    store.names.forget();
    throw error;
  }
}

const statements = new WeakMap<BetterSqlite3.Database, Map<string, BetterSqlite3.Statement<unknown[], unknown>>>();

/** A statement, compiled once for each database. Rows are objects; do not step through it while it may be asked again. */
export function prepared<Row>(db: BetterSqlite3.Database, sql: string): BetterSqlite3.Statement<unknown[], Row> {
  let known = statements.get(db);
  if (known === undefined) statements.set(db, known = new Map());
  let statement = known.get(sql);
  if (statement === undefined) known.set(sql, statement = db.prepare(sql));
  return statement as BetterSqlite3.Statement<unknown[], Row>;
}

function namesOf(db: BetterSqlite3.Database): Names {
  const kindIds = new Map<string, number>();
  const kinds = new Map<number, ScoreKind>();
  const keyIds = new Map<string, number>();
  const keys = new Map<number, string>();
  const spelt = ({ dimension, scorer, scorerVersion }: ScoreKind): string => `${dimension}\u0000${scorer}\u0000${scorerVersion}`;

  const knownKeyId = (key: string): number | undefined => {
    const known = keyIds.get(key) ?? prepared<{ id: number }>(db, 'SELECT id FROM attribute_keys WHERE key = ?').get(key)?.id;
    if (known !== undefined) keyIds.set(key, known);
    return known;
  };
  return {
    kindId(kind) {
      const name = spelt(kind);
      const known = kindIds.get(name);
      if (known !== undefined) return known;
      const { dimension, scorer, scorerVersion } = kind;
      const found = prepared<{ id: number }>(db, 'SELECT id FROM score_kinds WHERE dimension = ? AND scorer = ? AND scorer_version = ?').get(dimension, scorer, scorerVersion)?.id;
      const id = found ?? Number(prepared(db, 'INSERT INTO score_kinds (dimension, scorer, scorer_version) VALUES (?, ?, ?)').run(dimension, scorer, scorerVersion).lastInsertRowid);
      kindIds.set(name, id);
      return id;
    },
    keyId(key) {
      const known = knownKeyId(key);
      if (known !== undefined) return known;
      const id = Number(prepared(db, 'INSERT INTO attribute_keys (key) VALUES (?)').run(key).lastInsertRowid);
      keyIds.set(key, id);
      return id;
    },
    knownKeyId,
    kind(id) {
      let kind = kinds.get(id);
      if (kind === undefined) {
        kind = prepared<ScoreKind>(db, 'SELECT dimension, scorer, scorer_version AS scorerVersion FROM score_kinds WHERE id = ?').get(id);
        if (kind === undefined) throw new Error(`no score kind ${id}`);
        kinds.set(id, kind);
      }
      return kind;
    },
    key(id) {
      let key = keys.get(id);
      if (key === undefined) {
        key = prepared<{ key: string }>(db, 'SELECT key FROM attribute_keys WHERE id = ?').get(id)?.key;
        if (key === undefined) throw new Error(`no attribute key ${id}`);
        keys.set(id, key);
      }
      return key;
    },
    forget() {
      for (const map of [kindIds, kinds, keyIds, keys]) map.clear();
    },
  };
}
