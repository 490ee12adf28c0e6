/** stepscope/decorations: bad and contested steps of a view. */
import type { DecorationsParams, WireDecoration } from '../../contract/protocol.ts';
import { isBadStep, isContestedStep, problemsOfStep } from '../../features/scoredTrace.ts';
import type { ScoredTrace } from '../../features/scoredTrace.ts';
import { toRange } from '../toLsp.ts';
import type { TraceView } from '../../features/traceFile.ts';

export function decorations(view: TraceView, version: number | null): DecorationsParams {
  const of = (matches: (scored: ScoredTrace, index: number) => boolean): WireDecoration[] =>
    view.traces.flatMap((scored) => scored.trace.steps.flatMap((step, index) => {
      const range = step.textRange ?? step.range;
      if (range === null || !matches(scored, index)) return [];
      return [{ range: toRange(range, view.lines), hover: problemsOfStep(scored, index)[0]?.message ?? '' }];
    }));
  return { uri: view.uri, version, bad: of(isBadStep), contested: of((s, i) => isContestedStep(s, i) && !isBadStep(s, i)) };
}
