/** One trace in one line: the code lens, the outline's head and the trace line of the command line. */
import { worstStep } from './chips.ts';
import { displayConsensus, percent } from './scoredTrace.ts';
import type { ScoredTrace } from './scoredTrace.ts';

export interface TraceSummary {
  readonly stepCount: number;
  readonly scoredCount: number;
  readonly worstStepIndex: number | undefined;
  /** Lowest step score, 0–1: what a trace is worth until there is an outcome model. */
  readonly score: number | null;
}

export function summariseTrace(scored: ScoredTrace): TraceSummary {
  const scores = scored.steps.flatMap((s) => displayConsensus(s)?.score ?? []);
  return {
    stepCount: scored.trace.steps.length,
    scoredCount: scores.length,
    worstStepIndex: worstStep(scored),
    score: scores.length === 0 ? null : scores.reduce((a, b) => Math.min(a, b)),
  };
}

/** "12 steps · worst #7 at 14 · average 63 · 2 labels"; says plainly when nothing is scored yet. */
export function summaryText(scored: ScoredTrace): string {
  const { stepCount, scoredCount, worstStepIndex } = summariseTrace(scored);
  const parts = [stepCount === 1 ? '1 step' : `${stepCount} steps`];
  if (scoredCount === 0) parts.push('not scored yet');
  else if (worstStepIndex !== undefined) {
    const consensus = scored.steps[worstStepIndex];
    const value = consensus === undefined ? undefined : displayConsensus(consensus)?.score;
    parts.push(value === undefined ? `worst #${worstStepIndex + 1}` : `worst #${worstStepIndex + 1} at ${percent(value)}`);
    const scores = scored.steps.flatMap((s) => displayConsensus(s)?.score ?? []);
    parts.push(`average ${percent(scores.reduce((a, b) => a + b, 0) / scores.length)}`);
    if (scoredCount < stepCount) parts.push(`${scoredCount} scored`);
  }
  const labels = scored.steps.filter((s) => s.label !== undefined).length;
  if (labels > 0) parts.push(labels === 1 ? '1 label' : `${labels} labels`);
  return parts.join(' · ');
}
