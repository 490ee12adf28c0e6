/** Toggle Inline Scores: off, and back to what was on before. */
import * as vscode from 'vscode';
import type { InlineScores } from '../settings.ts';
import { readSettings, writeSetting } from '../settings.ts';
import type { CommandContext } from './commandContext.ts';
import { confirm } from './target.ts';

const LAST_MODE = 'lastInlineScores';

export async function toggleInlineScores({ extension }: CommandContext): Promise<void> {
  const { inlineScores } = readSettings();
  if (inlineScores !== 'off') {
    await extension.globalState.update(LAST_MODE, inlineScores);
    await writeSetting('inlineScores', 'off', 'user');
    return confirm('Inline scores are off.');
  }
  const last = extension.globalState.get<InlineScores>(LAST_MODE) ?? 'on';
  await writeSetting('inlineScores', last, 'user');
  const isHiddenByEditor = vscode.workspace.getConfiguration('editor').get('inlayHints.enabled') === 'off';
  if (!isHiddenByEditor) return confirm(last === 'onlyBad' ? 'Inline scores are on for bad steps.' : 'Inline scores are on.');
  const choice = await vscode.window.showInformationMessage('Score chips are inlay hints, and this editor hides inlay hints (editor.inlayHints.enabled is off).', 'Open Setting');
  if (choice !== undefined) await vscode.commands.executeCommand('workbench.action.openSettings', 'editor.inlayHints.enabled');
}
