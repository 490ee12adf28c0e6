/** The whole corpus as plain JSON, and back without loss. */
import type { ScorableFacts, ScoreRecord } from '../core/scoreRecord.ts';
import { corpusOf } from './scoreCorpus.ts';
import type { ScoreCorpus } from './scoreCorpus.ts';

export interface CorpusDict {
  readonly kind: 'score-corpus';
  readonly version: 1;
  readonly scorables: readonly ScorableFacts[];
  readonly records: readonly ScoreRecord[];
}

/** Reads what `toDict` of a corpus made, from a file perhaps: a sentence where it is something else. */
export function fromDict(value: unknown): { readonly kind: 'corpus'; readonly corpus: ScoreCorpus } | { readonly kind: 'unreadable'; readonly message: string } {
  const unreadable = (message: string): { readonly kind: 'unreadable'; readonly message: string } => ({ kind: 'unreadable', message });
  if (!isObject(value) || value['kind'] !== 'score-corpus') return unreadable('This is no corpus: it has no "kind": "score-corpus".');
  if (value['version'] !== 1) return unreadable(`The corpus is of version ${String(value['version'])}; this StepScope reads version 1.`);
  const { scorables, records } = value;
  if (!Array.isArray(scorables) || !Array.isArray(records)) return unreadable('The corpus lacks its list of scorables or of records.');
  const badScorable = scorables.findIndex((s) => !isFacts(s));
  if (badScorable >= 0) return unreadable(`Scorable ${badScorable} of the corpus lacks a field, or has one of the wrong kind.`);
  const badRecord = records.findIndex((r) => !isRecord(r));
  if (badRecord >= 0) return unreadable(`Record ${badRecord} of the corpus lacks a field, or has one of the wrong kind.`);
  return { kind: 'corpus', corpus: corpusOf({ scorables: scorables as readonly ScorableFacts[], records: records as readonly ScoreRecord[] }) };
}

function isFacts(value: unknown): value is ScorableFacts {
  return isObject(value) && ['id', 'file', 'traceId', 'stepId', 'goal', 'planSignature', 'stepType', 'title'].every((name) => typeof value[name] === 'string')
    && ['stepIndex', 'traceLength'].every((name) => typeof value[name] === 'number') && typeof value['isError'] === 'boolean'
    && Array.isArray(value['tools']) && value['tools'].every((t) => typeof t === 'string')
    && ['agent', 'model', 'errorType', 'previousStepType', 'nextStepType'].every((name) => value[name] === undefined || typeof value[name] === 'string')
    && ['outcome', 'timeMs', 'line'].every((name) => value[name] === undefined || typeof value[name] === 'number');
}

function isRecord(value: unknown): value is ScoreRecord {
  return isObject(value) && ['scorableId', 'dimension', 'scorer', 'scorerVersion', 'rationale'].every((name) => typeof value[name] === 'string')
    && (value['score'] === null || typeof value['score'] === 'number') && typeof value['weight'] === 'number' && isObject(value['attributes']) && !Array.isArray(value['attributes']);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
