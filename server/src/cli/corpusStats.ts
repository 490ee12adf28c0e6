/** `stepscope corpus stats`. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import { HIGH_UNCERTAINTY, summariseCorpus } from '../corpus/corpusSummary.ts';
import type { CommandInput, CommandTools } from './command.ts';
import { corpusInput, readFilter } from './corpusInput.ts';

export async function corpusStats(words: readonly string[], input: CommandInput, tools: CommandTools): Promise<boolean> {
  const { output } = tools;
  const { level: _, ...filter } = readFilter(input);
  const { corpus, isClean } = await corpusInput(words, tools, { memoryFile: input.option('--memory'), filter });
  const { scores, uncertainty, agreement, stepTypes, ...counts } = summariseCorpus(corpus, input.option('--dimension') ?? PRIMARY_DIMENSION);
  await output.write({ kind: 'corpus', ...counts }, `${counts.steps} steps of ${counts.traces} traces, ${counts.goals} goals, ${counts.records} records\n`);
  for (const row of scores) await output.write({ kind: 'scores', ...row }, `${row.dimension}  ${row.scorer}: mean ${shown(row.mean)}, std ${shown(row.std)}, ${shown(row.min)} to ${shown(row.max)}, n ${row.n}`);
  for (const row of uncertainty) await output.write({ kind: 'uncertainty', ...row }, `${row.dimension}  uncertainty: mean ${shown(row.mean)}, ${row.aboveHigh} of ${row.n} steps above ${HIGH_UNCERTAINTY}`);
  for (const row of agreement) await output.write({ kind: 'agreement', ...row }, `${row.dimension}  agreement: ${shown(row.agreement)} over ${row.compared} steps, strong on ${row.strong}; ${row.uncompared} with one scorer alone`);
  for (const row of stepTypes) await output.write({ kind: 'step-type', ...row }, `${row.stepType}: ${row.steps} steps, score ${shown(row.score)}, uncertainty ${shown(row.uncertainty)} (lift ${shown(row.uncertaintyLift)}), errors ${shown(row.errorRate)}`);
  return isClean;
}

/** Three digits, or a dash where there is no number. */
export function shown(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(3)));
}
