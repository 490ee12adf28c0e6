/** Edits on disk: all or nothing, and never into a file that somebody else changed. */
import { chmodSync, lstatSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { editFile } from '../../server/src/host/editFile.ts';
import { testWorkspace } from '../support/workspace.ts';

const TEXT = '\ufeff{"a": "ü 🧮",\r\n"b": 1}';
/** Puts 22 in the place of 1, behind characters of two, three and four bytes. */
const EDITS = [{ start: TEXT.indexOf('1'), end: TEXT.indexOf('1') + 1, newText: '22' }];

describe('editFile', () => {
  it('changes the bytes asked for and keeps the mode', async () => {
    using workspace = testWorkspace({ 'a.json': TEXT });
    chmodSync(workspace.path('a.json'), 0o640);
    const sizeBytes = Buffer.byteLength(TEXT) + 1;
    expect(await editFile(workspace.path('a.json'), TEXT, EDITS, { isDryRun: true })).toEqual({ kind: 'checked', sizeBytes });
    expect(readFileSync(workspace.path('a.json'), 'utf8')).toBe(TEXT);
    expect(await editFile(workspace.path('a.json'), TEXT, EDITS)).toEqual({ kind: 'written', sizeBytes });
    expect(readFileSync(workspace.path('a.json'))).toEqual(Buffer.from(TEXT.replace('1', '22')));
    expect(statSync(workspace.path('a.json')).mode & 0o777).toBe(0o640);
    expect(readdirSync(workspace.folder)).toEqual(['a.json']);
  });

  it('writes through a link and leaves it one', async () => {
    using workspace = testWorkspace({ 'a.json': TEXT });
    symlinkSync('a.json', workspace.path('link.json'));
    expect((await editFile(workspace.path('link.json'), TEXT, EDITS)).kind).toBe('written');
    expect(lstatSync(workspace.path('link.json')).isSymbolicLink()).toBe(true);
    expect(readFileSync(workspace.path('a.json'), 'utf8')).toBe(TEXT.replace('1', '22'));
  });

  it.each([
    ['changed meanwhile', (path: string) => writeFileSync(path, `${TEXT} `), /^.*a\.json was left as it is: it has changed since it was read/],
    ['is read-only', (path: string) => chmodSync(path, 0o444), /read-only/],
    ['is no UTF-8', (path: string) => writeFileSync(path, Buffer.concat([Buffer.from(TEXT), Buffer.from([0xff])])), /no UTF-8/],
  ])('refuses a file that %s', async (_, change, message) => {
    using workspace = testWorkspace({ 'a.json': TEXT });
    const path = workspace.path('a.json');
    change(path);
    const before = readFileSync(path);
    const result = await editFile(path, TEXT, EDITS);
    expect(result.kind === 'failed' ? result.message : result.kind).toMatch(message);
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(workspace.folder)).toEqual(['a.json']);
  });

  it('says that a file is gone', async () => {
    using workspace = testWorkspace();
    expect(await editFile(workspace.path('a.json'), TEXT, EDITS)).toEqual({ kind: 'failed', message: `${workspace.path('a.json')} was left as it is: it is gone.` });
  });
});
