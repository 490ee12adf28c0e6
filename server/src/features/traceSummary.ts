/** One trace in one line: the code lens, the outline's head and the trace line of the command line. */
import { worstStep } from './chips.ts';
import { changeText } from './scoreChange.ts';
import { displayConsensus, meanChange, percent, problemsOfStep, traceAgreement } from './scoredTrace.ts';
import type { ScoredTrace } from './scoredTrace.ts';

export interface TraceSummary {
  readonly stepCount: number;
  readonly scoredCount: number;
  readonly worstStepIndex: number | undefined;
  /** 0–1: what `basis` says; null while nothing is scored. */
  readonly score: number | null;
  /** The calibrated chance that the run succeeds, or without an outcome model the lowest step score. */
  readonly basis: 'run-outcome' | 'lowest-step';
}

export function summariseTrace(scored: ScoredTrace): TraceSummary {
  const scores = scored.steps.flatMap((s) => displayConsensus(s)?.score ?? []);
  return {
    stepCount: scored.trace.steps.length,
    scoredCount: scores.length,
    worstStepIndex: worstStep(scored),
    score: scored.outcome?.probability ?? (scores.length === 0 ? null : scores.reduce((a, b) => Math.min(a, b))),
    basis: scored.outcome === undefined ? 'lowest-step' : 'run-outcome',
  };
}

/** "12 steps · worst #7 (arithmetic-error) · average 63 · agreement 88 · chance of success 41 · 2 labels"; says plainly when nothing is scored yet. */
export function summaryText(scored: ScoredTrace): string {
  const { stepCount, scoredCount, worstStepIndex } = summariseTrace(scored);
  const parts = [stepCount === 1 ? '1 step' : `${stepCount} steps`];
  if (worstStepIndex !== undefined) parts.push(`worst #${worstStepIndex + 1} ${reasonOf(scored, worstStepIndex)}`);
  if (scoredCount === 0) parts.push('not scored yet');
  else {
    const scores = scored.steps.flatMap((s) => displayConsensus(s)?.score ?? []);
    parts.push(`average ${percent(scores.reduce((a, b) => a + b, 0) / scores.length)}`);
    if (scoredCount < stepCount) parts.push(`${scoredCount} scored`);
  }
  const agreement = traceAgreement(scored);
  if (agreement !== undefined) parts.push(`agreement ${percent(agreement)}`);
  const change = meanChange(scored);
  if (change !== undefined && percent(Math.abs(change)) > 0) parts.push(`${changeText({ delta: change })} on average`);
  if (scored.outcome !== undefined) parts.push(`chance of success ${percent(scored.outcome.probability)}`);
  const labels = scored.steps.filter((s) => s.label !== undefined).length;
  if (labels > 0) parts.push(labels === 1 ? '1 label' : `${labels} labels`);
  return parts.join(' · ');
}

/** Why a step is the worst: what a person said, the problem on it, else its score. */
function reasonOf(scored: ScoredTrace, stepIndex: number): string {
  const step = scored.steps[stepIndex];
  if (step?.label !== undefined) return '(labelled)';
  const problem = problemsOfStep(scored, stepIndex).find((p) => p.severity === 'error' || p.severity === 'warning');
  if (problem !== undefined) return `(${problem.code})`;
  const consensus = step === undefined ? undefined : displayConsensus(step);
  return consensus === undefined ? '' : `at ${percent(consensus.score)}`;
}
