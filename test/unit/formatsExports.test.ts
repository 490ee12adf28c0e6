/** Traces exported from Langfuse, LangSmith, MLflow and OpenAI's Agents SDK: the traps of each. */
import { describe, expect, it } from 'vitest';
import type { PlanTrace } from '../../server/src/core/planTrace.ts';
import { sniff } from '../../server/src/formats/detect.ts';
import type { TraceFormat } from '../../server/src/formats/format.ts';
import { langfuseFormat } from '../../server/src/formats/langfuse.ts';
import { langSmithFormat } from '../../server/src/formats/langSmith.ts';
import { mlflowFormat } from '../../server/src/formats/mlflow.ts';
import { openaiAgentsFormat } from '../../server/src/formats/openaiAgents.ts';

type Fields = Readonly<Record<string, unknown>>;

function tracesOf(format: TraceFormat, value: unknown): readonly PlanTrace[] {
  return format.parse({ path: '', text: typeof value === 'string' ? value : JSON.stringify(value) }).traces;
}

function traceOf(format: TraceFormat, value: unknown): PlanTrace {
  const [trace] = tracesOf(format, value);
  if (trace === undefined) throw new Error('no trace');
  return trace;
}

function shown(trace: PlanTrace): readonly string[] {
  return trace.steps.map((step) => `${'>'.repeat(step.depth)}${step.output ?? (step.contentNotCaptured ? '(not captured)' : '')}${step.tools.map((tool) => ` ${tool.name}(${JSON.stringify(tool.args)})=${tool.result ?? '?'}${tool.isError ? '!' : ''}`).join('')}`);
}

const ask = [{ role: 'user', content: 'How far is it?' }];
const calls = { role: 'assistant', content: null, tool_calls: [{ id: 'k1', type: 'function', function: { name: 'map', arguments: '{"to":"Ulm","by":"rail"}' } }, { id: 'k2', type: 'function', function: { name: 'map', arguments: '{"to":"Bonn"}' } }] };

const UNRELATED: readonly (readonly [string, string])[] = [
  ['package.json', '{"name":"x","version":"1.0.0","scripts":{"trace":"x"},"dependencies":{}}'],
  ['a lock file', '{"name":"x","lockfileVersion":3,"packages":{"":{"name":"x"}}}'],
  ['a notebook', '{"cells":[{"cell_type":"code","outputs":[],"metadata":{}}],"metadata":{},"nbformat":4}'],
  ['OTLP', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"a","spanId":"b","name":"chat"}]}]}]}'],
  ['a Phoenix span', '[{"name":"x","context":{"trace_id":"a","span_id":"b"},"span_kind":"LLM","parent_id":null,"start_time":"2026-01-01","attributes":{}}]'],
  ['GeoJSON', '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"SPAN"}}]}'],
  ['a chat', '[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}]'],
  ['spans of a table', '{"spans":[{"start_time":1,"attributes":{"a":1}}],"info":{"id":1}}'],
  ['a trace object of something else', '{"trace":{"id":"x","lines":[]},"observations":[{"species":"owl"}]}'],
  ['an API list', '{"object":"list","data":[{"id":"m","object":"model"}]}'],
  ['runs of CI', '{"runs":[{"id":1,"status":"ok","inputs":{}}]}'],
];

describe.each([['Langfuse', langfuseFormat], ['LangSmith', langSmithFormat], ['MLflow', mlflowFormat], ['the Agents SDK', openaiAgentsFormat]] as const)('%s', (_, format) => {
  it.each(UNRELATED)('leaves %s alone', (name, text) => {
    expect(format.detect(sniff(name, text))).toBe(0);
  });
});

