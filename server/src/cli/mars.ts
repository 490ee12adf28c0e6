/** `stepscope mars`: how far the scorers agree, who disagrees with whom, whom to believe, what to do about it. */
import { readFile } from 'node:fs/promises';
import { text as wholeText } from 'node:stream/consumers';
import { agreementsOf, trendsOf } from '../corpus/findings.ts';
import { mars, printResult } from '../corpus/mars.ts';
import type { MarsInput } from '../corpus/mars.ts';
import type { MarsSettings } from '../corpus/marsConfig.ts';
import { marsInputs } from '../corpus/marsOfCorpus.ts';
import type { MarsReport } from '../corpus/marsResult.ts';
import { recommend } from '../corpus/recommendations.ts';
import type { Agreement, Recommendation, Seen } from '../corpus/scoreMemory.ts';
import { MEMORY_OPTION, UsageError } from './command.ts';
import type { CliCommand, CommandInput, CommandTools } from './command.ts';
import { FILTER_OPTIONS, corpusInput, readFilter } from './corpusInput.ts';
import { readRecords } from './marsRecords.ts';
import { marsText } from './marsText.ts';
import { withFindings } from './rememberedFindings.ts';

export const marsCommand: CliCommand = {
  name: 'mars',
  usage: [
    'mars [path…]      how far scorers agree, dimension by dimension; of the memory without a path',
    'mars --records FILE',
    '                  the same of scores from any system: {"records": [{"scorable_id", "dimension", "source",',
    '                  "score", "attributes"}], "scale": [lo, hi], "mars_config": {…}}, bare or under "input"',
  ],
  options: {
    ...MEMORY_OPTION,
    '--records': { value: 'FILE', help: 'scores to read; - for standard input' },
    '--reference': { value: 'SCORER', help: 'whom to hold the others against, or none; human where there are labels unless given' },
    '--intervals': { value: '', help: '95 % intervals of agreement, alpha and the widest gap as well' },
    ...FILTER_OPTIONS,
  },
  run: async (input, tools) => {
    const { output } = tools;
    const given = await readScores(input, tools);
    if (given === undefined) return false;
    const reference = input.option('--reference');
    const scorers = [...new Set(given.inputs.flatMap((i) => i.columns.map((c) => c.scorer)))].sort();
    if (reference !== undefined && reference !== 'none' && scorers.length > 0 && !scorers.includes(reference)) {
      return fail(tools, '', `There is no scorer ${reference} here to hold the others against; there are ${scorers.join(', ')}.`);
    }
    const trusted = reference === undefined ? given.inputs : given.inputs.map((i) => ({ ...i, config: { ...i.config, trust_reference: reference === 'none' ? null : reference } }));
    const report = mars(trusted, { hasIntervals: input.option('--intervals') !== undefined });
    const recommendations = recommend(report);
    const dimensions = Object.fromEntries(Object.entries(report.dimensions).map(([name, result]) => [name, printResult(result)]));
    const trends = await trendsSoFar({ report, recommendations }, input, tools);
    const trend = Object.fromEntries([...trends].map(([dimension, seen]) => [dimension, seen.map((a) => ({ time: new Date(a.firstSeenMs).toISOString(), agreement_score: a.agreement_score, co_scored: a.co_scored, scorers: a.scorers }))]));
    await output.write({ dimensions, aggregate: report.aggregate, unweighted: report.unweighted, recommendations, ...(trends.size === 0 ? {} : { trend }) }, marsText(report, recommendations, trends));
    return given.isClean;
  },
};

/** What the memory says of agreement over time, this run among it; nothing where the scores are not the memory's. */
async function trendsSoFar({ report, recommendations }: { readonly report: MarsReport; readonly recommendations: readonly Recommendation[] }, input: CommandInput, tools: CommandTools): Promise<ReadonlyMap<string, readonly (Agreement & Seen)[]>> {
  if (input.option('--records') !== undefined || Object.keys(report.dimensions).length === 0) return new Map();
  return await withFindings(input, tools, async (memory) => {
    await memory.saveAgreements(agreementsOf(report), Date.now());
    await memory.saveRecommendations(recommendations, Date.now());
    return trendsOf(await memory.agreements());
  }) ?? new Map();
}

interface Scores {
  readonly inputs: readonly MarsInput[];
  readonly isClean: boolean;
}

/** Undefined where there is nothing to go on with; that was told. */
async function readScores(input: CommandInput, tools: CommandTools): Promise<Scores | undefined> {
  const file = input.option('--records');
  if (file === undefined) {
    const { level: _, ...filter } = readFilter(input);
    const { corpus, isClean } = await corpusInput(input.words, tools, { memoryFile: input.option('--memory'), filter });
    return { inputs: marsInputs(corpus, { settings: ALL_METRICS }), isClean };
  }
  if (input.words.length > 0) throw new UsageError('mars takes either paths or --records, not both.');
  const text = await (file === '-' ? wholeText(process.stdin) : readFile(file, 'utf8')).catch((error: unknown) => ({ problem: unreadable(error) }));
  const reading = typeof text === 'string' ? readRecords(text) : text;
  if ('inputs' in reading) return { inputs: reading.inputs, isClean: true };
  await fail(tools, file, reading.problem);
  return undefined;
}

const ALL_METRICS: MarsSettings = { metrics: 'all' };

async function fail({ output }: CommandTools, file: string, message: string): Promise<false> {
  await output.write({ kind: 'error', file, message }, file === '' ? message : `${file}: ${message}`);
  return false;
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'There is no such file.';
  if (code === 'EISDIR') return 'This is a folder: name a file.';
  return `The file cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
