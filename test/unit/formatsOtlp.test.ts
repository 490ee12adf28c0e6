/** OTLP files: containers, numbers, ids, order, batches, and what becomes a step. */
import { describe, expect, it } from 'vitest';
import { otlpFormat } from '../../server/src/formats/otlp.ts';
import { sniff } from '../../server/src/formats/detect.ts';
import { agent, chat, nanos, onlyTrace, otlpLogs, otlpSpan, otlpText, outline, said, tool, TRACE_ID, type SpanInput } from '../support/otelSpans.ts';

const ask = said('user', 'How warm is it?');
const run: readonly SpanInput[] = [
  chat('c1', { parent: 'a', at: [1, 2], input: ask, output: said('assistant', 'I look it up.', ['t1', 'weather', { city: 'Köln' }]), attributes: { 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 4 } }),
  tool('t', 'weather', { parent: 'a', at: [2, 3], callId: 't1', result: '18 °C' }),
  chat('c2', { parent: 'a', at: [3, 4], input: ask, output: said('assistant', 'It is 18 °C.'), attributes: { 'gen_ai.usage.input_tokens': 20, 'gen_ai.usage.output_tokens': 6 } }),
  agent('a', 'forecaster', { at: [0, 5], attributes: { 'gen_ai.usage.input_tokens': 30, 'gen_ai.usage.output_tokens': 10, 'gen_ai.input.messages': ask, 'gen_ai.output.messages': said('assistant', 'It is 18 °C.') } }),
];
const EXPECTED = ['forecaster: I look it up. weather({"city":"Köln"})=18 °C', 'forecaster: It is 18 °C.'];

function check(text: string, expected: readonly string[] = EXPECTED): void {
  expect(outline(onlyTrace(text))).toEqual(expected);
}

describe('files', () => {
  it('reads one document, one request a line, and a list of requests', () => {
    check(otlpText(run));
    check(run.map((span) => otlpText([span])).join('\n'));
    check(`[${run.map((span) => otlpText([span])).join(',')}]`);
    check(JSON.stringify(JSON.parse(otlpText(run)), null, 2).replaceAll('\n', '\r\n'));
    check(`\ufeff${otlpText(run)}`);
  });

  it('reads names of earlier versions, of the Python API, and what query services wrap around', () => {
    const spans = run.map(otlpSpan);
    check(JSON.stringify({ resourceSpans: [{ instrumentationLibrarySpans: [{ instrumentationLibrary: { name: 'x' }, spans }] }] }));
    check(JSON.stringify({ resource_spans: [{ scope_spans: [{ spans }] }] }));
    check(JSON.stringify({ batches: [{ resource: { attributes: [] }, scopeSpans: [{ spans }] }] }));
    check(JSON.stringify({ trace: { resourceSpans: [{ scopeSpans: [{ spans }] }] } }));
    check(run.map((span) => JSON.stringify(otlpSpan(span))).join('\n'));
  });

  it('sorts by start, whatever the order in the file, and groups batches by trace', () => {
    check(otlpText([...run].reverse()));
    const other = run.map((span) => ({ ...span, traceId: 'f'.repeat(32) }));
    const { traces } = otlpFormat.parse({ path: '', text: run.map((span, i) => otlpText([span, other[i] ?? span])).join('\n') });
    expect(traces.map((trace) => [trace.traceId, outline(trace)])).toEqual([[TRACE_ID, EXPECTED], ['f'.repeat(32), EXPECTED]]);
  });

  it('takes hex ids in any case, and integers as strings or numbers', () => {
    const text = otlpText(run.map((span, i) => ({ ...span, id: `00000000000000a${span.id === 'a' ? 'f' : i}`, ...(span.parent === undefined ? {} : { parent: '00000000000000AF' }) }))).replaceAll(/"intValue":"(\d+)"/g, '"intValue":$1');
    check(text);
    check(text.replaceAll(/"(startTimeUnixNano|endTimeUnixNano)":"(\d+)"/g, '"$1":$2'));
    expect(onlyTrace(text).steps[0]?.usage).toEqual({ inputTokens: 10, outputTokens: 4 });
  });

  it('keeps microseconds of times above 2^53', () => {
    const text = otlpText([chat('c', { output: said('assistant', 'x') })]).replace(nanos(0), '1760000000123456789').replace(nanos(1), '1760000000124456999');
    const step = onlyTrace(text).steps[0];
    expect(step?.startTimeMs).toBe(1760000000123.456);
    // 124.456 - 123.456 ms
    expect(step?.durationMs).toBe(1);
  });

  it('tolerates parents that are not in the file, circles, repeated lines and spans without ids', () => {
    check(otlpText(run.slice(0, 3)), [': I look it up. weather({"city":"Köln"})=18 °C', ': It is 18 °C.']);
    check([otlpText(run), otlpText(run), otlpText(run.slice(1, 2))].join('\n'));
    check(otlpText([{ ...chat('x', { output: said('assistant', 'one') }), parent: 'y' }, { ...chat('y', { output: said('assistant', 'two'), at: [2, 3] }), parent: 'x' }]), [': one']);
    const nameless = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'chat', attributes: [{ key: 'gen_ai.completion', value: { stringValue: 'hi' } }], startTimeUnixNano: '5' }] }] }] });
    check(nameless, [': hi']);
  });

  it('counts records it does not know and says where a line is broken', () => {
    const parsed = otlpFormat.parse({ path: '', text: `${otlpText(run)}\n{"strange":1}\n{"resourceSpans":[{"scopeSpans":\n${otlpText(run)}\n` });
    expect(parsed.traces[0]?.unknownRecordCounts).toEqual({ 'not a span': 1 });
    expect(parsed.warnings.map((warning) => [warning.code, /line 3/i.test(warning.message)])).toEqual([['broken-record', true]]);
  });

  it('marks the last step of a file that ends in the middle', () => {
    const whole = run.map((span) => otlpText([span])).join('\n');
    expect(onlyTrace(`${whole}\n{"resourceSpans":[{"sco`).steps.map((step) => step.isProvisional)).toEqual([false, true]);
    expect(onlyTrace(whole).steps.map((step) => step.isProvisional)).toEqual([false, false]);
  });
});

