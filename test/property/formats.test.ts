/** Reading is total, ends, and gives offsets that point at what they claim, whatever the bytes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectFormat, sniff } from '../../server/src/formats/detect.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import { FORMATS } from '../../server/src/formats/registry.ts';
import { checkSound } from '../support/soundTraces.ts';

const folder = join(import.meta.dirname, '../golden/formats');
const fixtures = readdirSync(folder).filter((name) => !name.endsWith('.expected.json')).map((name) => readFileSync(join(folder, name), 'utf8'));

/** Every format reads the text without throwing, in order and within the text; ids are unique; rules do not throw either. */
function checkTotal(text: string): void {
  detectFormat(sniff('x.json', text));
  for (const format of FORMATS) checkSound(format.parse({ path: 'x.json', text }), text);
}

describe('formats are total', () => {
  it('on arbitrary strings', () => fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), checkTotal), { numRuns: 300 }));

  it('on arbitrary bytes', () =>
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => checkTotal(new TextDecoder().decode(bytes))), { numRuns: 300 }));

  it('on arbitrary JSON, whole and cut', () =>
    fc.assert(fc.property(fc.json(), fc.nat(), (json, cut) => (checkTotal(json), checkTotal(json.slice(0, cut % (json.length + 1))))), { numRuns: 200 }));

  it('on JSON in the shape of the formats with values of any kind', () => {
    const any = fc.oneof(fc.jsonValue(), fc.constant('user'), fc.constant('assistant'));
    const record = fc.record(
      {
        type: fc.constantFrom('user', 'assistant', 'summary', 'x'), role: fc.constantFrom('user', 'assistant', 'tool', 'system'), uuid: fc.constantFrom('a', 'b', 'c'), parentUuid: fc.constantFrom('a', 'b', 'c', null),
        sessionId: any, message: fc.oneof(any, fc.record({ id: any, content: fc.oneof(any, fc.array(fc.record({ type: fc.constantFrom('text', 'tool_use', 'tool_result', 'thinking'), text: any, id: any, tool_use_id: any, input: any, content: any }, { requiredKeys: [] }))) }, { requiredKeys: [] })),
        content: any, tool_calls: fc.oneof(any, fc.array(fc.record({ id: any, function: fc.oneof(any, fc.record({ name: any, arguments: any })) }, { requiredKeys: [] }))), tool_call_id: any, source: fc.constantFrom('user', 'agent'), observation: any, metrics: any,
        step_id: any, output_text: any, scores: any, error: any, start_time: any, attributes: any,
      },
      { requiredKeys: [] },
    );
    const file = fc.array(record, { maxLength: 6 }).chain((records) =>
      fc.constantFrom(
        records.map((r) => JSON.stringify(r)).join('\n'),
        JSON.stringify(records),
        JSON.stringify({ messages: records }),
        JSON.stringify({ loglines: records }),
        JSON.stringify({ trace_id: 't', execution_steps: records }),
        JSON.stringify({ schema_version: 'ATIF-v1.5', steps: records, subagent_trajectories: [{ steps: records }] }),
      ),
    );
    fc.assert(fc.property(file, checkTotal), { numRuns: 300 });
  });

  it('on fixtures with pieces changed, cut out or repeated', () =>
    fc.assert(
      fc.property(fc.constantFrom(...fixtures), fc.array(fc.tuple(fc.nat(), fc.nat(30), fc.string({ unit: 'binary', maxLength: 3 })), { minLength: 1, maxLength: 5 }), (fixture, edits) => {
        let text = fixture;
        for (const [at, length, put] of edits) {
          const start = at % (text.length + 1);
          text = text.slice(0, start) + put + text.slice(start + length);
        }
        checkTotal(text);
      }),
      { numRuns: 400 },
    ));

  it.each([
    ['a hundred thousand open brackets', '['.repeat(100_000)],
    ['a hundred thousand nested objects', '{"execution_steps":['.repeat(100_000)],
    ['nested subagents', '{"steps":[],"subagent_trajectories":['.repeat(50_000)],
    ['a string of five million characters', `{"trace_id":"t","goal_text":"g","execution_steps":[{"step_id":"1","output_text":"${'x\\n"y'.replace('"', '\\"').repeat(1_000_000)}"}]}`],
    ['quotes only', '"'.repeat(100_000)],
    ['backslashes only', `"${'\\'.repeat(1_000_000)}`],
    ['commas and colons', ',:'.repeat(100_000)],
    ['empty lines', '\r\n'.repeat(100_000)],
    ['open objects, one a line', '{"a":"\n'.repeat(50_000)],
    ['NaN and BigInt', '{"trace_id":NaN,"goal_text":"g","execution_steps":[{"step_id":12345678901234567890123,"start_time":1e999,"duration":-Infinity,"scores":{"a":{"score":NaN}}}]}'],
  ])('on %s', (_, text) => checkTotal(text), 30_000);
});

