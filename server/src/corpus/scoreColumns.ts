/** Scores as columns: how a whole memory travels and is taken in, without an object a score. */
import type { ScorableFacts, ScoreRecord } from '../core/scoreRecord.ts';
import type { JsonValue } from '../core/planTrace.ts';

/** What many scores have in common. */
export interface ScoreKind {
  readonly dimension: string;
  readonly scorer: string;
  readonly scorerVersion: string;
}

/** Score i belongs to `scorables[scorableOf[i]]` and is of `kinds[kindOf[i]]`; the scores of one scorable stand together. */
export interface ScoreColumns {
  readonly scorables: readonly ScorableFacts[];
  readonly kinds: readonly ScoreKind[];
  readonly attributeNames: readonly string[];
  readonly scorableOf: Uint32Array;
  readonly kindOf: Uint32Array;
  /** 0–1; NaN where the scorer measures without judging. */
  readonly scores: Float64Array;
  readonly weights: Float64Array;
  /** One more than scores: the attributes of score i stand from `attributeStarts[i]` up to `attributeStarts[i + 1]`. */
  readonly attributeStarts: Uint32Array;
  /** Index into `attributeNames`. */
  readonly attributeOf: Uint32Array;
  /** NaN where the attribute is no number: then it stands in `otherAttributes`. */
  readonly attributeValues: Float64Array;
  /** By position in `attributeOf`. */
  readonly otherAttributes: ReadonlyMap<number, JsonValue>;
  /** By score; absent where there is none. */
  readonly rationales: ReadonlyMap<number, string>;
}

/** The same as records, in the order of the columns. */
export function recordsOf(columns: ScoreColumns): ScoreRecord[] {
  const { scorables, kinds, attributeNames, attributeStarts, attributeOf, attributeValues, otherAttributes, rationales } = columns;
  const records: ScoreRecord[] = [];
  for (let i = 0; i < columns.scores.length; i++) {
    const kind = kinds[columns.kindOf[i] ?? -1];
    const scorable = scorables[columns.scorableOf[i] ?? -1];
    if (kind === undefined || scorable === undefined) continue;
    const attributes: Record<string, JsonValue> = {};
    for (let a = attributeStarts[i] ?? 0; a < (attributeStarts[i + 1] ?? 0); a++) {
      const value = attributeValues[a] ?? Number.NaN;
      attributes[attributeNames[attributeOf[a] ?? -1] ?? ''] = Number.isNaN(value) ? otherAttributes.get(a) ?? null : value;
    }
    const score = columns.scores[i] ?? Number.NaN;
    records.push({
      scorableId: scorable.id, dimension: kind.dimension, scorer: kind.scorer, scorerVersion: kind.scorerVersion,
      score: Number.isNaN(score) ? null : score, rationale: rationales.get(i) ?? '', weight: columns.weights[i] ?? 1, attributes,
    });
  }
  return records;
}
