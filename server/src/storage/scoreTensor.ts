/** Scores and their attributes as a dense block with named axes. */
import { prepared } from './store.ts';
import type { Store } from './store.ts';

export interface ScoreTensor {
  /** Evaluations are named by number: one scorable may stand in several. */
  readonly axes: { readonly evaluations: readonly number[]; readonly dimensions: readonly string[]; readonly scorers: readonly string[]; readonly metrics: readonly string[] };
  /** Evaluation by evaluation, in it dimension by dimension, scorer by scorer, metric by metric; null where there is no number. */
  readonly values: readonly (number | null)[];
}

const SCORE_METRIC = 'score';

/** `metrics` are attribute keys, and 'score'. Scores of other dimensions or scorers are left out. */
export function getScoreAttributeTensor(store: Store, scoreIds: readonly number[], wanted: Pick<ScoreTensor['axes'], 'dimensions' | 'scorers' | 'metrics'>): ScoreTensor {
  const scores = prepared<{ id: number; evaluation: number; dimension: string; scorer: string; score: number | null }>(store.db, `
    SELECT s.id, s.evaluation_id AS evaluation, k.dimension, k.scorer, s.score FROM scores s JOIN score_kinds k ON k.id = s.kind_id
    WHERE s.id IN (SELECT value FROM json_each(?)) ORDER BY s.evaluation_id, s.id`).all(JSON.stringify(scoreIds));
  const attribute = prepared<{ number: number | null }>(store.db, 'SELECT num_value AS number FROM score_attributes WHERE score_id = ? AND key_id = ?');
  const evaluations = [...new Set(scores.map((s) => s.evaluation))];
  const placeOf = new Map(evaluations.map((id, i) => [id, i] as const));
  const { dimensions, scorers, metrics } = wanted;
  const values = new Array<number | null>(evaluations.length * dimensions.length * scorers.length * metrics.length).fill(null);
  for (const { id, evaluation, dimension, scorer, score } of scores) {
    const [d, s] = [dimensions.indexOf(dimension), scorers.indexOf(scorer)];
    if (d === -1 || s === -1) continue;
    const at = (((placeOf.get(evaluation) ?? 0) * dimensions.length + d) * scorers.length + s) * metrics.length;
    metrics.forEach((metric, m) => {
      values[at + m] = metric === SCORE_METRIC ? score : attribute.get(id, store.names.knownKeyId(metric) ?? null)?.number ?? null;
    });
  }
  return { axes: { evaluations, dimensions, scorers, metrics }, values };
}
