/** What stands in Problems for a trace: score findings and rule findings, with severities, worst first, capped. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import { severityOf } from '../core/effectiveSettings.ts';
import type { ExecutionStep, OffsetRange, PlanTrace } from '../core/planTrace.ts';
import { PROBLEM_CODES } from '../core/problems.ts';
import type { Finding, Problem, Severity } from '../core/problems.ts';
import type { Consensus, Scored } from '../core/scoreResult.ts';
import { findResult } from '../core/scoreResult.ts';
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import { RULES_SCORER } from '../scoring/scorers/rules.ts';
import { firstBadStep } from './firstBadStep.ts';
import { causeText } from './scoreChange.ts';
import { displayConsensus, percent } from './scoredTrace.ts';
import type { ScoredStep, Thresholds } from './scoredTrace.ts';

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, information: 2, hint: 3, off: 4 };

const MODEL_CODES: ReadonlySet<string> = new Set(PROBLEM_CODES.filter((p) => p.kind === 'score').map((p) => p.code));
/** Gap, 0–1, from which a judge found in the file contradicts another scorer. */
const FOREIGN_SCALE_GAP = 0.4;

/** Problems of one trace in order of severity, then weight, then position. `isExcluded` says whether a glob of the settings names this file. */
export function traceProblems(input: {
  readonly trace: PlanTrace;
  readonly steps: readonly ScoredStep[];
  readonly ruleFindings: readonly Finding[];
  readonly thresholds: Thresholds | undefined;
  readonly settings: EffectiveSettings;
  readonly isExcluded: (globs: readonly string[]) => boolean;
}): readonly Problem[] {
  const { trace, steps, thresholds, settings } = input;
  const findings: Finding[] = [...input.ruleFindings];
  if (thresholds !== undefined) {
    steps.forEach((scored, index) => {
      const step = trace.steps[index];
      if (step !== undefined) findings.push(...scoreFindings(step, scored, { thresholds, settings, trace }));
    });
  }
  const asProblem = (finding: Finding): readonly Problem[] => {
    const severity = severityOf(settings, finding.code);
    if (severity === 'off' || input.isExcluded(settings.problems[finding.code]?.exclude ?? [])) return [];
    if (!isBeyondCalibration(finding, { trace, steps })) return [{ ...finding, severity }];
    const message = `${finding.message} (calibrated on reasoning, not on tool calls)`;
    return [{ ...finding, message, severity: finding.code === 'low-score' && RANK[severity] < RANK.information ? 'information' : 'hint' }];
  };
  const problems = findings.flatMap(asProblem);
  const first = firstBadStep({ trace, steps, reported: problems.map((p) => ({ finding: p, severity: p.severity })), threshold: thresholds?.firstError });
  return [...problems, ...(first === undefined ? [] : asProblem(first))].sort(worstFirst);
}

/** The models were calibrated on reasoning steps; on tool calls their word is worth less, a person's is not. */
function isBeyondCalibration(finding: Finding, known: { readonly trace: PlanTrace; readonly steps: readonly ScoredStep[] }): boolean {
  if (finding.stepIndex === undefined || !MODEL_CODES.has(finding.code)) return false;
  return (known.trace.steps[finding.stepIndex]?.tools.length ?? 0) > 0 && known.steps[finding.stepIndex]?.label === undefined;
}

/** Orders problems: severity, weight, position. */
export function worstFirst(a: Problem, b: Problem): number {
  return RANK[a.severity] - RANK[b.severity] || b.weight - a.weight || (a.range?.start ?? 0) - (b.range?.start ?? 0);
}

/** At most `max` problems of a file; what was left out stands in one summary at the top of the file. */
export function capProblems(problems: readonly Problem[], max: number): readonly Problem[] {
  if (problems.length <= max) return problems;
  const left = problems.length - (max - 1);
  const worst = problems[0];
  const summary: Problem = {
    code: worst?.code ?? 'low-score', severity: 'information', range: { start: 0, end: 0 }, evidence: [], weight: 0,
    message: `${left} more problems in this file are not listed; the worst ${max - 1} are.`,
  };
  return [...problems.slice(0, max - 1), summary];
}

/** Findings of the steps seen before: most stay as they were. */
const known = new WeakMap<ScoredStep, { readonly step: ExecutionStep; readonly goalRange: OffsetRange | null; readonly thresholds: Thresholds; readonly settings: EffectiveSettings; readonly findings: readonly Finding[] }>();

function scoreFindings(step: ExecutionStep, scored: ScoredStep, context: { readonly thresholds: Thresholds; readonly settings: EffectiveSettings; readonly trace: PlanTrace }): readonly Finding[] {
  const before = known.get(scored);
  const { thresholds, settings, trace: { goalRange } } = context;
  if (before !== undefined && before.step === step && before.goalRange === goalRange && before.settings === settings && isSame(before.thresholds, thresholds)) return before.findings;
  const findings = findingsOf(step, scored, context);
  known.set(scored, { step, goalRange, thresholds, settings, findings });
  return findings;
}

