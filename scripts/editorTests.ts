/**
 * Runs test/editor in a real VS Code: one server and one Chromium for the whole run.
 * - `test/editor/suite/*.journey.ts` run inside the extension host (one window), with the checkout as extension under development;
 *   `test/editor/suite/<group>/*.journey.ts` get a window of their own on a copy of `<group>/workspace`.
 * - `test/editor/ui/*.ui.ts` look at the window from outside; there the packed .vsix is installed.
 * What goes wrong leaves a screenshot and the console in test-results/editor.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build as bundle } from 'esbuild';
import type { Browser } from 'playwright-core';
import type { EditorResult, SuiteReport } from '../test/editor/results.ts';
import { uiTests } from '../test/editor/uiTest.ts';
import { findChromium, launchBrowser, openWorkbench, type Workbench } from '../test/support/browser.ts';
import { type CodeServer, startCodeServer } from '../test/support/codeServer.ts';
import { BUNDLE_OPTIONS } from './build.mjs';
import { ensureCodeServer } from './codeServer.ts';
import { packExtension } from './package.ts';

export interface EditorRun { readonly passed: number; readonly failed: number; readonly skipped: number }

interface Group { readonly name: string; readonly journeys: readonly string[]; readonly workspace: string }

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const editor = join(root, 'test/editor');
const findings = join(root, 'test-results/editor');
const GROUP_TIMEOUT_MS = 600_000;

/** Runs the editor tests whose name or file holds `filter`. */
export async function runEditorTests(filter = ''): Promise<EditorRun> {
  const groups = findGroups();
  const uiFiles = filesIn(join(editor, 'ui'), '.ui.ts');
  if (groups.length + uiFiles.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const chromium = findChromium();
  if (!chromium) {
    const reason = 'No Chromium was found: install one (on Debian: apt-get install chromium) or name it in CHROME_PATH.';
    console.log(process.env['CI'] ? `FAILED: ${reason}` : `skipped: the editor tests. ${reason}`);
    return process.env['CI'] ? { passed: 0, failed: 1, skipped: 0 } : { passed: 0, failed: 0, skipped: groups.length + uiFiles.length };
  }
  rmSync(findings, { recursive: true, force: true });
  process.env['STEPSCOPE_TEST_FILTER'] = filter;
  await ensureCodeServer(root);
  const vsix = join(root, '.cache/test/stepscope.vsix');
  const results: EditorResult[] = [];
  const add = (found: readonly EditorResult[]): void => {
    results.push(...found);
    print(found);
  };
  if (uiFiles.length > 0) add([await timed('the packed extension holds every native file and nothing of the tests', () => packExtension(vsix))]);
  // Without a package there is nothing to look at from outside; the journeys run on the checkout.
  const isPacked = uiFiles.length > 0 && results.every((result) => result.failure === undefined);
  const server = await startCodeServer(isPacked ? { vsix } : {});
  const browser = await launchBrowser(chromium);
  try {
    for (const group of groups) add(await runGroup(server, browser, group));
    for (const file of isPacked ? uiFiles : []) add(await runUiFile(server, browser, file, filter));
  } finally {
    await browser.close();
    await server.stop();
  }
  const failed = results.filter((result) => result.failure !== undefined).length;
  if (failed > 0) console.log(`Screenshots and consoles of what failed: ${findings}`);
  return { passed: results.length - failed, failed, skipped: 0 };
}

function print(results: readonly EditorResult[]): void {
  for (const { name, durationMs, failure } of results) {
    console.log(failure === undefined ? `  ✓ ${name} (${(durationMs / 1000).toFixed(1)} s)` : `  ✗ ${name}\n${failure.replace(/^/gm, '      ')}`);
  }
}

/** Bundles the journeys of a group into the module that an extension host loads; answers its path. */
export async function bundleSuite(group: { readonly name: string; readonly journeys: readonly string[] }): Promise<string> {
  const outfile = join(root, 'dist/test', group.name, 'suite.js');
  rmSync(dirname(outfile), { recursive: true, force: true });
  await bundle({
    ...BUNDLE_OPTIONS,
    entryPoints: [join(editor, 'suite/index.ts')],
    outfile,
    plugins: [{
      name: 'journeys',
      setup(build) {
        build.onResolve({ filter: /^stepscope:journeys$/ }, () => ({ path: 'journeys', namespace: 'stepscope' }));
        build.onLoad({ filter: /.*/, namespace: 'stepscope' }, () => ({
          contents: group.journeys.map((file) => `import ${JSON.stringify(file)};`).join('\n'), loader: 'ts', resolveDir: root,
        }));
      },
    }],
  });
  return outfile;
}

/** The groups of journeys, `main` first; each is one window. */
export function findGroups(): readonly Group[] {
  const suite = join(editor, 'suite');
  const samples = join(root, 'client/samples');
  const inner = existsSync(suite) ? readdirSync(suite, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort() : [];
  return [
    { name: 'main', journeys: filesIn(suite, '.journey.ts'), workspace: samples },
    ...inner.map((name) => {
      const own = join(suite, name, 'workspace');
      return { name, journeys: filesIn(join(suite, name), '.journey.ts'), workspace: existsSync(own) ? own : samples };
    }),
  ].filter((group) => group.journeys.length > 0);
}

async function runGroup(server: CodeServer, browser: Browser, group: Group): Promise<readonly EditorResult[]> {
  const startMs = performance.now();
  const suite = await bundleSuite(group);
  const window = await openWorkbench(browser, server, { folder: server.workspace(group.name, group.workspace), development: root, suite });
  const status = await Promise.race([window.suiteEnded, deadline()]);
  const suiteReport = readReport(join(dirname(suite), 'results.json'));
  const results = [...suiteReport?.results ?? []];
  if (!suiteReport?.isComplete) {
    const ending = status === 'late' ? `did not end within ${GROUP_TIMEOUT_MS / 1000} s` : `ended (status ${status}) before its last journey`;
    results.push({ name: `${group.name}: the window ${ending}`, durationMs: performance.now() - startMs, failure: tail(window.consoleText()) });
  }
  if (results.some((result) => result.failure !== undefined)) await keepFindings(window, server, group.name);
  await window.close();
  return results;
}

async function runUiFile(server: CodeServer, browser: Browser, file: string, filter: string): Promise<readonly EditorResult[]> {
  const name = file.slice(file.lastIndexOf('/') + 1, -'.ui.ts'.length);
  uiTests.length = 0;
  await import(pathToFileURL(file).href);
  const wanted = uiTests.filter((test) => `${name} ${test.name}`.toLowerCase().includes(filter.toLowerCase()));
  if (wanted.length === 0) return [];
  const workspace = server.workspace(`ui-${name}`, join(root, 'client/samples'));
  const workbench = await openWorkbench(browser, server, { folder: workspace });
  const results: EditorResult[] = [];
  for (const test of wanted) {
    const result = await timed(test.name, () => test.look({ workbench, workspace }));
    if (result.failure !== undefined) await keepFindings(workbench, server, `ui-${name}-${results.length + 1}`);
    results.push(result);
  }
  await workbench.close();
  return results;
}

async function keepFindings(window: Workbench, server: CodeServer, name: string): Promise<void> {
  mkdirSync(findings, { recursive: true });
  await window.screenshot(join(findings, `${name}.png`)).catch(() => undefined);
  writeFileSync(join(findings, `${name}.log`), `${window.consoleText()}\n\n---- server ----\n${server.log()}`);
}

async function timed(name: string, work: () => Promise<void>): Promise<EditorResult> {
  const startMs = performance.now();
  const failure = await work().then(() => undefined, (error: unknown) => error instanceof Error ? error.stack ?? error.message : String(error));
  return { name, durationMs: performance.now() - startMs, ...(failure === undefined ? {} : { failure }) };
}

function readReport(file: string): SuiteReport | undefined {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as SuiteReport : undefined;
}

function deadline(): Promise<'late'> {
  return new Promise((resolve) => { setTimeout(() => resolve('late'), GROUP_TIMEOUT_MS).unref(); });
}

function filesIn(folder: string, ending: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => name.endsWith(ending)).sort().map((name) => join(folder, name));
}

/** The end of a console, without the editor's own stack frames. */
function tail(text: string): string {
  return text.split('\n').filter((line) => !/^\s+at .*https?:/.test(line)).slice(-15).join('\n');
}
