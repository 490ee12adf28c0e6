/** Evaluations: written when they say something else than the one before, with what changed. */
import { createHash, randomBytes } from 'node:crypto';
import type { ScorableFacts } from '../core/scoreRecord.ts';
import { computeDelta } from '../corpus/deltas.ts';
import type { Evaluation, HistoryPoint, ScoreDelta, ScoreHistory, ScoreInputs } from '../corpus/scoreMemory.ts';
import { writeDelta } from './deltaStore.ts';
import { pack, saysTheSame } from './packedScores.ts';
import type { PackedScores } from './packedScores.ts';
import { scoresOf, writeScoreRows } from './scoreRows.ts';
import { inTransaction, prepared } from './store.ts';
import type { Store } from './store.ts';

/** Who scored: other sources come in with imported files. */
const SOURCE = 'stepscope';

export interface ScorableRow {
  readonly id: number;
  readonly goalId: number;
  readonly newestId: number | null;
}

export interface EvaluationRow {
  readonly id: number;
  readonly uid: Uint8Array;
  readonly timeMs: number;
  readonly text: string;
  readonly context: string;
  readonly model: string;
  readonly calibration: string;
  readonly packed: Uint8Array | null;
}

/** Columns of an EvaluationRow. */
export const EVALUATION_COLUMNS = 'id, uid, time_ms AS timeMs, text_hash AS text, context_hash AS context, model_hash AS model, calibration_hash AS calibration, packed';

/** Writes what is new, all of it or nothing; answers the deltas that makes. An evaluation is never older than the one before it. */
export function record(store: Store, evaluations: readonly Evaluation[], timeMs: number): ScoreDelta[] {
  return inTransaction(store, () => evaluations.flatMap((evaluation) => recordOne(store, evaluation, timeMs)));
}

/** Forgets the scorables of a file that are not in `keepIds`, and keeps what its state was; '' for none. */
export function retain(store: Store, file: string, { keepIds, state }: { readonly keepIds: readonly string[]; readonly state: string }): void {
  const keep = new Set(keepIds);
  inTransaction(store, () => {
    prepared(store.db, 'INSERT INTO recorded_files (file, state) VALUES (?, ?) ON CONFLICT (file) DO UPDATE SET state = excluded.state').run(file, state);
    const remove = prepared(store.db, 'DELETE FROM scorables WHERE id = ?');
    for (const row of prepared<{ id: number; name: string }>(store.db, 'SELECT id, scorable_id AS name FROM scorables WHERE file = ?').all(file)) if (!keep.has(row.name)) remove.run(row.id);
  });
}

/** The state under which all of a file was last recorded; '' where it was not. */
export function fileState(store: Store, file: string): string {
  return prepared<{ state: string }>(store.db, 'SELECT state FROM recorded_files WHERE file = ?').get(file)?.state ?? '';
}

/** Every score of a scorable through time; empty for one that is not known. */
export function history(store: Store, scorableId: string): ScoreHistory[] {
  const scorable = prepared<{ id: number }>(store.db, 'SELECT id FROM scorables WHERE scorable_id = ?').get(scorableId);
  return scorable === undefined ? [] : [...historiesOf(store, scorable.id).values()];
}

/** Adds a scorable, or brings its facts up to date. */
export function upsertScorable(store: Store, facts: ScorableFacts): ScorableRow {
  const { goal, ...others } = facts;
  const text = JSON.stringify(others);
  const goalId = goalIdOf(store, goal);
  const known = prepared<ScorableRow & { readonly facts: string }>(store.db, 'SELECT id, goal_id AS goalId, newest_evaluation_id AS newestId, facts FROM scorables WHERE scorable_id = ?').get(facts.id);
  if (known === undefined) {
    const { lastInsertRowid } = prepared(store.db, 'INSERT INTO scorables (scorable_id, goal_id, facts) VALUES (?, ?, ?)').run(facts.id, goalId, text);
    return { id: Number(lastInsertRowid), goalId, newestId: null };
  }
  if (known.facts !== text || known.goalId !== goalId) prepared(store.db, 'UPDATE scorables SET goal_id = ?, facts = ? WHERE id = ?').run(goalId, text, known.id);
  return { ...known, goalId };
}

