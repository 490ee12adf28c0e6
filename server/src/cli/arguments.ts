/** Reads the command line. */

export const OUTPUT_FORMATS = ['json', 'ndjson', 'text'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface CliArguments {
  readonly command: string;
  readonly paths: readonly string[];
  readonly format: OutputFormat;
  readonly memory?: string;
  readonly scorers: readonly string[];
}

export const USAGE = `stepscope <command> [arguments]

  score <path>…     score every step: a line a step, then a line a trace
  inspect <path>…   read traces without models: what was understood, and what was not
  models            the scorers and thresholds of this installation

A path is a file, a folder (walked; what is no trace is passed over) or - for standard input.

  --format json|ndjson|text   text on a terminal, ndjson elsewhere
  --scorers a,b               only these scorers
  --memory FILE               remember scores in this file
  --help, --version

Exit status: 0 fine, 1 something could not be read, 2 wrong usage.
`;

/** The arguments, or a sentence saying what is wrong with them. */
export function readArguments(argv: readonly string[], isTerminal: boolean): CliArguments | { readonly usageError: string } {
  const paths: string[] = [];
  let command: string | undefined;
  let format: OutputFormat = isTerminal ? 'text' : 'ndjson';
  let memory: string | undefined;
  let scorers: readonly string[] = [];
  let isOptionsOver = false;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (isOptionsOver || word === '-' || !word.startsWith('-')) {
      if (command === undefined) command = word;
      else paths.push(word);
      continue;
    }
    if (word === '--') {
      isOptionsOver = true;
      continue;
    }
    const [name, inline] = splitOption(word);
    if (name === '--help' || name === '-h') return { command: 'help', paths: [], format, scorers };
    if (name === '--version') return { command: 'version', paths: [], format, scorers };
    if (name !== '--format' && name !== '--memory' && name !== '--scorers') return { usageError: `There is no option ${name}.` };
    const value = inline ?? argv[++i];
    if (value === undefined || value === '') return { usageError: `${name} needs a value.` };
    if (name === '--memory') memory = value;
    else if (name === '--scorers') scorers = value.split(',').map((s) => s.trim()).filter((s) => s !== '');
    else {
      const known = OUTPUT_FORMATS.find((f) => f === value);
      if (known === undefined) return { usageError: `--format is one of ${OUTPUT_FORMATS.join(', ')}, not "${value}".` };
      format = known;
    }
  }
  if (command === undefined) return { usageError: 'Say what to do: score, inspect or models.' };
  return { command, paths, format, scorers, ...(memory === undefined ? {} : { memory }) };
}

function splitOption(word: string): readonly [string, string | undefined] {
  const at = word.indexOf('=');
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}
