/** Keeps the file within its size, and says what it holds. */
import { CACHE_TABLES } from './cacheStore.ts';
import { getAttributeStats } from './scoreAttributeStore.ts';
import type { AttributeStats } from './scoreAttributeStore.ts';
import { inTransaction, prepared } from './store.ts';
import type { Store } from './store.ts';

export interface MemoryInfo {
  readonly schema: number;
  readonly sizeBytes: number;
  /** Of these: free for what comes next. */
  readonly freeBytes: number;
  readonly rows: Readonly<Record<string, number>>;
  /** Milliseconds since the Unix epoch; null without evaluations. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
  readonly attributes: readonly AttributeStats[];
}

const COUNTED = ['scorables', 'evaluations', 'scores', 'score_attributes', 'score_deltas', 'mars_results', 'patterns', 'recommendations', ...CACHE_TABLES];
/** Once over the limit, so much of it is made free, so that the next write does not meet it again. */
const AFTERWARDS = 0.9;
const SHARE_AT_ONCE = 0.1;
const ROWS_AT_ONCE = 200;
const EVALUATIONS_AT_ONCE = 200;

/** Over the size limit the least used cache rows go first, then the oldest evaluations; the newest of a scorable always stays. */
export function keepWithinLimit(store: Store): void {
  if (usedBytes(store) <= store.maxBytes) return;
  while (usedBytes(store) > store.maxBytes * AFTERWARDS) {
    const removed = inTransaction(store, () => forgetOldCacheRows(store) || forgetOldEvaluations(store));
    if (removed === 0) break;
  }
  store.db.pragma('incremental_vacuum');
}

/** Gives free room back to the disk. Throws where another process is using the file. */
export function vacuum(store: Store): void {
  inTransaction(store, () => {
    prepared(store.db, 'DELETE FROM goals WHERE id NOT IN (SELECT goal_id FROM scorables) AND id NOT IN (SELECT goal_id FROM evaluations)').run();
  });
  // Files of the first schema have none of it; a whole VACUUM is when it can be set.
  store.db.pragma('auto_vacuum = INCREMENTAL');
  store.db.exec('VACUUM');
  store.db.pragma('wal_checkpoint(TRUNCATE)');
}

export function infoOf(store: Store): MemoryInfo {
  const { db } = store;
  const count = (table: string): number => prepared<{ n: number }>(db, `SELECT count(*) AS n FROM ${table}`).get()?.n ?? 0;
  const times = prepared<{ oldest: number | null; newest: number | null }>(db, 'SELECT min(time_ms) AS oldest, max(time_ms) AS newest FROM evaluations').get();
  const keys = prepared<{ key: string }>(db, 'SELECT key FROM attribute_keys ORDER BY key').all();
  return {
    schema: number(store, 'user_version'), sizeBytes: number(store, 'page_count') * number(store, 'page_size'), freeBytes: number(store, 'freelist_count') * number(store, 'page_size'),
    rows: Object.fromEntries(COUNTED.map((table) => [table, count(table)])),
    oldestMs: times?.oldest ?? null, newestMs: times?.newest ?? null,
    attributes: keys.map(({ key }) => getAttributeStats(store, key)).filter((stats) => stats.count > 0),
  };
}

function usedBytes(store: Store): number {
  return (number(store, 'page_count') - number(store, 'freelist_count')) * number(store, 'page_size');
}

function number({ db }: Store, pragma: string): number {
  return Number(db.pragma(pragma, { simple: true }));
}

function forgetOldCacheRows(store: Store): number {
  let removed = 0;
  for (const table of CACHE_TABLES) {
    const n = prepared<{ n: number }>(store.db, `SELECT count(*) AS n FROM ${table}`).get()?.n ?? 0;
    removed += prepared(store.db, `DELETE FROM ${table} WHERE key IN (SELECT key FROM ${table} ORDER BY used_at LIMIT ?)`).run(Math.max(ROWS_AT_ONCE, Math.ceil(n * SHARE_AT_ONCE))).changes;
  }
  return removed;
}

function forgetOldEvaluations(store: Store): number {
  return prepared(store.db, `DELETE FROM evaluations WHERE id IN (
    SELECT e.id FROM evaluations e JOIN scorables o ON o.id = e.scorable_row WHERE e.id <> o.newest_evaluation_id ORDER BY e.time_ms, e.id LIMIT ?)`).run(EVALUATIONS_AT_ONCE).changes;
}
