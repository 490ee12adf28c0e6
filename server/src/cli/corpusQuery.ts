/** `stepscope corpus query`: one question, one command. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import { GROUP_KEYS, groupValues } from '../corpus/corpusGroups.ts';
import type { GroupKey } from '../corpus/corpusGroups.ts';
import { compareOperands, findScorables, operandName, operandValues, readCondition, readOperand } from '../corpus/corpusQueries.ts';
import type { Condition, Misunderstood, Operand, OperandDefaults } from '../corpus/corpusQueries.ts';
import type { ScoreCorpus } from '../corpus/scoreCorpus.ts';
import { correlation, rankCorrelation, summaryOf } from '../corpus/statistics.ts';
import { UsageError, wholeNumber } from './command.ts';
import type { CommandInput, CommandTools } from './command.ts';
import { corpusInput, readFilter } from './corpusInput.ts';
import { shown } from './corpusStats.ts';

interface Question {
  /** Scorables that meet the filter and the conditions. */
  readonly corpus: ScoreCorpus;
  readonly conditions: readonly Condition[];
  readonly input: CommandInput;
  readonly output: CommandTools['output'];
  /** Reads `[dimension:][scorer.]metric`. */
  operand(text: string, scorer?: string): Operand;
}

/** A name that the corpus does not have: told as a sentence, without the usage. */
class UnknownName extends Error {}

const ROWS_OF_A_COMPARISON = 10;

export async function corpusQuery(words: readonly string[], input: CommandInput, tools: CommandTools): Promise<boolean> {
  const groupKey = groupKeyOf(input);
  const ask = chooseAnswer(input, groupKey);
  const filter = readFilter(input);
  const { corpus: whole, isClean } = await corpusInput(words, tools, { memoryFile: input.option('--memory') });
  const corpus = whole.filter(filter);
  if (corpus.size === 0) {
    tools.log(whole.size === 0 ? 'The corpus is empty.' : filter.outcome !== undefined && whole.scorables.every((facts) => facts.outcome === undefined) ? 'No run of the corpus has a known outcome.' : 'Nothing in the corpus is like that.');
    return isClean;
  }
  const scorer = input.option('--scorer');
  const defaults: OperandDefaults = { dimension: input.option('--dimension') ?? PRIMARY_DIMENSION, ...(scorer === undefined ? {} : { scorer }) };
  try {
    const conditions = input.options('--where').map((text) => understood(readCondition(text, whole, defaults)));
    const ids = conditions.length === 0 ? undefined : new Set(findScorables(corpus, conditions).map((f) => f.scorableId));
    await ask({
      corpus: ids === undefined ? corpus : corpus.filter({ ids }), conditions, input, output: tools.output,
      operand: (text, of) => understood(readOperand(text, whole, of === undefined ? defaults : { ...defaults, scorer: of })),
    });
    return isClean;
  } catch (error) {
    if (!(error instanceof UnknownName)) throw error;
    tools.log(error.message);
    return false;
  }
}

type Answer = (question: Question) => Promise<void>;

function chooseAnswer(input: CommandInput, groupKey: GroupKey | undefined): Answer {
  const asked: Answer[] = [];
  const compared = pairOf(input, '--compare');
  const correlated = pairOf(input, '--correlate');
  if (input.option('--average') !== undefined) asked.push(average);
  if (groupKey !== undefined) asked.push((question) => group(question, groupKey));
  if (compared !== undefined) asked.push((question) => compare(question, compared));
  if (correlated !== undefined) asked.push((question) => correlate(question, correlated));
  const [only] = asked;
  if (asked.length > 1) throw new UsageError('--average, --group-by, --compare and --correlate are questions of their own: ask one at a time.');
  if (only !== undefined) return only;
  if (input.options('--where').length === 0) throw new UsageError('corpus query needs a question: --where, --average, --group-by, --compare or --correlate.');
  return list;
}

async function list({ corpus, conditions, input, output }: Question): Promise<void> {
  const found = findScorables(corpus, conditions);
  for (const { scorableId, values } of found.slice(0, wholeNumber(input, '--limit') ?? found.length)) {
    await output.write({ kind: 'scorable', ...placeOf(corpus, scorableId), values }, `${Object.values(values).map(shown).join('  ')}  ${textOf(corpus, scorableId)}`);
  }
}

