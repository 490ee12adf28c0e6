/** What was found in the scores: one entry an id, with when it was first and last seen. */
import type { Agreement, Seen } from '../corpus/scoreMemory.ts';
import { inTransaction, prepared } from './store.ts';
import type { Store } from './store.ts';

export const FINDING_TABLES = ['mars_results', 'patterns', 'recommendations'] as const;
export type FindingTable = (typeof FINDING_TABLES)[number];

/** `content` is stored as JSON. Stable ids: a pattern's or recommendation's own; dimension and time for a MARS result. */
export interface Finding {
  readonly id: string;
  readonly content: unknown;
}

export type SeenFinding = Finding & Seen;

/** MARS results kept of one dimension. */
const KEEP_AGREEMENTS = 100;

/** A finding that is known already keeps when it was first seen. */
export function saveFindings(store: Store, table: FindingTable, findings: readonly Finding[], timeMs: number): void {
  inTransaction(store, () => findings.forEach((finding) => writeFinding(store, table, { ...finding, firstSeenMs: timeMs, lastSeenMs: timeMs })));
}

/** A series a dimension: what says the same as the latest renews it, anything else is an entry of its own. */
export function saveAgreements(store: Store, agreements: readonly Agreement[], timeMs: number): void {
  inTransaction(store, () => {
    for (const agreement of agreements) {
      const [latest, ...older] = prepared<{ id: string; content: string }>(store.db, `SELECT id, content FROM mars_results WHERE json_extract(content, '$.dimension') = ? ORDER BY last_seen_ms DESC, id DESC`).all(agreement.dimension);
      const isSame = latest?.content === JSON.stringify(agreement);
      writeFinding(store, 'mars_results', { id: isSame ? latest.id : `${agreement.dimension} ${timeMs}`, content: agreement, firstSeenMs: timeMs, lastSeenMs: timeMs });
      for (const { id } of older.slice(KEEP_AGREEMENTS - (isSame ? 1 : 2))) prepared(store.db, 'DELETE FROM mars_results WHERE id = ?').run(id);
    }
  });
}

/** Of two with one id the one seen last gives the content. */
export function writeFinding(store: Store, table: FindingTable, { id, content, firstSeenMs, lastSeenMs }: SeenFinding): void {
  prepared(store.db, `INSERT INTO ${table} (id, content, first_seen_ms, last_seen_ms) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
    content = iif(excluded.last_seen_ms >= last_seen_ms, excluded.content, content),
    first_seen_ms = min(first_seen_ms, excluded.first_seen_ms), last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)`).run(id, JSON.stringify(content), firstSeenMs, lastSeenMs);
}

/** Last seen first, then by id. */
export function findings(store: Store, table: FindingTable): SeenFinding[] {
  return prepared<{ id: string; content: string; firstSeenMs: number; lastSeenMs: number }>(store.db, `SELECT id, content, first_seen_ms AS firstSeenMs, last_seen_ms AS lastSeenMs FROM ${table} ORDER BY last_seen_ms DESC, id`)
    .all().map((row) => ({ ...row, content: JSON.parse(row.content) as unknown }));
}
