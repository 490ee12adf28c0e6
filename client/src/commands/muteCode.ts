/** Mute a Problem Code: `[code]`, else one picked. Writes the workspace settings and offers to undo it. */
import * as vscode from 'vscode';
import { PROBLEM_CODES } from '../../../server/src/core/problems.ts';
import { readSettings, writeSeverity } from '../settings.ts';
import type { CommandContext } from './commandContext.ts';

export async function muteCode({ output }: CommandContext, ...[given]: readonly unknown[]): Promise<void> {
  const code = PROBLEM_CODES.find((p) => p.code === given)?.code ?? await pickCode();
  if (code === undefined) return;
  const undo = await writeSeverity(code, 'off');
  output.info(`Muted ${code} (stepscope.problems).`);
  const choice = await vscode.window.showInformationMessage(`${code} is off in this workspace (stepscope.problems).`, 'Undo');
  if (choice !== undefined) await undo();
}

async function pickCode(): Promise<string | undefined> {
  const { problems } = readSettings();
  const items = PROBLEM_CODES.filter(({ code }) => problems[code]?.severity !== 'off').map(({ code, title, severity }) => ({ label: code, description: problems[code]?.severity ?? severity, detail: title }));
  const picked = await vscode.window.showQuickPick(items, { title: 'Mute a problem code in this workspace', matchOnDetail: true });
  return picked?.label;
}
