/** Reads the command line by the table of commands. */
import type { CliCommand, CommandInput } from './command.ts';
import { UsageError } from './command.ts';

export const OUTPUT_FORMATS = ['json', 'ndjson', 'text'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export type CliArguments =
  | { readonly kind: 'help'; readonly command?: CliCommand }
  | { readonly kind: 'version' }
  | { readonly kind: 'command'; readonly command: CliCommand; readonly input: CommandInput; readonly format: OutputFormat; readonly scorers: readonly string[] };

/** Options that every command takes. */
const COMMON: CliCommand['options'] = {
  '--format': { value: 'json|ndjson|text', help: 'text on a terminal, ndjson elsewhere' },
  '--scorers': { value: 'a,b', help: 'only these scorers' },
};

/** Throws a UsageError whose message says what is wrong. */
export function readArguments(argv: readonly string[], commands: readonly CliCommand[], isTerminal: boolean): CliArguments {
  const name = argv.find((w, i) => !w.startsWith('-') && !takesValue(argv[i - 1], commands));
  const command = commands.find((c) => c.name === name);
  const words: string[] = [];
  const given = new Map<string, string[]>();
  let isOptionsOver = false;
  let isNamed = false;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (isOptionsOver || word === '-' || !word.startsWith('-')) {
      if (!isNamed && word === name) isNamed = true;
      else words.push(word);
      continue;
    }
    if (word === '--') {
      isOptionsOver = true;
      continue;
    }
    const [option, inline] = splitOption(word);
    if (option === '--help' || option === '-h') return { kind: 'help', ...(command === undefined ? {} : { command }) };
    if (option === '--version') return { kind: 'version' };
    const known = COMMON[option] ?? command?.options[option];
    if (known === undefined) throw new UsageError(command === undefined || !commands.some((c) => option in c.options) ? `There is no option ${option}.` : `${command.name} takes no option ${option}.`);
    const value = known.value === '' ? 'yes' : inline ?? argv[++i];
    if (value === undefined || value === '') throw new UsageError(`${option} needs a value.`);
    given.set(option, [...(given.get(option) ?? []), value]);
  }
  if (name === undefined) throw new UsageError(`Say what to do: ${commands.map((c) => c.name).join(', ')}.`);
  if (name === 'help') return { kind: 'help' };
  if (command === undefined) throw new UsageError(`There is no command "${name}"; there are ${commands.map((c) => c.name).join(', ')}.`);
  const option = (o: string): string | undefined => given.get(o)?.at(-1);
  const asked = option('--format');
  const format = asked === undefined ? (isTerminal ? 'text' : 'ndjson') : OUTPUT_FORMATS.find((f) => f === asked);
  if (format === undefined) throw new UsageError(`--format is one of ${OUTPUT_FORMATS.join(', ')}, not "${asked ?? ''}".`);
  const scorers = (option('--scorers') ?? '').split(',').map((s) => s.trim()).filter((s) => s !== '');
  return { kind: 'command', command, input: { words, option, options: (o) => given.get(o) ?? [] }, format, scorers };
}

/** The help text: of everything, or of one command. */
export function usageText(commands: readonly CliCommand[], only?: CliCommand): string {
  const shown = only === undefined ? commands : [only];
  const blocks = shown.map((c) => [...c.usage.map((line) => `  ${line}`), ...optionLines(c.options).map((line) => `  ${line}`)].join('\n'));
  return [
    'stepscope <command> [arguments]', '', blocks.join('\n\n'), '',
    'A path is a file, a folder (walked; what is no trace is passed over) or - for standard input.', '',
    ...optionLines(COMMON), '  --help, --version', '', 'Exit status: 0 fine, 1 something could not be read, 2 wrong usage, 3 a gate failed.', '',
  ].join('\n');
}

function optionLines(options: CliCommand['options']): readonly string[] {
  return Object.entries(options).map(([name, { value, help }]) => `  ${`${name}${value === '' ? '' : ` ${value}`}`.padEnd(28)} ${help}`);
}

function takesValue(word: string | undefined, commands: readonly CliCommand[]): boolean {
  if (word === undefined || !word.startsWith('--') || word.includes('=')) return false;
  const option = COMMON[word] ?? commands.map((c) => c.options[word]).find((o) => o !== undefined);
  return option !== undefined && option.value !== '';
}

function splitOption(word: string): readonly [string, string | undefined] {
  const at = word.indexOf('=');
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}
