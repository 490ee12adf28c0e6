/** Scorables and records of every kind, for property tests: few names, so that they collide. */
import fc from 'fast-check';
import type { JsonValue } from '../../server/src/core/planTrace.ts';
import type { ScorableFacts, ScoreRecord } from '../../server/src/core/scoreRecord.ts';

/** JSON knows neither NaN nor -0. */
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (Object.is(x, -0) ? 0 : x));
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);
const value: fc.Arbitrary<JsonValue> = fc.oneof({ weight: 4, arbitrary: number }, fc.array(fc.oneof(number, fc.constant(null)), { maxLength: 4 }), fc.boolean(), fc.string(), json);
const name = fc.oneof(fc.constantFrom('q_value', 'energy', 'a', 'a[0]', 'a[1]', 'score', '__proto__', 'weight'), fc.string({ maxLength: 4 }));
const attributes = fc.array(fc.tuple(name, value), { maxLength: 6 }).map((entries) => Object.fromEntries(entries));
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('', '"', ',', '\n', '\r\n', 'null', '0', ' x '));

export const IDS: readonly string[] = ['t#0', 't#1', 't', 'u#0', 'f.json::u#1', 'plain'];

export const anyRecord: fc.Arbitrary<ScoreRecord> = fc.record({
  scorableId: fc.constantFrom(...IDS), dimension: fc.constantFrom('clarity', 'reasoning_quality'), scorer: fc.constantFrom('sicql', 'ebt', 'file:a.b'), scorerVersion: fc.constantFrom('', '1', '2'),
  score: fc.oneof({ weight: 4, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }).map((x) => (Object.is(x, -0) ? 0 : x)) }, fc.constant(null)), rationale: text, weight: number, attributes,
});

export const anyFacts: fc.Arbitrary<ScorableFacts> = fc.record({
  id: fc.constantFrom(...IDS), file: text, traceId: text, stepId: text, stepIndex: fc.integer({ min: -1, max: 9 }), goal: text, planSignature: text, stepType: text, agent: text, model: text,
  tools: fc.array(text, { maxLength: 3 }), isError: fc.boolean(), errorType: text, previousStepType: text, nextStepType: text, traceLength: fc.nat(20), outcome: fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x + 0),
  timeMs: fc.nat(), line: fc.nat(), title: text,
}, { requiredKeys: ['id', 'file', 'traceId', 'stepId', 'stepIndex', 'goal', 'planSignature', 'stepType', 'tools', 'isError', 'traceLength', 'title'] });

export const keyOf = (record: ScoreRecord): string => JSON.stringify([record.scorableId, record.dimension, record.scorer]);

/** What a corpus should hold: the last record of each scorable, dimension and scorer. */
export function lastOfEach(records: readonly ScoreRecord[]): ReadonlyMap<string, ScoreRecord> {
  return new Map(records.map((r) => [keyOf(r), r]));
}
