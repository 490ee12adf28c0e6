/** `npm run bench`: runs every test/bench/*.bench.ts in a process of its own; words after `--` choose by name. Each prints its own table and fails when over budget. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';
import { BUNDLE_OPTIONS } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'test/bench');
const words = process.argv.slice(2);
const benches = (existsSync(folder) ? readdirSync(folder) : [])
  .filter((name) => name.endsWith('.bench.ts') && (words.length === 0 || words.some((word) => name.includes(word)))).sort();

const failed: string[] = [];
for (const name of benches) {
  const outfile = join(root, 'dist/bench', name.replace(/\.ts$/, '.js'));
  await bundle({ ...BUNDLE_OPTIONS, entryPoints: [join(folder, name)], outfile });
  console.log(`\n${name}`);
  const { status } = spawnSync(process.execPath, ['--expose-gc', outfile], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) failed.push(name);
}
console.log(failed.length === 0 ? `\n${benches.length} benches within budget` : `\nOver budget or broken: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
