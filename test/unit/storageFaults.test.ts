/** Score memories when processes die, meet, or find the disk against them. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { record } from '../../server/src/storage/evaluationStore.ts';
import { bundle } from '../support/bundle.ts';
import { batch, EVALUATIONS_A_BATCH } from '../support/memoryBatches.ts';
import { currentOf, evaluation, score, testMemory, testStore } from '../support/memories.ts';
import { testWorkspace } from '../support/workspace.ts';

const WORKER = bundle('server/src/storage/worker.ts');
const WRITER = bundle('test/support/memoryWriter.ts');
/** `MEMORY_KILLS=200` for the full count. */
const KILLS = Number(process.env['MEMORY_KILLS'] ?? 25);
const isRoot = process.getuid?.() === 0;

const writer = (path: string, name: string, batches: number, uid?: number): ChildProcess =>
  spawn(process.execPath, [WRITER, path, WORKER, name, String(batches)], { stdio: ['ignore', 'pipe', 'inherit'], ...(uid === undefined ? {} : { uid }) });
async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  if (child.stdout !== null) yield* createInterface({ input: child.stdout });
}
const idsOf = (name: string, batches: number): readonly string[] => Array.from({ length: batches }, (_, i) => batch(name, i).map((e) => e.scorable.id)).flat();

