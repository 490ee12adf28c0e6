/** Show Actions: the menu behind the status bar item. */
import * as vscode from 'vscode';
import { readSettings } from '../settings.ts';
import type { CommandContext } from './commandContext.ts';
import type { CommandId } from './registry.ts';

interface Action extends vscode.QuickPickItem { readonly run?: CommandId | 'openSettings' }

export async function showMenu({ extension, server }: CommandContext): Promise<void> {
  const isOff = readSettings().inlineScores === 'off';
  const isBackgroundOn = readSettings().scoring.inBackground;
  const isDown = server.state.kind === 'failed' || server.state.kind === 'waiting';
  const actions: readonly Action[] = [
    ...(isDown ? [{ label: '$(debug-restart) Restart the server', run: 'stepscope.restartServer' } as const] : []),
    { label: isOff ? '$(eye) Show inline scores' : '$(eye-closed) Hide inline scores', run: 'stepscope.toggleInlineScores' },
    { label: '$(arrow-down) Go to the next bad step', description: 'Alt+F8', run: 'stepscope.nextBadStep' },
    { label: '$(list-ordered) Go to a step…', run: 'stepscope.goToStep' },
    { label: '$(telescope) Score this trace', run: 'stepscope.scoreTrace' },
    { label: '$(refresh) Re-score the workspace…', run: 'stepscope.rescoreWorkspace' },
    { label: isBackgroundOn ? '$(debug-pause) Pause background scoring' : '$(debug-continue) Resume background scoring', run: 'stepscope.toggleBackground' },
    { label: '$(checklist) Pick scorers…', run: 'stepscope.pickScorers' },
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    { label: '$(info) Show a model card…', run: 'stepscope.showModelCard' },
    { label: '$(output) Show output', run: 'stepscope.showOutput' },
    { label: '$(gear) Settings', run: 'openSettings' },
  ];
  const picked = await vscode.window.showQuickPick(actions, { title: 'StepScope', placeHolder: 'What would you like to do?' });
  if (picked?.run === undefined) return;
  if (picked.run === 'openSettings') await vscode.commands.executeCommand('workbench.action.openSettings', `@ext:${extension.extension.id}`);
  else await vscode.commands.executeCommand(picked.run);
}
