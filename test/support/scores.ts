/** Scorables and records that corpus tests write down in a line each. */
import type { ScorableFacts, ScoreRecord } from '../../server/src/core/scoreRecord.ts';

export const DIMENSION = 'reasoning_quality';

/** A step `t#s`, of trace `t`, unless changed. */
export function step(id: string, change: Partial<ScorableFacts> = {}): ScorableFacts {
  const [traceId = id, stepId = ''] = id.split('#');
  return { id, file: '', traceId, stepId, stepIndex: stepId === '' ? -1 : 0, goal: 'goal', planSignature: '', stepType: stepId === '' ? 'trace' : 'action', tools: [], isError: false, traceLength: 1, title: id, ...change };
}

export function scored(scorableId: string, scorer: string, score: number | null, attributes: ScoreRecord['attributes'] = {}, dimension = DIMENSION): ScoreRecord {
  return { scorableId, dimension, scorer, scorerVersion: '1', score, rationale: '', weight: 1, attributes };
}
