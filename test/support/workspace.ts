/** A folder of its own for one test, gone afterwards. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface TestWorkspace extends Disposable {
  readonly folder: string;
  path(name: string): string;
  uri(name: string): string;
  write(name: string, text: string): string;
}

export function testWorkspace(files: Readonly<Record<string, string>> = {}): TestWorkspace {
  const folder = mkdtempSync(join(tmpdir(), 'stepscope test '));
  const workspace: TestWorkspace = {
    folder,
    path: (name) => join(folder, name),
    uri: (name) => pathToFileURL(join(folder, name)).href,
    write(name, text) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
      return workspace.uri(name);
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
  for (const [name, text] of Object.entries(files)) workspace.write(name, text);
  return workspace;
}
