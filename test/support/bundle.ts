/** Sources as one file, for tests that start a process or a worker: reading them one by one takes longer than most tests. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll } from 'vitest';
import { BUNDLE_OPTIONS } from '../../scripts/build.mjs';

const ROOT = resolve(import.meta.dirname, '..', '..');
let folder: string | undefined;

/** Path of the bundle; it is gone after the test file that asked for it. `entry` is relative to the repository. */
export function bundle(entry: string): string {
  folder ??= newFolder();
  const outfile = join(folder, basename(entry).replace(/\.ts$/, '.js'));
  buildSync({ ...BUNDLE_OPTIONS, entryPoints: [join(ROOT, entry)], outfile });
  return outfile;
}

/** Inside the repository, so that native packages are found from there. */
function newFolder(): string {
  const parent = join(ROOT, 'dist', 'test');
  mkdirSync(parent, { recursive: true });
  const made = mkdtempSync(join(parent, 'bundle-'));
  // Also for processes of other users.
  chmodSync(made, 0o755);
  afterAll(() => rmSync(made, { recursive: true, force: true }));
  return made;
}
