/** The score cache: raw head outputs and sentence vectors by key (hexadecimal). */
import { inTransaction, prepared } from './store.ts';
import type { Store } from './store.ts';

export const CACHE_TABLES = ['raw_scores', 'vectors'] as const;
export type CacheTable = (typeof CACHE_TABLES)[number];

/** One slot a key; undefined where nothing is stored. */
export function cached(store: Store, table: CacheTable, keys: readonly string[]): (Float32Array | undefined)[] {
  const select = prepared<{ value: Uint8Array }>(store.db, `SELECT value FROM ${table} WHERE key = ?`);
  return keys.map((key) => {
    const row = select.get(Buffer.from(key, 'hex'));
    // Copied: SQLite's buffer need not be aligned to four bytes.
    return row === undefined ? undefined : new Float32Array(new Uint8Array(row.value).buffer);
  });
}

export function keepInCache(store: Store, table: CacheTable, rows: readonly (readonly [string, Float32Array])[], timeMs: number): void {
  const insert = prepared(store.db, `INSERT INTO ${table} (key, value, used_at) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, used_at = excluded.used_at`);
  inTransaction(store, () => {
    for (const [key, values] of rows) insert.run(Buffer.from(key, 'hex'), Buffer.from(values.buffer, values.byteOffset, values.byteLength), timeMs);
  });
}
