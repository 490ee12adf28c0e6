/** stepscope/traces: the traces and steps of a file for pickers. */
import type { TracesResult, WireStep } from '../../contract/protocol.ts';
import { displayConsensus, isBadStep, percent, stepTitle } from '../../features/scoredTrace.ts';
import type { ScoredTrace } from '../../features/scoredTrace.ts';
import { toRange } from '../toLsp.ts';
import type { TraceView } from '../../features/traceFile.ts';

export function traces(view: TraceView, scorers: readonly string[]): TracesResult {
  // Of a page of a long file only what stands on it: nobody picks from a hundred thousand.
  const isPlaced = view.traces.some((t) => t.trace.steps.some((s) => s.range !== null));
  return {
    isSingleLine: view.isSingleLine, scorers,
    traces: view.traces.map((scored) => ({
      traceId: scored.trace.traceId, goal: scored.trace.goalText.slice(0, 200), format: scored.trace.format,
      range: toRange(scored.trace.range ?? { start: 0, end: 0 }, view.lines), steps: scored.trace.steps.flatMap((step, i) => (isPlaced && step.range === null ? [] : wireStep(view, scored, i) ?? [])),
    })),
  };
}

function wireStep(view: TraceView, scored: ScoredTrace, index: number): WireStep | undefined {
  const step = scored.trace.steps[index];
  const state = scored.steps[index];
  if (step === undefined || state === undefined) return undefined;
  const consensus = displayConsensus(state);
  return {
    stepId: step.stepId, stepIndex: index, stepType: step.stepType, title: stepTitle(step), range: toRange(step.range ?? { start: 0, end: 0 }, view.lines),
    score: consensus === undefined ? null : percent(consensus.score), uncertainty: consensus === undefined ? null : percent(consensus.uncertainty),
    isBad: isBadStep(scored, index), label: state.label?.label ?? null,
  };
}
