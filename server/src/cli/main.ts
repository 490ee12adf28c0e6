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
import type { Engine } from '../lsp/ports.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import { RULES_SCORER } from '../scoring/scorers/rules.ts';
import { readArguments, usageText } from './arguments.ts';
import type { CliArguments } from './arguments.ts';
import { UsageError } from './command.ts';
import { COMMANDS } from './commands.ts';
import { createOutput } from './output.ts';

const OK = 0;
const UNREADABLE = 1;
const WRONG_USAGE = 2;
/** Ended by a signal: what was asked for is not complete. */
const STOPPED = -1;

const log = (message: string): void => void process.stderr.write(`${message}\n`);

async function main(argv: readonly string[]): Promise<number> {
  let given: CliArguments;
  try {
    given = readArguments(argv, COMMANDS, process.stdout.isTTY);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    log(`${error.message}\nSee: stepscope --help`);
    return WRONG_USAGE;
  }
  const bundleFolder = dirname(fileURLToPath(import.meta.url));
  const root = resolve(bundleFolder, '..', '..');
  if (given.kind === 'help') return print(usageText(COMMANDS, given.command));
  if (given.kind === 'version') return print(`${(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }).version}\n`);
  return run(given, { bundleFolder, root });
}

async function run(given: Extract<CliArguments, { kind: 'command' }>, at: { readonly bundleFolder: string; readonly root: string }): Promise<number> {
  const { command, input } = given;
  const layout = shippedLayout(at.bundleFolder);
  const abort = new AbortController();
  const output = createOutput(process.stdout, given.format, abort.signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => {
    abort.abort();
    // Ends the wait for input that may never come.
    if (input.words.includes('-')) process.stdin.destroy();
  });
  let engine: Engine | undefined;
  try {
    const settings = await projectSettings(given.scorers);
    const manifest = async (): Promise<ModelManifest> => {
      const reading = await readManifest(layout.artifactsFolder);
      if (reading.kind !== 'manifest') throw new Error(reading.failure.message);
      const unknown = given.scorers.filter((id) => id !== RULES_SCORER && !reading.manifest.scorers.some((s) => s.id === id));
      if (unknown.length > 0) throw new UsageError(`There is no scorer ${unknown.join(', ')}; see: stepscope models`);
      return reading.manifest;
    };
    const isClean = await command.run(input, {
      settings, output, signal: abort.signal, log, root: at.root, ports: serverPorts(layout), manifest,
      engine: async (options = {}) => {
        if (engine === undefined) {
          await manifest();
          engine = await loadEngine({ layout, settings, memoryFile: options.memoryFile, onNotice: log });
        }
        return engine;
      },
    });
    if (abort.signal.aborted && command.endsBySignal !== true) return STOPPED;
    await output.end();
    return isClean ? OK : UNREADABLE;
  } catch (error) {
    if (abort.signal.aborted) return STOPPED;
    if (!(error instanceof UsageError)) throw error;
    log(`${error.message}\nSee: stepscope ${command.name} --help`);
    return WRONG_USAGE;
  } finally {
    await engine?.close();
  }
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
