/** `stepscope memory`, as it is built. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { memoryFileOf } from '../../server/src/host/memoryFile.ts';
import { record } from '../../server/src/storage/evaluationStore.ts';
import { currentOf, evaluation, score, testStore } from '../support/memories.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';

const CLI = resolve('dist/server/cli.js');

interface Answer {
  readonly status: number | null;
  readonly told: Readonly<Record<string, unknown>>;
  readonly err: string;
}

function memory(workspace: TestWorkspace, ...words: readonly string[]): Answer {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'memory', ...words], { cwd: workspace.folder, env: { ...process.env, STEPSCOPE_DATA: workspace.path('.data') }, encoding: 'utf8' });
  return { status, told: JSON.parse(stdout === '' ? '{}' : stdout) as Readonly<Record<string, unknown>>, err: stderr };
}

function fill(path: string, ids: readonly string[]): void {
  const store = testStore(path);
  record(store, ids.map((id) => evaluation(id, [score('svm', 0.5, { margin: 2 })])), 1_700_000_000_000);
  store.db.close();
}

function idsIn(path: string): readonly string[] {
  const store = testStore(path);
  const ids = currentOf(store).scorables.map((s) => s.id).sort();
  store.db.close();
  return ids;
}

describe('stepscope memory', () => {
  it('tells what is remembered of the folder it runs in', () => {
    using workspace = testWorkspace();
    const place = memoryFileOf(defaultSettings(), workspace.folder, { platform: process.platform, home: '', env: { STEPSCOPE_DATA: workspace.path('.data') } });
    const none = memory(workspace, 'info');
    expect([none.status, none.told['message']]).toEqual([1, `There is no score memory at ${place} yet.`]);
    expect(existsSync(place)).toBe(false);
    fill(place, ['a', 'b']);
    expect(memory(workspace, 'info')).toMatchObject({ status: 0, told: { kind: 'memory', path: place, schema: 2, rows: { scorables: 2, score_attributes: 2 }, newestMs: 1_700_000_000_000, attributes: [{ key: 'margin', mean: 2, count: 2 }] } });
    const text = spawnSync(process.execPath, [CLI, 'memory', 'info', '--memory', place, '--format', 'text'], { encoding: 'utf8' }).stdout;
    expect(text).toContain('  scorables: 2\n');
    expect(text).toContain('scored from 2023-11-14T22:13:20.000Z to 2023-11-14T22:13:20.000Z');
  });

  it('carries a memory from one place to another in one file', () => {
    using workspace = testWorkspace();
    const [one, two, file] = [workspace.path('one.sqlite'), workspace.path('two.sqlite'), workspace.path('moved.sqlite')];
    fill(one, ['a', 'b']);
    fill(two, ['c']);
    expect(memory(workspace, 'export', file, '--memory', one)).toMatchObject({ status: 0, told: { kind: 'export', file, scorables: 2, evaluations: 2 } });
    expect(memory(workspace, 'export', file, '--memory', one)).toMatchObject({ status: 1, told: { message: `${file} exists already; name another file or remove it.` } });
    expect(memory(workspace, 'import', file, '--memory', two)).toMatchObject({ status: 0, told: { kind: 'import', added: 2, alreadyHere: 0, unreadable: 0 } });
    expect(memory(workspace, 'import', file, '--memory', two)).toMatchObject({ status: 0, told: { added: 0, alreadyHere: 2 } });
    expect(idsIn(two)).toEqual(['a', 'b', 'c']);
    expect(memory(workspace, 'import', 'moved.sqlite')).toMatchObject({ status: 0, told: { added: 2 } });
    expect(memory(workspace, 'vacuum', '--memory', two)).toMatchObject({ status: 0, told: { kind: 'vacuum', path: two } });
    expect(idsIn(two)).toEqual(['a', 'b', 'c']);
  });

  it('says what is wrong with a file', () => {
    using workspace = testWorkspace({ 'notes.txt': 'nothing of the kind'.repeat(100) });
    const path = workspace.path('m.sqlite');
    fill(path, ['a']);
    expect(memory(workspace, 'import', 'missing', '--memory', path)).toMatchObject({ status: 1, told: { message: `There is no file ${workspace.path('missing')}.` } });
    expect(memory(workspace, 'import', 'notes.txt', '--memory', path).told['message']).toMatch(/notes\.txt cannot be taken in: file is not a database/);
    expect(memory(workspace, 'info', '--memory', workspace.path('notes.txt')).told['message']).toMatch(/cannot be used \(it is a file of another kind\)/);
    expect(readFileSync(workspace.path('notes.txt'), 'utf8')).toMatch(/^nothing of the kind/);
    expect(memory(workspace, 'export', workspace.path('no/such/folder/x'), '--memory', path)).toMatchObject({ status: 1, told: { message: expect.stringMatching(/could not be written/) as unknown } });
    expect(idsIn(path)).toEqual(['a']);
  });

  it.each([[[]], [['info', 'x']], [['export']], [['import', 'a', 'b']], [['shrink']]])('asked %j tells its usage', (words) => {
    using workspace = testWorkspace();
    const { status, err } = memory(workspace, ...words);
    expect(status).toBe(2);
    expect(err).toContain('memory needs one of: info, export FILE, import FILE, vacuum.');
  });
});
