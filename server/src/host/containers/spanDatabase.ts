/**
 * Lays the database of VS Code's Copilot out as text: one span a line, in the shape its file exporter writes them, so that both
 * are read alike.
 */
import { stat } from 'node:fs/promises';
import { openSpanDatabase, type SpanDatabase, type StoredSpan } from '../../storage/spanDatabase.ts';
import type { ByteSource } from './byteSource.ts';
import type { LaidOut } from './inspectArchive.ts';
import { megabytes } from './zipContainer.ts';

/** The whole database as lines, or as many spans as `maxBytes` of text hold. `path` tells whether more stands in a log beside the file. */
export async function spanLines(path: string, source: ByteSource, maxBytes: number): Promise<LaidOut> {
  if (source.sizeBytes > MOST_DATABASE_BYTES) return { kind: 'failed', message: `The database takes ${megabytes(source.sizeBytes)}, more than the ${megabytes(MOST_DATABASE_BYTES)} that are read.` };
  const bytes = await source.read(0, source.sizeBytes);
  let database: SpanDatabase | undefined;
  try {
    database = openSpanDatabase(bytes);
    if (database === undefined) return { kind: 'failed', message: 'The database holds no spans of an agent: of SQLite files, those that Copilot keeps its traces in are read.' };
    return withNotice(layOut(database, maxBytes), await isUnmerged(path));
  } catch (error) {
    return { kind: 'failed', message: `The database is damaged or cannot be read (${error instanceof Error ? error.message : String(error)}).` };
  } finally {
    database?.close();
  }
}

/** Whether a log beside the file holds what was written last: a program has the database open, or crashed. */
async function isUnmerged(path: string): Promise<boolean> {
  try {
    return (await stat(`${path}-wal`)).size > 0;
  } catch {
    return false;
  }
}

function withNotice(laidOut: LaidOut, isMissingNewest: boolean): LaidOut {
  if (laidOut.kind === 'failed' || !isMissingNewest) return laidOut;
  const newest = 'Spans that Copilot wrote last are not in the file yet: "Chat: Export Agent Traces DB" writes one with all of them.';
  return { ...laidOut, notice: laidOut.notice === undefined ? newest : `${laidOut.notice} ${newest}` };
}

function layOut({ spans, count }: SpanDatabase, maxBytes: number): LaidOut {
  const lines: string[] = [];
  let left = maxBytes;
  for (const span of spans) {
    const line = JSON.stringify(readableSpan(span));
    left -= line.length + 1;
    if (left < 0) break;
    lines.push(line);
  }
  if (count === 0) return { kind: 'failed', message: 'The database holds no spans.' };
  const missing = count - lines.length;
  if (lines.length === 0) return { kind: 'failed', message: `The first span of the database is longer than the ${megabytes(maxBytes)} there is room for.` };
  const text = `${lines.join('\n')}\n`;
  return missing <= 0 ? { kind: 'text', text } : { kind: 'text', text, notice: `The last ${missing} of ${count} spans of the database are not shown: there is room for ${megabytes(maxBytes)} of text.` };
}

/** More could not be held beside the text. */
const MOST_DATABASE_BYTES = 500_000_000;

function readableSpan(span: StoredSpan): unknown {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === null ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    startTime: hrTime(span.startMs),
    endTime: hrTime(span.endMs),
    status: { code: span.statusCode, ...(span.statusMessage === null ? {} : { message: span.statusMessage }) },
    attributes: Object.fromEntries(span.attributes.flatMap(({ key, value }) => (value === null ? [] : [[key, attributeValue(value)]]))),
    events: span.events.map((event) => ({ name: event.name, time: hrTime(event.timeMs), attributes: eventAttributes(event.attributes) })),
  };
}

/** `[seconds, nanoseconds]`. */
function hrTime(ms: number): readonly [number, number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

/** Lists are of strings; JSON of anything else was a string already. */
function attributeValue(value: string): string | readonly string[] {
  if (!value.startsWith('["')) return value;
  const list = parsed(value);
  return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : value;
}

function eventAttributes(value: string | null): unknown {
  return value === null ? {} : (parsed(value) ?? {});
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
