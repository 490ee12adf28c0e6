/** textDocument/foldingRange: traces and steps that take several lines. */
import type { FoldingRange } from 'vscode-languageserver';
import { toFolding } from '../toLsp.ts';
import type { TraceView } from '../../features/traceFile.ts';

export function foldingRanges(view: TraceView): FoldingRange[] {
  return view.traces.flatMap(({ trace }) =>
    [trace.range, ...trace.steps.map((s) => s.range)].flatMap((range) => (range === null ? [] : toFolding(range, view.lines) ?? [])));
}
