/** What was found in the scores: one entry an id, with when it was first and last seen. */
import { inTransaction, prepared } from './store.ts';
import type { Store } from './store.ts';

export const FINDING_TABLES = ['mars_results', 'patterns', 'recommendations'] as const;
export type FindingTable = (typeof FINDING_TABLES)[number];

/** `content` is stored as JSON. Stable ids: a dimension for a MARS result, a pattern's or recommendation's own. */
export interface Finding {
  readonly id: string;
  readonly content: unknown;
}

export interface SeenFinding extends Finding {
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

/** A finding that is known already keeps when it was first seen. */
export function saveFindings(store: Store, table: FindingTable, findings: readonly Finding[], timeMs: number): void {
  inTransaction(store, () => findings.forEach((finding) => writeFinding(store, table, { ...finding, firstSeenMs: timeMs, lastSeenMs: timeMs })));
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
