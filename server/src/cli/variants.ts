/** `stepscope variants`: plans, models or agents held against each other. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import { VARIANT_KINDS, compareVariants } from '../corpus/variants.ts';
import type { VariantKind } from '../corpus/variants.ts';
import { MEMORY_OPTION, UsageError } from './command.ts';
import type { CliCommand } from './command.ts';
import { FILTER_OPTIONS, corpusInput, readFilter } from './corpusInput.ts';
import { shown } from './corpusStats.ts';

const KINDS: Readonly<Record<string, VariantKind>> = { plan: 'planSignature', model: 'model', agent: 'agent' };

export const variantsCommand: CliCommand = {
  name: 'variants',
  usage: [
    'variants [path…] --by plan|model|agent',
    '                  which plan, model or agent does better, goal by goal where they share goals; of the memory',
    '                  without a path',
  ],
  options: { ...MEMORY_OPTION, '--by': { value: 'plan|model|agent', help: 'what is compared; plan unless given' }, '--dimension': { value: 'NAME', help: `${PRIMARY_DIMENSION} unless given` }, ...FILTER_OPTIONS },
  run: async (input, tools) => {
    const asked = input.option('--by') ?? 'plan';
    const by = KINDS[asked] ?? VARIANT_KINDS.find((k) => k === asked);
    if (by === undefined) throw new UsageError(`--by is one of plan, model, agent, not "${asked}".`);
    const { level: _, ...filter } = readFilter(input);
    const { corpus, isClean } = await corpusInput(input.words, tools, { memoryFile: input.option('--memory'), filter });
    const report = compareVariants(corpus, { by, dimension: input.option('--dimension') ?? PRIMARY_DIMENSION });
    for (const variant of report.variants) {
      await tools.output.write({ kind: 'variant', by, ...variant }, `${variant.variant}: ${variant.traces} traces of ${variant.goals} goals, outcome ${shown(variant.outcome.mean)} (${variant.outcome.n}), score ${shown(variant.score.mean)} (${variant.score.n})`);
    }
    for (const comparison of report.comparisons) await tools.output.write({ kind: 'comparison', by, ...comparison }, comparison.text);
    if (report.leftOut > 0) tools.log(`${report.leftOut} traces name no ${asked} or have neither outcome nor score.`);
    return isClean;
  },
};
