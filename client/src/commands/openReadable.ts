/** Open Readable View: beside, with the cursor in the step it was in; in place where no editor shows the file itself. */
import * as vscode from 'vscode';
import { TRACES } from '../../../server/src/contract/protocol.ts';
import type { TracesParams, TracesResult } from '../../../server/src/contract/protocol.ts';
import { readableUri, sourceOf, wireUri } from '../uris.ts';
import { activeFile } from './activeFile.ts';
import type { CommandContext } from './commandContext.ts';
import { activeTraces, stepAt } from './target.ts';

export async function openReadable(context: CommandContext, ...[given]: readonly unknown[]): Promise<void> {
  // The title bar passes a Uri, code lenses an address.
  const asked = given instanceof vscode.Uri ? given : typeof given === 'string' ? vscode.Uri.parse(given) : vscode.window.activeTextEditor === undefined ? activeFile() : undefined;
  const shown = asked === undefined ? await activeTraces(context) : undefined;
  const document = asked ?? shown?.editor.document.uri;
  if (document === undefined) return;
  const source = sourceOf(document);
  const target = readableUri(source);
  const editor = vscode.window.activeTextEditor;
  const cursor = editor !== undefined && editor.document.uri.toString() === source.toString() ? editor.selection.active : undefined;
  const readable = await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(target), { viewColumn: isShown(source) ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active, preview: true });
  if (cursor !== undefined && (cursor.line > 0 || cursor.character > 0)) await showSameStep(context, { source, cursor, readable });
}

function isShown(source: vscode.Uri): boolean {
  return vscode.window.visibleTextEditors.some((editor) => editor.document.uri.toString() === source.toString());
}

async function showSameStep({ server }: CommandContext, { source, cursor, readable }: { readonly source: vscode.Uri; readonly cursor: vscode.Position; readonly readable: vscode.TextEditor }): Promise<void> {
  const tracesOf = (uri: vscode.Uri): Promise<TracesResult | null> => {
    const params: TracesParams = { uri: wireUri(uri) };
    return server.request<TracesResult | null>(TRACES, params);
  };
  const [from, to] = await Promise.all([tracesOf(source), tracesOf(readable.document.uri)]);
  const found = stepAt(from?.traces ?? [], cursor);
  const step = to?.traces.find((t) => t.traceId === found?.trace.traceId)?.steps.find((s) => s.stepId === found?.step.stepId);
  if (step === undefined) return;
  const position = new vscode.Position(step.range.start.line, step.range.start.character);
  readable.selection = new vscode.Selection(position, position);
  readable.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.AtTop);
}