/** Writes an evaluation with its rows; answers its number. */
export function writeEvaluation(store: Store, scorable: ScorableRow, evaluation: { readonly uid: Uint8Array; readonly inputs: ScoreInputs; readonly source: string; readonly timeMs: number; readonly packed: PackedScores }): number {
  const { uid, inputs, source, timeMs, packed } = evaluation;
  const { lastInsertRowid } = prepared(store.db, `INSERT INTO evaluations (uid, scorable_row, goal_id, text_hash, context_hash, model_hash, calibration_hash, source, time_ms, packed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(uid, scorable.id, scorable.goalId, inputs.text, inputs.context, inputs.model, inputs.calibration, source, timeMs, packed.bytes);
  const id = Number(lastInsertRowid);
  writeScoreRows(store, id, packed);
  return id;
}

/** The newest evaluation of a scorable becomes the one that counts, and of the old ones only as many stay as are kept. */
export function settleScorable(store: Store, scorableRow: number): void {
  prepared(store.db, 'UPDATE scorables SET newest_evaluation_id = (SELECT id FROM evaluations WHERE scorable_row = @id ORDER BY time_ms DESC, id DESC LIMIT 1) WHERE id = @id').run({ id: scorableRow });
  prepared(store.db, 'DELETE FROM evaluations WHERE id IN (SELECT id FROM evaluations WHERE scorable_row = ? ORDER BY time_ms DESC, id DESC LIMIT -1 OFFSET ?)').run(scorableRow, store.keepEvaluations);
}

function recordOne(store: Store, { scorable: facts, inputs, records }: Evaluation, timeMs: number): ScoreDelta[] {
  const scorable = upsertScorable(store, facts);
  const packed = pack(records, store.names);
  const newest = scorable.newestId === null ? undefined : prepared<EvaluationRow>(store.db, `SELECT ${EVALUATION_COLUMNS} FROM evaluations WHERE id = ?`).get(scorable.newestId);
  if (newest !== undefined && isSameInput(newest, inputs) && saysTheSame(packed, scoresOf(store, newest))) return [];
  const histories = newest === undefined ? undefined : historiesOf(store, scorable.id);
  const time = Math.max(timeMs, newest?.timeMs ?? timeMs);
  const evaluationId = writeEvaluation(store, scorable, { uid: randomBytes(16), inputs, source: SOURCE, timeMs: time, packed });
  const deltas = histories === undefined ? [] : eachPoint(store, packed, { evaluationId, timeMs: time, inputs }).flatMap(({ kindId, name, point }) => {
    const previous = histories.get(name)?.points ?? [];
    const change = computeDelta(previous, point);
    return change === undefined ? [] : [writeDelta(store, { facts, scorable, kindId, evaluationId, previousId: previous.at(-1)?.evaluationId ?? 0, timeMs: time }, change)];
  });
  settleScorable(store, scorable.id);
  return deltas;
}

function isSameInput(row: EvaluationRow, inputs: ScoreInputs): boolean {
  return row.text === inputs.text && row.context === inputs.context && row.model === inputs.model && row.calibration === inputs.calibration;
}

/** By dimension and scorer, whatever the version. */
function historiesOf(store: Store, scorableRow: number): ReadonlyMap<string, ScoreHistory> {
  const rows = prepared<EvaluationRow>(store.db, `SELECT ${EVALUATION_COLUMNS} FROM evaluations WHERE scorable_row = ? ORDER BY time_ms, id`).all(scorableRow);
  const histories = new Map<string, { dimension: string; scorer: string; points: HistoryPoint[] }>();
  for (const { text, context, model, calibration, ...row } of rows) {
    for (const { kindId, name, point } of eachPoint(store, scoresOf(store, row), { evaluationId: row.id, timeMs: row.timeMs, inputs: { text, context, model, calibration } })) {
      let one = histories.get(name);
      const { dimension, scorer } = store.names.kind(kindId);
      if (one === undefined) histories.set(name, one = { dimension, scorer, points: [] });
      one.points.push(point);
    }
  }
  return histories;
}

/** A point for every score of an evaluation that judges. */
function eachPoint(store: Store, packed: PackedScores, at: Pick<HistoryPoint, 'evaluationId' | 'timeMs' | 'inputs'>): { readonly kindId: number; readonly name: string; readonly point: HistoryPoint }[] {
  const points: { kindId: number; name: string; point: HistoryPoint }[] = [];
  let from = 0;
  packed.kinds.forEach((kindId, i) => {
    const to = from + (packed.attributeCounts[i] ?? 0);
    const score = packed.scores[i] ?? Number.NaN;
    if (!Number.isNaN(score)) {
      const { dimension, scorer, scorerVersion } = store.names.kind(kindId);
      const attributes: Record<string, number> = {};
      for (let a = from; a < to; a++) {
        const value = packed.values[a] ?? Number.NaN;
        if (!Number.isNaN(value)) attributes[store.names.key(packed.keys[a] ?? 0)] = value;
      }
      points.push({ kindId, name: `${dimension}\u0000${scorer}`, point: { ...at, score, scorerVersion, attributes } });
    }
    from = to;
  });
  return points;
}

function goalIdOf(store: Store, text: string): number {
  const hash = createHash('sha256').update(text).digest().subarray(0, 16);
  const known = prepared<{ id: number }>(store.db, 'SELECT id FROM goals WHERE hash = ?').get(hash)?.id;
  return known ?? Number(prepared(store.db, 'INSERT INTO goals (hash, text) VALUES (?, ?)').run(hash, text).lastInsertRowid);
}
