/** OpenInference attributes, in OTLP and in the shapes Phoenix exports. */
import { describe, expect, it } from 'vitest';
import { sniff } from '../../server/src/formats/detect.ts';
import { phoenixFormat } from '../../server/src/formats/phoenix.ts';
import { onlyTrace, otlpText, outline } from '../support/otelSpans.ts';

const J = JSON.stringify;

interface PhoenixInput {
  readonly id: string;
  readonly parent?: string;
  readonly kind: string;
  readonly name?: string;
  readonly at?: readonly [number, number];
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly traceId?: string;
}

const iso = (second: number): string => new Date(1_760_000_000_000 + second * 1000).toISOString().replace('Z', '000+00:00');

function phoenixSpan({ id, parent, kind, name, at, attributes, more, traceId }: PhoenixInput): Readonly<Record<string, unknown>> {
  return {
    id: 'U3Bhbg==', name: name ?? id, context: { trace_id: traceId ?? 'abc', span_id: id }, span_kind: kind, parent_id: parent ?? null, start_time: iso(at?.[0] ?? 0), end_time: iso(at?.[1] ?? 1),
    status_code: 'OK', status_message: '', attributes: attributes ?? {}, events: [], ...more,
  };
}

const message = (prefix: string, i: number, fields: Readonly<Record<string, unknown>>): Record<string, unknown> => Object.fromEntries(Object.entries(fields).map(([key, value]) => [`llm.${prefix}_messages.${i}.message.${key}`, value]));

const flat = { 'llm.model_name': 'm', 'llm.token_count.prompt': 12, 'llm.token_count.completion': 3, 'llm.token_count.prompt_details.cache_read': 8, 'llm.cost.total': 0.5, ...message('input', 0, { role: 'user', content: 'ask' }), ...message('output', 0, { role: 'assistant', content: 'look "up"', 'tool_calls.0.tool_call.id': '1', 'tool_calls.0.tool_call.function.name': 'f', 'tool_calls.0.tool_call.function.arguments': '{"a":1}' }) };
const nested = { llm: { model_name: 'm', token_count: { prompt: 12, completion: 3, prompt_details: { cache_read: 8 } }, cost: { total: 0.5 }, input_messages: [{ message: { role: 'user', content: 'ask' } }], output_messages: [{ message: { role: 'assistant', content: 'look "up"', tool_calls: [{ tool_call: { id: '1', function: { name: 'f', arguments: '{"a":1}' } } }] } }] } };

const run = (attributes: Readonly<Record<string, unknown>>): readonly PhoenixInput[] => [
  { id: 'r', kind: 'AGENT', name: 'helper', at: [0, 9], attributes: { 'input.value': 'ask', 'output.value': 'done', 'session.id': 's1', 'llm.token_count.prompt': 24 } },
  { id: 'l', parent: 'r', kind: 'LLM', at: [1, 2], attributes },
  { id: 't', parent: 'r', kind: 'TOOL', name: 'f', at: [2, 3], attributes: { 'tool.name': 'f', 'input.value': '{"a":1}', 'output.value': 'R' } },
  { id: 'm', parent: 'r', kind: 'LLM', at: [3, 4], attributes: { ...message('output', 0, { role: 'assistant', 'contents.0.message_content.type': 'text', 'contents.0.message_content.text': 'done', 'contents.1.message_content.type': 'reasoning', 'contents.1.message_content.text': 'all found' }) } },
];
const EXPECTED = ['helper: look "up" f({"a":1})=R', 'helper: (all found) done'];

function check(text: string, expected: readonly string[] = EXPECTED): void {
  expect(outline(onlyTrace(text, phoenixFormat))).toEqual(expected);
}

