/** `stepscope deltas`: how remembered scores changed, why, and what moved with them. */
import { summariseDrops } from '../corpus/deltas.ts';
import type { DropSummary } from '../corpus/deltas.ts';
import type { ScoreDelta } from '../corpus/scoreMemory.ts';
import { UsageError, wholeNumber } from './command.ts';
import type { CliCommand } from './command.ts';
import { FILTER_OPTIONS, readFilter } from './corpusInput.ts';
import { withExistingMemory } from './existingMemory.ts';
import { shown } from './corpusStats.ts';

const LIMIT = 100;

export const deltasCommand: CliCommand = {
  name: 'deltas',
  usage: [
    'deltas            how remembered scores changed when steps were scored again, newest first: by how much, whether it',
    '                  means anything, what caused it and which attribute moved most; at the end what the drops have in common',
  ],
  options: {
    '--memory': { value: 'FILE', help: 'the memory in this file; else that of the current folder' },
    '--significant': { value: '', help: 'only changes above 0.1 and twice the usual movement' },
    '--dropped': { value: '', help: 'only scores that fell' },
    '--dimension': { value: 'NAME', help: 'of this dimension' },
    '--scorer': { value: 'ID', help: 'of this scorer; consensus for what is shown' },
    '--limit': { value: 'N', help: `at most N changes; ${LIMIT} unless given` },
    ...FILTER_OPTIONS,
  },
  run: async (input, tools) => {
    if (input.words.length > 0) throw new UsageError('deltas reads the memory and takes no path; --file FILE chooses one file.');
    const limit = wholeNumber(input, '--limit') ?? LIMIT;
    const { level: _, ...filter } = readFilter(input);
    const [dimension, scorer, isDropped] = [input.option('--dimension'), input.option('--scorer'), input.option('--dropped') !== undefined];
    const all = await withExistingMemory(tools, { file: input.option('--memory'), remedy: 'Score with --memory FILE.' }, (memory) => memory.deltas({ ...filter, ...(input.option('--significant') === undefined ? {} : { isSignificant: true }) }));
    if (all === undefined) return input.option('--memory') === undefined;
    const chosen = all.filter((d) => (dimension === undefined || d.dimension === dimension) && (scorer === undefined || d.scorer === scorer) && (!isDropped || d.delta < 0));
    for (const delta of chosen.slice(0, limit)) await tools.output.write({ kind: 'delta', ...delta }, deltaText(delta));
    if (chosen.length > limit) tools.log(`${chosen.length - limit} more; --limit shows them.`);
    const summary = summariseDrops(chosen);
    await tools.output.write({ kind: 'drops', ...summary }, summaryText(summary));
    return true;
  },
};

function deltaText(delta: ScoreDelta): string {
  const { scorable: { file, traceId, stepIndex, title }, movedMost } = delta;
  const noise = delta.noise === null ? '' : `, usual movement ${shown(delta.noise)}`;
  const moved = movedMost === undefined ? '' : `; ${movedMost.attribute} ${shown(movedMost.previous)} → ${shown(movedMost.value)}`;
  const because = delta.changed.length > 1 ? delta.changed.join(' and ') : delta.cause;
  return [
    `${new Date(delta.timeMs).toISOString()}  ${file === '' ? '' : `${file}  `}${traceId}${stepIndex < 0 ? '' : ` #${stepIndex + 1}`} ${title}`,
    `  ${delta.dimension} by ${delta.scorer}: ${shown(delta.previousScore)} → ${shown(delta.score)} (${delta.delta > 0 ? '+' : ''}${shown(delta.delta)}${delta.isSignificant ? '' : ', not significant'}${noise}) · ${because}${moved}`,
  ].join('\n');
}

function summaryText({ drops, causes, attributes }: DropSummary): string {
  if (drops === 0) return 'No score fell.';
  const moved = attributes.slice(0, 5).map((a) => `${a.scorer}.${a.attribute} ${a.drops} times (${a.meanChange > 0 ? '+' : ''}${shown(a.meanChange)} on average)`);
  return `${drops} ${drops === 1 ? 'score' : 'scores'} fell; cause: ${causes.map((c) => `${c.cause} ${c.drops}`).join(', ')}${moved.length === 0 ? '' : `\n  what moved most: ${moved.join(', ')}`}`;
}
