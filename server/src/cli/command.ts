/** What a sub-command of the command line is: its words, its options, what it needs, what it does. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { Engine, ServerPorts } from '../lsp/ports.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import type { Output } from './output.ts';

/** A usage error is told on stderr with the command's usage and ends with status 2. */
export class UsageError extends Error {}

export interface CommandInput {
  /** Words that are no options, in order. */
  readonly words: readonly string[];
  /** Last value of an option; undefined where it was not given. */
  option(name: string): string | undefined;
  /** All values of an option that may be repeated. */
  options(name: string): readonly string[];
}

export interface CommandTools {
  readonly settings: EffectiveSettings;
  readonly ports: ServerPorts;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** For people, on stderr. */
  readonly log: (message: string) => void;
  /** Root of the installation, with its models and documents. */
  readonly root: string;
  manifest(): Promise<ModelManifest>;
  /** Loads on first use and is closed when the command ends; `memoryFile` takes effect at the first call. */
  engine(options?: { readonly memoryFile?: string }): Promise<Engine>;
}

/** Rejects where a command that reads paths was given none. */
export function needPaths(input: CommandInput, command: string): readonly string[] {
  if (input.words.length === 0) throw new UsageError(`${command} needs a path: a file, a folder, or - for standard input.`);
  return input.words;
}

/** Value of an option that counts; undefined where it was not given. */
export function wholeNumber(input: CommandInput, option: string): number | undefined {
  const value = input.option(option);
  if (value === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(value)) throw new UsageError(`${option} needs a whole number from 1 on, not "${value}".`);
  return Number(value);
}

/** Where scores are remembered, on every command that scores. */
export const MEMORY_OPTION = { '--memory': { value: 'FILE', help: 'remember scores in this file' } } as const;

export interface CliCommand {
  readonly name: string;
  /** Lines of the help text: arguments and what it does. */
  readonly usage: readonly string[];
  /** Options beyond --format and --scorers: name with dashes -> what its value is ('' for a switch), and a line of help. */
  readonly options: Readonly<Record<string, { readonly value: string; readonly help: string }>>;
  /** Whether a signal is how it is meant to end, and no failure. */
  readonly endsBySignal?: true;
  /** Answers whether all went well: false ends with status 1. Throws UsageError for wrong usage. */
  run(input: CommandInput, tools: CommandTools): Promise<boolean>;
}