describe('offsets', () => {
  const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => text.trim() !== '');

  it('slice back to the value they claim, with astral characters and CRLF, pretty or on one line', () =>
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 6 }), fc.constantFrom(0, 2), fc.boolean(), (texts, indent, hasCrlf) => {
        const trace = { trace_id: 't', goal_text: 'ziel 🎯', execution_steps: texts.map((text, i) => ({ step_id: `s${i}`, scores: { '🎲': { score: i } }, output_text: text })) };
        const json = JSON.stringify(trace, null, indent);
        const text = hasCrlf ? json.replaceAll('\n', '\r\n') : json;
        const parsed = readTraces({ path: '', text });
        // A replacement character in the words is rightly taken for broken encoding.
        expect(parsed?.warnings.map((w) => w.code)).toEqual(texts.some((t) => t.includes('\uFFFD')) ? ['bad-encoding'] : []);
        const read = parsed?.traces[0];
        expect(read?.steps.length).toBe(texts.length);
        read?.steps.forEach((step, i) => {
          expect(JSON.parse(text.slice(step.range?.start, step.range?.end))).toEqual(trace.execution_steps[i]);
          expect(JSON.parse(`"${text.slice(step.textRange?.start, step.textRange?.end)}"`)).toBe(texts[i]);
          expect(step.output).toBe(texts[i]);
        });
        expect(JSON.parse(`"${text.slice(read?.goalRange?.start, read?.goalRange?.end)}"`)).toBe('ziel 🎯');
      }),
      { numRuns: 200 },
    ));

  it('hold for messages, one a line', () =>
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 6 }), fc.constantFrom('\n', '\r\n'), (texts, newline) => {
        const text = [JSON.stringify({ role: 'user', content: 'q' }), ...texts.map((content) => JSON.stringify({ role: 'assistant', content }))].join(newline) + newline;
        const read = readTraces({ path: '', text })?.traces[0];
        expect(read?.steps.map((step) => JSON.parse(`"${text.slice(step.textRange?.start, step.textRange?.end)}"`) as string)).toEqual(texts);
      }),
      { numRuns: 200 },
    ));

  it('of earlier steps do not move when a line is added', () =>
    fc.assert(
      fc.property(fc.array(words, { minLength: 2, maxLength: 6 }), (texts) => {
        const lines = texts.map((content, i) => JSON.stringify({ type: i === 0 ? 'user' : 'assistant', uuid: `u${i}`, parentUuid: i === 0 ? null : `u${i - 1}`, sessionId: 's', message: { id: i === 0 ? undefined : `m${i}`, content } }));
        const before = readTraces({ path: '', text: `${lines.slice(0, -1).join('\n')}\n` }, 'claude-code')?.traces[0]?.steps ?? [];
        const after = readTraces({ path: '', text: `${lines.join('\n')}\n` }, 'claude-code')?.traces[0]?.steps ?? [];
        expect(after.slice(0, before.length)).toEqual(before);
      }),
      { numRuns: 100 },
    ));
});
