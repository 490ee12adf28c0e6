/** stepscope/nextBadStep: the bad step after (or before) a position, round the end of the file. */
import type { NextBadStepParams, NextBadStepResult } from '../../contract/protocol.ts';
import { displayConsensus, isBadStep, percent, problemsOfStep } from '../../features/scoredTrace.ts';
import { pageOfStep } from '../../features/readable.ts';
import { toRange } from '../toLsp.ts';
import type { TraceView } from '../../features/traceFile.ts';

/** The pages of which a readable document is one. */
export interface OtherPages {
  readonly page: number;
  /** What the whole file shows. */
  readonly whole: TraceView;
  /** What a page shows, the first being 1. */
  view(page: number): TraceView;
}

export function nextBadStep(view: TraceView, params: NextBadStepParams, pages?: OtherPages): NextBadStepResult | null {
  const isNext = params.direction === 'next';
  const bad = view.traces.flatMap((scored) => scored.trace.steps.flatMap((step, index) => {
    const range = step.textRange ?? step.range;
    return range === null || !isBadStep(scored, index) ? [] : [{ scored, index, range }];
  })).sort((a, b) => a.range.start - b.range.start);
  const here = view.lines.offsetAt(params.position);
  const ahead = isNext ? bad.find((b) => b.range.start > here) : bad.findLast((b) => b.range.end < here);
  const onOther = ahead === undefined && pages !== undefined ? badOnOtherPage(pages, isNext) : undefined;
  if (onOther !== undefined) return onOther;
  const found = ahead ?? (isNext ? bad[0] : bad.at(-1));
  if (found === undefined) return null;
  const state = found.scored.steps[found.index];
  const consensus = state === undefined ? undefined : displayConsensus(state);
  const problem = problemsOfStep(found.scored, found.index)[0];
  const message = problem?.message ?? (consensus === undefined ? 'labelled bad' : `${percent(consensus.score)}`);
  return { range: toRange(found.range, view.lines), message: `Step ${found.index + 1}: ${message} (${bad.indexOf(found) + 1} of ${bad.length})` };
}

/** The nearest bad step of the pages after this one, or before it, round the end of the file. */
function badOnOtherPage({ page, whole, view }: OtherPages, isNext: boolean): NextBadStepResult | undefined {
  const traces = whole.traces.map((t) => t.trace);
  const bad = whole.traces.flatMap((scored, traceIndex) => scored.steps.flatMap((_, stepIndex) => (isBadStep(scored, stepIndex) ? [{ traceIndex, stepIndex, page: pageOfStep(traces, { traceIndex, stepIndex }) }] : [])));
  const found = isNext ? bad.find((b) => b.page > page) ?? bad.find((b) => b.page !== page) : bad.findLast((b) => b.page < page) ?? bad.findLast((b) => b.page !== page);
  if (found === undefined) return undefined;
  const there = view(found.page);
  const step = there.traces[found.traceIndex]?.trace.steps[found.stepIndex];
  const range = step?.textRange ?? step?.range;
  if (range === undefined || range === null) return undefined;
  return { uri: there.uri, range: toRange(range, there.lines), message: `Step ${found.stepIndex + 1} on page ${found.page} (${bad.indexOf(found) + 1} of ${bad.length})` };
}