describe('Langfuse', () => {
  const observation = (id: string, type: string, second: number, more: Fields = {}): Fields => ({ id, traceId: 't', parentObservationId: null, type, name: `n-${id}`, startTime: `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`, endTime: `2026-01-01T00:00:${String(second + 1).padStart(2, '0')}.000Z`, level: 'DEFAULT', input: null, output: null, usageDetails: {}, ...more });
  const trace = { id: 't', timestamp: '2026-01-01T00:00:00.000Z', sessionId: 's', userId: null, input: JSON.stringify(JSON.stringify('How "far" is it?')), output: null, scores: [] as unknown[] };
  const g1 = observation('g1', 'GENERATION', 1, { input: JSON.stringify(ask), output: JSON.stringify(calls), model: 'm', usageDetails: { input: 3, output: 4, input_cached_tokens: 1 }, costDetails: { total: 0.5 } });
  const t1 = observation('t1', 'TOOL', 3, { name: 'map', input: '{"by":"rail","to":"Ulm"}', output: '"90 km"' });
  const t2 = observation('t2', 'TOOL', 2, { name: 'map', input: { input: { to: 'Bonn' } }, level: 'ERROR', statusMessage: 'no map' });
  const g2 = observation('g2', 'GENERATION', 5, { output: JSON.stringify('90 km.') });
  const EXPECTED = [' map({"to":"Ulm","by":"rail"})=90 km map({"to":"Bonn"})=no map!', '90 km.'];

  it('reads JSON in strings, pairs tools by their arguments, and does not count wrappers twice', () => {
    const wrapper = observation('w', 'GENERATION', 1, { input: '"x"', usageDetails: { input: 3, output: 4 } });
    const read = traceOf(langfuseFormat, { trace, observations: [t1, wrapper, { ...g1, parentObservationId: 'w' }, t2, g2] });
    expect(shown(read)).toEqual(EXPECTED);
    expect([read.goalText, read.meta.session, read.meta.costUsd]).toEqual(['How "far" is it?', 's', 0.5]);
    expect(read.steps[0]?.usage).toEqual({ inputTokens: 3, outputTokens: 4, cachedTokens: 1 });
  });

  it('takes observations from the trace itself, from lines, and from a list', () => {
    const observations = [g1, t1, t2, g2];
    expect(shown(traceOf(langfuseFormat, { ...trace, observations }))).toEqual(EXPECTED);
    expect(shown(traceOf(langfuseFormat, { trace: { ...trace, observations } }))).toEqual(EXPECTED);
    expect(shown(traceOf(langfuseFormat, observations))).toEqual(EXPECTED);
    expect(shown(traceOf(langfuseFormat, observations.map((o) => JSON.stringify(o)).join('\n')))).toEqual(EXPECTED);
    expect(tracesOf(langfuseFormat, [{ trace, observations }, { trace: { ...trace, id: 'u' }, observations }]).map((t) => t.traceId)).toEqual(['t', 'u']);
  });

  it('tells what was not captured from what is empty', () => {
    const read = traceOf(langfuseFormat, { trace, observations: [observation('a', 'GENERATION', 1), observation('b', 'GENERATION', 2, { output: '""' })] });
    expect(read.steps.map((step) => step.contentNotCaptured)).toEqual([true, false]);
  });

  it('reads scores of traces and observations; a correction is none', () => {
    const score = (name: string, dataType: string, more: Fields): Fields => ({ id: name, name, dataType, value: 1, source: 'EVAL', ...more });
    const scores = [score('a', 'NUMERIC', { value: 7, comment: 'why' }), score('b', 'BOOLEAN', { observationId: 'g1' }), score('c', 'CATEGORICAL', { observationId: 'g1', stringValue: 'fine', value: 2 }), score('d', 'CORRECTION', {})];
    const read = traceOf(langfuseFormat, { trace: { ...trace, scores }, observations: [g1], scores });
    expect(read.importedScores).toEqual([{ source: 'EVAL', dimension: 'a', value: 7, rationale: 'why', attributes: {} }]);
    expect(read.steps[0]?.importedScores).toMatchObject([{ dimension: 'b', value: 1, scale: [0, 1] }]);
  });

  it('counts types it does not know', () => {
    expect(traceOf(langfuseFormat, { trace, observations: [g1, observation('x', 'HOLOGRAM', 9)] }).unknownRecordCounts).toEqual({ HOLOGRAM: 1 });
  });
});

