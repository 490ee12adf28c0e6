/** `stepscope corpus`: what is known of many traces together. */
import { UsageError, MEMORY_OPTION } from './command.ts';
import type { CliCommand } from './command.ts';
import { corpusExport } from './corpusExport.ts';
import { FILTER_OPTIONS } from './corpusInput.ts';
import { corpusQuery } from './corpusQuery.ts';
import { corpusStats } from './corpusStats.ts';

export const corpusCommand: CliCommand = {
  name: 'corpus',
  usage: [
    'corpus stats [path…]',
    '                  counts, mean scores, uncertainty, agreement, step types; of the memory without a path',
    'corpus query [path…] --where "uncertainty>0.3" | --average | --group-by KEY | --compare A,B | --correlate A,B',
    '                  which steps, what mean, which kind of step, how two scorers differ, what goes together',
    'corpus export --to csv|jsonl|parquet|npy FILE [path…]',
    '                  every score as a table, as lines of JSON, or as a tensor with its labels in FILE.labels.json',
  ],
  options: {
    ...MEMORY_OPTION,
    '--dimension': { value: 'NAME', help: 'reasoning_quality unless given' },
    '--scorer': { value: 'ID', help: 'consensus where it has the metric, else the only scorer that has it; mean for the mean of all scorers' },
    '--metric': { value: 'NAME', help: 'score unless given; [dimension:][scorer.]metric' },
    '--where': { value: 'CONDITION', help: '[dimension:][scorer.]metric, then > >= < <= = or !=, then a number; several must all hold' },
    '--average': { value: '', help: 'the mean of the metric' },
    '--group-by': { value: 'KEY', help: 'means by stepType, goal, agent, model, tool, …, each against the mean of all' },
    '--compare': { value: 'A,B', help: 'how two scorers differ over what both scored' },
    '--correlate': { value: 'A,B', help: 'how far two metrics go together, as in sicql.q_gap,contrastive_ranker.ranking_strength' },
    '--limit': { value: 'N', help: 'at most N scorables' },
    '--to': { value: 'FORMAT', help: 'csv, jsonl, parquet or npy' },
    '--overwrite': { value: '', help: 'replace a file that exists' },
    ...FILTER_OPTIONS,
  },
  run: async (input, tools) => {
    const [action, ...words] = input.words;
    if (action === 'stats') return corpusStats(words, input, tools);
    if (action === 'query') return corpusQuery(words, input, tools);
    if (action === 'export') return corpusExport(words, input, tools);
    throw new UsageError(action === undefined ? 'Say what of the corpus: stats, query or export.' : `corpus knows stats, query and export, not "${action}".`);
  },
};
