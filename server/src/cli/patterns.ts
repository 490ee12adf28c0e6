/** `stepscope patterns`: which kinds of step go well, which hold runs back, where failures start. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import { foundPatternId, foundPatterns } from '../corpus/findings.ts';
import { recommendPatterns } from '../corpus/patternRecommendations.ts';
import { findPatterns } from '../corpus/patterns.ts';
import type { Pattern, PatternReport } from '../corpus/patterns.ts';
import { thresholdsFor } from '../features/scoredTrace.ts';
import { MEMORY_OPTION, wholeNumber } from './command.ts';
import type { CliCommand } from './command.ts';
import { FILTER_OPTIONS, corpusInput, readFilter } from './corpusInput.ts';
import { shown } from './corpusStats.ts';
import { withFindings } from './rememberedFindings.ts';

/** Steps of the trace that the threshold for low scores is taken for, as the models command prints it. */
const USUAL_TRACE_LENGTH = 8;

export const patternsCommand: CliCommand = {
  name: 'patterns',
  usage: [
    'patterns [path…]  which kinds and sequences of steps go well or badly, and which start failures; of the memory',
    '                  without a path',
  ],
  options: {
    ...MEMORY_OPTION,
    '--dimension': { value: 'NAME', help: `${PRIMARY_DIMENSION} unless given` },
    '--min-support': { value: 'N', help: 'fewest occurrences of a pattern; 3 unless given' },
    '--all': { value: '', help: 'every pattern with enough support, not only good and bad ones' },
    ...FILTER_OPTIONS,
  },
  run: async (input, tools) => {
    const { output } = tools;
    const { level: _, ...filter } = readFilter(input);
    const minSupport = wholeNumber(input, '--min-support');
    const { corpus, isClean } = await corpusInput(input.words, tools, { memoryFile: input.option('--memory'), filter });
    const { lowScore, firstError } = thresholdsFor(tools.settings, await tools.manifest(), USUAL_TRACE_LENGTH);
    const report = findPatterns(corpus, { badBelow: lowScore, firstErrorBelow: firstError, dimension: input.option('--dimension') ?? PRIMARY_DIMENSION, ...(minSupport === undefined ? {} : { minSupport }) });
    const { dimension, badBelow, firstErrorBelow, whole, failures } = report;
    await output.write({ kind: 'patterns', dimension, badBelow, firstErrorBelow, found: report.patterns.length, good: report.good.length, bad: report.bad.length, whole }, `${whole.support.steps} steps of ${whole.support.traces} traces: ${report.bad.length} patterns to look at, ${report.good.length} that go well\n`);
    const listed = input.option('--all') === undefined ? [...report.bad, ...report.good] : report.patterns;
    const recommendations = recommendPatterns(report);
    const found = whole.support.steps === 0 ? undefined : await withFindings(input, tools, async (memory) => {
      await memory.savePatterns(foundPatterns(report), Date.now());
      await memory.saveRecommendations(recommendations, Date.now());
      return new Map((await memory.patterns()).map((p) => [p.id, new Date(p.firstSeenMs).toISOString()]));
    });
    const since = (pattern: Pattern): { readonly since?: string } => {
      const time = found?.get(foundPatternId(pattern, dimension));
      return time === undefined ? {} : { since: time };
    };
    for (const pattern of listed) await output.write({ kind: 'pattern', verdict: verdictOf(pattern), ...since(pattern), pattern }, pattern.sameAs === undefined ? patternText(pattern, report) : undefined);
    for (const start of failures.byStepType) {
      await output.write({ kind: 'failure-start', failed: failures.failed, basis: failures.basis, ...start }, `failures start with ${start.stepType}: ${start.share.count} of ${start.share.of} (${shown(start.lift)} times its share of the steps)`);
    }
    for (const recommendation of recommendations) await output.write({ kind: 'recommendation', recommendation }, `${recommendation.severity}: ${recommendation.text}`);
    return isClean;
  },
};

function verdictOf({ isGood, faults }: Pattern): 'bad' | 'good' | 'plain' {
  return faults.length > 0 ? 'bad' : isGood ? 'good' : 'plain';
}

function patternText(pattern: Pattern, { dimension }: PatternReport): string {
  const { stats, faults } = pattern;
  const verdict = faults.length > 0 ? faults.join(', ') : verdictOf(pattern);
  return [
    `${verdict.padEnd(22)} ${pattern.title}: ${stats.support.steps} steps of ${stats.support.traces} traces`, `score ${shown(stats.scores[dimension]?.mean ?? null)}`,
    `uncertainty ${shown(stats.uncertainty?.mean ?? null)} (lift ${shown(stats.uncertainty?.lift ?? null)})`, `agreement ${shown(stats.agreement?.value ?? null)}`,
    `errors ${shown(stats.errors.rate)}`, `not bad ${shown(stats.success.rate)} [${shown(stats.success.low)}, ${shown(stats.success.high)}]`,
    ...(stats.durationMs === null ? [] : [`${shown(stats.durationMs.mean)} ms (lift ${shown(stats.durationMs.lift)})`]),
  ].join(', ');
}
