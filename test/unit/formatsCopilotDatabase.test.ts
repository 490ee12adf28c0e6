/** The database in which Copilot keeps its spans: laid out as lines, read like those of its file exporter. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import { bufferSource } from '../../server/src/host/containers/byteSource.ts';
import { readContainer, type ContainerRead } from '../../server/src/host/containers/readContainer.ts';
import { readHead, readText } from '../../server/src/host/files.ts';
import { outline } from '../support/otelSpans.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spans-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface SpanToWrite {
  readonly id: string;
  readonly name: string;
  readonly at: readonly [startMs: number, endMs: number];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly error?: string;
  readonly events?: readonly (readonly [name: string, timeMs: number, attributes: object | null])[];
}

const START = 1_760_000_000_000;
const SPANS: readonly SpanToWrite[] = [
  { id: 'a', name: 'invoke_agent copilot', at: [START, START + 5000], attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'copilot', 'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: 'fix it' }] }]) } },
  {
    id: 'c', name: 'chat m', at: [START + 1000.25, START + 2000],
    attributes: {
      'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 9, 'gen_ai.usage.output_tokens': 4, 'gen_ai.response.finish_reasons': ['tool_calls'],
      'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'tool_call', id: 't1', name: 'read_file', arguments: { path: 'a.ts' } }] }]),
    },
  },
  { id: 't', name: 'execute_tool read_file', at: [START + 2000, START + 3000], attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'read_file', 'gen_ai.tool.call.id': 't1', 'gen_ai.tool.call.result': 'text' } },
  {
    id: 'd', name: 'chat m', at: [START + 3000, START + 4000], error: 'too slow',
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: 'Fixed.' }] }]) },
    events: [['exception', START + 4000, { 'exception.type': 'Timeout', 'exception.message': 'too slow' }], ['mark', START + 4000, null]],
  },
];

/** A file with the tables that the exporter makes, shared through a write-ahead log as it shares them. */
function write(name: string, spans: readonly SpanToWrite[], options: { readonly leavesOpen?: boolean } = {}): { readonly path: string; readonly db: Database.Database } {
  const path = join(folder, name);
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.exec(`
    CREATE TABLE spans (span_id TEXT PRIMARY KEY, trace_id TEXT NOT NULL, parent_span_id TEXT, name TEXT NOT NULL, start_time_ms INTEGER NOT NULL, end_time_ms INTEGER NOT NULL, status_code INTEGER NOT NULL DEFAULT 0, status_message TEXT, input_tokens INTEGER);
    CREATE TABLE span_attributes (span_id TEXT NOT NULL REFERENCES spans(span_id), key TEXT NOT NULL, value TEXT, PRIMARY KEY (span_id, key));
    CREATE TABLE span_events (id INTEGER PRIMARY KEY AUTOINCREMENT, span_id TEXT NOT NULL REFERENCES spans(span_id), name TEXT NOT NULL, timestamp_ms INTEGER NOT NULL, attributes TEXT);
  `);
  for (const { id, name: called, at, attributes, error, events = [] } of spans) {
    db.prepare('INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)').run(id, 'ab'.repeat(16), id === 'a' ? null : 'a', called, at[0], at[1], error === undefined ? 1 : 2, error ?? null);
    for (const [key, value] of Object.entries(attributes)) db.prepare('INSERT INTO span_attributes VALUES (?, ?, ?)').run(id, key, Array.isArray(value) ? JSON.stringify(value) : String(value));
    for (const [event, timeMs, fields] of events) db.prepare('INSERT INTO span_events (span_id, name, timestamp_ms, attributes) VALUES (?, ?, ?, ?)').run(id, event, timeMs, fields === null ? null : JSON.stringify(fields));
  }
  if (options.leavesOpen !== true) db.close();
  return { path, db };
}

function read(bytes: Buffer, maxTextBytes = 1e8): Promise<ContainerRead> {
  return readContainer(join(folder, 'x.db'), bufferSource(bytes), { maxTextBytes });
}

describe('a database of spans', () => {
  it('is read as the spans it holds', async () => {
    const { path } = write('traces.db', [...SPANS].reverse());
    const bytes = readFileSync(path);
    const found = await readText(path, 1e8);
    if (found.kind !== 'text') throw new Error(JSON.stringify(found));
    expect([found.isVirtual, found.notice]).toEqual([true, undefined]);
    const parsed = readTraces({ path, text: found.text });
    const [trace] = parsed?.traces ?? [];
    if (trace === undefined) throw new Error('no trace was read');
    expect([trace.format, trace.goalText, outline(trace)]).toEqual(['copilot-spans', 'fix it', ['copilot: read_file({"path":"a.ts"})=text', 'copilot: Fixed.']]);
    expect(trace.steps[0]).toMatchObject({ usage: { inputTokens: 9, outputTokens: 4 }, finishReason: 'tool_calls', startTimeMs: START + 1000.25 });
    expect(trace.steps[1]?.error).toMatchObject({ type: 'Timeout', message: 'too slow' });
    expect(readFileSync(path).equals(bytes), 'the file is as it was').toBe(true);
  });

  it('shows its first spans to detection', async () => {
    const { path } = write('traces.db', SPANS);
    expect((await readHead(path, 65_536))?.split('\n').filter((line) => line !== '').map((line) => (JSON.parse(line) as { spanId: string }).spanId)).toEqual(['a', 'c', 't', 'd']);
  });

  it('is laid out as far as there is room', async () => {
    const bytes = readFileSync(write('traces.db', SPANS).path);
    const whole = await read(Buffer.from(bytes));
    if (whole.kind !== 'text') throw new Error(JSON.stringify(whole));
    const lines = whole.text.split('\n');
    const firstTwo = (lines[0]?.length ?? 0) + (lines[1]?.length ?? 0) + 2;
    expect(await read(Buffer.from(bytes), firstTwo)).toMatchObject({ text: `${lines[0] ?? ''}\n${lines[1] ?? ''}\n`, notice: expect.stringContaining('The last 2 of 4 spans') as unknown });
    expect(await read(Buffer.from(bytes), 20)).toMatchObject({ kind: 'failed', message: expect.stringContaining('room') as unknown });
  });

  it('says so where the newest spans are not in the file yet', async () => {
    const { path, db } = write('open.db', SPANS, { leavesOpen: true });
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.prepare("INSERT INTO span_attributes VALUES ('d', 'k', 'v')").run();
    expect(await readText(path, 1e8)).toMatchObject({ kind: 'text', notice: expect.stringContaining('Export Agent Traces DB') as unknown });
    db.close();
    expect(await readText(path, 1e8)).not.toHaveProperty('notice');
  });

  it('is refused with a sentence where it is another, empty or damaged', async () => {
    const other = new Database(join(folder, 'other.db'));
    other.exec('CREATE TABLE spans (a)');
    other.close();
    expect(await read(readFileSync(join(folder, 'other.db')))).toMatchObject({ kind: 'failed', message: expect.stringContaining('no spans of an agent') as unknown });
    expect(await read(readFileSync(write('none.db', []).path))).toMatchObject({ kind: 'failed', message: 'The database holds no spans.' });
    const bytes = readFileSync(write('cut.db', SPANS).path);
    expect(await read(Buffer.from(bytes.subarray(0, 5000)))).toMatchObject({ kind: 'failed' });
    expect(await read(Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(bytes.length - 100, 7)]))).toMatchObject({ kind: 'failed' });
    writeFileSync(join(folder, 'text.db'), 'SQLite is a library');
    expect(await readText(join(folder, 'text.db'), 1e6)).toMatchObject({ kind: 'text', text: 'SQLite is a library' });
  });
});
