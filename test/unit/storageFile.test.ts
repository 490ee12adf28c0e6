/** The file of a memory: its schema, its size, from file to file, and where it lies. */
import { existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, vi } from 'vitest';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { memoryFileOf } from '../../server/src/host/memoryFile.ts';
import { cached, keepInCache } from '../../server/src/storage/cacheStore.ts';
import { openDatabase, openForReading } from '../../server/src/storage/database.ts';
import { deltas } from '../../server/src/storage/deltaStore.ts';
import { history, record } from '../../server/src/storage/evaluationStore.ts';
import { findings, saveFindings } from '../../server/src/storage/findingStore.ts';
import { migration0001 } from '../../server/src/storage/migrations/0001-cache.ts';
import type { Store } from '../../server/src/storage/store.ts';
import { importMemory } from '../../server/src/storage/transfer.ts';
import { infoOf, keepWithinLimit, vacuum } from '../../server/src/storage/upkeep.ts';
import { currentOf, evaluation, score, testStore } from '../support/memories.ts';
import { testWorkspace } from '../support/workspace.ts';

// Each write waits for the disk, and a disk may be busy.
vi.setConfig({ testTimeout: 60_000 });

const step = (id: string, value: number, over: Parameters<typeof evaluation>[2] = {}): ReturnType<typeof evaluation> => evaluation(id, [score('svm', value, { margin: value })], over);
const scoresIn = (store: Store): Readonly<Record<string, number | null>> => Object.fromEntries(currentOf(store).records.map((r) => [r.scorableId, r.score]));

describe('a file of the first schema', () => {
  it('keeps its cached scores and takes evaluations', () => {
    using workspace = testWorkspace();
    const path = workspace.path('m.sqlite');
    const old = new Database(path);
    old.pragma('journal_mode = WAL');
    old.exec(migration0001.sql);
    old.pragma('user_version = 1');
    const values = new Float32Array([0.25, -3]);
    for (const table of ['raw_scores', 'vectors']) old.prepare(`INSERT INTO ${table} VALUES (?, ?, 5)`).run(Buffer.from('0aff', 'hex'), Buffer.from(values.buffer));
    old.close();
    const store = testStore(path);
    expect(cached(store, 'raw_scores', ['0aff', '00'])).toEqual([values, undefined]);
    expect(cached(store, 'vectors', ['0aff'])).toEqual([values]);
    record(store, [step('a', 0.5)], 1);
    expect(scoresIn(store)).toEqual({ a: 0.5 });
    vacuum(store);
    expect(store.db.pragma('auto_vacuum', { simple: true })).toBe(2);
    expect(cached(store, 'vectors', ['0aff'])).toEqual([values]);
    store.db.close();
  });

  it('is not taken in while it cannot be brought up to date', () => {
    using workspace = testWorkspace();
    const old = new Database(workspace.path('m.sqlite'));
    old.exec(migration0001.sql);
    old.pragma('user_version = 1');
    old.close();
    expect(() => openForReading(workspace.path('m.sqlite'))).toThrow('it has the older schema 1');
  });
});

describe('a file that is something else', () => {
  it('is left alone, with words', () => {
    using workspace = testWorkspace({ 'notes.txt': 'x'.repeat(5000) });
    const newer = new Database(workspace.path('newer.sqlite'));
    newer.pragma('user_version = 99');
    newer.close();
    expect(() => openDatabase(workspace.path('newer.sqlite'))).toThrow('it was written by a newer StepScope (schema 99, this one knows 2)');
    expect(() => openForReading(workspace.path('newer.sqlite'))).toThrow('newer StepScope');
    expect(() => openDatabase(workspace.path('notes.txt'))).toThrow('it is a file of another kind');
    const other = new Database(workspace.path('other.sqlite'));
    other.exec('CREATE TABLE t (x)');
    other.close();
    expect(() => openForReading(workspace.path('other.sqlite'))).toThrow('it is no score memory');
  });
});

