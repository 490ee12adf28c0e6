/** Reads a file whose lines hold whole traces, a window at a time. */
import type { ExecutionStep, PlanTrace } from '../../core/planTrace.ts';
import type { TraceChange } from '../../core/traceIndex.ts';
import { RULES } from '../../scoring/rules/index.ts';
import { compose, type Composite, type Piece } from './composite.ts';
import { leanSteps } from './leanSteps.ts';
import type { ReaderTools, WindowReader } from './sessionWindows.ts';
import { createTakenIds, type TakenIds } from './stepIds.ts';

/** Stands beside a single line, which would otherwise be a file of another layout. */
const EMPTY_RECORD: Piece = { firstLine: 0, lineCount: 1, start: 0, text: '{}\n' };

export function createRecordReader(tools: ReaderTools): WindowReader {
  const { format, warnings } = tools;
  const taken = createTakenIds();
  let settled = 0;
  let traceCount = 0;

  function changeOf(part: PlanTrace, composite: Composite, at: { readonly traceIndex: number; readonly ids: TakenIds }): TraceChange {
    const place = (range: PlanTrace['range']): PlanTrace['range'] => (range === null ? null : composite.rangeInFile(range));
    const steps = part.steps.map((step): ExecutionStep => ({ ...step, range: place(step.range), textRange: place(step.textRange) }));
    const { steps: _, ...found } = part;
    const header = {
      ...found, traceId: at.ids.take(found.traceId), goalRange: place(found.goalRange), range: place(found.range),
      warnings: found.warnings.map((warning) => ({ ...warning, range: place(warning.range) })),
    };
    const { goalKey, steps: lean } = leanSteps(steps, { ...tools, goalText: header.goalText, contextKey: undefined });
    return { traceIndex: at.traceIndex, header, goalKey, from: 0, steps: lean, findings: RULES.flatMap((rule) => rule.check({ ...header, steps })) };
  }

  return {
    get traceCount() {
      return traceCount;
    },
    take(window, { isWhole }) {
      traceCount = settled;
      if (window.text.trim() === '') return [];
      const composite = compose(window.firstLine === 0 ? [window, { ...EMPTY_RECORD, firstLine: window.lineCount, start: window.start + window.text.length }] : [EMPTY_RECORD, window]);
      const parsed = format.parse({ path: tools.path, text: composite.text });
      warnings.note(parsed.warnings, composite);
      const ids = isWhole ? taken : createTakenIds(taken.uses);
      const changes = parsed.traces.map((part) => changeOf(part, composite, { traceIndex: traceCount++, ids }));
      if (isWhole) settled = traceCount;
      return changes;
    },
  };
}
