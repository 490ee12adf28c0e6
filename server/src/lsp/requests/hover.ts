/** textDocument/hover: everything known about the step under the cursor; on the first line of a trace, about the trace. */
import type { Hover, Position } from 'vscode-languageserver';
import { stepMarkdown, traceMarkdown } from '../../features/hover.ts';
import { stepAtOffset } from '../stepAt.ts';
import { toRange } from '../toLsp.ts';
import type { TraceView } from '../../features/traceFile.ts';

export function hover(view: TraceView, position: Position): Hover | null {
  const found = stepAtOffset(view, view.lines.offsetAt(position));
  const range = found?.step.range;
  if (found !== undefined && range !== null && range !== undefined) {
    return { contents: { kind: 'markdown', value: stepMarkdown(found.scored, found.step.stepIndex) }, range: toRange(range, view.lines) };
  }
  const trace = view.traces.find((t) => t.trace.range !== null && view.lines.positionAt(t.trace.range.start).line === position.line);
  return trace === undefined ? null : { contents: { kind: 'markdown', value: traceMarkdown(trace) } };
}
