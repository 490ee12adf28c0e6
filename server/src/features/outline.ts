/** The outline: traces, and their steps with the score in the detail. */
import type { OffsetRange } from '../core/planTrace.ts';
import { chipLabel } from './chips.ts';
import { stepTitle } from './scoredTrace.ts';
import type { ScoredTrace } from './scoredTrace.ts';
import { summaryText } from './traceSummary.ts';

export interface OutlineItem {
  readonly kind: 'trace' | 'step';
  readonly name: string;
  readonly detail: string;
  readonly range: OffsetRange;
  readonly selectionRange: OffsetRange;
  readonly children: readonly OutlineItem[];
}

export function traceOutline(scored: ScoredTrace): OutlineItem | undefined {
  const { trace } = scored;
  const range = trace.range ?? spanOf(trace.steps.flatMap((s) => s.range ?? []));
  if (range === undefined) return undefined;
  const children = trace.steps.flatMap((step, index): OutlineItem[] => {
    if (step.range === null) return [];
    const score = chipLabel(scored, index);
    return [{
      kind: 'step', name: `${index + 1} ${stepTitle(step) || step.stepType}`, detail: [score, step.stepType].filter((p) => p !== undefined).join(' · '),
      range: step.range, selectionRange: inside(step.textRange ?? step.range, step.range), children: [],
    }];
  });
  return { kind: 'trace', name: trace.goalText.trim() === '' ? trace.traceId : trace.goalText.trim().replace(/\s+/g, ' ').slice(0, 80), detail: summaryText(scored), range, selectionRange: { start: range.start, end: range.start }, children };
}

function inside(range: OffsetRange, outer: OffsetRange): OffsetRange {
  return range.start >= outer.start && range.end <= outer.end ? range : { start: outer.start, end: outer.start };
}

function spanOf(ranges: readonly OffsetRange[]): OffsetRange | undefined {
  const [first] = ranges;
  if (first === undefined) return undefined;
  return ranges.reduce((a, b) => ({ start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) }), first);
}
