/** Reading files of spans is total, ends soon, and points into the text, whatever the bytes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copilotSpansFormat } from '../../server/src/formats/copilotSpans.ts';
import { sniff } from '../../server/src/formats/detect.ts';
import { otlpFormat } from '../../server/src/formats/otlp.ts';
import { phoenixFormat } from '../../server/src/formats/phoenix.ts';
import { RULES } from '../../server/src/scoring/rules/index.ts';
import { composeStepText } from '../../server/src/scoring/stepText.ts';

const FORMATS = [otlpFormat, phoenixFormat, copilotSpansFormat];
const folders = [join(import.meta.dirname, '../golden/spans'), ...['otlp', 'openinference'].map((name) => join(import.meta.dirname, '../../../shared/samples', name))];
const fixtures = folders.filter((folder) => existsSync(folder)).flatMap((folder) => readdirSync(folder).filter((name) => !name.endsWith('.expected.json')).map((name) => readFileSync(join(folder, name), 'utf8')));

/** All three formats read the same records, so one of them parses and all detect. */
function checkTotal(text: string): void {
  const head = sniff('x.json', text);
  for (const format of FORMATS) expect(format.detect(head)).toBeGreaterThanOrEqual(0);
  const parsed = otlpFormat.parse({ path: 'x.json', text });
  const traceIds = parsed.traces.map((trace) => trace.traceId);
  expect(new Set(traceIds).size).toBe(traceIds.length);
  for (const trace of parsed.traces) {
    expect(trace.steps.length).toBeGreaterThan(0);
    expect(new Set(trace.steps.map((step) => step.stepId)).size).toBe(trace.steps.length);
    trace.steps.forEach((step, i) => {
      expect(step.stepIndex).toBe(i);
      const { range, textRange } = step;
      if (range === null || textRange === null) throw new Error('a text format gave no range');
      expect(range.start >= 0 && range.start < range.end && range.end <= text.length).toBe(true);
      expect(textRange.start >= range.start && textRange.start < textRange.end && textRange.end <= range.end).toBe(true);
      for (const score of step.importedScores) expect(Number.isFinite(score.value)).toBe(true);
      composeStepText(step, 200);
    });
    if (trace.goalRange !== null) expect(trace.goalRange.start >= 0 && trace.goalRange.end <= text.length).toBe(true);
    for (const rule of RULES) for (const finding of rule.check(trace)) expect(finding.message).not.toContain('\n');
    JSON.stringify(trace);
  }
}