function isSame(a: Thresholds, b: Thresholds): boolean {
  return a.lowScore === b.lowScore && a.highUncertainty === b.highUncertainty && a.scorerConflict === b.scorerConflict && a.regression === b.regression;
}

function findingsOf(step: ExecutionStep, scored: ScoredStep, context: { readonly thresholds: Thresholds; readonly settings: EffectiveSettings; readonly trace: PlanTrace }): readonly Finding[] {
  const range = step.textRange ?? step.range;
  const { label } = scored;
  if (label !== undefined) return label.label === 'good' ? [] : [labelFinding(step.stepIndex, range, label)];
  const consensus = displayConsensus(scored);
  if (consensus === undefined) return [];
  const { thresholds, settings } = context;
  const findings: Finding[] = [];
  const listened = settings.problems['low-score']?.scorers ?? [];
  const judged = listened.length === 0 ? [{ who: 'consensus', score: consensus.score }] : listened.flatMap((scorer) => {
    const result = findResult(scored.bundle, PRIMARY_DIMENSION, scorer);
    return result?.kind === 'scored' ? [{ who: scorer, score: result.score }] : [];
  });
  const low = judged.find((j) => j.score < thresholds.lowScore);
  if (low !== undefined) {
    findings.push({
      code: 'low-score', stepIndex: step.stepIndex, range, weight: 1 - low.score,
      message: `${percent(low.score)}: ${low.who} is below ${(thresholds.lowScore * 100).toFixed(1)}${worstScorer(consensus)}`,
      evidence: goalEvidence(context.trace), data: { score: low.score, threshold: thresholds.lowScore },
    });
  }
  if (consensus.uncertainty > thresholds.highUncertainty) {
    findings.push({
      code: 'high-uncertainty', stepIndex: step.stepIndex, range, weight: consensus.uncertainty,
      message: `${percent(consensus.uncertainty)} % chance that the consensus of ${percent(consensus.score)} is wrong (threshold ${percent(thresholds.highUncertainty)})`,
      evidence: [], data: { uncertainty: consensus.uncertainty, threshold: thresholds.highUncertainty },
    });
  }
  const { delta } = scored;
  if (delta !== undefined && delta.isSignificant && delta.delta <= -thresholds.regression) {
    findings.push({
      code: 'score-regression', stepIndex: step.stepIndex, range, weight: -delta.delta,
      message: `${percent(-delta.delta)} down: ${percent(delta.previousScore)} before, ${percent(delta.score)} now${causeText(delta)}`,
      evidence: [], data: { delta: delta.delta, previousScore: delta.previousScore },
    });
  }
  const conflict = widestConflict(scored, thresholds);
  if (conflict !== undefined) {
    const { high, low: lowest, threshold } = conflict;
    const gap = high.score - lowest.score;
    findings.push({
      code: 'scorer-conflict', stepIndex: step.stepIndex, range, weight: gap,
      message: `${percent(gap)} apart: ${high.scorer} ${percent(high.score)}, ${lowest.scorer} ${percent(lowest.score)} (threshold ${percent(threshold)})`,
      evidence: [], data: { spread: gap, threshold },
    });
  }
  return findings;
}

function labelFinding(stepIndex: number, range: OffsetRange | null, label: NonNullable<ScoredStep['label']>): Finding {
  const what = label.label === 'first_bad' ? 'the first bad step' : 'bad';
  return { code: 'low-score', stepIndex, range, weight: 1, message: `0: human: labelled ${what}${label.author === '' ? '' : ` by ${label.author}`}`, evidence: [], data: { score: 0 } };
}

function worstScorer(consensus: Consensus): string {
  return consensus.conflict === undefined || consensus.spread < 0.1 ? '' : `, lowest from ${consensus.conflict.low}`;
}

/**
 * The pair of scorers furthest apart, if that is further than they may be. Our own are calibrated to one scale and
 * held to the threshold of the manifest; judges found in the file are not, and get more room. What a rule found is a Problem already.
 */
function widestConflict(scored: ScoredStep, thresholds: Thresholds): { readonly high: Scored; readonly low: Scored; readonly threshold: number } | undefined {
  const judged = scored.bundle.resultsOn(PRIMARY_DIMENSION).filter((r): r is Scored => r.kind === 'scored' && r.scorer !== 'human' && r.scorer !== RULES_SCORER);
  const groups = [
    { results: judged.filter((r) => !r.scorer.startsWith('file:')), threshold: thresholds.scorerConflict },
    { results: judged, threshold: Math.max(thresholds.scorerConflict, FOREIGN_SCALE_GAP) },
  ];
  for (const { results, threshold } of groups) {
    const [first] = results;
    if (first === undefined || results.length < 2) continue;
    const high = results.reduce((best, r) => (r.score > best.score ? r : best), first);
    const low = results.reduce((best, r) => (r.score < best.score ? r : best), first);
    if (high.score - low.score >= threshold) return { high, low, threshold };
  }
  return undefined;
}

function goalEvidence(trace: PlanTrace): Finding['evidence'] {
  return trace.goalRange === null ? [] : [{ message: 'the goal it is judged against', range: trace.goalRange }];
}
