/** Write Scores into Trace File: `[uri]`, else the active document. One change, so that one undo takes it back. */
import * as vscode from 'vscode';
import { WRITE_BACK } from '../../../server/src/contract/protocol.ts';
import type { WriteBackParams, WriteBackResult } from '../../../server/src/contract/protocol.ts';
import { sourceOf, wireUri } from '../uris.ts';
import type { CommandContext } from './commandContext.ts';
import { longRequest } from './longRequest.ts';
import { confirm, NO_TRACE, teach } from './target.ts';

export async function writeScores({ server }: CommandContext, ...[given]: readonly unknown[]): Promise<void> {
  const asked = given instanceof vscode.Uri ? given : typeof given === 'string' ? vscode.Uri.parse(given) : vscode.window.activeTextEditor?.document.uri;
  if (asked === undefined) return teach(NO_TRACE);
  const uri = sourceOf(asked);
  // The server writes into documents that are open: those can be undone.
  const document = await openDocument(uri);
  if (document === undefined) return teach('VS Code cannot open this file for editing (it may be too large). "stepscope write-back <file>" on the command line writes its scores into it.');
  const params: WriteBackParams = { uri: wireUri(uri) };
  const result = await longRequest<WriteBackResult>(server, 'StepScope: writing scores', { method: WRITE_BACK, params });
  if (result === undefined) return confirm('Writing was cancelled: nothing was written.');
  if (result.kind === 'failed') return teach(result.message);
  if (result.edits.length === 0) return confirm('The file holds these scores already.');
  if (document.isClosed || document.version !== result.version) return teach('The trace was changed while its scores were gathered: nothing was written. Write them again.');
  const edit = new vscode.WorkspaceEdit();
  edit.set(document.uri, result.edits.map(({ range, newText }) => new vscode.TextEdit(new vscode.Range(range.start.line, range.start.character, range.end.line, range.end.character), newText)));
  if (!await vscode.workspace.applyEdit(edit)) return teach('The editor refused the change: nothing was written. If the file is read-only, make it writable first.');
  await vscode.window.showTextDocument(document, { preview: false });
  teach([`The scores of ${result.steps} step${result.steps === 1 ? '' : 's'} are in the document. Save it to keep them; undo takes them all out.`, ...result.notes.slice(0, 3)].join(' '));
}

/** Undefined where there is no such file or the editor does not share it with extensions. */
async function openDocument(uri: vscode.Uri): Promise<vscode.TextDocument | undefined> {
  try {
    return await vscode.workspace.openTextDocument(uri);
  } catch {
    return undefined;
  }
}
