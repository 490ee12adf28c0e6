/** Reads the command line. */

export const OUTPUT_FORMATS = ['json', 'ndjson', 'text'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface CliArguments {
  readonly command: string;
  readonly paths: readonly string[];
  readonly format: OutputFormat;
  readonly memory?: string;
  readonly scorers: readonly string[];
  /** Earlier steps, in order; for `compare`. */
  readonly context: readonly string[];
  /** Most traces of a labelled file; for `eval`. */
  readonly limit?: number;
  /** Model whose card is wanted; for `models`. */
  readonly card?: string;
}

export const USAGE = `stepscope <command> [arguments]

  score <path>…     score every step: a line a step, then a line a trace
  inspect <path>…   read traces without models: what was understood, and what was not
  compare <goal> <step a> <step b>
                    which of two texts is the better next step toward the goal
  models            the scorers and thresholds of this installation; --card ID prints the card of one
  eval --data <path>…
                    measure the scorers on labelled traces (.jsonl, .jsonl.gz or folders of them)

A path is a file, a folder (walked; what is no trace is passed over) or - for standard input.

  --format json|ndjson|text   text on a terminal, ndjson elsewhere
  --scorers a,b               only these scorers
  --memory FILE               remember scores in this file
  --context TEXT              compare: an earlier step; may be given several times
  --limit N                   eval: at most N traces of a file, drawn at random, always the same
  --card ID                   models: the card of this scorer, or of the backbone
  --help, --version

Exit status: 0 fine, 1 something could not be read, 2 wrong usage.
`;

const OPTIONS: readonly string[] = ['--format', '--memory', '--scorers', '--context', '--data', '--limit', '--card'];

/** The arguments, or a sentence saying what is wrong with them. */
export function readArguments(argv: readonly string[], isTerminal: boolean): CliArguments | { readonly usageError: string } {
  const paths: string[] = [];
  let command: string | undefined;
  let format: OutputFormat = isTerminal ? 'text' : 'ndjson';
  let memory: string | undefined;
  let scorers: readonly string[] = [];
  const context: string[] = [];
  let limit: number | undefined;
  let card: string | undefined;
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
    if (name === '--help' || name === '-h') return { command: 'help', paths: [], format, scorers, context };
    if (name === '--version') return { command: 'version', paths: [], format, scorers, context };
    if (!OPTIONS.includes(name)) return { usageError: `There is no option ${name}.` };
    const value = inline ?? argv[++i];
    if (value === undefined || value === '') return { usageError: `${name} needs a value.` };
    if (name === '--memory') memory = value;
    else if (name === '--context') context.push(value);
    else if (name === '--data') paths.push(value);
    else if (name === '--card') card = value;
    else if (name === '--limit') {
      limit = Number(value);
      if (!Number.isInteger(limit) || limit < 1) return { usageError: `--limit needs a whole number from 1 on, not "${value}".` };
    }
    else if (name === '--scorers') scorers = value.split(',').map((s) => s.trim()).filter((s) => s !== '');
    else {
      const known = OUTPUT_FORMATS.find((f) => f === value);
      if (known === undefined) return { usageError: `--format is one of ${OUTPUT_FORMATS.join(', ')}, not "${value}".` };
      format = known;
    }
  }
  if (command === undefined) return { usageError: 'Say what to do: score, inspect, compare, models or eval.' };
  return { command, paths, format, scorers, context, ...(memory === undefined ? {} : { memory }), ...(limit === undefined ? {} : { limit }), ...(card === undefined ? {} : { card }) };
}

function splitOption(word: string): readonly [string, string | undefined] {
  const at = word.indexOf('=');
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}
