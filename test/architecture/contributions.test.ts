/** What package.json, the project file's schema and the manual repeat from the registries is what the registries say. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../client/src/commands/registry.ts';
import type { Command } from '../../client/src/commands/registry.ts';
import { GENERATED_FILES, readGenerated } from '../../scripts/generate-contributions.ts';
import { CLIENT_COMMANDS } from '../../server/src/contract/protocol.ts';
import { SETTINGS } from '../../server/src/core/settings.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const REMEDY = 'is out of date: run `npm run generate` and commit what it writes';
const manifestText = readFileSync(join(ROOT, 'package.json'), 'utf8');

describe('contributions', () => {
  for (const { path, print } of GENERATED_FILES) {
    it(`${path} agrees with the registries`, () => {
      const text = readGenerated(path);
      const printed = print(text);
      const isJson = path.endsWith('.json');
      // Only what a file says counts, not how a tool laid it out.
      expect(isJson ? JSON.parse(text === '' ? 'null' : text) : text, `${path} ${REMEDY}`).toEqual(isJson ? JSON.parse(printed) : printed);
    });
  }

  it('has a command for everything the server puts into lenses and actions', () => {
    const ids: readonly string[] = COMMANDS.map((c) => c.id);
    const missing = Object.values(CLIENT_COMMANDS).filter((id) => !ids.includes(id));
    expect(missing, 'add them to client/src/commands/registry.ts and index.ts').toEqual([]);
  });

  it('names each command and setting once', () => {
    expect(new Set(COMMANDS.map((c) => c.id)).size).toBe(COMMANDS.length);
    expect(new Set(SETTINGS.map((s) => s.key)).size).toBe(SETTINGS.length);
    const keys = (COMMANDS as readonly Command[]).flatMap((c) => c.key?.key ?? []);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('points only at files that exist', () => {
    const paths = [...manifestText.matchAll(/"(?:\.\/)?((?:client\/(?:media|walkthrough)|schemas)\/[^"]+)"/g)].flatMap((m) => m[1] ?? []);
    expect(paths.length).toBeGreaterThan(3);
    expect(paths.filter((p) => !existsSync(join(ROOT, p))), 'package.json names files that are not there').toEqual([]);
  });

  it('uses only theme colours that package.json contributes', () => {
    const contributed = new Set([...manifestText.matchAll(/"id": "(stepscope\.(?:bad|contested)Step\w+)"/g)].map((m) => m[1]));
    const kinds = ['badStep', 'contestedStep'].flatMap((kind) => ['Background', 'Border', 'OverviewRuler'].map((part) => `stepscope.${kind}${part}`));
    expect(kinds.filter((id) => !contributed.has(id)), 'add them to contributes.colors').toEqual([]);
  });

  it('lets the walkthrough and the menus name only commands that exist', () => {
    const named = [...manifestText.matchAll(/(?:command:|onCommand:|"command": ")(stepscope\.\w+)/g)].flatMap((m) => m[1] ?? []);
    const ids: readonly string[] = COMMANDS.map((c) => c.id);
    expect([...new Set(named)].filter((id) => !ids.includes(id))).toEqual([]);
  });
});
