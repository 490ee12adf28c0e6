/**
 * `npm test`: everything, in this order; `npm test -- unit editor` only those stages.
 * A word that names no stage filters: a part of a test file's path for vitest, of a test's name for the editor.
 * The last line is the sum; the exit status is 0 only when nothing failed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Sum { readonly passed: number; readonly failed: number; readonly skipped: number }

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const VITEST_STAGES = ['unit', 'golden', 'property', 'architecture', 'protocol'];
const BY_DEFAULT = ['typecheck', 'build', ...VITEST_STAGES, 'editor'];
/** Needs a desktop, and a VS Code that it downloads: only when named. */
const ON_REQUEST = ['electron'];
const NEEDS_BUILD = ['protocol', 'editor', 'electron'];
const NOTHING: Sum = { passed: 0, failed: 0, skipped: 0 };

const words = process.argv.slice(2);
const named = words.filter((word) => [...BY_DEFAULT, ...ON_REQUEST].includes(word));
const filters = words.filter((word) => !named.includes(word));
const stages = named.length > 0 ? named : BY_DEFAULT;

const sums: Sum[] = [];
if (stages.includes('typecheck')) sums.push(check('Types', 'node_modules/typescript/bin/tsc', ['-p', 'tsconfig.json']), check('Types of the pure layers', 'node_modules/typescript/bin/tsc', ['-p', 'tsconfig.pure.json']));
const quick = stages.filter((stage) => VITEST_STAGES.includes(stage) && !NEEDS_BUILD.includes(stage));
const isBuildWanted = stages.includes('build') || stages.some((stage) => NEEDS_BUILD.includes(stage));
const build = isBuildWanted ? check('Build', 'scripts/boot.mjs', ['build']) : NOTHING;
sums.push(build);
if (quick.length > 0) sums.push(vitest(quick));
const isBuilt = build.failed === 0;
for (const stage of stages.filter((each) => NEEDS_BUILD.includes(each))) {
  if (!isBuilt) console.log(`not run: ${stage}, because the build failed`);
  else if (stage === 'protocol') sums.push(vitest(['protocol']));
  else if (stage === 'editor') sums.push(await editor());
  else sums.push(await electron());
}

const total = sums.reduce((sum, each) => ({ passed: sum.passed + each.passed, failed: sum.failed + each.failed, skipped: sum.skipped + each.skipped }), NOTHING);
console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** A step that counts only when it fails. */
function check(what: string, script: string, args: readonly string[]): Sum {
  const startMs = performance.now();
  const result = spawnSync(process.execPath, [join(root, script), ...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const isFine = result.status === 0;
  console.log(`${what}: ${isFine ? 'fine' : 'FAILED'} (${seconds(startMs)})`);
  return isFine ? NOTHING : { ...NOTHING, failed: 1 };
}

/** Runs vitest projects; the counts come from its JSON report, the text from its usual one. */
function vitest(projects: readonly string[]): Sum {
  const startMs = performance.now();
  const report = join(root, 'test-results', `${projects.join('-')}.json`);
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const result = spawnSync(process.execPath, [
    join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...projects.flatMap((name) => ['--project', name]), ...filters,
    '--passWithNoTests', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`,
  ], {
    cwd: root, stdio: ['ignore', 'inherit', 'inherit'],
    // Worker threads started from the sources warn, once each, that package.json has no "type".
    env: { ...process.env, NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --disable-warning=MODULE_TYPELESS_PACKAGE_JSON`.trim() },
  });
  const sum = existsSync(report) ? readVitestReport(report) : NOTHING;
  console.log(`${projects.join(', ')}: ${sum.passed} of ${sum.passed + sum.failed} (${seconds(startMs)})`);
  // A file that does not load, or an error outside the tests, has no failed test to count.
  return result.status !== 0 && sum.failed === 0 ? { ...sum, failed: 1 } : sum;
}

function readVitestReport(file: string): Sum {
  const report = JSON.parse(readFileSync(file, 'utf8')) as {
    numPassedTests: number; numFailedTests: number; numPendingTests: number; numTodoTests: number;
    testResults: readonly { status: string; assertionResults: readonly unknown[] }[];
  };
  const unloadable = report.testResults.filter((each) => each.status === 'failed' && each.assertionResults.length === 0).length;
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloadable, skipped: report.numPendingTests + report.numTodoTests };
}

async function editor(): Promise<Sum> {
  const startMs = performance.now();
  console.log('Editor tests in a real VS Code …');
  try {
    const { runEditorTests } = await import('./editorTests.ts');
    const sum = await runEditorTests(filters[0]);
    console.log(`editor: ${sum.passed} of ${sum.passed + sum.failed} (${seconds(startMs)})`);
    return sum;
  } catch (error) {
    console.log(error instanceof Error ? error.stack : error);
    console.log(`editor: FAILED to run (${seconds(startMs)})`);
    return { ...NOTHING, failed: 1 };
  }
}

/** The same journeys in desktop VS Code. It downloads one; nobody has run this on every desktop. */
async function electron(): Promise<Sum> {
  const { runInElectron } = await import('./electronTests.ts');
  return await runInElectron();
}

function seconds(startMs: number): string {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
}
