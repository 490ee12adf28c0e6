/** Any value can be recorded: the text is JSON, bounded, and what is JSON already stays as it is. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planTraceLogFormat } from '../../server/src/formats/planTraceLog.ts';
import { plainOf, textOf } from '../../server/src/monitor/serialise.ts';
import { brokenCopies, readSoundly } from '../support/formatChecks.ts';
import { recordedLog } from '../support/recordedLog.ts';

/** Beyond the limit: the marks, and what stands around them twenty levels deep. */
const MARKS = 4_096;

const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true, withSparseArray: true, withNullPrototype: true, withObjectString: true, withBoxedValues: true, maxDepth: 4 });

class Odd {
  readonly [member: string]: unknown;
  constructor(value: unknown) {
    Object.defineProperty(this, 'bad', { enumerable: true, get: () => { throw value; } });
    Object.defineProperty(this, 'kept', { enumerable: true, value });
  }
}

const hostile = anything.chain((value) => fc.constantFrom<readonly ((v: unknown) => unknown)[]>(
  [(v) => v], [(v) => new Odd(v)], [(v) => new Error('e', { cause: v })], [(v) => [v, v, new Map([[v, v]])]], [(v) => () => v],
  [(v) => { const loop: unknown[] = [v]; loop.push(loop); return loop; }], [(v) => ({ toJSON: () => v })], [(v) => ({ toJSON: () => { throw v; } })],
  [(v) => new Proxy(typeof v === 'object' && v !== null ? v : {}, { ownKeys: () => { throw v; } })], [() => Proxy.revocable({}, {})],
).map((makers) => makers.reduce((v, make) => make(v), value)));

it('is total, bounded and JSON for any value', () => {
  fc.assert(fc.property(hostile, fc.nat(3_000), (value, maxChars) => {
    const text = JSON.stringify(plainOf(value, maxChars));
    expect(text.length).toBeLessThanOrEqual(maxChars + MARKS);
    expect(textOf(value, maxChars).text.length).toBeLessThanOrEqual(maxChars + MARKS);
  }), { numRuns: 2_000 });
});

it('keeps what is JSON already, where it is short', () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
    expect(plainOf(value, 1_000_000)).toEqual(JSON.parse(JSON.stringify(value, (_key, v: unknown) => (Object.is(v, -0) ? 0 : v))));
  }), { numRuns: 500 });
});

it('says the same of the same value twice', () => {
  fc.assert(fc.property(anything, (value) => {
    expect(textOf(value, 500)).toEqual(textOf(value, 500));
  }), { numRuns: 300 });
});

it('is read whatever becomes of the file', () => {
  for (const text of brokenCopies(recordedLog())) readSoundly(planTraceLogFormat, text);
  fc.assert(fc.property(fc.array(fc.record({
    plan_trace_event: fc.constantFrom<unknown>('pipeline_started', 'stage_started', 'stage_ended', 'pipeline_ended', 'pipeline_scored', 'alarm', 'cut', 'other', 7, null),
    trace_id: fc.constantFrom<unknown>('a', 'b', 3, null), step_id: fc.constantFrom<unknown>('step_1', 'step_2', 2, null), step_scores: fc.jsonValue(), pipeline_score: fc.jsonValue(),
    attributes: fc.jsonValue(), extra_data: fc.jsonValue(), execution_steps: fc.jsonValue(), output_text: fc.jsonValue(), goal_text: fc.jsonValue(),
  }, { requiredKeys: ['plan_trace_event'] })), (events) => {
    readSoundly(planTraceLogFormat, events.map((e) => JSON.stringify(e)).join('\n'));
  }), { numRuns: 500 });
});
