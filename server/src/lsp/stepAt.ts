/** Which step stands at an offset, and which one a name means. */
import type { ExecutionStep } from '../core/planTrace.ts';
import type { ScoredTrace } from '../features/scoredTrace.ts';
import type { TraceView } from '../features/traceFile.ts';

export interface FoundStep {
  readonly scored: ScoredTrace;
  readonly step: ExecutionStep;
}

/** The narrowest step whose range holds the offset. */
export function stepAtOffset(view: TraceView, offset: number): FoundStep | undefined {
  let best: FoundStep | undefined;
  let bestLength = Number.POSITIVE_INFINITY;
  for (const scored of view.traces) for (const step of scored.trace.steps) {
    const { range } = step;
    if (range === null || offset < range.start || offset > range.end || range.end - range.start >= bestLength) continue;
    best = { scored, step };
    bestLength = range.end - range.start;
  }
  return best;
}

export function stepById(view: TraceView, traceId: string, stepId: string): FoundStep | undefined {
  const scored = view.traces.find((t) => t.trace.traceId === traceId);
  const step = scored?.trace.steps.find((s) => s.stepId === stepId);
  return scored === undefined || step === undefined ? undefined : { scored, step };
}
