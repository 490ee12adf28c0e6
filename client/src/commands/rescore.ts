/** The three commands that score again from scratch share how they ask and what they say. */
import { RESCORE } from '../../../server/src/contract/protocol.ts';
import type { RescoreParams, RescoreResult } from '../../../server/src/contract/protocol.ts';
import type { ServerProcess } from '../serverProcess.ts';
import { longRequest } from './longRequest.ts';
import { confirm } from './target.ts';

export async function rescore(server: ServerProcess, title: string, params: RescoreParams): Promise<void> {
  const result = await longRequest<RescoreResult>(server, title, { method: RESCORE, params });
  if (result === undefined) return confirm('Re-scoring was cancelled.');
  const steps = `${result.steps} step${result.steps === 1 ? '' : 's'} re-scored`;
  const changed = result.changed === 0 ? 'no score changed by more than 0.5' : `${result.changed} changed by more than 0.5`;
  confirm(`${steps}${result.cancelled ? ' before it was cancelled' : ''}: ${changed}.`);
}