describe('processes', { timeout: 60_000 + KILLS * 20_000 }, () => {
  it(`killed ${KILLS} times while writing lose nothing that was answered`, async () => {
    using workspace = testWorkspace();
    const path = workspace.path('m.sqlite');
    const answered = new Map<string, number>();
    for (let kill = 0; kill < KILLS; kill++) {
      const name = `w${kill}`;
      const child = writer(path, name, 10_000);
      const after = 1 + kill % 7;
      for await (const line of linesOf(child)) {
        expect(line).toBe(`${answered.get(name) ?? 0}`);
        answered.set(name, Number(line) + 1);
        // A little later than the answer, each time elsewhere in the next write.
        if (Number(line) + 1 === after) setTimeout(() => child.kill('SIGKILL'), kill % 5);
      }
      const store = testStore(path);
      expect(store.db.pragma('integrity_check', { simple: true })).toBe('ok');
      expect(store.db.pragma('foreign_key_check')).toEqual([]);
      const present = new Set(store.db.prepare<[string], string>("SELECT scorable_id FROM scorables WHERE scorable_id LIKE ? || '-%'").pluck().all(name));
      expect(idsOf(name, answered.get(name) ?? 0).filter((id) => !present.has(id))).toEqual([]);
      expect(present.size % EVALUATIONS_A_BATCH).toBe(0);
      store.db.close();
    }
    const store = testStore(path);
    const records = currentOf(store).records;
    for (const [name, batches] of answered) for (const { records: given } of batch(name, batches - 1)) for (const one of given) expect(records).toContainEqual(one);
    store.db.close();
  });

  it('that write to one file together, two windows and a command line, lose nothing', async () => {
    using workspace = testWorkspace();
    const path = workspace.path('m.sqlite');
    const BATCHES = 60;
    const windows = ['one', 'two'].map(async (name) => {
      const lines: string[] = [];
      for await (const line of linesOf(writer(path, name, BATCHES))) lines.push(line);
      return lines;
    });
    const store = testStore(path);
    for (let i = 0; i < BATCHES; i++) {
      record(store, batch('three', i), i);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const expected = Array.from({ length: BATCHES }, (_, i) => String(i));
    expect(await Promise.all(windows)).toEqual([expected, expected]);
    expect(currentOf(store).scorables.map((s) => s.id).sort()).toEqual(['one', 'two', 'three'].flatMap((name) => idsOf(name, BATCHES)).sort());
    expect(currentOf(store).records.filter((r) => r.scorableId === 'two-7-1')).toEqual(expect.arrayContaining([...batch('two', 7)[1]?.records ?? []]));
    expect(store.db.pragma('integrity_check', { simple: true })).toBe('ok');
    store.db.close();
  });
});

describe('a full disk', { timeout: 60_000 }, () => {
  it('takes nothing half, keeps what was there, and takes writes again once there is room', () => {
    const store = testStore();
    record(store, batch('before', 1), 1);
    const before = currentOf(store);
    store.db.pragma(`max_page_count = ${Number(store.db.pragma('page_count', { simple: true })) + 2}`);
    const large = Array.from({ length: 200 }, (_, i) => batch('large', i)).flat();
    expect(() => record(store, large, 2)).toThrow(/full/);
    expect(currentOf(store)).toEqual(before);
    store.db.pragma('max_page_count = 100000');
    record(store, large, 2);
    expect(currentOf(store).scorables).toHaveLength(before.scorables.length + large.length);
    store.db.close();
  });

  it('is told once, in words, and work goes on', async (context) => {
    using workspace = testWorkspace({ 'disk/x': '' });
    const disk = workspace.path('disk');
    const mounted = isRoot ? spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status : 1;
    if (mounted !== 0) return context.skip('no small disk can be mounted here');
    try {
      const memory = testMemory(`${disk}/m.sqlite`, WORKER);
      await memory.record(batch('first', 1), 1);
      for (let i = 0; i < 20; i++) expect(await memory.record(Array.from({ length: 100 }, (_, k) => batch(`more${i}`, k)).flat(), 2)).toEqual([]);
      expect(memory.notices).toEqual([expect.stringMatching(/disk of the score memory .*m\.sqlite is full.*Scores go on/)]);
      expect((await memory.load({ traceId: 't' })).scorables.map((s) => s.id)).toEqual(expect.arrayContaining(idsOf('first', 2).slice(EVALUATIONS_A_BATCH)));
      await memory.close();
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});

describe('a read-only file', { timeout: 60_000 }, () => {
  it('shows what it holds, takes nothing, and says so', async () => {
    using workspace = testWorkspace();
    const folder = workspace.path('shared');
    mkdirSync(folder);
    const path = `${folder}/m.sqlite`;
    const store = testStore(path);
    record(store, batch('kept', 0), 1);
    store.db.close();
    chmodSync(path, 0o444);
    chmodSync(workspace.folder, 0o755);
    // First and last without and with the files that SQLite leaves beside a memory it could read.
    for (const mode of [0o555, 0o777, 0o555]) {
      chmodSync(folder, mode);
      // Root may write everything, so the question is asked as nobody.
      const lines: string[] = [];
      for await (const line of linesOf(writer(path, 'late', 2, isRoot ? 65_534 : undefined))) lines.push(line);
      expect(lines).toHaveLength(2);
      expect(lines[0]).toMatch(/^notice: The score memory .*m\.sqlite is read-only\. What it holds is shown/);
    }
    chmodSync(folder, 0o755);
    chmodSync(path, 0o644);
    const again = testStore(path);
    expect(currentOf(again).scorables.map((s) => s.id)).toEqual(idsOf('kept', 1));
    again.db.close();
  });
});

describe('a damaged file', { timeout: 60_000 }, () => {
  /** A memory of 400 scorables; `pagesOf` says where on disk the pages of a table or index begin that hold rows. */
  const fill = (path: string): ((name: string) => readonly number[]) => {
    const store = testStore(path);
    for (let i = 0; i < 40; i++) record(store, Array.from({ length: 10 }, (_, k) => evaluation(`s${i}-${k}`, [score('svm', i / 40, { margin: k })])), i);
    const pages = store.db.prepare<[], { name: string; offset: number }>("SELECT name, pgoffset AS offset FROM dbstat WHERE pagetype = 'leaf' ORDER BY pageno").all();
    store.db.close();
    return (name) => pages.filter((page) => page.name === name).map((page) => page.offset);
  };
  const overwrite = (path: string, offset: number, bytes: number): void => {
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(bytes, 0xa5), 0, bytes, offset);
    closeSync(file);
  };

  // A page holds some 22 scorables, or 38 evaluations; an index holds nothing of its own.
  it.each([['scorables', 370], ['evaluations', 350], ['scores', 400], ['scorables_by_file', 400], ['sqlite_sequence', 400], ['score_deltas', 400]])('with a broken page of %s is set aside, and what can be read is taken over', async (name, atLeast) => {
    using workspace = testWorkspace();
    const path = workspace.path('m.sqlite');
    const pages = fill(path)(name);
    overwrite(path, pages[Math.floor(pages.length / 2)] ?? Number.NaN, 4096);
    const memory = testMemory(path, WORKER);
    await memory.load({});
    await memory.retain('a.json', Array.from({ length: 400 }, (_, i) => `s${Math.floor(i / 10)}-${i % 10}`));
    await memory.record(Array.from({ length: 10 }, (_, k) => evaluation(`s20-${k}`, [score('svm', 0.25)])), 99);
    const { scorables, records } = await memory.load({});
    await memory.close();
    expect(scorables.length).toBeGreaterThanOrEqual(atLeast);
    for (const { scorableId, score: value } of records) {
      const i = Number(/s(\d+)-/.exec(scorableId)?.[1]);
      expect([scorableId, value]).toEqual([scorableId, i === 20 ? 0.25 : i / 40]);
    }
    const isAside = readdirSync(workspace.folder).some((file) => /^m\.sqlite\.corrupt-\d+$/.test(file));
    expect(memory.notices).toEqual(isAside ? [expect.stringMatching(/m\.sqlite was damaged\. It was set aside as .*a new one was started/)] : []);
    expect(isAside || name === 'scores' || name === 'score_deltas').toBe(true);
  });

  it('begins anew where nothing of it can be read', async () => {
    using workspace = testWorkspace();
    const path = workspace.path('m.sqlite');
    fill(path);
    overwrite(path, 0, 64 * 4096);
    const memory = testMemory(path, WORKER);
    await memory.record([evaluation('fresh', [score('svm', 0.5)])], 1);
    expect((await memory.load({})).scorables).toHaveLength(1);
    expect(memory.notices).toEqual([expect.stringContaining('was damaged')]);
    await memory.close();
  });
});
