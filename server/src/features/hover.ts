/** What a hover says about a step: one sentence, the dimension × scorer table, attributes with their meaning, problems. */
import { findDimension, PRIMARY_DIMENSION } from '../core/dimensions.ts';
import { findMetric } from '../core/metrics.ts';
import { findResult } from '../core/scoreResult.ts';
import type { Consensus, ScoreResult, UnscoredReason } from '../core/scoreResult.ts';
import { stepAgreement } from '../corpus/stepAgreement.ts';
import { RULES_SCORER } from '../scoring/scorers/rules.ts';
import { sigmoid } from '../scoring/calibration.ts';
import { explainStep } from '../scoring/explain.ts';
import { escapeMarkdown } from './markdown.ts';
import { causeText, changeText } from './scoreChange.ts';
import { displayConsensus, percent, problemsOfStep, stepTitle, witnessScores } from './scoredTrace.ts';
import type { ScoredStep, ScoredTrace } from './scoredTrace.ts';
import { summaryText } from './traceSummary.ts';

const REASON: Readonly<Record<UnscoredReason, string>> = {
  pending: 'not scored yet', disabled: 'switched off', abstained: 'abstains', 'no-text': 'no text to score', 'content-not-captured': 'content was not captured',
  'copied-context': 'copied context, not scored', 'no-model': 'no model', 'unknown-scale': 'scale unknown', error: 'failed',
};

/** Markdown about one step. Text of the trace is escaped: it can make no links and no images. */
export function stepMarkdown(scored: ScoredTrace, stepIndex: number): string {
  const step = scored.trace.steps[stepIndex];
  const state = scored.steps[stepIndex];
  if (step === undefined || state === undefined) return '';
  const lines = [`**Step ${stepIndex + 1}** · ${escapeMarkdown(step.stepType)} · ${escapeMarkdown(stepTitle(step))}`, ''];
  const consensus = displayConsensus(state);
  const { results, consensusByDimension } = state.bundle.all();
  lines.push(consensus === undefined ? whyUnscored(results) : explainStep({ consensus, bundle: state.bundle, usual: usualUncertainty(scored), dimension: PRIMARY_DIMENSION }), '');
  if (state.isStale) lines.push('_An earlier step changed; this score is being refreshed._', '');
  if (state.label !== undefined) lines.push(`Label: **${state.label.label === 'first_bad' ? 'first bad step' : state.label.label}**${state.label.author === '' ? '' : ` by ${escapeMarkdown(state.label.author)}`}`, '');
  const apart = agreementText(state);
  if (apart !== undefined) lines.push(apart, '');
  const outlook = outlookText(state);
  if (outlook !== undefined) lines.push(outlook, '');
  if (state.delta !== undefined) lines.push(`Since it was last scored: **${changeText(state.delta)}**, ${percent(state.delta.previousScore)} before${escapeMarkdown(causeText(state.delta))}`, '');
  lines.push(...scoreTable(results, consensusByDimension), ...attributeLines(results));
  const problems = problemsOfStep(scored, stepIndex);
  if (problems.length > 0) lines.push('', ...problems.map((p) => `- \`${p.code}\` ${escapeMarkdown(p.message)}`));
  return lines.join('\n').trimEnd();
}

/** Markdown about a trace as a whole, for its first line. */
export function traceMarkdown(scored: ScoredTrace): string {
  const lines = [`**${escapeMarkdown(scored.trace.goalText.trim().slice(0, 200) || scored.trace.traceId)}**`, '', escapeMarkdown(summaryText(scored))];
  const { outcome } = scored;
  if (outcome !== undefined) lines.push('', `Chance that the run succeeds: **${percent(outcome.probability)}** _(hrm after the last step, calibrated on ${escapeMarkdown(outcome.dataset || 'agent runs')}; on other agents take it as an order, not as a probability)_`);
  return lines.join('\n');
}

