/** stepscope/nextBadStep: the bad step after (or before) a position, round the end of the file. */
import type { NextBadStepParams, NextBadStepResult } from '../../contract/protocol.ts';
import { displayConsensus, isBadStep, percent } from '../../features/scoredTrace.ts';
import { toRange } from '../toLsp.ts';
import type { TraceView } from '../../features/traceFile.ts';

export function nextBadStep(view: TraceView, params: NextBadStepParams): NextBadStepResult | null {
  const bad = view.traces.flatMap((scored) => scored.trace.steps.flatMap((step, index) => {
    const range = step.textRange ?? step.range;
    return range === null || !isBadStep(scored, index) ? [] : [{ scored, index, range }];
  })).sort((a, b) => a.range.start - b.range.start);
  const here = view.lines.offsetAt(params.position);
  const found = params.direction === 'next'
    ? bad.find((b) => b.range.start > here) ?? bad[0]
    : bad.findLast((b) => b.range.end < here) ?? bad.at(-1);
  if (found === undefined) return null;
  const state = found.scored.steps[found.index];
  const consensus = state === undefined ? undefined : displayConsensus(state);
  const problem = found.scored.problems.find((p) => p.stepIndex === found.index);
  const message = problem?.message ?? (consensus === undefined ? 'labelled bad' : `${percent(consensus.score)}`);
  return { range: toRange(found.range, view.lines), message: `Step ${found.index + 1}: ${message} (${bad.indexOf(found) + 1} of ${bad.length})` };
}
