/** Scores in Inspect logs. What a letter or a boolean is worth Inspect itself declares; a bare number has no declared scale. */
import type { ImportedScore } from '../core/planTrace.ts';
import { asArray, asNumber, asRecord, asText, settled, type JsonRecord } from './jsonFields.ts';

/** The scores of a sample by the name of their scorer. A value that is NaN or missing is no score. */
export function inspectScores(scores: JsonRecord): readonly ImportedScore[] {
  return Object.entries(scores).flatMap(([scorer, score]) => scoreOf(scorer, asRecord(score)));
}

/** One score; a value that is a dictionary or a list is one score for each entry. */
export function scoreOf(scorer: string, score: JsonRecord | undefined): readonly ImportedScore[] {
  if (score === undefined) return [];
  const { value } = score;
  const many = asRecord(value);
  const entries: readonly (readonly [string, unknown])[] =
    many !== undefined ? Object.entries(many) : Array.isArray(value) ? asArray(value).map((item, i) => [`${scorer}[${i}]`, item] as const) : [[scorer, value]];
  return entries.flatMap(([dimension, item]) => {
    const read = valueOf(item);
    if (read === undefined) return [];
    return [settled<ImportedScore>({ source: scorer, dimension, value: read.value, scale: read.scale, rationale: asText(score['explanation']), attributes: numbersOf(asRecord(score['metadata'])) })];
  });
}

/** Share of success (0–1) where the first scorer gave one of Inspect's letters or a boolean; undefined for bare numbers. */
export function outcomeOf(scores: readonly ImportedScore[]): number | undefined {
  const [first] = scores;
  return first?.scale === undefined ? undefined : first.value;
}

function valueOf(value: unknown): { readonly value: number; readonly scale: readonly [number, number] | undefined } | undefined {
  if (typeof value === 'boolean') return { value: value ? 1 : 0, scale: [0, 1] };
  if (typeof value === 'string') {
    const worth = WORTH.get(value) ?? WORTH.get(value.toLowerCase());
    if (worth !== undefined) return { value: worth, scale: [0, 1] };
  }
  const number = asNumber(value);
  return number === undefined ? undefined : { value: number, scale: undefined };
}

/** Correct, partly correct, incorrect, no answer: as Inspect's own metrics count them. */
const WORTH: ReadonlyMap<string, number> = new Map([['C', 1], ['P', 0.5], ['I', 0], ['N', 0], ['yes', 1], ['true', 1], ['no', 0], ['false', 0]]);

function numbersOf(metadata: JsonRecord | undefined): Readonly<Record<string, number>> {
  const numbers: Record<string, number> = {};
  for (const [key, value] of Object.entries(metadata ?? {})) if (typeof value === 'number' && Number.isFinite(value)) numbers[key] = value;
  return numbers;
}
