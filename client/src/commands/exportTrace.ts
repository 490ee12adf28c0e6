/** Export Trace: `[uri, format]`, else the active document and a format picked; into a file that the user names. */
import * as vscode from 'vscode';
import { EXPORT, EXPORT_FORMATS } from '../../../server/src/contract/protocol.ts';
import type { ExportFormat, ExportParams, ExportResult } from '../../../server/src/contract/protocol.ts';
import { sourceOf, wireUri } from '../uris.ts';
import type { CommandContext } from './commandContext.ts';
import { confirm, NO_TRACE, teach } from './target.ts';

const TARGETS: Readonly<Record<ExportFormat, { readonly label: string; readonly detail: string }>> = {
  plantrace: { label: 'PlanTrace JSON', detail: 'Steps with all scores on 0–100 and their attributes' },
  atif: { label: 'ATIF trajectory', detail: 'For Harbor and other tools of terminal agents; scores stand in "extra"' },
  otlp: { label: 'OpenTelemetry (OTLP JSON)', detail: 'Spans by the GenAI conventions; scores are gen_ai.evaluation.result events' },
};

export async function exportTrace({ server }: CommandContext, ...[given, wanted]: readonly unknown[]): Promise<void> {
  const asked = given instanceof vscode.Uri ? given : typeof given === 'string' ? vscode.Uri.parse(given) : vscode.window.activeTextEditor?.document.uri;
  if (asked === undefined) return teach(NO_TRACE);
  const uri = sourceOf(asked);
  const format = EXPORT_FORMATS.find((f) => f === wanted) ?? (await pickFormat());
  if (format === undefined) return;
  const params: ExportParams = { uri: wireUri(uri), format };
  const result = await server.request<ExportResult>(EXPORT, params);
  if (result.kind === 'failed') return teach(result.message);
  const target = await vscode.window.showSaveDialog({ title: `Export as ${TARGETS[format].label}`, defaultUri: vscode.Uri.joinPath(folderOf(uri), result.suggestedName), filters: { JSON: ['json'] } });
  if (target === undefined) return;
  await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(result.text));
  if (result.lost.length === 0) return confirm(`The trace was exported as ${TARGETS[format].label}; nothing was lost.`);
  teach(`The trace was exported. ${TARGETS[format].label} does not hold: ${result.lost.join('; ')}.`);
}

async function pickFormat(): Promise<ExportFormat | undefined> {
  const picked = await vscode.window.showQuickPick(EXPORT_FORMATS.map((format) => ({ ...TARGETS[format], format })), { title: 'Export Trace', placeHolder: 'The format to export to' });
  return picked?.format;
}

/** Beside the trace; a document without a place on disk is exported into the first folder of the workspace. */
function folderOf(uri: vscode.Uri): vscode.Uri {
  if (uri.scheme !== 'untitled') return vscode.Uri.joinPath(uri, '..');
  return vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file('/');
}