describe('files', () => {
  it('are lists, lines, bundles, answers of the API and traces of the px command, flat or nested', () => {
    for (const attributes of [flat, nested]) {
      const spans = run(attributes).map(phoenixSpan);
      check(J(spans));
      check(J(spans, null, 2));
      check(spans.map((span) => J(span)).join('\n'));
      check(J({ data: spans, next_cursor: null }));
      check(J({ 'my-trace': spans }));
      check(J({ traceId: 'abc', spans, rootSpan: spans[0], duration: 9, status: 'OK' }));
      check(J([{ traceId: 'abc', spans }]));
      check(J(spans.map((span) => ({ ...span, attributes: J(span['attributes']) }))));
    }
  });

  it('hold several traces, by list or by name', () => {
    const two = ['t1', 't2'].map((traceId) => run(flat).map((span) => phoenixSpan({ ...span, traceId })));
    for (const text of [J(two.flat()), J({ first: two[0], second: two[1] }), J(two.map((spans) => ({ traceId: 'x', spans })))]) {
      expect(phoenixFormat.parse({ path: '', text }).traces.map((trace) => [trace.traceId, outline(trace)])).toEqual([['t1', EXPECTED], ['t2', EXPECTED]]);
    }
  });

  it('of the Python SDK print spans one after the other, not in a list', () => {
    const spans = run(flat).map((span) => ({ name: span.name ?? span.id, context: { trace_id: '0xABC0000000000000', span_id: `0x${span.id}0`, trace_state: '[]' }, kind: 'SpanKind.INTERNAL', parent_id: span.parent === undefined ? null : `0x${span.parent}0`, start_time: iso(span.at?.[0] ?? 0), end_time: iso(span.at?.[1] ?? 0), status: { status_code: 'UNSET' }, attributes: { ...span.attributes, 'openinference.span.kind': span.kind }, events: [], links: [], resource: { attributes: { 'service.name': 'x' } } }));
    const text = spans.map((span) => J(span, null, 4)).join('\n');
    check(text);
    expect(phoenixFormat.detect(sniff('', text))).toBeGreaterThan(0.5);
  });

  it('are told from other JSON', () => {
    const confidence = (value: unknown): number => phoenixFormat.detect(sniff('x.json', J(value)));
    expect(confidence(run(flat).map(phoenixSpan))).toBeGreaterThan(0.9);
    expect(confidence({ traceId: 'abc', spans: run(flat).map(phoenixSpan) })).toBeGreaterThan(0.9);
    expect(confidence({ a: run(flat).map(phoenixSpan), b: run(flat).map(phoenixSpan) })).toBeGreaterThan(0.9);
    // Attributes without a span are taken only when asked.
    expect(confidence({ 'openinference.span.kind': 'LLM', 'llm.model_name': 'm' })).toBeLessThan(0.5);
    for (const other of [{ name: 'x', version: '1' }, { spans: [{ start: 1, end: 2 }] }, [{ name: 'a', start_time: 'x' }], { context: { span_id: '1' } }, { data: { spans: [{ attributes: { 'mlflow.spanType': '"LLM"' } }] } }, { context: { trace_id: '1', span_id: '0x1' }, name: 'n', start_time: 1, attributes: { 'mlflow.spanType': '"LLM"' } }]) {
      expect(confidence(other)).toBe(0);
    }
  });
});

