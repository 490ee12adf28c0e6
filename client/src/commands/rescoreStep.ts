/** Re-score Step: `[uri, traceId, stepId]`, else the step under the cursor. */
import type { CommandContext } from './commandContext.ts';
import { rescore } from './rescore.ts';
import { targetStep } from './target.ts';

export async function rescoreStep(context: CommandContext, ...args: readonly unknown[]): Promise<void> {
  const target = await targetStep(context, args);
  if (target === undefined) return;
  const { uri, traceId, stepId } = target;
  await rescore(context.server, 'StepScope: re-scoring this step', { scope: 'step', uri, traceId, stepId });
}
