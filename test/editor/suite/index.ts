/**
 * The suite module that VS Code's extension host loads: the contract of @vscode/test-electron, `run()`.
 * Bundled once a window group to dist/test/<group>/suite.js; the journeys come through the virtual module below.
 * Results go to results.json beside the bundle, after each journey: a hang still leaves what came before it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import 'stepscope:journeys';
import { journeys } from './journey.ts';
import type { EditorResult } from '../results.ts';

const JOURNEY_TIMEOUT_MS = 120_000;

export async function run(): Promise<void> {
  const results: EditorResult[] = [];
  const save = (isComplete: boolean): void => writeFileSync(join(__dirname, 'results.json'), JSON.stringify({ isComplete, results }));
  const wanted = (process.env['STEPSCOPE_TEST_FILTER'] ?? '').toLowerCase();
  for (const { name, walk } of journeys.filter((each) => each.name.toLowerCase().includes(wanted))) {
    const startMs = performance.now();
    const failure = await Promise.race([walk().then(() => undefined, describe), timeout(name)]);
    results.push({ name, durationMs: performance.now() - startMs, ...(failure === undefined ? {} : { failure }) });
    console.log(`${failure === undefined ? 'passed' : 'FAILED'}: ${name}${failure === undefined ? '' : `\n${failure}`}`);
    save(false);
  }
  save(true);
  const failed = results.filter((result) => result.failure !== undefined).length;
  if (failed > 0) throw new Error(`${failed} of ${results.length} journeys failed`);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

function timeout(name: string): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(`${name}: still under way after ${JOURNEY_TIMEOUT_MS / 1000} s`), JOURNEY_TIMEOUT_MS).unref();
  });
}