describe('a span', () => {
  it('gives usage, cost, model, session and place of its words', () => {
    for (const attributes of [flat, nested]) {
      const text = J(run(attributes).map(phoenixSpan));
      const trace = onlyTrace(text, phoenixFormat);
      const step = trace.steps[0];
      expect(step?.usage).toEqual({ inputTokens: 12, outputTokens: 3, cachedTokens: 8 });
      expect([step?.costUsd, trace.meta.costUsd, trace.meta.session, trace.meta.agent, trace.goalText, trace.finalOutputText]).toEqual([0.5, 0.5, 's1', 'helper', 'ask', 'done']);
      expect(text.slice(step?.textRange?.start, step?.textRange?.end)).toBe('look \\"up\\"');
      expect(text.slice(trace.goalRange?.start, trace.goalRange?.end)).toBe('ask');
      expect(step?.startTimeMs).toBe(1_760_000_001_000);
    }
  });

  it('in OTLP means the same', () => {
    const text = otlpText(run(flat).map((span) => ({ id: span.id, ...(span.parent === undefined ? {} : { parent: span.parent }), name: span.name ?? span.id, at: span.at ?? [0, 1], attributes: { ...span.attributes, 'openinference.span.kind': span.kind } })));
    expect(outline(onlyTrace(text))).toEqual(EXPECTED);
  });

  it('of a model without messages says what its output value holds', () => {
    const llm = (attributes: Readonly<Record<string, unknown>>): string => J([phoenixSpan({ id: 'l', kind: 'LLM', attributes })]);
    check(llm({ 'output.value': 'plain words' }), [': plain words']);
    check(llm({ 'output.value': '{"answer": 42}' }), [': {"answer": 42}']);
    check(llm({ 'output.value': J({ choices: [{ message: { role: 'assistant', content: 'from a completion' } }] }) }), [': from a completion']);
    check(llm({ 'output.value': J({ generations: [[{ text: 'x', message: { type: 'ai', content: 'from LangChain' } }]] }) }), [': from LangChain']);
    expect(onlyTrace(llm({}), phoenixFormat).steps[0]?.contentNotCaptured).toBe(true);
    expect(onlyTrace(llm({ 'output.value': '' }), phoenixFormat).steps[0]?.contentNotCaptured).toBe(false);
    expect(onlyTrace(llm({ 'output.value': J({ choices: [{ message: { role: 'assistant', content: 'x' }, logprobs: { content: [{ token: 'x', logprob: -0.5 }] } }] }) }), phoenixFormat).steps[0]?.logprobs).toEqual([-0.5]);
  });

  it('that retrieves or ranks is the use of a tool', () => {
    const documents = { 'retrieval.documents.0.document.content': 'one', 'retrieval.documents.0.document.score': 0.4, 'retrieval.documents.1.document.content': 'two' };
    check(J([phoenixSpan({ id: 'r', kind: 'RETRIEVER', name: 'search', attributes: { 'input.value': 'q', ...documents } }), phoenixSpan({ id: 'l', kind: 'LLM', at: [2, 3], attributes: { 'output.value': 'x' } }), phoenixSpan({ id: 'k', kind: 'RERANKER', name: 'rank', at: [3, 4], attributes: { 'reranker.query': 'q', 'reranker.output_documents.0.document.content': 'two' } }), phoenixSpan({ id: 'e', kind: 'EMBEDDING', at: [4, 5] })]), [
      ': search({"query":"q"})=one\n\ntwo',
      ': x rank({"query":"q"})=two',
    ]);
  });

  it('that fails says how, also as earlier versions wrote it', () => {
    const failing = (event: object): unknown => onlyTrace(J([phoenixSpan({ id: 'l', kind: 'LLM', more: { status_code: 'ERROR', status_message: 'quota', events: [event] } })]), phoenixFormat).steps[0]?.error;
    expect(failing({ name: 'exception', timestamp: iso(1), attributes: { 'exception.type': 'E', 'exception.message': 'm' } })).toEqual({ type: 'E', message: 'm' });
    expect(failing({ name: 'exception', timestamp: iso(1), message: 'm', exception_type: 'E', exception_stacktrace: 'tb' })).toEqual({ type: 'E', message: 'm', traceback: 'tb' });
  });

  it('of a chain alone is a step when it says something', () => {
    check(J([phoenixSpan({ id: 'c', kind: 'CHAIN', attributes: { 'input.value': '{"question":"ask"}', 'output.value': 'whole' } }), phoenixSpan({ id: 'd', parent: 'c', kind: 'CHAIN', attributes: { 'output.value': 'inner' } })]), [': inner']);
  });

  it('as attributes alone is a trace of one step', () => {
    const trace = onlyTrace(J({ 'openinference.span.kind': 'LLM', ...flat }), phoenixFormat);
    expect([outline(trace), trace.goalText]).toEqual([[': look "up" f({"a":1})'], 'ask']);
  });
});

