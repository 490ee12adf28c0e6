/** The command line's composition root. */
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { applyProjectFile, defaultSettings } from '../core/effectiveSettings.ts';
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import { loadEngine } from '../host/engine.ts';
import { shippedLayout } from '../host/layout.ts';
import { serverPorts } from '../host/ports.ts';
import { readManifest } from '../inference/manifestFile.ts';
import { RULES_SCORER } from '../scoring/scorers/rules.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import { readArguments, USAGE } from './arguments.ts';
import { compare } from './compare.ts';
import { evaluateFiles } from './eval.ts';
import { inspect } from './inspect.ts';
import { modelCard } from './modelCard.ts';
import { models } from './models.ts';
import { createOutput } from './output.ts';
import { score } from './score.ts';

const OK = 0;
const UNREADABLE = 1;
const WRONG_USAGE = 2;
/** Ended by a signal: what was asked for is not complete. */
const STOPPED = -1;

const log = (message: string): void => void process.stderr.write(`${message}\n`);

async function main(argv: readonly string[]): Promise<number> {
  const given = readArguments(argv, process.stdout.isTTY);
  if ('usageError' in given) {
    log(`${given.usageError}\n\n${USAGE}`);
    return WRONG_USAGE;
  }
  const bundleFolder = dirname(fileURLToPath(import.meta.url));
  const abort = new AbortController();
  const output = createOutput(process.stdout, given.format, abort.signal);
  const layout = shippedLayout(bundleFolder);
  if (given.command === 'help') return print(USAGE);
  if (given.command === 'version') return print(`${(JSON.parse(await readFile(resolve(bundleFolder, '..', '..', 'package.json'), 'utf8')) as { version: string }).version}\n`);
  if (given.command === 'models') {
    const manifest = await needManifest(layout.artifactsFolder);
    const complaint = given.card === undefined ? await models(manifest, output) : await modelCard(given.card, { manifest, root: resolve(bundleFolder, '..', '..'), output });
    if (complaint !== undefined) {
      log(complaint);
      return WRONG_USAGE;
    }
    await output.end();
    return OK;
  }
  if (given.command !== 'score' && given.command !== 'inspect' && given.command !== 'compare' && given.command !== 'eval') {
    log(`There is no command "${given.command}".\n\n${USAGE}`);
    return WRONG_USAGE;
  }
  const [goal, first, second] = given.paths;
  const isQuestion = goal !== undefined && first !== undefined && second !== undefined && given.paths.length === 3;
  if (given.command === 'compare' && !isQuestion) {
    log(`compare needs three texts: the goal and two steps.\n\n${USAGE}`);
    return WRONG_USAGE;
  }
  if (given.command === 'eval' && given.paths.length === 0) {
    log(`eval needs --data: a file of labelled traces (.jsonl or .jsonl.gz), or a folder of them.\n\n${USAGE}`);
    return WRONG_USAGE;
  }
  if (given.paths.length === 0) {
    log(`${given.command} needs a path: a file, a folder, or - for standard input.\n\n${USAGE}`);
    return WRONG_USAGE;
  }
  const settings = await projectSettings(given.scorers);
  if (given.command === 'inspect') {
    const isClean = await inspect(given.paths, settings, output);
    await output.end();
    return isClean ? OK : UNREADABLE;
  }
  const manifest = await needManifest(layout.artifactsFolder);
  const unknown = given.scorers.filter((id) => id !== RULES_SCORER && !manifest.scorers.some((s) => s.id === id));
  if (unknown.length > 0) {
    log(`There is no scorer ${unknown.join(', ')}; see: stepscope models`);
    return WRONG_USAGE;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => {
    abort.abort();
    // Ends the wait for input that may never come.
    if (given.command !== 'compare' && given.paths.includes('-')) process.stdin.destroy();
  });
  const engine = await loadEngine({ layout, settings, memoryFile: given.memory, onNotice: log });
  try {
    const shared = { settings, engine, ports: serverPorts(layout), output, signal: abort.signal };
    const isClean = given.command === 'compare' && isQuestion ? await compare({ goal, first, second, context: given.context }, shared)
      : given.command === 'eval' ? await evaluateFiles({ ...shared, paths: given.paths, limit: given.limit })
        : await score({ ...shared, paths: given.paths });
    if (abort.signal.aborted) return STOPPED;
    await output.end();
    return isClean ? OK : UNREADABLE;
  } catch (error) {
    if (abort.signal.aborted) return STOPPED;
    throw error;
  } finally {
    await engine.close();
  }
}

async function needManifest(folder: string): Promise<ModelManifest> {
  const reading = await readManifest(folder);
  if (reading.kind === 'manifest') return reading.manifest;
  throw new Error(reading.failure.message);
}

async function projectSettings(scorers: readonly string[]): Promise<EffectiveSettings> {
  const base: EffectiveSettings = { ...defaultSettings(), scorers };
  const text = await readFile(join(process.cwd(), '.stepscope.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return base;
  const { settings, problems } = applyProjectFile(base, text);
  problems.forEach(log);
  return scorers.length > 0 ? { ...settings, scorers } : settings;
}

function print(text: string): number {
  process.stdout.write(text);
  return OK;
}

main(process.argv.slice(2)).then((status) => {
  // Output that nobody reads would keep a stopped process alive; its workers have ended by now.
  if (status === STOPPED) process.exit(UNREADABLE);
  process.exitCode = status;
}, (error: unknown) => {
  log(error instanceof Error ? error.message : String(error));
  process.exitCode = UNREADABLE;
});