describe('import', () => {
  it('brings what another memory knows, and twice makes no difference', () => {
    using workspace = testWorkspace();
    const [here, there] = [testStore(), testStore(workspace.path('there.sqlite'))];
    record(here, [step('both', 0.1), step('only here', 0.2)], 10);
    // Other names get other numbers there.
    record(there, [evaluation('x', [score('zzz', 0.9, { other: 1, text: 'words' }, { rationale: 'why' })], { facts: { goal: 'another' } })], 5);
    record(there, [step('both', 0.7)], 20);
    record(there, [step('both', 0.6, { inputs: { text: 'T2' } })], 21);
    saveFindings(here, 'recommendations', [{ id: 'r', content: 'old' }], 10);
    saveFindings(there, 'recommendations', [{ id: 'r', content: 'new' }], 20);
    keepInCache(there, 'vectors', [['0a', new Float32Array([1])]], 1);
    const expected = { records: [...currentOf(there).records], deltas: deltas(there, {}).map(({ id: _, ...d }) => d) };
    there.db.close();
    const source = openForReading(workspace.path('there.sqlite'));
    expect(importMemory(here, source)).toEqual({ added: 3, alreadyHere: 0, unreadable: 0 });
    expect(importMemory(here, source)).toEqual({ added: 0, alreadyHere: 3, unreadable: 0 });
    source.close();
    expect(scoresIn(here)).toEqual({ 'both': 0.6, 'only here': 0.2, 'x': 0.9 });
    expect(currentOf(here).records).toEqual(expect.arrayContaining(expected.records));
    expect(currentOf(here).scorables.find((s) => s.id === 'x')?.goal).toBe('another');
    expect(history(here, 'both')[0]?.points.map((p) => p.score)).toEqual([0.1, 0.7, 0.6]);
    expect(deltas(here, {}).map(({ id: _, ...d }) => d)).toEqual(expected.deltas);
    expect(findings(here, 'recommendations')).toEqual([{ id: 'r', content: 'new', firstSeenMs: 10, lastSeenMs: 20 }]);
    expect(cached(here, 'vectors', ['0a'])).toEqual([new Float32Array([1])]);
    here.db.close();
  });

  it('lets what is newer here count', () => {
    using workspace = testWorkspace();
    const [here, there] = [testStore(), testStore(workspace.path('there.sqlite'))];
    record(there, [step('a', 0.1, { facts: { title: 'old words' } })], 10);
    record(here, [step('a', 0.9, { facts: { title: 'new words' } })], 20);
    there.db.close();
    const source = openForReading(workspace.path('there.sqlite'));
    importMemory(here, source);
    source.close();
    expect(scoresIn(here)).toEqual({ a: 0.9 });
    expect(currentOf(here).scorables.map((s) => s.title)).toEqual(['new words']);
    expect(history(here, 'a')[0]?.points.map((p) => p.score)).toEqual([0.1, 0.9]);
    here.db.close();
  });
});

