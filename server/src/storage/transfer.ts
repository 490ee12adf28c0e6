/** Memories from file to file: one out, one in, and what is left of a damaged one. */
import type BetterSqlite3 from 'better-sqlite3';
import type { ScorableFacts } from '../core/scoreRecord.ts';
import { CACHE_TABLES } from './cacheStore.ts';
import { isCorruption } from './database.ts';
import { DELTA_CONTENT } from './deltaStore.ts';
import { EVALUATION_COLUMNS, settleScorable, upsertScorable, writeEvaluation } from './evaluationStore.ts';
import type { EvaluationRow, ScorableRow } from './evaluationStore.ts';
import { FINDING_TABLES, writeFinding } from './findingStore.ts';
import { pack, unpackRecords } from './packedScores.ts';
import { scoresOf } from './scoreRows.ts';
import { inTransaction, prepared, storeOf } from './store.ts';
import type { Store } from './store.ts';

export interface ImportResult {
  /** Evaluations that were not here before. */
  readonly added: number;
  readonly alreadyHere: number;
  /** Rows that could not be read; 0 for a sound file. */
  readonly unreadable: number;
}

type SourceScorable = { readonly id: number; readonly facts: string; readonly goal: string };
type SourceEvaluation = EvaluationRow & { readonly source: string };

/** Short transactions: others write meanwhile. */
const SCORABLES_AT_ONCE = 100;

/** Takes in what another memory holds, by the evaluations' own ids: twice makes no difference. What cannot be read is passed over and counted. */
export function importMemory(store: Store, source: BetterSqlite3.Database): ImportResult {
  const from = storeOf(source);
  const result = { added: 0, alreadyHere: 0, unreadable: 0 };
  const lost = (): void => void result.unreadable++;
  const readable = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!isCorruption(error)) throw error;
      lost();
      return undefined;
    }
  };
  const last = readable(() => prepared<{ seq: number }>(source, "SELECT seq FROM sqlite_sequence WHERE name = 'scorables'").get()?.seq)
    ?? readable(() => prepared<{ id: number | null }>(source, 'SELECT max(id) AS id FROM scorables').get()?.id) ?? 0;
  const selectScorables = prepared<SourceScorable>(source, 'SELECT o.id, o.facts, g.text AS goal FROM scorables o JOIN goals g ON g.id = o.goal_id WHERE o.id BETWEEN ? AND ?');
  for (let first = 1; first <= last; first += SCORABLES_AT_ONCE) {
    const scorables = readBetween(selectScorables, first, first + SCORABLES_AT_ONCE - 1, lost);
    inTransaction(store, () => {
      for (const scorable of scorables) readable(() => takeInScorable(scorable));
    });
  }
  for (const table of FINDING_TABLES) readable(() => takeInFindings(table));
  for (const table of CACHE_TABLES) readable(() => takeInCache(table));
  return result;

  function takeInScorable(row: SourceScorable): void {
    const evaluations = prepared<SourceEvaluation>(source, `SELECT ${EVALUATION_COLUMNS}, source FROM evaluations WHERE scorable_row = ? ORDER BY time_ms, id`).all(row.id);
    const isKnown = prepared(store.db, 'SELECT 1 FROM evaluations WHERE uid = ?');
    const unknown = evaluations.filter((e) => isKnown.get(e.uid) === undefined);
    result.alreadyHere += evaluations.length - unknown.length;
    const facts: ScorableFacts = { ...JSON.parse(row.facts) as Omit<ScorableFacts, 'goal'>, goal: row.goal };
    const scorable = scorableHere(store, facts, evaluations.at(-1)?.timeMs ?? 0);
    for (const evaluation of unknown) readable(() => takeInEvaluation(scorable, facts.id, evaluation));
    settleScorable(store, scorable.id);
  }

  function takeInEvaluation(scorable: ScorableRow, scorableId: string, evaluation: SourceEvaluation): void {
    const packed = pack(unpackRecords(scoresOf(from, evaluation), scorableId, from.names), store.names);
    const evaluationId = writeEvaluation(store, scorable, { uid: evaluation.uid, inputs: evaluation, source: evaluation.source, timeMs: evaluation.timeMs, packed });
    result.added++;
    const copy = prepared(store.db, `INSERT INTO score_deltas (scorable_row, evaluation_id, kind_id, ${DELTA_CONTENT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    for (const [kindId, ...content] of source.prepare<[number], [number, ...unknown[]]>(`SELECT kind_id, ${DELTA_CONTENT} FROM score_deltas WHERE evaluation_id = ?`).raw().all(evaluation.id)) {
      copy.run(scorable.id, evaluationId, store.names.kindId(from.names.kind(kindId)), ...content);
    }
  }

  function takeInFindings(table: (typeof FINDING_TABLES)[number]): void {
    const rows = prepared<{ id: string; content: string; firstSeenMs: number; lastSeenMs: number }>(source, `SELECT id, content, first_seen_ms AS firstSeenMs, last_seen_ms AS lastSeenMs FROM ${table}`).all();
    inTransaction(store, () => rows.forEach((row) => writeFinding(store, table, { ...row, content: JSON.parse(row.content) as unknown })));
  }

  function takeInCache(table: (typeof CACHE_TABLES)[number]): void {
    const insert = prepared(store.db, `INSERT OR IGNORE INTO ${table} (key, value, used_at) VALUES (?, ?, ?)`);
    inTransaction(store, () => {
      for (const row of source.prepare<[], [Uint8Array, Uint8Array, number]>(`SELECT key, value, used_at FROM ${table}`).raw().iterate()) insert.run(...row);
    });
  }
}

/** Facts from the file that knows the later evaluation. */
function scorableHere(store: Store, facts: ScorableFacts, timeMs: number): ScorableRow {
  const here = prepared<ScorableRow & { readonly timeMs: number }>(store.db, `SELECT o.id, o.goal_id AS goalId, o.newest_evaluation_id AS newestId, e.time_ms AS timeMs
    FROM scorables o JOIN evaluations e ON e.id = o.newest_evaluation_id WHERE o.scorable_id = ?`).get(facts.id);
  return here !== undefined && here.timeMs >= timeMs ? here : upsertScorable(store, facts);
}

/** Rows by number; where a stretch holds damage it is read in halves, down to the row. */
function readBetween<Row>(select: BetterSqlite3.Statement<unknown[], Row>, first: number, last: number, lost: () => void): Row[] {
  try {
    return select.all(first, last);
  } catch (error) {
    if (!isCorruption(error)) throw error;
    if (first === last) {
      lost();
      return [];
    }
    const middle = Math.floor((first + last) / 2);
    return [...readBetween(select, first, middle, lost), ...readBetween(select, middle + 1, last, lost)];
  }
}
