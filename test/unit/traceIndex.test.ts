/** The index over real files and a real worker: growth, resets, and everything that can go wrong on a disk. */
import { appendFileSync, chmodSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IndexOutcome, IndexSettings, TraceIndex, TraceIndexer } from '../../server/src/core/traceIndex.ts';
import { createTraceIndexer } from '../../server/src/host/traceIndex/indexer.ts';
import { createSpill, heavyText, openSpill, sweepSpills } from '../../server/src/host/traceIndex/spill.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import { bundle } from '../support/bundle.ts';
import { CLAUDE_START, claudeTurn } from '../support/claudeSession.ts';
import { nothingSeen, see, wholeSteps, type Seen } from '../support/indexedTrace.ts';

const WORKER = pathToFileURL(bundle('server/src/host/traceIndex/worker.ts'));
const folder = mkdtempSync(join(tmpdir(), 'stepscope-index-unit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SETTINGS: IndexSettings = { modelsKey: 'models', maxStepCharacters: 20_000 };
const WAITING: IndexSettings = { ...SETTINGS, quietMs: 1e13 };
const turns = (from: number, to: number): string => Array.from({ length: to - from }, (_, i) => claudeTurn(from + i, 'some words')).join('');

let indexer: TraceIndexer;
let files = 0;
beforeEach(() => {
  indexer = createTraceIndexer({ workerFile: WORKER, spillFolder: folder, windowBytes: { first: 3000, next: 3000 } });
});
afterEach(() => indexer.close());

interface Opened {
  readonly path: string;
  readonly index: TraceIndex;
  readonly seen: Seen;
  read(): Promise<IndexOutcome>;
}

function open(content: string | Buffer, settings: IndexSettings = SETTINGS): Opened {
  const path = join(folder, `file${files++}.jsonl`);
  writeFileSync(path, content);
  makeQuiet(path);
  const index = indexer.open(path, settings);
  const seen = nothingSeen();
  return { path, index, seen, read: () => index.read((batch) => see(seen, batch)) };
}

function makeQuiet(path: string): void {
  utimesSync(path, 1_700_000_000, 1_700_000_000);
}

/** Holds what the index says against one parse of the file. */
function expectWhole({ path, index, seen }: Opened): void {
  const text = readFileSync(path, 'utf8');
  const parsed = readTraces({ path, text });
  expect(seen.traces.map((trace) => JSON.parse(JSON.stringify(wholeSteps(index, trace))) as unknown)).toEqual(parsed?.traces.map((trace) => JSON.parse(JSON.stringify(trace.steps)) as unknown));
  expect(seen.textLength).toBe(text.length);
}

describe('reading', () => {
  it('gives every step with its words, in several batches', async () => {
    const file = open(CLAUDE_START + turns(0, 60));
    const outcome = await file.read();
    expect(outcome).toMatchObject({ kind: 'read', format: 'claude-code', isWindowed: true, isReset: true, hasChanged: true, isProvisional: false, warnings: [] });
    expectWhole(file);
    expect(file.seen.traces[0]?.lean.length).toBe(60);
  });

  it('leaves nothing in the folder of temporary files', async () => {
    const file = open(CLAUDE_START + turns(0, 5));
    await file.read();
    expect(readdirSync(folder).filter((name) => name.endsWith('.spill'))).toEqual([]);
    file.index.close();
    expect(file.index.readStep({ at: 0, bytes: 10 })).toEqual({ description: '', tools: [], attributes: {} });
  });

  it('reads one file after another and stops when told to', async () => {
    const one = open(CLAUDE_START + turns(0, 400));
    const two = open(CLAUDE_START + turns(0, 3));
    const stop = new AbortController();
    const first = one.index.read((batch) => {
      see(one.seen, batch);
      stop.abort();
    }, stop.signal);
    expect((await two.read()).kind).toBe('read');
    expect((await first).kind).toBe('cancelled');
    expect(one.seen.traces[0]?.lean.length).toBeLessThan(400);
    expect((await one.read()).kind).toBe('read');
    expectWhole(one);
  });

  it.each([
    ['broken UTF-8 at the edge of a window', Buffer.concat([Buffer.from(CLAUDE_START + turns(0, 8)), Buffer.from('{"type":"user","uuid":"x","sessionId":"session","message":{"role":"user","content":"\xff\xfe'), Buffer.from([0xff, 0xe2, 0x82]), Buffer.from(`"}}\n${turns(8, 20)}`)])],
    ['surrogate pairs', CLAUDE_START + Array.from({ length: 30 }, (_, i) => claudeTurn(i, '🪁'.repeat(97 + i))).join('')],
    ['CRLF', (CLAUDE_START + turns(0, 30)).replaceAll('\n', '\r\n')],
    ['a byte order mark', `\ufeff${CLAUDE_START}${turns(0, 30)}`],
    ['no line break at the end', (CLAUDE_START + turns(0, 30)).trimEnd()],
    ['a long line among short ones', CLAUDE_START + turns(0, 10) + claudeTurn(10, 'word '.repeat(20_000)) + turns(11, 30)],
  ])('reads %s as one parse does', async (_name, content) => {
    const file = open(content);
    expect((await file.read()).kind).toBe('read');
    expectWhole(file);
  });

  it('says so where nothing is to be read', async () => {
    expect((await open('nothing of the kind').read()).kind).toBe('no-trace');
    expect(await open('x'.repeat(500), { ...SETTINGS, maxBytes: 100 }).read()).toMatchObject({ kind: 'too-large', sizeBytes: 500 });
    expect(await indexer.open(folder, SETTINGS).read(() => undefined)).toMatchObject({ kind: 'failed', message: `${folder} is a folder.` });
  });
});

describe('growth', () => {
  it('adds what was appended, and replaces the provisional last step', async () => {
    const file = open(CLAUDE_START + turns(0, 40), WAITING);
    const first = await file.read();
    expect(first).toMatchObject({ isProvisional: true });
    expect(file.seen.traces[0]?.lean.at(-1)?.isProvisional).toBe(true);
    appendFileSync(file.path, turns(40, 42));
    const froms: number[] = [];
    const second = await file.index.read((batch) => {
      froms.push(...batch.changes.map((change) => change.from));
      see(file.seen, batch);
    });
    expect(second).toMatchObject({ isReset: false, hasChanged: true });
    expect(Math.min(...froms), 'only the end is told again').toBeGreaterThan(20);
    expect(file.seen.traces[0]?.lean.map((step) => step.isProvisional)).toEqual([...Array.from({ length: 41 }, () => false), true]);
    expect(await file.read()).toMatchObject({ isReset: false, hasChanged: false });
  });

  it('waits for the rest of a half-written line', async () => {
    const file = open(CLAUDE_START + turns(0, 10), WAITING);
    await file.read();
    const next = claudeTurn(10, 'some words');
    appendFileSync(file.path, next.slice(0, 50));
    expect(await file.read()).toMatchObject({ warnings: [], isProvisional: true });
    expect(file.seen.traces[0]?.lean.length).toBe(10);
    appendFileSync(file.path, next.slice(50));
    await file.read();
    expect(file.seen.traces[0]?.lean.length).toBe(11);
    expect(file.seen.traces[0]?.lean.map((step) => step.stepId)).toEqual(Array.from({ length: 11 }, (_, i) => `m${i}`));
  });

  it('takes the last step as finished once the file is quiet', async () => {
    const file = open(CLAUDE_START + turns(0, 10), { ...SETTINGS, quietMs: 300 });
    appendFileSync(file.path, turns(10, 11));
    expect(await file.read()).toMatchObject({ isProvisional: true });
    await expect.poll(async () => (await file.read()), { timeout: 5000, interval: 50 }).toMatchObject({ isProvisional: false, isReset: false });
    expect(file.seen.traces[0]?.lean.at(-1)?.isProvisional).toBe(false);
    expectWhole(file);
  });

  it.each([
    ['was cut short', (path: string) => truncateSync(path, CLAUDE_START.length + turns(0, 5).length)],
    ['was replaced by another', (path: string) => {
      writeFileSync(`${path}.new`, CLAUDE_START + turns(100, 160));
      renameSync(`${path}.new`, path);
    }],
    ['has another beginning', (path: string) => writeFileSync(path, CLAUDE_START.replace('Find', 'Seek') + turns(0, 50))],
    ['was written again in place', (path: string) => writeFileSync(path, CLAUDE_START + turns(0, 40).replaceAll('some words', 'more words'))],
  ])('begins anew with a file that %s', async (_name, change) => {
    const file = open(CLAUDE_START + turns(0, 40));
    await file.read();
    const stale = file.seen.traces[0]?.lean[0];
    change(file.path);
    expect(await file.read()).toMatchObject({ kind: 'read', isReset: true });
    makeQuiet(file.path);
    await file.read();
    expectWhole(file);
    expect(stale === undefined ? undefined : file.index.readStep(stale)).toEqual({ description: '', tools: [], attributes: {} });
  });

  it('drops the branch that a rewind leaves behind', async () => {
    const file = open(CLAUDE_START + turns(0, 60));
    await file.read();
    const back = { type: 'user', uuid: 'back', parentUuid: 'r9', sessionId: 'session', timestamp: '2026-01-01T01:00:00.000Z', message: { role: 'user', content: 'Do it another way.' } };
    appendFileSync(file.path, `${JSON.stringify(back)}\n${claudeTurn(60, 'other words').replace('"parentUuid":"r59"', '"parentUuid":"back"')}`);
    makeQuiet(file.path);
    await file.read();
    expectWhole(file);
    expect(file.seen.traces[0]?.lean.length).toBe(11);
  });
});

describe('faults', () => {
  it('tells a missing file, and one that went away', async () => {
    expect(await indexer.open(join(folder, 'nowhere.jsonl'), SETTINGS).read(() => undefined)).toEqual({ kind: 'missing' });
    const file = open(CLAUDE_START + turns(0, 10));
    await file.read();
    unlinkSync(file.path);
    expect(await file.read()).toEqual({ kind: 'missing' });
    writeFileSync(file.path, CLAUDE_START + turns(0, 12));
    expect(await file.read()).toMatchObject({ kind: 'read', isReset: true });
  });

  it.skipIf(process.getuid?.() === 0)('tells a file without permission', async () => {
    const file = open(CLAUDE_START + turns(0, 2));
    chmodSync(file.path, 0);
    expect(await file.read()).toEqual({ kind: 'failed', message: `${file.path} cannot be read: no permission.` });
  });

  it('survives a file that is replaced while it is read', async () => {
    const file = open(CLAUDE_START + turns(0, 400));
    let isReplaced = false;
    const outcome = await file.index.read((batch) => {
      see(file.seen, batch);
      if (isReplaced) return;
      isReplaced = true;
      writeFileSync(`${file.path}.new`, CLAUDE_START + turns(500, 520));
      renameSync(`${file.path}.new`, file.path);
    });
    expect(outcome.kind).toBe('read');
    makeQuiet(file.path);
    expect(await file.read()).toMatchObject({ kind: 'read', isReset: true });
    expectWhole(file);
  });

  it('has a sentence for a folder that takes no temporary files', async () => {
    const nowhere = join(folder, 'nowhere');
    const other = createTraceIndexer({ workerFile: WORKER, spillFolder: nowhere });
    const { path } = open(CLAUDE_START + turns(0, 2));
    expect(await other.open(path, SETTINGS).read(() => undefined)).toEqual({ kind: 'failed', message: `No temporary file could be made in ${nowhere}: ${path} cannot be read. Make the folder writable, or name another one as the temporary folder of the system.` });
    await other.close();
  });

  it('fails with a sentence when its worker dies, and has another the next time', async () => {
    const path = join(folder, 'dying.mjs');
    writeFileSync(path, `import { parentPort } from 'node:worker_threads'; import { existsSync, writeFileSync } from 'node:fs';
      if (existsSync(${JSON.stringify(`${path}.done`)})) await import(${JSON.stringify(WORKER.href)});
      else { writeFileSync(${JSON.stringify(`${path}.done`)}, ''); parentPort.on('message', () => process.exit(7)); }`);
    const other = createTraceIndexer({ workerFile: pathToFileURL(path), spillFolder: folder });
    const file = open(CLAUDE_START + turns(0, 4));
    const index = other.open(file.path, SETTINGS);
    expect(await index.read(() => undefined)).toEqual({ kind: 'failed', message: `Reading ${file.path} ended unexpectedly (exit code 7). What was read so far is shown; reading it again begins anew.` });
    expect(await index.read(() => undefined)).toMatchObject({ kind: 'read', isReset: true });
    await other.close();
  });

  it('settles what is under way when it is closed', async () => {
    const file = open(CLAUDE_START + turns(0, 400));
    const read = file.read();
    await indexer.close();
    expect((await read).kind).toBe('failed');
  });
});

describe('spill files', () => {
  it('are for this user alone, and give back what was written', () => {
    const spill = createSpill(1000, folder);
    const step = readTraces({ path: 'x.jsonl', text: CLAUDE_START + turns(0, 1) })?.traces[0]?.steps[0];
    if (step === undefined) throw new Error('no step');
    const place = spill.write(heavyText(step));
    spill.flush();
    const reader = openSpill(spill);
    expect(place.at).toBe(1000);
    expect(reader.read(place)).toMatchObject({ output: step.output, tools: step.tools });
    expect(reader.read({ at: 999, bytes: 1 })).toBeUndefined();
    reader.close();
    spill.close();
  });

  it('of processes that are gone are removed', () => {
    const left = join(folder, 'stepscope-999999999-x.spill');
    const alive = join(folder, `stepscope-${process.pid}-x.spill`);
    for (const path of [left, alive]) writeFileSync(path, '');
    sweepSpills(folder);
    expect(readdirSync(folder).filter((name) => name.endsWith('.spill'))).toEqual([`stepscope-${process.pid}-x.spill`]);
    unlinkSync(alive);
  });
});
