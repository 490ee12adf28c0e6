/** Pick Scorers: writes `stepscope.scorers`. */
import { writeSetting } from '../settings.ts';
import type { CommandContext } from './commandContext.ts';
import { pickScorerIds } from './scorerPicker.ts';
import { confirm, NO_TRACE, teach } from './target.ts';

export async function pickScorers({ server }: CommandContext): Promise<void> {
  const choice = await pickScorerIds(server, 'Scorers that run in this workspace');
  if (choice === undefined) return;
  if (choice.known.length === 0) return teach(NO_TRACE);
  // An empty list in the setting means all that proved themselves, so nothing ticked cannot be written down.
  if (choice.picked.length === 0) return teach('At least one scorer must run. To see no scores, run "StepScope: Toggle Inline Scores".');
  const isAll = choice.picked.length === choice.known.length;
  await writeSetting('scorers', isAll ? [...choice.known] : [...choice.picked], 'workspace');
  confirm(`Scorers: ${choice.picked.join(', ')}.`);
}