describe('annotations', () => {
  const annotated = (attributes: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}): ReturnType<typeof onlyTrace> => onlyTrace(J([phoenixSpan({ id: 'l', kind: 'LLM', attributes: { 'output.value': 'x', ...attributes }, more })]), phoenixFormat);

  it('are scores with label and explanation, without a scale', () => {
    const expected = [{ source: 'judge', dimension: 'tone', value: 0.25, rationale: 'rude: it swears', attributes: {} }];
    const fields = { name: 'tone', score: 0.25, label: 'rude', explanation: 'it swears', annotator_kind: 'LLM', identifier: 'judge' };
    expect(annotated(Object.fromEntries(Object.entries(fields).map(([key, value]) => [`annotations.0.annotation.${key}`, value]))).steps[0]?.importedScores).toEqual(expected);
    expect(annotated(Object.fromEntries(Object.entries(fields).map(([key, value]) => [`evaluations.0.evaluation.${key}`, value]))).steps[0]?.importedScores).toEqual(expected);
    expect(annotated({ annotations: [{ annotation: fields }] }).steps[0]?.importedScores).toEqual(expected);
    expect(annotated({}, { annotations: [{ name: 'tone', annotator_kind: 'LLM', identifier: 'judge', result: { score: 0.25, label: 'rude', explanation: 'it swears' } }] }).steps[0]?.importedScores).toEqual(expected);
  });

  it('name the kind of judge where they name no judge, and keep labels without a number', () => {
    const step = annotated({}, { annotations: [{ name: 'ok', annotator_kind: 'HUMAN', identifier: '', result: { score: 1 } }, { name: 'note', annotator_kind: 'HUMAN', result: { label: 'flaky' } }, { name: 'empty', result: {} }] }).steps[0];
    expect(step?.importedScores.map((score) => [score.source, score.value])).toEqual([['HUMAN', 1]]);
    expect(step?.attributes['judgements']).toEqual([{ source: 'HUMAN', dimension: 'note', label: 'flaky' }]);
  });

  it('of the trace or session are the trace’s, in whatever span they stand', () => {
    const trace = annotated({ 'trace.annotations.0.annotation.name': 'solved', 'trace.annotations.0.annotation.score': 1, 'session.evaluations.0.evaluation.name': 'calm', 'session.evaluations.0.evaluation.score': 0 });
    expect([trace.importedScores.map((score) => score.dimension), trace.steps[0]?.importedScores]).toEqual([['solved', 'calm'], []]);
    const whole = onlyTrace(J({ traceId: 'abc', annotations: [{ name: 'good', annotator_kind: 'CODE', result: { score: 1 } }], spans: [phoenixSpan({ id: 'l', kind: 'LLM', attributes: { 'output.value': 'x' } })] }), phoenixFormat);
    expect(whole.importedScores.map((score) => [score.source, score.dimension])).toEqual([['CODE', 'good']]);
  });

  it('of an evaluator go to the span it links to, even from another trace, and its own calls are no steps', () => {
    const judged = phoenixSpan({ id: 'aaaa', kind: 'LLM', attributes: { 'output.value': 'x' } });
    const judge = (traceId: string): readonly unknown[] => [
      phoenixSpan({ id: 'bbbb', kind: 'EVALUATOR', at: [5, 6], traceId, attributes: { 'annotations.0.annotation.name': 'fit', 'annotations.0.annotation.score': 0.5 }, more: { links: [{ context: { trace_id: 'abc', span_id: 'aaaa' } }] } }),
      phoenixSpan({ id: 'cccc', parent: 'bbbb', kind: 'LLM', at: [5, 6], traceId, attributes: { 'output.value': 'judging' } }),
    ];
    for (const traceId of ['abc', 'later']) {
      const trace = onlyTrace(J([judged, ...judge(traceId)]), phoenixFormat);
      expect([outline(trace), trace.steps[0]?.importedScores.map((score) => score.dimension)]).toEqual([[': x'], ['fit']]);
    }
  });
});