describe('spans are read whatever the text', () => {
  it('cut at every fiftieth', () => {
    for (const text of fixtures) for (let i = 0; i <= 50; i++) checkTotal(text.slice(0, Math.floor((text.length * i) / 50)));
  });

  it('with pieces changed, cut out or repeated', () =>
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

  it('with single bits flipped', () =>
    fc.assert(
      fc.property(fc.constantFrom(...fixtures), fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 8 }), (fixture, flips) => {
        const bytes = new TextEncoder().encode(fixture);
        for (const [at, bit] of flips) bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << bit);
        checkTotal(new TextDecoder().decode(bytes));
      }),
      { numRuns: 300 },
    ));

  it('with lines repeated, swapped and left out', () =>
    fc.assert(
      fc.property(fc.constantFrom(...fixtures.filter((text) => text.split('\n').length > 4)), fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 6 }), (fixture, moves) => {
        const lines = fixture.split('\n');
        for (const [from, to] of moves) lines.splice(to % lines.length, from % 3 === 0 ? 0 : 1, lines[from % lines.length] ?? '');
        checkTotal(lines.join('\n'));
      }),
      { numRuns: 300 },
    ));

  it('with values of any kind in every place', () => {
    const any = fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>('chat', 'execute_tool', 'LLM', 1e300, -1, '9'.repeat(40), '[{"role":"constructor"}]', { stringValue: 'x' }, [[[]]]));
    const attributes = fc.dictionary(
      fc.constantFrom('gen_ai.operation.name', 'gen_ai.output.messages', 'gen_ai.input.messages', 'gen_ai.completion', 'gen_ai.completion.0.content', 'gen_ai.completion.0.tool_calls.0.name', 'gen_ai.tool.name', 'gen_ai.tool.call.id', 'gen_ai.response.finish_reasons', 'openinference.span.kind', 'llm.output_messages.0.message.content', 'output.value', 'annotations.0.annotation.score', 'traceloop.span.kind', 'ai.operationId', 'ai.response.toolCalls', '__proto__', 'constructor', 'events', 'error.type'),
      any,
    );
    const id = fc.constantFrom('a', 'b', 'c', '', 5, null);
    const span = fc.record(
      {
        traceId: fc.constantFrom('t', 'u', '', 7), spanId: id, parentSpanId: id, name: any, startTimeUnixNano: any, endTimeUnixNano: any, startTime: any, start_time: any, context: any, status: any,
        attributes: fc.oneof(any, attributes, attributes.map((map) => Object.entries(map).map(([key, value]) => ({ key, value })))),
        events: fc.oneof(any, fc.array(fc.record({ name: fc.constantFrom('exception', 'gen_ai.choice', 'gen_ai.evaluation.result', 'gen_ai.client.inference.operation.details'), attributes: fc.oneof(any, attributes), body: any }, { requiredKeys: [] }))),
        links: any, annotations: any,
      },
      { requiredKeys: [] },
    );
    const file = fc.array(span, { maxLength: 6 }).chain((spans) =>
      fc.constantFrom<unknown>({ resourceSpans: [{ scopeSpans: [{ spans }] }] }, { resourceLogs: [{ scopeLogs: [{ logRecords: spans }] }] }, spans, { traceId: 't', spans }, { a: spans, b: { c: spans } }, { batches: spans }),
    );
    fc.assert(fc.property(file, fc.boolean(), (value, isLines) => checkTotal(isLines && Array.isArray(value) ? value.map((item) => JSON.stringify(item)).join('\n') : JSON.stringify(value))), { numRuns: 500 });
  });

  it.each([
    ['a hundred thousand open brackets', '['.repeat(100_000)],
    ['nested spans', '{"resourceSpans":[{"scopeSpans":[{"spans":['.repeat(20_000)],
    ['nested attributes', `{"context":{"span_id":"1"},"name":"n","start_time":1,"attributes":${'{"llm":'.repeat(30_000)}1${'}'.repeat(30_000)}}`],
    ['nested values', `{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"1","traceId":"2","attributes":[{"key":"gen_ai.output.messages","value":${'{"arrayValue":{"values":['.repeat(20_000)}${']}}'.repeat(20_000)}}]}]}]}]}`],
    ['nested messages', JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ spanId: '1', attributes: [{ key: 'gen_ai.output.messages', value: { stringValue: `${'[{"parts":'.repeat(20_000)}` } }] }] }] }] })],
    ['a long chain of spans', `[${Array.from({ length: 20_000 }, (_, i) => `{"context":{"trace_id":"t","span_id":"s${i}"},"parent_id":"s${i - 1}","name":"n","start_time":${i + 1},"attributes":{"openinference.span.kind":"LLM","output.value":"w${i}"}}`).join(',')}]`],
    ['many spans without ids', `[${'{"name":"n","start_time":1,"attributes":{"openinference.span.kind":"TOOL"}},'.repeat(20_000)}{}]`],
    ['many events of one span', `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${'{"eventName":"gen_ai.choice","traceId":"t","spanId":"s","body":{"message":{"content":"x"}}},'.repeat(20_000)}{}]}]}]}`],
    ['words that nearly match everywhere', `[{"context":{"trace_id":"t","span_id":"s"},"name":"n","start_time":1,"attributes":{"openinference.span.kind":"LLM","output.value":"${'aaab'.repeat(100_000)}","input.value":"${'aaa'.repeat(300_000)}"}}]`],
    ['a message of a hundred thousand parts', JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ spanId: '1', attributes: [{ key: 'gen_ai.output.messages', value: { stringValue: JSON.stringify([{ role: 'assistant', parts: Array.from({ length: 100_000 }, () => ({ type: 'text', content: 'a' })) }]) } }] }] }] }] })],
    ['numbers beyond all reach', '[{"context":{"trace_id":1e400,"span_id":12345678901234567890123},"name":"n","start_time":1e308,"end_time":"9999999999999999999999999999","attributes":{"openinference.span.kind":"LLM","llm.token_count.prompt":1e999,"output.value":NaN,"annotations.0.annotation.score":Infinity}}]'],
  ])('as %s, and soon', (_, text) => {
    const start = performance.now();
    checkTotal(text);
    expect(performance.now() - start).toBeLessThan(8_000);
  }, 30_000);
});
