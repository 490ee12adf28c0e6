/** Changes of scores, as they were told when they happened. */
import type { DeltaCause, ScorableFilter, ScoreDelta } from '../corpus/scoreMemory.ts';
import type { ScoreChange } from '../corpus/deltas.ts';
import type { ScorableFacts } from '../core/scoreRecord.ts';
import type { ScorableRow } from './evaluationStore.ts';
import { conditionOf } from './scorableFilter.ts';
import { prepared } from './store.ts';
import type { Store } from './store.ts';

export interface DeltaPlace {
  readonly facts: ScorableFacts;
  readonly scorable: ScorableRow;
  readonly kindId: number;
  readonly evaluationId: number;
  readonly previousId: number;
  readonly timeMs: number;
}

interface DeltaRow {
  readonly id: number;
  readonly kindId: number;
  readonly previousScore: number;
  readonly score: number;
  readonly delta: number;
  readonly cause: DeltaCause;
  readonly changed: string;
  readonly isSignificant: number;
  readonly noise: number | null;
  readonly movedMost: string | null;
  readonly timeMs: number;
  readonly facts: string;
  readonly goal: string;
}

/** Columns of a score_deltas row besides its id and the numbers of other rows. */
export const DELTA_CONTENT = 'previous_evaluation_uid, previous_score, score, delta, cause, changed, is_significant, noise, moved_most, time_ms';

/** Writes one change; answers it with its number. */
export function writeDelta(store: Store, at: DeltaPlace, change: ScoreChange): ScoreDelta {
  const { movedMost } = change;
  const { lastInsertRowid } = prepared(store.db, `INSERT INTO score_deltas (scorable_row, evaluation_id, kind_id, ${DELTA_CONTENT})
    VALUES (?, ?, ?, (SELECT uid FROM evaluations WHERE id = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
    at.scorable.id, at.evaluationId, at.kindId, at.previousId, change.previousScore, change.score, change.delta, change.cause, JSON.stringify(change.changed),
    change.isSignificant ? 1 : 0, change.noise, movedMost === undefined ? null : JSON.stringify(movedMost), at.timeMs);
  return { id: Number(lastInsertRowid), scorable: placeOf(at.facts), ...store.names.kind(at.kindId), ...change, timeMs: at.timeMs };
}

/** Newest first. */
export function deltas(store: Store, filter: ScorableFilter & { readonly isSignificant?: boolean; readonly limit?: number }): ScoreDelta[] {
  const { sql, values } = conditionOf(filter);
  const significance = filter.isSignificant === undefined ? [] : [filter.isSignificant ? 1 : 0];
  const rows = prepared<DeltaRow>(store.db, `
    SELECT d.id, d.kind_id AS kindId, d.previous_score AS previousScore, d.score, d.delta, d.cause, d.changed, d.is_significant AS isSignificant, d.noise, d.moved_most AS movedMost,
      d.time_ms AS timeMs, o.facts, g.text AS goal
    FROM score_deltas d JOIN scorables o ON o.id = d.scorable_row JOIN goals g ON g.id = o.goal_id
    WHERE ${sql}${significance.length > 0 ? ' AND d.is_significant = ?' : ''} ORDER BY d.time_ms DESC, d.id DESC LIMIT ?`).all(...values, ...significance, filter.limit ?? -1);
  return rows.map(({ kindId, facts, goal, changed, isSignificant, movedMost, ...row }) => ({
    ...row, ...store.names.kind(kindId), scorable: placeOf({ ...JSON.parse(facts) as Omit<ScorableFacts, 'goal'>, goal }), changed: JSON.parse(changed) as readonly DeltaCause[],
    isSignificant: isSignificant === 1, ...(movedMost === null ? {} : { movedMost: JSON.parse(movedMost) as NonNullable<ScoreDelta['movedMost']> }),
  }));
}

function placeOf({ id, file, traceId, stepId, stepIndex, stepType, goal, title }: ScorableFacts): ScoreDelta['scorable'] {
  return { id, file, traceId, stepId, stepIndex, stepType, goal, title };
}
