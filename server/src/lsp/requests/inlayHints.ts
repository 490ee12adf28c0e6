/** textDocument/inlayHint: the score chips of the asked stretch. */
import type { InlayHint, Range } from 'vscode-languageserver';
import { chipsWithin } from '../../features/chips.ts';
import { stepMarkdown } from '../../features/hover.ts';
import { summaryText } from '../../features/traceSummary.ts';
import { toInlayHint } from '../toLsp.ts';
import type { TraceView } from '../../features/traceFile.ts';

const MAX_HINTS = 200;

export function inlayHints(view: TraceView, range: Range, mode: 'on' | 'onlyBad' | 'off'): InlayHint[] {
  if (mode === 'off') return [];
  const [first] = view.traces;
  if (view.isSingleLine && first !== undefined) {
    const offset = first.trace.range?.start ?? 0;
    return [toInlayHint({ stepIndex: 0, offset, label: summaryText(first), isBad: false }, view.lines, 'Open the readable view from the title bar to see each step.')];
  }
  const start = view.lines.offsetAt(range.start);
  const end = view.lines.offsetAt(range.end);
  return view.traces.flatMap((scored) =>
    chipsWithin(scored, { start, end, max: MAX_HINTS, onlyBad: mode === 'onlyBad' }).map((chip) => toInlayHint(chip, view.lines, stepMarkdown(scored, chip.stepIndex)))).slice(0, MAX_HINTS);
}
