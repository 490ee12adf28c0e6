/** A changed score in words. */
import type { DeltaCause, ScoreDelta } from '../corpus/scoreMemory.ts';
import { percent } from './scoredTrace.ts';

const CAUSE: Readonly<Record<DeltaCause, string>> = {
  text: 'the step was edited', context: 'an earlier step or the goal changed', model: 'other models', calibration: 'another calibration', unknown: 'cause unknown',
};

/** " (the step was edited; sicql.q_value moved most: 1.20 to -0.35)", with a space before it. */
export function causeText(delta: Pick<ScoreDelta, 'cause' | 'movedMost'>): string {
  const moved = delta.movedMost;
  return ` (${CAUSE[delta.cause]}${moved === undefined ? '' : `; ${moved.attribute} moved most: ${moved.previous.toFixed(2)} to ${moved.value.toFixed(2)}`})`;
}

/** "12 up", "31 down", "unchanged". */
export function changeText(delta: Pick<ScoreDelta, 'delta'>): string {
  const size = percent(Math.abs(delta.delta));
  return size === 0 ? 'unchanged' : `${size} ${delta.delta > 0 ? 'up' : 'down'}`;
}