async function average({ corpus, input, output, operand }: Question): Promise<void> {
  const of = operand(input.option('--metric') ?? 'score');
  const { n, mean } = summaryOf(operandValues(corpus, of));
  const missing = corpus.scorableIds.length - n;
  await output.write({ kind: 'average', ...of, mean, n, missing }, `${operandName(of)}: mean ${shown(mean)}, n ${n}, missing ${missing}`);
}

async function group({ corpus, input, output, operand }: Question, key: GroupKey): Promise<void> {
  const of = operand(input.option('--metric') ?? 'score');
  const { all, rows } = groupValues(corpus, key, operandValues(corpus, of));
  for (const row of rows) {
    await output.write({ kind: 'group', by: key, ...of, ...row, meanOfAll: all.mean }, `${row.key ?? '–'}: mean ${shown(row.mean)} (lift ${shown(row.lift)}, difference ${shown(row.difference)}), n ${row.n}, missing ${row.missing}`);
  }
}

async function compare({ corpus, input, output, operand }: Question, pair: readonly [string, string]): Promise<void> {
  const metric = input.option('--metric') ?? 'score';
  const [a, b] = [operand(metric, pair[0]), operand(metric, pair[1])];
  const { rows, ...figures } = compareOperands(corpus, a, b);
  const [nameA, nameB] = [operandName(a), operandName(b)];
  await output.write({ kind: 'comparison', a: nameA, b: nameB, ...figures },
    `${nameA} − ${nameB}: mean difference ${shown(figures.meanDifference)}, absolute ${shown(figures.meanAbsDifference)}, r ${shown(figures.r)}, opposite on ${shown(figures.oppositeShare)}, n ${figures.n}`);
  for (const { scorableId, ...row } of rows.slice(0, wholeNumber(input, '--limit') ?? ROWS_OF_A_COMPARISON)) {
    await output.write({ kind: 'scorable', ...placeOf(corpus, scorableId), ...row }, `${shown(row.a)}  ${shown(row.b)}  ${textOf(corpus, scorableId)}`);
  }
}

async function correlate({ corpus, output, operand }: Question, pair: readonly [string, string]): Promise<void> {
  const [a, b] = [operand(pair[0]), operand(pair[1])];
  const [x, y] = [operandValues(corpus, a), operandValues(corpus, b)];
  const { r, n } = correlation(x, y);
  const { r: rho } = rankCorrelation(x, y);
  await output.write({ kind: 'correlation', a: operandName(a), b: operandName(b), r, rho, n }, `${operandName(a)} with ${operandName(b)}: r ${shown(r)}, of ranks ${shown(rho)}, n ${n}`);
}

/** Given as `A,B`, or the option twice. */
function pairOf(input: CommandInput, option: string): readonly [string, string] | undefined {
  const given = input.options(option);
  if (given.length === 0) return undefined;
  const [a, b, ...more] = given.length === 1 ? (given[0] ?? '').split(',') : given;
  if (a === undefined || b === undefined || a === '' || b === '' || more.length > 0) throw new UsageError(`${option} needs two names: A,B, or the option twice.`);
  return [a.trim(), b.trim()];
}

function groupKeyOf(input: CommandInput): GroupKey | undefined {
  const given = input.option('--group-by');
  const key = GROUP_KEYS.find((k) => k === given);
  if (given !== undefined && key === undefined) throw new UsageError(`--group-by is one of ${GROUP_KEYS.join(', ')}, not "${given}".`);
  return key;
}

function understood<T extends object>(reading: T | Misunderstood): T {
  if ('problem' in reading) throw new UnknownName(reading.problem);
  return reading;
}

function placeOf(corpus: ScoreCorpus, scorableId: string): Readonly<Record<string, unknown>> {
  const facts = corpus.facts(scorableId);
  return { scorableId, file: facts?.file, traceId: facts?.traceId, stepId: facts?.stepId, stepIndex: facts?.stepIndex, stepType: facts?.stepType, goal: facts?.goal, title: facts?.title };
}

function textOf(corpus: ScoreCorpus, scorableId: string): string {
  const facts = corpus.facts(scorableId);
  return facts === undefined ? scorableId : `${facts.file} ${facts.stepId === '' ? facts.traceId : `#${facts.stepIndex + 1}`} ${facts.title}`;
}
