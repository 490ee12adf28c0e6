/** Where a command's corpus comes from: traces scored on the spot, or the memory. */
import type { CorpusFilter } from '../corpus/filters.ts';
import { corpusOf, createCorpus } from '../corpus/scoreCorpus.ts';
import type { ScoreCorpus } from '../corpus/scoreCorpus.ts';
import { recordsOfTrace } from '../features/scoreRecords.ts';
import { UsageError } from './command.ts';
import type { CliCommand, CommandInput, CommandTools } from './command.ts';
import { withExistingMemory } from './existingMemory.ts';
import { readInputs } from './inputs.ts';
import { scoredView } from './scoredView.ts';

/** Options that choose scorables; read by `readFilter`. */
export const FILTER_OPTIONS: CliCommand['options'] = {
  '--file': { value: 'FILE', help: 'of this trace file, as it was given' },
  '--trace': { value: 'ID', help: 'of this trace' },
  '--goal': { value: 'TEXT', help: 'of runs with exactly this goal' },
  '--step-type': { value: 'TYPE', help: 'steps of this type' },
  '--tool': { value: 'NAME', help: 'steps that called this tool' },
  '--agent': { value: 'NAME', help: 'of this agent' },
  '--model': { value: 'NAME', help: 'of runs of this model' },
  '--errors': { value: '', help: 'steps with an error' },
  '--failed': { value: '', help: 'of runs that failed: an outcome below 0.5' },
  '--succeeded': { value: '', help: 'of runs that succeeded: an outcome of 0.5 or more' },
  '--since': { value: 'TIME', help: 'from this time on, as in 2026-01-31 or 2026-01-31T12:00Z' },
  '--until': { value: 'TIME', help: 'up to this time' },
  '--traces': { value: '', help: 'whole traces instead of steps' },
};

export interface CorpusInput {
  readonly corpus: ScoreCorpus;
  /** False where something named could not be read; that was told. */
  readonly isClean: boolean;
}

/**
 * The scores of the paths, scored now; without paths those of the memory: `memoryFile`, else the workspace's own. A memory
 * that does not exist yet is not made: the corpus is empty then, and a sentence says so.
 */
export async function corpusInput(words: readonly string[], tools: CommandTools, options: { readonly memoryFile?: string | undefined; readonly filter?: CorpusFilter } = {}): Promise<CorpusInput> {
  const { memoryFile, filter = {} } = options;
  const { corpus, isClean } = words.length > 0 ? await fromPaths(words, tools, memoryFile) : await fromMemory(tools, memoryFile, filter);
  return { corpus: corpus.filter(filter), isClean };
}

/** Options that contradict each other, or times that are none, are usage errors. */
export function readFilter(input: CommandInput): CorpusFilter {
  const texts = { file: '--file', traceId: '--trace', goal: '--goal', stepType: '--step-type', tool: '--tool', agent: '--agent', model: '--model' } as const;
  const isFailed = input.option('--failed') !== undefined;
  const isSucceeded = input.option('--succeeded') !== undefined;
  if (isFailed && isSucceeded) throw new UsageError('--failed and --succeeded exclude each other.');
  const since = timeOf(input, '--since');
  const until = timeOf(input, '--until');
  return {
    ...Object.fromEntries(Object.entries(texts).flatMap(([field, option]) => { const value = input.option(option); return value === undefined ? [] : [[field, value]]; })),
    level: input.option('--traces') === undefined ? 'step' : 'trace',
    ...(input.option('--errors') === undefined ? {} : { isError: true }),
    ...(isFailed ? { outcome: [0, JUST_BELOW_HALF] as const } : isSucceeded ? { outcome: [0.5, 1] as const } : {}),
    ...(since === undefined && until === undefined ? {} : { timeMs: [since ?? -LAST_TIME, until ?? LAST_TIME] as const }),
  };
}

const JUST_BELOW_HALF = 0.5 - Number.EPSILON / 4;
/** The furthest a date reaches, in milliseconds. */
const LAST_TIME = 8.64e15;

async function fromPaths(paths: readonly string[], tools: CommandTools, memoryFile: string | undefined): Promise<CorpusInput> {
  const corpus = createCorpus();
  let isClean = true;
  const engine = await tools.engine(memoryFile === undefined ? {} : { memoryFile });
  for await (const input of readInputs(paths, tools.settings)) {
    if (tools.signal.aborted || tools.output.isClosed()) break;
    if (input.kind === 'error') {
      isClean = false;
      await tools.output.write(input, `${input.file}: ${input.message}`);
      continue;
    }
    const view = await scoredView(input, { ...tools, engine });
    for (const { scorable, records } of view.traces.flatMap((scored) => recordsOfTrace(input.file, scored, view.lines))) {
      corpus.addScorable(scorable);
      for (const record of records) corpus.addScore(record);
    }
  }
  return { corpus, isClean };
}

async function fromMemory(tools: CommandTools, memoryFile: string | undefined, filter: CorpusFilter): Promise<CorpusInput> {
  const remedy = 'Score with --memory FILE, or name traces to score now.';
  const corpus = await withExistingMemory(tools, { file: memoryFile, remedy }, async (memory) => corpusOf(await memory.load(filter)));
  return corpus === undefined ? { corpus: createCorpus(), isClean: memoryFile === undefined } : { corpus, isClean: true };
}

function timeOf(input: CommandInput, option: string): number | undefined {
  const text = input.option(option);
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new UsageError(`${option} needs a time like 2026-01-31 or 2026-01-31T12:00Z, not "${text}".`);
  return time;
}