describe('LangSmith', () => {
  const order = (...ids: readonly string[]): string => ids.map((id, i) => `20260101T000000${String(i * 1000).padStart(6, '0')}Z${id}`).join('.');
  const root = { id: 'r', name: 'agent', run_type: 'chain', start_time: 1767225600000, end_time: 1767225605000, inputs: { messages: [{ lc: 1, id: ['langchain', 'schema', 'messages', 'HumanMessage'], kwargs: { content: 'How far is it?' } }] }, outputs: { output: 'Far.' }, trace_id: 'r', dotted_order: order('r'), total_tokens: 99 };
  const llm = { id: 'l', name: 'Chat', run_type: 'llm', start_time: '2026-01-01T00:00:00.001', end_time: '2026-01-01T00:00:01', inputs: { messages: [ask] }, outputs: { choices: [{ message: calls, finish_reason: 'tool_calls', logprobs: { content: [{ logprob: -1 }] } }], usage: { prompt_tokens: 3, completion_tokens: 4 } }, trace_id: 'r', dotted_order: order('r', 'l'), extra: { metadata: { ls_model_name: 'm', thread_id: 'th' } }, total_cost: 0.25 };
  const good = { id: 'a', name: 'map', run_type: 'tool', start_time: 1767225601000, end_time: 1767225602000, inputs: { input: "{'to': 'Ulm', 'by': 'rail'}" }, outputs: { output: { content: '90 km', type: 'tool', tool_call_id: 'k1' } }, trace_id: 'r', dotted_order: order('r', 'a') };
  const bad = { id: 'b', name: 'map', run_type: 'tool', start_time: 1767225601000, inputs: { input: "{'to': 'Bonn'}" }, error: 'ToolException("no map")', trace_id: 'r', dotted_order: order('r', 'b') };
  const EXPECTED = [' map({"to":"Ulm","by":"rail"})=90 km map({"to":"Bonn"})=no map!'];

  it('reads runs in any order, as lines, as a list and as a tree', () => {
    expect(shown(traceOf(langSmithFormat, [bad, good, llm, root].map((run) => JSON.stringify(run)).join('\n')))).toEqual(EXPECTED);
    expect(shown(traceOf(langSmithFormat, [bad, good, llm, root]))).toEqual(EXPECTED);
    const bare = (run: Fields): Fields => Object.fromEntries(Object.entries(run).filter(([key]) => key !== 'dotted_order' && key !== 'trace_id'));
    const tree = traceOf(langSmithFormat, { ...bare(root), child_runs: [{ ...bare(llm), child_runs: [] }, bare(good), bare(bad)] });
    expect(shown(tree)).toEqual(EXPECTED);
    expect(tree).toMatchObject({ traceId: 'r', goalText: 'How far is it?', finalOutputText: 'Far.', meta: { model: 'm', session: 'th', costUsd: 0.25 } });
  });

  it('counts tokens at the model only, and reads times without a zone as UTC', () => {
    const [step] = traceOf(langSmithFormat, [root, llm]).steps;
    expect(step).toMatchObject({ usage: { inputTokens: 3, outputTokens: 4 }, costUsd: 0.25, logprobs: [-1], finishReason: 'tool_calls', startTimeMs: 1767225600001, endTimeMs: 1767225601000 });
  });

  it('puts the end of a run to its beginning', () => {
    const { outputs, end_time, ...begun } = llm;
    const read = traceOf(langSmithFormat, { post: [root, begun], patch: [{ outputs, end_time, dotted_order: llm.dotted_order, trace_id: 'r' }] });
    expect(shown(read)).toEqual([' map({"to":"Ulm","by":"rail"})=? map({"to":"Bonn"})=?']);
    expect(read.steps[0]?.jsonPointer).toBe('/patch/0');
  });

  it('reads serialised messages and generations', () => {
    const message = { lc: 1, type: 'constructor', id: ['langchain', 'schema', 'messages', 'AIMessage'], kwargs: { content: 'Far.', additional_kwargs: { tool_calls: [{ id: 'z', function: { name: 'f', arguments: '{}' } }] }, usage_metadata: { input_tokens: 8, output_tokens: 2, input_token_details: { cache_read: 5 } } } };
    const [step] = traceOf(langSmithFormat, [{ ...llm, outputs: { generations: [[{ text: 'Far.', generation_info: { finish_reason: 'stop', logprobs: { content: [{ logprob: -0.5 }] } }, message }]] } }]).steps;
    expect(step).toMatchObject({ output: 'Far.', tools: [{ name: 'f', callId: 'z' }], usage: { inputTokens: 8, outputTokens: 2, cachedTokens: 5 }, logprobs: [-0.5], finishReason: 'stop' });
    expect(traceOf(langSmithFormat, [{ ...llm, outputs: { generations: [[{ text: 'Plain.' }]], llmOutput: { tokenUsage: { promptTokens: 6, completionTokens: 1 } } } }]).steps[0]).toMatchObject({ output: 'Plain.', usage: { inputTokens: 6, outputTokens: 1 } });
  });

  it('reads feedback as scores without a scale, and missing output as not captured', () => {
    const read = traceOf(langSmithFormat, [{ ...root, feedback_stats: { nice: { n: 3, avg: 0.5 }, odd: { n: 0, avg: null } } }, { ...llm, outputs: null, feedback_stats: { good: { n: 1, avg: 1 } } }]);
    expect(read.importedScores).toEqual([{ source: 'feedback', dimension: 'nice', value: 0.5, rationale: 'mean of 3', attributes: {} }]);
    expect(read.steps[0]).toMatchObject({ contentNotCaptured: true, importedScores: [{ dimension: 'good', value: 1 }] });
  });
});

