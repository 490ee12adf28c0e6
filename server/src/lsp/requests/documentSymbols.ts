/** textDocument/documentSymbol: traces and their steps. */
import type { DocumentSymbol } from 'vscode-languageserver';
import { traceOutline } from '../../features/outline.ts';
import { toSymbol } from '../toLsp.ts';
import type { TraceView } from '../../features/traceFile.ts';

export function documentSymbols(view: TraceView): DocumentSymbol[] {
  return view.traces.flatMap((scored) => {
    const outline = traceOutline(scored);
    return outline === undefined ? [] : [toSymbol(outline, view.lines)];
  });
}
