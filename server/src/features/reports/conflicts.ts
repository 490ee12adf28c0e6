/** Conflicts: which scorers contradict each other over all traces, by how much, and where. */
import { trendsOf } from '../../corpus/findings.ts';
import type { MarsReport, MarsResult } from '../../corpus/marsResult.ts';
import type { Agreement, Recommendation, Seen } from '../../corpus/scoreMemory.ts';
import type { ScoreCorpus } from '../../corpus/scoreCorpus.ts';
import { escapeMarkdown, markdownTable } from '../markdown.ts';
import { NOTHING_YET, decimal, share, stepLink, timeText } from './reportText.ts';
import type { ReportContext } from './reportText.ts';

const MOST_STEPS = 20;
const MOST_RUNS = 8;

/** `agreements`: what was found so far, newest first. */
export function conflictsReport(corpus: ScoreCorpus, mars: MarsReport, options: ReportContext & { readonly recommendations: readonly Recommendation[]; readonly agreements: readonly (Agreement & Seen)[] }): string {
  const results = Object.values(mars.dimensions).filter((r) => r.scorers.length > 0);
  if (results.length === 0) return ['# Conflicts', '', ...NOTHING_YET].join('\n');
  const trends = trendsOf(options.agreements);
  return [
    '# Conflicts', '', 'Model agreement and reasoning signal: which scorers agree, and which of them can be believed. Scores 0 to 100. Our own scorers share a backbone: they are fewer independent witnesses than they are names.', '',
    ...results.flatMap((result) => dimensionPart(corpus, result, { ...options, trend: trends.get(result.dimension) ?? [] })),
    ...(options.recommendations.length === 0 ? [] : ['## What to do', '', ...options.recommendations.map((r) => `- ${escapeMarkdown(r.text)}`), '']),
  ].join('\n');
}

function dimensionPart(corpus: ScoreCorpus, result: MarsResult, context: ReportContext & { readonly trend: readonly (Agreement & Seen)[] }): readonly string[] {
  const grounding = { grounded: '', ungrounded: ' Only one scorer judges this dimension: there is nothing to agree with.', insufficient: ' Too few steps were judged by two scorers to say more.' }[result.grounding];
  const scorers = result.scorers.map((scorer) => {
    const bias = result.bias[scorer];
    return [escapeMarkdown(scorer), share(result.scorer_means[scorer]), bias === undefined ? '–' : signed(bias.mean), decimal(result.reliability[scorer]), String(result.reliability_n[scorer] ?? 0), result.outlier_scorers.some((o) => o.scorer === scorer) ? 'stands apart' : ''];
  });
  const conflict = result.primary_conflict;
  return [
    `## ${escapeMarkdown(result.dimension)}`, '',
    `Agreement **${share(result.agreement_score)}**${interval(result.agreement_interval)} · alpha ${decimal(result.krippendorff_alpha)}${interval(result.alpha_interval)} · ${result.co_scored} of ${result.rows.length} steps judged by two or more · worth ${decimal(result.effective_scorers)} independent scorers.${grounding}`, '',
    ...(conflict === null ? [] : [`Widest conflict: **${escapeMarkdown(conflict.pair[0])}** is ${share(conflict.delta)} above **${escapeMarkdown(conflict.pair[1])}** on average, over ${conflict.n} steps.`, '']),
    ...markdownTable(['scorer', '#mean', '#against the others', '#reliability', '#steps', ''], scorers), '',
    ...(result.step_conflicts.length === 0 ? [] : ['Steps they disagree on most:', '', ...markdownTable(['step', '#apart', 'highest', 'lowest', 'stands apart'], result.step_conflicts.slice(0, MOST_STEPS).map((c) => [
      stepLink(corpus.facts(c.id), context), share(c.spread), escapeMarkdown(c.pair[0]), escapeMarkdown(c.pair[1]), escapeMarkdown(c.stands_apart ?? ''),
    ])), '']),
    ...(context.trend.length === 0 ? [] : ['Over time:', '', ...markdownTable(['found', '#agreement', '#steps', '#scorers'], context.trend.slice(0, MOST_RUNS).map((a) => [
      timeText(a.firstSeenMs), share(a.agreement_score), String(a.co_scored), String(a.scorers),
    ])), '']),
  ];
}

function interval(bounds: readonly [number, number] | null): string {
  return bounds === null ? '' : ` (${decimal(bounds[0])} to ${decimal(bounds[1])})`;
}

function signed(value: number): string {
  const rounded = Math.round(value * 100);
  return rounded > 0 ? `+${rounded}` : String(rounded);
}