describe('MLflow', () => {
  const encode = (values: Fields): Fields => Object.fromEntries(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]));
  const span = (id: string, parent: string | null, name: string, type: string, more: { readonly inputs?: unknown; readonly outputs?: unknown; readonly attributes?: Fields; readonly fields?: Fields; readonly at?: number } = {}): Fields => ({
    trace_id: 'ABEiM0RVZneImaq7zN3u/w==', span_id: id, parent_span_id: parent, name, start_time_unix_nano: `@${more.at ?? 0}@`, end_time_unix_nano: `@${(more.at ?? 0) + 5}@`, status: { code: 'STATUS_CODE_OK' }, events: [],
    attributes: encode({ 'mlflow.traceRequestId': 'tr-1', 'mlflow.spanType': type, ...(more.inputs === undefined ? {} : { 'mlflow.spanInputs': more.inputs }), ...(more.outputs === undefined ? {} : { 'mlflow.spanOutputs': more.outputs }), ...more.attributes }), ...more.fields,
  });
  /** Nanoseconds beyond 2^53, as bare numbers or in quotes. */
  const textOf = (value: unknown, quote = ''): string => JSON.stringify(value).replace(/"@(\d+)@"/g, (_, ms: string) => `${quote}${1767225600123456789n + BigInt(ms) * 1_000_000n}${quote}`);
  const spans = [
    span('AAAAAAAAAAE=', null, 'agent', 'AGENT', { inputs: { request: { input: ask } }, outputs: 'Far.' }),
    span('AAAAAAAAAAI=', 'AAAAAAAAAAE=', 'chat', 'CHAT_MODEL', { at: 1, inputs: { messages: ask }, outputs: { choices: [{ message: calls, finish_reason: 'tool_calls' }] }, attributes: { 'mlflow.chat.tokenUsage': { input_tokens: 3, output_tokens: 4 } } }),
    span('AAAAAAAAAAM=', 'AAAAAAAAAAE=', 'map', 'TOOL', { at: 10, inputs: { to: 'Bonn' }, outputs: '30 km' }),
    span('AAAAAAAAAAQ=', 'AAAAAAAAAAE=', 'map', 'TOOL', { at: 20, inputs: { by: 'rail', to: 'Ulm' }, fields: { status: { code: 'STATUS_CODE_ERROR', message: 'closed' } } }),
  ];
  const EXPECTED = [' map({"to":"Ulm","by":"rail"})=closed! map({"to":"Bonn"})=30 km'];

  it.each([
    ['version 3', { info: { trace_id: 'tr-1', request_time: '2026-01-01T00:00:00Z' }, data: { spans } }],
    ['the data part', { spans }],
    ['embedded', { id: 1, databricks_output: { trace: { info: { trace_id: 'tr-1' }, data: { spans } } } }],
    ['a list', [{ info: { trace_id: 'tr-1' }, data: { spans } }]],
  ])('reads %s', (_, value) => {
    const read = traceOf(mlflowFormat, textOf(value));
    expect(shown(read)).toEqual(EXPECTED);
    expect([read.traceId, read.goalText, read.finalOutputText]).toEqual(['tr-1', 'How far is it?', 'Far.']);
    expect(mlflowFormat.detect(sniff('x.json', textOf(value)))).toBeGreaterThan(0.9);
  });

  it('keeps microseconds, and gives ids as hex', () => {
    for (const quote of ['', '"']) {
      const [step] = traceOf(mlflowFormat, textOf({ spans }, quote)).steps;
      expect([step?.stepId, step?.startTimeMs]).toEqual(['0000000000000002', 1767225600124.456]);
    }
    const old = { name: 'chat', context: { trace_id: '0x8f1c2a3b4d5e6f708192a3b4c5d6e7f8', span_id: '0x00000000000000AB' }, parent_id: null, start_time: 1, end_time: 2, status_code: 'ERROR', status_message: 'oh', events: [{ name: 'exception', attributes: { 'exception.type': 'KeyError', 'exception.message': 'x' } }], attributes: encode({ 'mlflow.spanType': 'LLM', 'mlflow.spanInputs': 'hi' }) };
    const [step] = traceOf(mlflowFormat, { info: { request_id: 'q', timestamp_ms: 1767225600000 }, data: { spans: [old] } }).steps;
    expect(step).toMatchObject({ stepId: '00000000000000ab', input: 'hi', error: { type: 'KeyError', message: 'x' } });
  });

  it('reads assessments by base64 or hex id; an expectation or a replaced one is no score', () => {
    const assessment = (name: string, more: Fields): Fields => ({ assessment_name: name, source: { source_type: 'LLM_JUDGE', source_id: 'j' }, ...more });
    const info = { trace_id: 'tr-1', assessments: [assessment('a', { feedback: { value: 0.5 } }), assessment('b', { feedback: { value: false }, span_id: 'AAAAAAAAAAI=' }), assessment('c', { feedback: { value: 2 }, span_id: '0000000000000002', source: { source_type: 'HUMAN' }, rationale: 'r' }), assessment('d', { expectation: { value: 1 } }), assessment('e', { feedback: { value: 1 }, valid: false })] };
    const read = traceOf(mlflowFormat, textOf({ info, data: { spans } }));
    expect(read.importedScores).toEqual([{ source: 'j', dimension: 'a', value: 0.5, attributes: {} }]);
    expect(read.steps[0]?.importedScores).toEqual([{ source: 'j', dimension: 'b', value: 0, scale: [0, 1], attributes: {} }, { source: 'HUMAN', dimension: 'c', value: 2, rationale: 'r', attributes: {} }]);
  });

  it('makes steps of functions where no model was recorded, and survives attributes that are no JSON', () => {
    const plain = { ...span('AAAAAAAAAAE=', null, 'f', 'CHAIN'), attributes: { 'mlflow.spanType': 'CHAIN', 'mlflow.spanInputs': 'not json {', 'mlflow.spanOutputs': '5' } };
    expect(shown(traceOf(mlflowFormat, textOf({ spans: [plain] })))).toEqual(['5']);
  });
});

