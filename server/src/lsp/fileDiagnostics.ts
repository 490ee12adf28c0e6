/** The diagnostics of one view of a trace file. */
import type { Diagnostic } from 'vscode-languageserver';
import { toDiagnostic } from './toLsp.ts';
import type { TraceView } from '../features/traceFile.ts';

export function fileDiagnostics(view: TraceView, pageOf: (code: string) => string): readonly Diagnostic[] {
  return view.problems.map(({ problem, traceId, stepId }) => toDiagnostic(problem, { uri: view.uri, lines: view.lines, page: pageOf(problem.code), data: { traceId, stepId } }));
}