describe('size', () => {
  it('over the limit costs cached rows first, the least used before others, then old evaluations, never the newest', () => {
    using workspace = testWorkspace();
    const store = testStore(workspace.path('m.sqlite'));
    const wide = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`attribute_${i}`, i / 7]));
    const ids = ['a', 'b', 'c', 'd', 'e'];
    for (let i = 0; i < 20; i++) record(store, ids.map((id) => evaluation(id, [score('svm', i / 20, wide)])), i);
    for (let i = 0; i < 10; i++) keepInCache(store, 'vectors', Array.from({ length: 50 }, (_, k) => [`0${i}${(16 + k).toString(16)}`, new Float32Array(384)]), i);
    const { sizeBytes, rows } = infoOf(store);
    expect([rows['evaluations'], rows['vectors']]).toEqual([100, 500]);

    keepWithinLimit({ ...store, maxBytes: sizeBytes - 100_000 });
    const once = infoOf(store);
    expect(once.sizeBytes).toBeLessThan(sizeBytes - 100_000);
    expect(once.rows['evaluations']).toBe(100);
    expect(cached(store, 'vectors', ['0010', '0941']).map((v) => v !== undefined)).toEqual([false, true]);

    keepWithinLimit({ ...store, maxBytes: 1 });
    expect(infoOf(store).rows).toMatchObject({ vectors: 0, evaluations: 5 });
    expect(scoresIn(store)).toEqual(Object.fromEntries(ids.map((id) => [id, 19 / 20])));
    expect(history(store, 'a').map((h) => h.points.length)).toEqual([1]);
    store.db.close();
  });

  it('is given back to the disk by a vacuum', () => {
    using workspace = testWorkspace();
    const path = workspace.path('m.sqlite');
    const store = testStore(path);
    record(store, Array.from({ length: 500 }, (_, i) => step(`s${i}`, 0.5, { facts: { goal: `goal ${i}` } })), 1);
    vacuum(store);
    const full = statSync(path).size;
    store.db.prepare('DELETE FROM scorables WHERE id > 5').run();
    vacuum(store);
    expect(statSync(path).size).toBeLessThan(full / 2);
    expect(store.db.prepare('SELECT count(*) AS n FROM goals').get()).toEqual({ n: 5 });
    expect(infoOf(store)).toMatchObject({ schema: 2, freeBytes: 0, oldestMs: 1, newestMs: 1, rows: { scorables: 5, evaluations: 5, scores: 5, score_attributes: 5 }, attributes: [{ key: 'margin', count: 5, mean: 0.5, stddev: 0 }] });
    store.db.close();
  });
});

describe('the place of a memory', () => {
  const place = (platform: NodeJS.Platform, env: Readonly<Record<string, string>> = {}): Parameters<typeof memoryFileOf>[2] => ({ platform, home: '/home/ada', env });

  it('is the setting where it names a file', () => {
    expect(memoryFileOf({ ...defaultSettings(), storagePath: '~/scores.db' }, '/w', place('linux'))).toBe('/home/ada/scores.db');
  });

  it('else lies in the user data of the system, one folder a workspace', () => {
    using workspace = testWorkspace();
    const root = join(workspace.folder, 'My Project (2)');
    mkdirSync(root);
    const folder = memoryFileOf(defaultSettings(), root, place('linux')).split('/').at(-2) ?? '';
    expect(folder).toMatch(/^My-Project-2--[0-9a-f]{12}$/);
    const bases = [
      [place('linux'), '/home/ada/.local/share/stepscope'], [place('linux', { XDG_DATA_HOME: '/data' }), '/data/stepscope'], [place('darwin'), '/home/ada/Library/Application Support/stepscope'],
      [place('win32', { LOCALAPPDATA: '/local' }), '/local/stepscope'], [place('darwin', { STEPSCOPE_DATA: '/mine' }), '/mine'],
    ] as const;
    for (const [at, base] of bases) expect(memoryFileOf(defaultSettings(), root, at)).toBe(`${base}/workspaces/${folder}/memory.sqlite`);
    expect(memoryFileOf(defaultSettings(), '', place('linux'))).toBe('/home/ada/.local/share/stepscope/workspaces/no-folder/memory.sqlite');
  });

  it('is one however the workspace is reached', () => {
    using workspace = testWorkspace({ 'a/x': '', 'b/x': '' });
    symlinkSync(workspace.path('a'), workspace.path('link'));
    const [a, b, link, dots] = ['a', 'b', 'link', 'b/../a/'].map((name) => memoryFileOf(defaultSettings(), workspace.path(name), place('linux')));
    expect(link).toBe(a);
    expect(dots).toBe(a);
    expect(b).not.toBe(a);
    expect(existsSync(a ?? '')).toBe(false);
  });
});
