/** Two steps of a trace side by side, in words. */
import { findDimension, PRIMARY_DIMENSION } from '../core/dimensions.ts';
import type { Comparison } from '../scoring/compare.ts';
import { percent, stepTitle } from './scoredTrace.ts';
import type { ScoredTrace } from './scoredTrace.ts';

/** "Step 3 is better than step 7 (chance 71 %)"; the dimension shown elsewhere first, else the first judged. */
export function verdict(comparisons: readonly Comparison[], names: readonly [first: string, second: string]): string {
  const main = comparisons.find((c) => c.dimension === PRIMARY_DIMENSION) ?? comparisons[0];
  if (main === undefined) return 'No scorer has read both steps yet.';
  const [first, second] = main.winner === 'second' ? [names[1], names[0]] : names;
  const chance = percent(Math.max(main.preferFirst, 1 - main.preferFirst));
  return main.winner === 'none' ? `No clear difference between ${first} and ${second} (${chance} %)` : `${capital(first)} is better than ${second} (chance ${chance} %)`;
}

/** Markdown: the verdict, the steps, and who votes how. */
export function comparisonMarkdown(scored: ScoredTrace, stepIndices: readonly [number, number], comparisons: readonly Comparison[]): string {
  const names = stepIndices.map((i) => `step ${i + 1}`) as [string, string];
  const lines = [`**${verdict(comparisons, names)}**`, '', ...stepIndices.map((i) => `- step ${i + 1}: ${plain(scored.trace.steps[i] === undefined ? '' : stepTitle(scored.trace.steps[i]))}`), '', 'Each was judged in its own place, after the steps before it.'];
  for (const { dimension, votes, preferFirst } of comparisons) {
    lines.push('', `| ${findDimension(dimension)?.title ?? dimension} | ${names[0]} | ${names[1]} | share |`, '|---|---|---|---|');
    for (const vote of votes) lines.push(`| ${vote.scorer} | ${percent(vote.preferFirst)} | ${100 - percent(vote.preferFirst)} | ${percent(vote.weight)} % |`);
    lines.push(`| **together** | **${percent(preferFirst)}** | **${100 - percent(preferFirst)}** | |`);
  }
  return lines.join('\n');
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Words of the trace make no links and no tables. */
function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~&]/g, '\\$&');
}
