/** `stepscope compare`: which of two steps is better for a goal, by whom, and how surely. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import { verdict } from '../features/comparison.ts';
import { percent } from '../features/scoredTrace.ts';
import type { Engine, ServerPorts } from '../lsp/ports.ts';
import { activeDimensions, activeScorerIds } from '../scoring/activeScorers.ts';
import { compareTexts } from '../features/compareTexts.ts';
import type { ComparisonQuestion } from '../features/compareTexts.ts';
import { MEMORY_OPTION, UsageError } from './command.ts';
import type { CliCommand } from './command.ts';
import type { Output } from './output.ts';

const SIDES = { first: 'a', second: 'b', none: null } as const;

export const compareCommand: CliCommand = {
  name: 'compare',
  usage: ['compare <goal> <step a> <step b>', '                  which of two texts is the better next step toward the goal'],
  options: { ...MEMORY_OPTION, '--context': { value: 'TEXT', help: 'an earlier step; may be given several times' } },
  run: async (input, tools) => {
    const [goal, first, second] = input.words;
    if (goal === undefined || first === undefined || second === undefined || input.words.length !== 3) throw new UsageError('compare needs three texts: the goal and two steps.');
    const memoryFile = input.option('--memory');
    return compare({ goal, first, second, context: input.options('--context') }, { ...tools, engine: await tools.engine(memoryFile === undefined ? {} : { memoryFile }) });
  },
};

/** Answers whether there was something to compare. */
async function compare(question: ComparisonQuestion, options: { readonly settings: EffectiveSettings; readonly engine: Engine; readonly ports: ServerPorts; readonly output: Output; readonly signal: AbortSignal }): Promise<boolean> {
  const { engine, settings, output } = options;
  const comparisons = await compareTexts(question, {
    manifest: engine.manifest, scorer: engine.scorer, scorers: activeScorerIds(engine.manifest, settings), dimensions: activeDimensions(engine.manifest, settings),
    maxStepCharacters: settings.limits.maxStepCharacters, sha256: options.ports.sha256, signal: options.signal,
  });
  const main = comparisons.find((c) => c.dimension === PRIMARY_DIMENSION) ?? comparisons[0];
  if (main === undefined) {
    const message = 'One of the two steps holds no words: there is nothing to compare.';
    await output.write({ kind: 'error', file: '', message }, message);
    return false;
  }
  await output.write({
    kind: 'comparison', goal: question.goal, a: question.first, b: question.second, context: question.context, winner: SIDES[main.winner], preferA: main.preferFirst,
    dimensions: comparisons.map((c) => ({
      dimension: c.dimension, winner: SIDES[c.winner], preferA: c.preferFirst,
      votes: c.votes.map((v) => ({ scorer: v.scorer, preferA: v.preferFirst, weight: v.weight })),
    })),
  }, [verdict(comparisons, ['a', 'b']), ...comparisons.flatMap((c) => [`  ${c.dimension}: a ${percent(c.preferFirst)}, b ${100 - percent(c.preferFirst)}`, ...c.votes.map((v) => `    ${v.scorer}: a ${percent(v.preferFirst)}`)])].join('\n'));
  return true;
}
