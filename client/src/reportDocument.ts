/** Reports over the workspace's scores as virtual Markdown documents, made anew each time they are shown. */
import * as vscode from 'vscode';
import { REPORT, REPORT_SCHEME, REPORT_TITLES } from '../../server/src/contract/protocol.ts';
import type { ReportParams, ReportResult } from '../../server/src/contract/protocol.ts';
import { longRequest } from './commands/longRequest.ts';
import type { ServerProcess } from './serverProcess.ts';

const changes = new vscode.EventEmitter<vscode.Uri>();

export function registerReportDocuments(server: ServerProcess): vscode.Disposable {
  const provider: vscode.TextDocumentContentProvider = {
    onDidChange: changes.event,
    async provideTextDocumentContent(uri) {
      const params = JSON.parse(uri.query) as ReportParams;
      try {
        const result = await longRequest<ReportResult>(server, `StepScope: ${REPORT_TITLES[params.kind]}`, { method: REPORT, params });
        return result?.text ?? 'Cancelled. Run the command again for the report.\n';
      } catch (error) {
        return `The report could not be made: ${error instanceof Error ? error.message : String(error)}\n`;
      }
    },
  };
  return vscode.Disposable.from(vscode.workspace.registerTextDocumentContentProvider(REPORT_SCHEME, provider), new vscode.Disposable(() => changes.dispose()));
}

/** Shows a report as a rendered page; a page that is open already is made anew. */
export async function showReport(params: ReportParams): Promise<void> {
  const uri = vscode.Uri.from({ scheme: REPORT_SCHEME, path: `/${REPORT_TITLES[params.kind]}.md`, query: JSON.stringify(params) });
  changes.fire(uri);
  // Without the Markdown extension the page is shown as text.
  await vscode.commands.executeCommand('markdown.showPreview', uri).then(undefined, () => vscode.window.showTextDocument(uri));
}
