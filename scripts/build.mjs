/**
 * Bundles the extension and the server into dist/. Imported by boot.mjs, so the file itself needs
 * built-ins only; esbuild is loaded when there is something to build.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { monitorTypes } from './monitorTypes.mjs';

/** Every bundle: CommonJS, because an extension host loads that and native modules want `require`. */
export const ENTRIES = [
  { input: 'client/src/extension.ts', output: 'dist/client/extension.js' },
  { input: 'client/src/languageClient.ts', output: 'dist/client/languageClient.js' },
  { input: 'server/src/main.ts', output: 'dist/server/main.js' },
  { input: 'server/src/cli/main.ts', output: 'dist/server/cli.js' },
  { input: 'server/src/inference/worker.ts', output: 'dist/server/inferenceWorker.js' },
  { input: 'server/src/storage/worker.ts', output: 'dist/server/storageWorker.js' },
  { input: 'server/src/host/traceIndex/worker.ts', output: 'dist/server/indexWorker.js' },
];

/** The recorder for other people's programs: one ES module without dependencies, with its types beside it. */
export const MONITOR = { input: 'server/src/monitor/index.ts', output: 'dist/monitor/index.mjs', types: 'dist/monitor/index.d.mts' };

/** Left to `require` at run time: what the editor brings, and what holds native code. */
const EXTERNAL = ['vscode', 'onnxruntime-node', 'onnxruntime-web', 'better-sqlite3'];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'dist/.build.json');

/** Bundles of the product share these options; tests that bundle use them too. */
export const BUNDLE_OPTIONS = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  external: EXTERNAL,
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'error',
  // `import.meta` is empty in CommonJS; the sources may use it all the same.
  define: { 'import.meta.url': '__bundleUrl', 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  banner: { js: 'const __bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
};

/** Whether dist/ holds what the sources say. */
export function isFresh() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8')).key === sourceKey() && [...presentEntries(), MONITOR].every((entry) => existsSync(join(root, entry.output)));
  } catch {
    return false;
  }
}

/** Entries whose source file does not exist. */
export function missingEntries() {
  return ENTRIES.filter((entry) => !existsSync(join(root, entry.input)));
}

/** Builds every entry that exists. Throws esbuild's failure (already printed) when a source is wrong. */
export async function build() {
  const key = sourceKey();
  const entries = presentEntries();
  const packages = new Set();
  if (entries.length > 0) {
    const { build: bundle } = await import('esbuild');
    const result = await bundle({
      ...BUNDLE_OPTIONS,
      entryPoints: entries.map((entry) => ({ in: entry.input, out: entry.output.replace(/^dist\/|\.js$/g, '') })),
      outdir: 'dist',
      metafile: true,
      write: false,
    });
    // Renamed into place: a program that starts meanwhile never reads half a bundle.
    for (const file of result.outputFiles) replaceFile(file.path, file.contents);
    for (const input of Object.keys(result.metafile.inputs)) {
      const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
      if (name) packages.add(name);
    }
  }
  await buildMonitor();
  replaceFile(stampFile, JSON.stringify({ key, packages: [...packages].sort() }));
}

/** Without the product's options: an ES module knows its own address, and other people's Node may be older. */
async function buildMonitor() {
  const { build: bundle } = await import('esbuild');
  const result = await bundle({ absWorkingDir: root, entryPoints: [MONITOR.input], outfile: MONITOR.output, bundle: true, platform: 'node', target: 'node20', format: 'esm', logLevel: 'error', write: false });
  for (const file of result.outputFiles) replaceFile(file.path, file.contents);
  replaceFile(join(root, MONITOR.types), monitorTypes(join(root, MONITOR.input)));
}

/** Names of the packages inside the bundles, for the licence notices. */
export function bundledPackages() {
  return JSON.parse(readFileSync(stampFile, 'utf8')).packages;
}

function presentEntries() {
  return ENTRIES.filter((entry) => existsSync(join(root, entry.input)));
}

/** A fingerprint of everything that decides what dist/ looks like: path, size and time of change. */
function sourceKey() {
  const hash = createHash('sha256');
  const files = ['client/src', 'server/src'].flatMap((folder) => filesUnder(join(root, folder)));
  for (const file of [...files.sort(), join(root, 'scripts/build.mjs'), join(root, 'scripts/monitorTypes.mjs'), join(root, 'package-lock.json')]) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${relative(root, file)}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

function replaceFile(file, contents) {
  mkdirSync(dirname(file), { recursive: true });
  const half = `${file}.${process.pid}`;
  writeFileSync(half, contents);
  renameSync(half, file);
}
