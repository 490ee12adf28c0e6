/** Undo Last Label: puts back what stood before the newest label of this window. */
import * as vscode from 'vscode';
import type { CommandContext } from './commandContext.ts';
import { sendLabel } from './labelStep.ts';
import { confirm, teach } from './target.ts';

export async function undoLabel({ server, labels }: CommandContext): Promise<void> {
  const last = labels.pop();
  if (last === undefined) return teach('No label was given in this window yet. "StepScope: Label Step" gives one to the step under the cursor.');
  const result = await sendLabel(server, last, last.previous);
  if (result.kind === 'failed') {
    labels.push(last);
    void vscode.window.showErrorMessage(result.message);
    return;
  }
  confirm(last.previous === null ? 'The label was taken back.' : `The step is labelled ${last.previous.replace('_', ' ')} again.`);
}