/** How far those who judged the step agree; undefined with fewer than two. */
function agreementText(state: ScoredStep): string | undefined {
  const { std, standsApart } = stepAgreement(witnessScores(state.bundle));
  if (std === null) return undefined;
  return `Agreement **${percent(1 - Math.min(1, std))}**${standsApart === undefined ? '' : `; ${escapeMarkdown(standsApart)} stands apart`}`;
}

/** What sicql expected before it saw the step; undefined without it. */
function outlookText(state: ScoredStep): string | undefined {
  const sicql = findResult(state.bundle, PRIMARY_DIMENSION, 'sicql');
  const expected = sicql?.kind === 'scored' ? sicql.attributes['v_value'] : undefined;
  return expected === undefined ? undefined : `Outlook before the step: **${percent(sigmoid(expected))}** _(sicql, from the goal and what stands before alone; an order, not a probability)_`;
}

/** Mean uncertainty of the trace's scored steps: what is usual here. */
export function usualUncertainty({ steps }: ScoredTrace): number {
  let known = usual.get(steps);
  if (known === undefined) {
    const values = steps.flatMap((s) => displayConsensus(s)?.uncertainty ?? []);
    usual.set(steps, known = values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length);
  }
  return known;
}

/** Every chip in view asks for it. */
const usual = new WeakMap<readonly ScoredStep[], number>();

function scoreTable(results: readonly ScoreResult[], consensusByDimension: Readonly<Record<string, Consensus>>): readonly string[] {
  // Who measures without judging has no column: its numbers stand below.
  const judging = results.filter((r) => r.kind === 'scored' || r.attributes === undefined);
  if (judging.length === 0) return [];
  const scorers = [...new Set(judging.map((r) => r.scorer))];
  const dimensions = [...new Set(judging.map((r) => r.dimension))];
  const rows = dimensions.map((dimension) => {
    const cells = scorers.map((scorer) => cell(results.find((r) => r.dimension === dimension && r.scorer === scorer)));
    const consensus = consensusByDimension[dimension];
    const title = findDimension(dimension)?.title ?? `${escapeMarkdown(dimension)} _(undeclared)_`;
    return `| ${title} | ${consensus === undefined ? '–' : `**${percent(consensus.score)}**`} | ${cells.join(' | ')} |`;
  });
  return [`| | consensus | ${scorers.map(escapeMarkdown).join(' | ')} |`, `|---|---|${scorers.map(() => '---').join('|')}|`, ...rows];
}

function cell(result: ScoreResult | undefined): string {
  if (result === undefined) return '–';
  if (result.kind === 'scored') return String(percent(result.score));
  return result.rawValue === undefined ? REASON[result.reason] : `${result.rawValue} (${REASON[result.reason]})`;
}

function attributeLines(results: readonly ScoreResult[]): readonly string[] {
  const seen = new Set<string>();
  const lines: string[] = [];
  for (const result of results) {
    const shown = Object.entries(result.attributes ?? {}).filter(([, value]) => result.scorer !== RULES_SCORER || value !== 0);
    if (seen.has(result.scorer) || shown.length === 0) continue;
    seen.add(result.scorer);
    const parts = shown.map(([name, value]) => {
      const metric = findMetric(result.scorer, name);
      return `${name} ${Number.isInteger(value) ? value : value.toFixed(2)}${metric === undefined ? ' _(undeclared)_' : ` _(${metric.meaning})_`}`;
    });
    lines.push('', `**${escapeMarkdown(result.scorer)}**${result.kind === 'scored' ? ` (${result.dimension})` : ''}: ${parts.join('; ')}`);
  }
  return lines;
}

function whyUnscored(results: readonly ScoreResult[]): string {
  const reason = results.find((r) => r.kind === 'unscored' && r.reason !== 'unknown-scale' && r.attributes === undefined);
  return reason?.kind === 'unscored' ? `Not scored: ${REASON[reason.reason]}.` : 'Not scored yet.';
}
