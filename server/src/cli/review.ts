/** `stepscope review`: the steps whose label would teach most, most valuable first. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import { reviewQueue } from '../corpus/reviewQueue.ts';
import type { ReviewRow } from '../corpus/reviewQueue.ts';
import { MEMORY_OPTION, wholeNumber } from './command.ts';
import type { CliCommand } from './command.ts';
import { FILTER_OPTIONS, corpusInput, readFilter } from './corpusInput.ts';

export const reviewCommand: CliCommand = {
  name: 'review',
  usage: ['review [path…]    which steps to label first, and why; of the memory without a path'],
  options: { ...MEMORY_OPTION, '--limit': { value: 'N', help: 'at most N steps; 50 unless given' }, '--dimension': { value: 'NAME', help: `${PRIMARY_DIMENSION} unless given` }, ...FILTER_OPTIONS },
  run: async (input, tools) => {
    const limit = wholeNumber(input, '--limit');
    const { level: _, ...filter } = readFilter(input);
    const { corpus, isClean } = await corpusInput(input.words, tools, { memoryFile: input.option('--memory'), filter });
    for (const row of reviewQueue(corpus, { dimension: input.option('--dimension') ?? PRIMARY_DIMENSION, ...(limit === undefined ? {} : { limit }) })) {
      const { id, file, traceId, stepId, stepIndex, stepType, title, line } = row.scorable;
      await tools.output.write({ kind: 'review', id, file, traceId, stepId, stepIndex, stepType, line: line ?? null, title, value: row.value, score: row.score, parts: row.parts, why: row.why }, reviewText(row));
    }
    return isClean;
  },
};

function reviewText({ scorable, value, why }: ReviewRow): string {
  const { file, line, traceId, stepIndex, stepType, title } = scorable;
  return `${value.toFixed(2)}  ${file === '' ? '' : `${file}${line === undefined ? '' : `:${line + 1}`}  `}${traceId} #${stepIndex + 1} ${stepType}: ${title}\n      ${why.join('; ')}`;
}
