/** stepscope/export: a trace file as text of another format. */
import type { ExportResult } from '../../contract/protocol.ts';
import { EXPORT_TARGETS, exportName, exportScored, isExportTarget } from '../../features/exportTrace.ts';
import type { TraceView } from '../../features/traceFile.ts';

export function exportView(view: TraceView | undefined, format: string): ExportResult {
  if (!isExportTarget(format)) return { kind: 'failed', message: `There is no export to "${format}"; there are ${Object.keys(EXPORT_TARGETS).join(', ')}.` };
  if (view === undefined || view.traces.length === 0) return { kind: 'failed', message: 'This file is not known as a trace: there is nothing to export.' };
  const { text, lost } = exportScored(view.traces, format);
  return { kind: 'exported', text, suggestedName: exportName(view.source.path, format), lost };
}
