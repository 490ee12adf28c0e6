/** Span dumps of VS Code's Copilot: spans, log records and measurements in one file. */
import { describe, expect, it } from 'vitest';
import { copilotSpansFormat } from '../../server/src/formats/copilotSpans.ts';
import { sniff } from '../../server/src/formats/detect.ts';
import { onlyTrace, outline } from '../support/otelSpans.ts';

const J = JSON.stringify;
const hr = (second: number, nanos = 0): readonly [number, number] => [1_760_000_000 + second, nanos];

function span(id: string, name: string, at: readonly [number, number], attributes: object, more: object = {}): string {
  return J({ resource: { attributes: { 'service.name': 'copilot-chat' } }, instrumentationScope: { name: 'copilot-chat' }, traceId: 'ab'.repeat(16), spanId: id, parentSpanId: id === 'a' ? undefined : 'a', name, kind: 0, startTime: hr(at[0]), endTime: hr(at[1], 500_000), duration: [1, 0], status: { code: 1 }, attributes, links: [], events: [], ended: true, ...more });
}

const log = (attributes: object, more: object = {}): string => J({ resource: { attributes: {} }, hrTime: hr(1), hrTimeObserved: hr(1), severityNumber: 9, body: 'a line', attributes, ...more });
const metric = J({ resource: { attributes: {} }, scopeMetrics: [{ metrics: [{ descriptor: { name: 'gen_ai.client.token.usage' }, dataPoints: [] }] }] });

const lines = [
  log({ 'event.name': 'copilot_chat.session.start' }),
  span('c', 'chat m', [1, 2], { 'gen_ai.operation.name': 'chat', 'gen_ai.response.id': 'r1', 'gen_ai.usage.input_tokens': 9, 'copilot_chat.reasoning_content': 'look first', 'gen_ai.output.messages': J([{ role: 'assistant', parts: [{ type: 'tool_call', id: 't1', name: 'read_file', arguments: { path: 'a.ts' } }] }]) }),
  log({ 'event.name': 'gen_ai.client.inference.operation.details', 'gen_ai.operation.name': 'chat', 'gen_ai.response.id': 'r1', 'gen_ai.usage.input_tokens': 9 }),
  metric,
  span('t', 'execute_tool read_file', [2, 3], { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'read_file', 'gen_ai.tool.call.id': 't1', 'gen_ai.tool.call.result': 'text' }),
  span('d', 'chat m', [3, 4], { 'gen_ai.operation.name': 'chat', 'gen_ai.output.messages': J([{ role: 'assistant', parts: [{ type: 'text', content: 'Fixed.' }] }]) }),
  span('a', 'invoke_agent copilot', [0, 5], { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'copilot', 'copilot_chat.user_request': 'fix it', 'gen_ai.usage.input_tokens': 18 }),
];
const EXPECTED = ['copilot: (look first) read_file({"path":"a.ts"})=text', 'copilot: Fixed.'];

