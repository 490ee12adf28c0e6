/** The types of the recorder as one file: what the compiler declares of each source that its index names, in one scope. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const OPTIONS = [
  '--declaration', '--emitDeclarationOnly', '--noEmit', 'false', '--target', 'ES2024', '--module', 'ESNext', '--moduleResolution', 'bundler', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess',
  '--allowImportingTsExtensions', '--skipLibCheck', '--types', 'node', '--ignoreConfig',
];

/** Text of the declaration file for the module at `index`. Throws the compiler's words when a source is wrong. */
export function monitorTypes(index) {
  const folder = mkdtempSync(join(tmpdir(), 'stepscope-types-'));
  try {
    const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, ...OPTIONS, '--rootDir', dirname(index), '--outDir', folder, index], { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`The types of the recorder cannot be made: ${stdout}${stderr}`);
    const names = [];
    const files = new Set();
    for (const [, list, file] of readFileSync(join(folder, 'index.d.ts'), 'utf8').matchAll(/^export (?:type )?\{([^}]*)\} from '\.\/(\w+)\.ts';/gm)) {
      names.push(...list.split(',').map((each) => each.trim()));
      files.add(file);
    }
    const bodies = [...files].map((file) => withoutModules(readFileSync(join(folder, `${file}.d.ts`), 'utf8')));
    return `/** The recorder's types; docs/recorder.md shows its use. */\n${bodies.join('')}export { ${names.sort().join(', ')} };\n`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Declarations for one scope: without what ties files together. */
function withoutModules(text) {
  const body = text.replace(/^import [^;]*;\n/gm, '').replace(/^export \{\};\n/gm, '');
  return body.replace(/^export (?=declare |interface |type |abstract )/gm, '');
}
