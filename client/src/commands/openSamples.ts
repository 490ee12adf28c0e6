/** Open Sample Traces: from a copy, so that labels and edits stay out of the installed extension. */
import * as vscode from 'vscode';
import type { CommandContext } from './commandContext.ts';
import { teach } from './target.ts';

const TRACE_FILE = /\.(?:json|jsonl)$/i;

export async function openSamples({ extension }: CommandContext): Promise<void> {
  const shipped = vscode.Uri.joinPath(extension.extensionUri, 'client', 'samples');
  const copy = vscode.Uri.joinPath(extension.globalStorageUri, 'samples');
  const names = await copyMissing(shipped, copy);
  if (names.length === 0) return teach('This build comes without sample traces.');
  const folder = '$(folder-opened) Open the folder in a new window';
  const picked = await vscode.window.showQuickPick([...names, folder], { title: 'Sample traces', placeHolder: 'Pick a trace to open' });
  if (picked === undefined) return;
  if (picked === folder) await vscode.commands.executeCommand('vscode.openFolder', copy, { forceNewWindow: true });
  else await vscode.window.showTextDocument(vscode.Uri.joinPath(copy, picked));
}

/** Copies what is not there yet and answers the names of the traces; what the user changed is kept. */
async function copyMissing(from: vscode.Uri, to: vscode.Uri, prefix = ''): Promise<readonly string[]> {
  const entries = await vscode.workspace.fs.readDirectory(from).then((read) => read, () => []);
  await vscode.workspace.fs.createDirectory(to);
  const names: string[] = [];
  for (const [name, kind] of entries.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const source = vscode.Uri.joinPath(from, name);
    const target = vscode.Uri.joinPath(to, name);
    if ((kind & vscode.FileType.Directory) !== 0) {
      names.push(...await copyMissing(source, target, `${prefix}${name}/`));
      continue;
    }
    const isThere = await vscode.workspace.fs.stat(target).then(() => true, () => false);
    if (!isThere) await vscode.workspace.fs.copy(source, target);
    if (TRACE_FILE.test(name)) names.push(`${prefix}${name}`);
  }
  return names;
}