describe('the Agents SDK', () => {
  const span = (id: string, parent: string | null, at: number, data: Fields, error: unknown = null): Fields => ({ object: 'trace.span', id, trace_id: 't', parent_id: parent, started_at: `2026-01-01T00:00:0${at}.000Z`, ended_at: `2026-01-01T00:00:0${at + 1}.000Z`, span_data: data, error });
  const trace = { object: 'trace', id: 't', workflow_name: 'w', group_id: 'g', metadata: {} };
  const records = [
    trace,
    span('l', 'a', 1, { type: 'generation', input: ask, output: [calls], model: 'm', usage: { input_tokens: 3, output_tokens: 4 } }),
    span('f2', 'a', 3, { type: 'function', name: 'map', input: '{"to": "Bonn"}', output: '' }, { message: 'failed', data: { code: 1 } }),
    span('f1', 'a', 4, { type: 'function', name: 'map', input: '{"by":"rail","to":"Ulm"}', output: '90 km' }),
    span('r', 'a', 6, { type: 'response', response_id: 'resp' }),
    span('a', null, 0, { type: 'agent', name: 'guide' }),
  ];
  const EXPECTED = [' map({"to":"Ulm","by":"rail"})=90 km map({"to":"Bonn"})=failed: {"code":1}!', '(not captured)'];

  it('reads lines, lists and what is posted, spans in any order', () => {
    for (const value of [records.map((record) => JSON.stringify(record)).join('\n'), records, { data: records }, [...records].reverse()]) {
      const read = traceOf(openaiAgentsFormat, value);
      expect(shown(read)).toEqual(EXPECTED);
      expect([read.goalText, read.meta.session, read.meta.agent]).toEqual(['How far is it?', 'g', 'guide']);
      expect(openaiAgentsFormat.detect(sniff('x', typeof value === 'string' ? value : JSON.stringify(value)))).toBe(1);
    }
  });

  it('reads responses whose content was exported: one response is one decision', () => {
    const output = [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] }, { type: 'function_call', call_id: 'c', name: 'map', arguments: '{"to":"Ulm"}' }, { type: 'web_search_call', id: 'ws', action: { query: 'Ulm' } }, { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'One moment.' }] }];
    const next = span('n', 'a', 5, { type: 'response', response_id: 'p', input: [...ask, output[1], { type: 'function_call_output', call_id: 'c', output: '90 km' }], response: { output: [output[3]], usage: { input_tokens: 7, output_tokens: 1, input_tokens_details: { cached_tokens: 6 } } } });
    const read = traceOf(openaiAgentsFormat, [trace, span('m', 'a', 1, { type: 'response', response_id: 'o', input: 'How far is it?', response: { object: 'response', model: 'm', output } }), next]);
    expect(shown(read)).toEqual(['One moment. map({"to":"Ulm"})=90 km web_search_call({"query":"Ulm"})=?', 'One moment.']);
    expect(read.steps[0]?.reasoning).toBe('Hm.');
    expect(read.steps[1]?.usage).toEqual({ inputTokens: 7, outputTokens: 1, cachedTokens: 6 });
    expect(read.goalText).toBe('How far is it?');
  });

  it('shows a handoff as what the agent did, and counts types it does not know', () => {
    const read = traceOf(openaiAgentsFormat, [trace, records[1], span('h', 'a', 5, { type: 'handoff', from_agent: 'guide', to_agent: 'Night Owl' }), span('x', 'a', 6, { type: 'hologram' })]);
    expect(read.steps[0]?.tools.at(-1)).toMatchObject({ name: 'transfer_to_night_owl', args: { from_agent: 'guide', to_agent: 'Night Owl' } });
    expect(read.unknownRecordCounts).toEqual({ hologram: 1 });
  });
});
