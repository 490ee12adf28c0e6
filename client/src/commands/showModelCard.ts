/** Show Model Card: what a model does, what it was trained on and how well it does, as a rendered page. */
import * as vscode from 'vscode';
import { cardIdea, listModels } from '../../../server/src/core/modelCards.ts';
import type { CommandContext } from './commandContext.ts';
import { teach } from './target.ts';

export async function showModelCard({ extension }: CommandContext): Promise<void> {
  const shipped = (path: string): vscode.Uri => vscode.Uri.joinPath(extension.extensionUri, ...path.split('/'));
  const manifest = await readText(shipped('models/artifacts/manifest.json'));
  const models = await Promise.all(listModels(parsed(manifest)).map(async (model) => ({ ...model, text: await readText(shipped(model.card)) })));
  const items = models.flatMap(({ id, card, figures, text }) => (text === undefined ? [] : [{ label: id, description: figures, detail: cardIdea(text), uri: shipped(card) }]));
  if (items.length === 0) return teach('This build comes without model cards.');
  const picked = await vscode.window.showQuickPick(items, { title: 'Model cards', placeHolder: 'Pick a model to read about', matchOnDetail: true });
  if (picked === undefined) return;
  // Without the Markdown extension the page is shown as text.
  await vscode.commands.executeCommand('markdown.showPreview', picked.uri).then(undefined, () => vscode.window.showTextDocument(picked.uri));
}

/** Undefined where there is no such file. */
async function readText(uri: vscode.Uri): Promise<string | undefined> {
  return await vscode.workspace.fs.readFile(uri).then((bytes) => new TextDecoder().decode(bytes), () => undefined);
}

function parsed(json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? '');
  } catch {
    return undefined;
  }
}
