/** Reads the database in which VS Code's Copilot keeps the spans of its runs ("Export Agent Traces DB"). No file is opened: the bytes are a copy, and are changed. */
import type BetterSqlite3 from 'better-sqlite3';
import { openCopy } from './database.ts';

/** One span as its rows have it. */
export interface StoredSpan {
  readonly spanId: string;
  readonly traceId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  /** Milliseconds since the epoch, perhaps with a fraction. */
  readonly startMs: number;
  readonly endMs: number;
  /** As OpenTelemetry numbers them: 2 is an error. */
  readonly statusCode: number;
  readonly statusMessage: string | null;
  /** Values are text, whatever they were: numbers and truth values in words, lists of strings as JSON. */
  readonly attributes: readonly { readonly key: string; readonly value: string | null }[];
  /** `attributes` is a record as JSON. */
  readonly events: readonly { readonly name: string; readonly timeMs: number; readonly attributes: string | null }[];
}

export interface SpanDatabase {
  readonly count: number;
  /** In the order of their start. Every span is read when it is asked for. */
  readonly spans: Iterable<StoredSpan>;
  close(): void;
}

/** Undefined for a database without the tables of spans. Throws where the bytes are damaged or no database. */
export function openSpanDatabase(bytes: Buffer): SpanDatabase | undefined {
  const db = openCopy(bytes);
  try {
    // The file is somebody else's: nothing in its schema may call functions.
    db.pragma('trusted_schema = OFF');
    const hasAll = Object.entries(COLUMNS).every(([table, columns]) => columns.every((column) => columnsOf(db, table).has(column)));
    if (hasAll) return { count: db.prepare<[], { count: number }>('SELECT count(*) AS count FROM spans').get()?.count ?? 0, spans: spansOf(db), close: () => void db.close() };
    db.close();
    return undefined;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** What is read of each table; there are more columns, all of which repeat attributes. */
const COLUMNS = {
  spans: ['span_id', 'trace_id', 'parent_span_id', 'name', 'start_time_ms', 'end_time_ms', 'status_code', 'status_message'],
  span_attributes: ['span_id', 'key', 'value'],
  span_events: ['span_id', 'name', 'timestamp_ms', 'attributes'],
} as const;

function columnsOf(db: BetterSqlite3.Database, table: string): ReadonlySet<string> {
  return new Set(db.prepare<[string], { name: string }>('SELECT name FROM pragma_table_info(?)').all(table).map(({ name }) => name));
}

function* spansOf(db: BetterSqlite3.Database): Generator<StoredSpan> {
  const attributes = db.prepare<[string], StoredSpan['attributes'][number]>('SELECT key, value FROM span_attributes WHERE span_id = ? ORDER BY key');
  const events = db.prepare<[string], StoredSpan['events'][number]>('SELECT name, timestamp_ms AS timeMs, attributes FROM span_events WHERE span_id = ? ORDER BY timestamp_ms, rowid');
  const spans = db.prepare<[], Omit<StoredSpan, 'attributes' | 'events'>>(
    'SELECT span_id AS spanId, trace_id AS traceId, parent_span_id AS parentSpanId, name, start_time_ms AS startMs, end_time_ms AS endMs, status_code AS statusCode, status_message AS statusMessage FROM spans ORDER BY start_time_ms, span_id',
  );
  for (const span of spans.iterate()) yield { ...span, attributes: attributes.all(span.spanId), events: events.all(span.spanId) };
}
