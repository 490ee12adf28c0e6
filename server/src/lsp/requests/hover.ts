/** textDocument/hover: everything known about the step under the cursor. */
import type { Hover, Position } from 'vscode-languageserver';
import { stepMarkdown } from '../../features/hover.ts';
import { stepAtOffset } from '../stepAt.ts';
import { toRange } from '../toLsp.ts';
import type { TraceView } from '../../features/traceFile.ts';

export function hover(view: TraceView, position: Position): Hover | null {
  const found = stepAtOffset(view, view.lines.offsetAt(position));
  const range = found?.step.range;
  if (found === undefined || range === null || range === undefined) return null;
  return { contents: { kind: 'markdown', value: stepMarkdown(found.scored, found.step.stepIndex) }, range: toRange(range, view.lines) };
}