describe('detection', () => {
  const confidence = (text: string): number => otlpFormat.detect(sniff('x.json', text));

  it('is sure of agents, unsure of other programs and silent about other files', () => {
    expect(confidence(otlpText(run))).toBeGreaterThan(0.9);
    expect(confidence(otlpText([{ id: 's', name: 'GET /', attributes: { 'http.request.method': 'GET' } }]))).toBeLessThan(0.5);
    expect(confidence('{"resourceMetrics":[{"scopeMetrics":[]}]}')).toBe(0);
    expect(confidence('{"name":"x","version":"1.0.0","dependencies":{"@opentelemetry/api":"1"}}')).toBe(0);
    expect(confidence('{"resourceSpans":"see gen_ai.operation.name"}')).toBe(0);
    expect(confidence('{"data":{"x":1},"gen_ai.system":"openai"}')).toBe(0);
    expect(confidence('{"compilerOptions":{"strict":true}}')).toBe(0);
  });

  it('has no trace in the spans of a web server', () => {
    expect(otlpFormat.parse({ path: '', text: otlpText([{ id: 's', attributes: { 'http.request.method': 'GET', output: 'x' } }]) }).traces).toEqual([]);
  });
});

describe('a step', () => {
  it('has usage counted once, its times, its model, its tools and where it stands', () => {
    const text = otlpText(run);
    const trace = onlyTrace(text);
    expect(trace.steps.map((step) => step.usage)).toEqual([{ inputTokens: 10, outputTokens: 4 }, { inputTokens: 20, outputTokens: 6 }]);
    expect(trace.goalText).toBe('How warm is it?');
    expect(text.slice(trace.goalRange?.start, trace.goalRange?.end)).toBe('How warm is it?');
    expect(trace.finalOutputText).toBe('It is 18 °C.');
    expect(trace.meta).toEqual({ agent: 'forecaster' });
    // From the call of the model to the end of its tool.
    expect(trace.steps[0]?.durationMs).toBe(2000);
    expect(trace.steps.map((step) => step.jsonPointer)).toEqual(['/resourceSpans/0/scopeSpans/0/spans/0', '/resourceSpans/0/scopeSpans/0/spans/2']);
    for (const step of trace.steps) expect(text.slice(step.textRange?.start, step.textRange?.end)).toBe(step.output);
    // The tool stands right after its step in the file.
    expect(JSON.parse(`[${text.slice(trace.steps[0]?.range?.start, trace.steps[0]?.range?.end)}]`)).toHaveLength(2);
  });

  it('tells text that was not recorded from text that is empty, and from a failure', () => {
    const captured = (attributes: Readonly<Record<string, unknown>>, status?: unknown): unknown => onlyTrace(otlpText([{ ...chat('c', { attributes }), status }])).steps[0]?.contentNotCaptured;
    expect(captured({})).toBe(true);
    expect(captured({ 'gen_ai.output.messages': '[]' })).toBe(false);
    expect(captured({ 'gen_ai.output.messages': '[{"role":"assistant","parts":[]}]' })).toBe(false);
    expect(captured({}, { code: 2, message: 'rate limited' })).toBe(false);
    // The tools tell what the model wanted.
    expect(onlyTrace(otlpText([chat('c'), tool('t', 'grep', { at: [1, 2], args: '{"q":1}' })])).steps[0]?.contentNotCaptured).toBe(false);
    expect(onlyTrace(otlpText([chat('c'), tool('t', 'grep', { at: [1, 2] })])).steps[0]?.contentNotCaptured).toBe(true);
  });

  it('carries the failure of its model with what the exception says, status given in any way', () => {
    for (const status of [{ code: 2, message: 'quota' }, { code: 'STATUS_CODE_ERROR', message: 'quota' }, { code: '2', message: 'quota' }]) {
      const error = onlyTrace(otlpText([{ ...chat('c', { events: [{ name: 'exception', attributes: { 'exception.type': 'RateLimit', 'exception.message': 'too many', 'exception.stacktrace': 'at x' } }] }), status }])).steps[0]?.error;
      expect(error).toEqual({ type: 'RateLimit', message: 'too many', traceback: 'at x' });
    }
    expect(onlyTrace(otlpText([{ ...chat('c'), status: { code: 2, message: 'quota' } }])).steps[0]?.error).toEqual({ type: 'error', message: 'quota' });
    // An exception that was handled is no failure.
    expect(onlyTrace(otlpText([{ ...chat('c', { output: said('assistant', 'x'), events: [{ name: 'exception', attributes: { 'exception.type': 'Retry' } }] }), status: { code: 1 } }])).steps[0]?.error).toBeUndefined();
  });

  it('shows a failed tool as such, with its exception beside it', () => {
    const step = onlyTrace(otlpText([chat('c', { output: said('assistant', 'go', ['1', 'pay', {}]) }), { ...tool('t', 'pay', { at: [1, 2], callId: '1', events: [{ name: 'exception', attributes: { 'exception.type': 'E', 'exception.message': 'no money' } }] }), status: { code: 2 } }])).steps[0];
    expect(step?.tools).toEqual([{ name: 'pay', args: {}, callId: '1', result: 'no money', isError: true }]);
    expect(step?.error).toBeUndefined();
    expect(step?.attributes['tool_errors']).toEqual([{ name: 'pay', callId: '1', type: 'E', message: 'no money' }]);
  });

  it('takes its own tools: by id, by parent, across missing parents, and in parallel', () => {
    const two = said('assistant', '', ['1', 'a', 1], ['2', 'b', 2]);
    check(otlpText([chat('c', { output: two }), tool('y', 'b', { at: [1, 2], callId: '2', result: 'B' }), tool('x', 'a', { at: [1, 3], callId: '1', result: 'A' })]), [': a(1)=A b(2)=B']);
    // Tools that ran below a span of their own, as graphs of nodes have them.
    check(
      otlpText([
        agent('g', 'graph', { at: [0, 9] }), { id: 'n1', parent: 'g', name: 'agent', at: [0, 2] }, chat('c', { parent: 'n1', at: [0, 1], output: said('assistant', 'go', ['1', 'a', 1]) }),
        { id: 'n2', parent: 'g', name: 'tools', at: [2, 3] }, tool('x', 'a', { parent: 'n2', at: [2, 3], result: 'A' }), { id: 'n3', parent: 'g', at: [3, 4] }, chat('d', { parent: 'n3', at: [3, 4], output: said('assistant', 'done') }),
      ]),
      ['graph: go a(1)=A', 'graph: done'],
    );
    // Without a decision before it, a tool is a step.
    check(otlpText([tool('t', 'search', { args: '{"q":"x"}', result: 'found' }), chat('c', { at: [1, 2], output: said('assistant', 'done') })]), [': search({"q":"x"})=found', ': done']);
  });

  it('finds results in the next conversation when no span has them, and reused ids belong to the latest call', () => {
    const turns = (n: number): unknown[] => Array.from({ length: n }, (_, i) => [{ role: 'assistant', parts: [{ type: 'tool_call', id: 'call_0', name: 'next', arguments: { i } }] }, { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_0', response: `r${i}` }] }]).flat();
    const call = (i: number): string => said('assistant', '', ['call_0', 'next', { i }]);
    check(
      otlpText([chat('c0', { at: [0, 1], output: call(0) }), chat('c1', { at: [1, 2], input: JSON.stringify(turns(1)), output: call(1) }), chat('c2', { at: [2, 3], input: JSON.stringify(turns(2)), output: said('assistant', 'end') })]),
      [': next({"i":0})=r0', ': next({"i":1})=r1', ': end'],
    );
  });

  it('of an agent called by a tool, or run inside an agent, is told apart', () => {
    const trace = onlyTrace(
      otlpText([
        agent('a', 'lead', { at: [0, 9] }), chat('c', { parent: 'a', at: [0, 1], output: said('assistant', 'delegate', ['1', 'ask', {}]) }), tool('t', 'ask', { parent: 'a', at: [1, 5], callId: '1', result: 'R' }),
        agent('b', 'helper', { parent: 't', at: [1, 5] }), chat('d', { parent: 'b', at: [2, 3], output: said('assistant', 'R') }), chat('e', { parent: 'a', at: [6, 7], output: said('assistant', 'done') }),
      ]),
    );
    expect(outline(trace)).toEqual(['lead: delegate ask({})=R', '>helper: R', 'lead: done']);
    expect(trace.steps.map((step) => [step.parentId, step.isSidechain])).toEqual([[undefined, false], ['c', true], [undefined, false]]);
    // One agent after another under a workflow are no side chains.
    const row = onlyTrace(otlpText([{ id: 'w', name: 'invoke_workflow x', at: [0, 9], attributes: { 'gen_ai.operation.name': 'invoke_workflow' } }, agent('a', 'one', { parent: 'w', at: [0, 1] }), chat('c', { parent: 'a', at: [0, 1], output: said('assistant', '1') }), agent('b', 'two', { parent: 'w', at: [2, 3] }), chat('d', { parent: 'b', at: [2, 3], output: said('assistant', '2') })]));
    expect([outline(row), row.steps.map((step) => step.isSidechain)]).toEqual([['one: 1', 'two: 2'], [false, false]]);
  });

  it('recorded by a framework and by the client below it counts once', () => {
    const usage = { 'gen_ai.usage.input_tokens': 5 };
    const outer = chat('o', { at: [0, 3], output: said('assistant', 'hi'), attributes: usage });
    const once = onlyTrace(otlpText([outer, { id: 'n', parent: 'o', at: [1, 2] }, chat('i', { parent: 'n', at: [1, 2], output: said('assistant', 'hi'), attributes: usage })]));
    expect([outline(once), once.steps[0]?.stepId, once.steps[0]?.usage]).toEqual([[': hi'], 'i', { inputTokens: 5 }]);
    // Only the outer one has the words, only the inner one the usage.
    const split = onlyTrace(otlpText([chat('o', { at: [0, 3], output: said('assistant', 'hi') }), chat('i', { parent: 'o', at: [1, 2], attributes: usage })]));
    expect([outline(split), split.steps[0]?.stepId, split.steps[0]?.usage]).toEqual([[': hi'], 'o', { inputTokens: 5 }]);
  });

  it('is what an agent said, where no call of a model was recorded', () => {
    const trace = onlyTrace(otlpText([{ id: 'r', name: 'POST /ask', at: [0, 3] }, agent('a', 'remote', { parent: 'r', at: [0, 2], attributes: { 'gen_ai.input.messages': ask, 'gen_ai.output.messages': said('assistant', 'Warm.'), 'gen_ai.usage.output_tokens': 2 } })]));
    expect([outline(trace), trace.goalText, trace.steps[0]?.usage]).toEqual([['remote: Warm.'], 'How warm is it?', { outputTokens: 2 }]);
    // Also beside agents whose calls were recorded, and with the tools it used.
    const mixed = otlpText([
      agent('w', 'team', { at: [0, 9], attributes: { 'gen_ai.output.messages': said('assistant', 'All done.') } }), agent('a', 'far', { parent: 'w', at: [1, 3], attributes: { 'gen_ai.output.messages': said('assistant', 'Found.') } }), tool('t', 'find', { parent: 'a', at: [1, 2], result: 'R' }),
      agent('b', 'near', { parent: 'w', at: [4, 6] }), chat('c', { parent: 'b', at: [4, 5], output: said('assistant', 'Thanks.') }),
    ]);
    check(mixed, ['far: Found. find(null)=R', 'near: Thanks.']);
  });
});

describe('judgements in the file', () => {
  const result = (name: string, value: number | undefined, more: Readonly<Record<string, unknown>> = {}): { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> } => ({ name: 'gen_ai.evaluation.result', attributes: { 'gen_ai.evaluation.name': name, ...(value === undefined ? {} : { 'gen_ai.evaluation.score.value': value }), ...more } });

  it('come with label and explanation, and no scale is guessed', () => {
    const step = onlyTrace(otlpText([chat('c', { output: said('assistant', 'x'), events: [result('relevance', 4.5, { 'gen_ai.evaluation.score.label': 'good', 'gen_ai.evaluation.explanation': 'on goal' }), result('tone', undefined, { 'gen_ai.evaluation.score.label': 'friendly' })] })])).steps[0];
    expect(step?.importedScores).toEqual([{ source: 'gen_ai.evaluation', dimension: 'relevance', value: 4.5, rationale: 'good: on goal', attributes: {} }]);
    expect(step?.attributes['judgements']).toEqual([{ source: 'gen_ai.evaluation', dimension: 'tone', label: 'friendly' }]);
  });

  it('go to the answer they name, else to the step of their span, else to the trace', () => {
    const answers = [chat('c', { parent: 'a', output: said('assistant', 'x'), attributes: { 'gen_ai.response.id': 'r1' } }), chat('d', { parent: 'a', at: [2, 3], output: said('assistant', 'y'), attributes: { 'gen_ai.response.id': 'r2' } })];
    const trace = onlyTrace(otlpText([agent('a', 'A', { at: [0, 5], events: [result('all', 1), result('second', 0, { 'gen_ai.response.id': 'r2' })] }), ...answers]));
    expect([trace.importedScores.map((s) => s.dimension), trace.steps.map((step) => step.importedScores.map((s) => s.dimension))]).toEqual([['all'], [[], ['second']]]);
    const logs = onlyTrace(otlpLogs([{ ...result('late', 1), span: 'c' }, { ...result('by id', 1, { 'gen_ai.response.id': 'r2' }) }, { ...result('of trace', 0.5) }], [agent('a', 'A', { at: [0, 5] }), ...answers]));
    expect([logs.importedScores.map((s) => s.dimension), logs.steps.map((step) => step.importedScores.map((s) => s.dimension))]).toEqual([['of trace'], [['late'], ['by id']]]);
  });
});

describe('log records', () => {
  it('give a span the words it lacks, and point at themselves', () => {
    const text = otlpLogs([{ name: 'gen_ai.user.message', body: { content: 'hi' }, span: 'c' }, { name: 'gen_ai.choice', body: { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'hello there' } }, span: 'c', at: 1 }], [chat('c')]);
    const trace = onlyTrace(text);
    const step = trace.steps[0];
    expect([step?.output, step?.input, step?.finishReason, trace.goalText]).toEqual(['hello there', 'hi', 'stop', 'hi']);
    expect(text.slice(step?.textRange?.start, step?.textRange?.end)).toBe('hello there');
    expect(text.slice(trace.goalRange?.start, trace.goalRange?.end)).toBe('hi');
    expect(text.slice(step?.range?.start, step?.range?.end)).toContain('gen_ai.choice');
  });

  it('with all details of a call that a span has already tell nothing twice', () => {
    const details = { 'gen_ai.operation.name': 'chat', 'gen_ai.response.id': 'r1', 'gen_ai.usage.input_tokens': 7, 'gen_ai.output.messages': said('assistant', 'hi') };
    const trace = onlyTrace(otlpLogs([{ name: 'gen_ai.client.inference.operation.details', attributes: details }, { name: 'gen_ai.client.inference.operation.details', attributes: { ...details, 'gen_ai.response.id': 'unknown' } }], [chat('c', { attributes: { 'gen_ai.response.id': 'r1' } })]));
    expect([outline(trace), trace.steps[0]?.usage]).toEqual([[': hi'], { inputTokens: 7 }]);
  });

  it('alone make a step of each call, by span or in order', () => {
    const turn = (question: string, answer: string, span?: string): { name: string; body?: unknown; span?: string }[] => [{ name: 'gen_ai.user.message', body: { content: question } }, { name: 'gen_ai.choice', body: { index: 0, message: { content: answer } } }].map((log) => (span === undefined ? log : { ...log, span }));
    check(otlpLogs([...turn('q1', 'a1'), ...turn('q2', 'a2')]), [': a1', ': a2']);
    check(otlpLogs([...turn('q1', 'a1', 's1'), ...turn('q2', 'a2', 's2')]), [': a1', ': a2']);
    check(otlpLogs([{ name: 'gen_ai.client.inference.operation.details', attributes: { 'gen_ai.output.messages': said('assistant', 'a1') } }, { name: 'gen_ai.client.inference.operation.details', attributes: { 'gen_ai.output.messages': [{ role: 'assistant', parts: [{ type: 'text', content: 'a2' }] }] } }, { name: 'app.started' }]), [': a1', ': a2']);
  });
});
