/** Re-score Workspace: every trace, with the scorers picked. */
import type { CommandContext } from './commandContext.ts';
import { rescore } from './rescore.ts';
import { pickScorerIds } from './scorerPicker.ts';
import { teach } from './target.ts';

export async function rescoreWorkspace({ server }: CommandContext): Promise<void> {
  const choice = await pickScorerIds(server, 'Re-score the workspace with');
  if (choice === undefined) return;
  if (choice.known.length > 0 && choice.picked.length === 0) return teach('No scorer was picked, so nothing was re-scored.');
  const isAll = choice.picked.length === choice.known.length;
  await rescore(server, 'StepScope: re-scoring the workspace', { scope: 'workspace', ...(isAll ? {} : { scorers: choice.picked }) });
}