describe('dumps', () => {
  it('mix spans, log records and measurements, in any order', () => {
    for (const text of [lines.join('\n'), [...lines].reverse().join('\n'), `[${lines.join(',')}]`, lines.map((line) => J(JSON.parse(line), null, 2)).join('\n')]) {
      const trace = onlyTrace(text, copilotSpansFormat);
      expect([outline(trace), trace.goalText, trace.unknownRecordCounts]).toEqual([EXPECTED, 'fix it', {}]);
      expect(trace.steps.map((step) => step.usage)).toEqual([{ inputTokens: 9 }, undefined]);
    }
  });

  it('have times as pairs of seconds and nanoseconds', () => {
    const step = onlyTrace(lines.join('\n'), copilotSpansFormat).steps[1];
    expect([step?.startTimeMs, step?.endTimeMs, step?.durationMs]).toEqual([1_760_000_003_000, 1_760_000_004_000.5, 1000.5]);
  });

  it('may be of the SDK’s own objects', () => {
    const own = lines.map((line) => {
      const { traceId, spanId, parentSpanId, ...rest } = JSON.parse(line) as Record<string, unknown>;
      return J(spanId === undefined ? rest : { ...rest, _spanContext: { traceId, spanId, traceFlags: 1 }, ...(parentSpanId === undefined ? {} : { parentSpanContext: { traceId, spanId: parentSpanId } }) });
    });
    expect(outline(onlyTrace(own.join('\n'), copilotSpansFormat))).toEqual(EXPECTED);
    expect(copilotSpansFormat.detect(sniff('', own.join('\n')))).toBeGreaterThan(0.9);
  });

  it('of the command line name each record’s type, and may lack the trace or the start', () => {
    const text = [
      '{"type":"metric","name":"gen_ai.client.token.usage"}',
      '{"type":"span","traceId":"00000000000000000000000000000000","spanId":"t1","parentSpanId":"gone","name":"execute_tool view","startTime":[1760000003,0],"endTime":[1760000004,0],"attributes":{"gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"view","gen_ai.tool.call.id":"x"},"status":{"code":0},"events":[]}',
      '{"type":"span","traceId":"00000000000000000000000000000000","spanId":"c1","parentSpanId":"gone","name":"chat m","startTime":[1760000001,0],"endTime":[1760000005,0],"attributes":{"gen_ai.operation.name":"chat","gen_ai.usage.input_tokens":"[REDACTED]","gen_ai.usage.output_tokens":"80","gen_ai.response.finish_reasons":["tool_calls"]},"status":{"code":0},"events":[{"name":"github.copilot.hook.start","attributes":{},"time":[1760000002,0]}]}',
      '{"type":"span","traceId":"00000000000000000000000000000000","spanId":"0000000000000000","name":"chat m","endTime":[1760000009,0],"attributes":{"gen_ai.operation.name":"chat"}}',
      '{"type":"span","traceId":"00000000000000000000000000000000","spanId":"s9","name":"execute_tool view","startTime":[1760000010,0],"attributes":["not an object"]}',
    ].join('\n');
    const trace = onlyTrace(text, copilotSpansFormat);
    expect([outline(trace), trace.steps[0]?.usage, trace.steps[0]?.finishReason, trace.unknownRecordCounts]).toEqual([[': view(null)', ': view(null)'], { outputTokens: 80 }, 'tool_calls', {}]);
    expect(copilotSpansFormat.detect(sniff('', text))).toBeGreaterThan(0.9);
  });

  it('without content say so', () => {
    const text = [span('c', 'chat m', [1, 2], { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.output_tokens': 40 }), span('t', 'execute_tool f', [2, 3], { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'f' })].join('\n');
    const trace = onlyTrace(text, copilotSpansFormat);
    expect(trace.steps.map((step) => [step.contentNotCaptured, step.tools.map((tool) => tool.name)])).toEqual([[true, ['f']]]);
    expect(text.slice(trace.steps[0]?.textRange?.start, trace.steps[0]?.textRange?.end)).toBe('execute_tool f');
  });

  it('keep what attributes of limited length still say', () => {
    const cut = `${J([{ role: 'assistant', parts: [{ type: 'text', content: `All done: ${'y'.repeat(40)}` }] }]).slice(0, 80)}...[truncated, original 900 chars]`;
    expect(onlyTrace(span('c', 'chat m', [1, 2], { 'gen_ai.operation.name': 'chat', 'gen_ai.output.messages': cut }), copilotSpansFormat).steps[0]?.output).toMatch(/^All done: y+\.\.\.\[truncated, original 900 chars\]$/);
  });

  it('are known by their content', () => {
    const confidence = (text: string): number => copilotSpansFormat.detect(sniff('x.jsonl', text));
    expect(confidence(lines.join('\n'))).toBeGreaterThan(0.9);
    expect(confidence(lines.slice(0, 1).concat(metric, log({ 'gen_ai.operation.name': 'x' })).join('\n'))).toBeGreaterThan(0.5);
    expect(confidence(span('c', 'GET', [1, 2], { 'http.method': 'GET' }))).toBeLessThan(0.5);
    expect(confidence('{"startTime":[1,2],"name":"x"}\n{"startTime":[1,2],"name":"y"}')).toBe(0);
    expect(confidence('{"name":"x","version":"1.0.0"}')).toBe(0);
  });
});
