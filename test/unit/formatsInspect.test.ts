/** Inspect logs: where the words come from, what is no step, and what the scores are worth. */
import { describe, expect, it } from 'vitest';
import type { PlanTrace } from '../../server/src/core/planTrace.ts';
import { sniff } from '../../server/src/formats/detect.ts';
import { inspectFormat } from '../../server/src/formats/inspect.ts';

const user = { id: 'u', role: 'user', content: 'Count the boats.' };
const call = { id: 'a1', role: 'assistant', content: '', tool_calls: [{ id: 'c1', function: 'look', arguments: { at: 'quay' } }] };
const result = { id: 't1', role: 'tool', tool_call_id: 'c1', content: '3 boats' };
const answer = { id: 'a2', role: 'assistant', content: 'Three.' };

function modelEvent(message: unknown, more: Readonly<Record<string, unknown>> = {}): unknown {
  return { event: 'model', timestamp: '2026-01-01T00:00:01Z', completed: '2026-01-01T00:00:03Z', input: [], output: { choices: message === undefined ? [] : [{ message, stop_reason: 'stop' }], usage: { input_tokens: 5, output_tokens: 2 } }, ...more };
}

function logText(sample: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ version: 2, status: 'success', eval: { task: 'boats', model: 'm', run_id: 'r' }, samples: [{ id: 1, epoch: 1, input: 'Count the boats.', target: '3', messages: [user, call, result, answer], ...sample }] });
}

function read(text: string): PlanTrace {
  const [trace] = inspectFormat.parse({ path: '', text }).traces;
  if (trace === undefined) throw new Error('no trace');
  return trace;
}

function shown(trace: PlanTrace): readonly string[] {
  return trace.steps.map((step) => `${'>'.repeat(step.depth)}${step.output ?? ''}${step.tools.map((tool) => ` ${tool.name}=${tool.result ?? '?'}${tool.isError ? '!' : ''}`).join('')}`);
}

describe('detection', () => {
  it.each([
    ['a log', logText({}), 1],
    ['a log cut off in its first sample', logText({}).slice(0, 150), 1],
    ['the lines of an archive', '{"member":"header.json","value":{"version":2,"eval":{"task":"t","model":"m"}}}\n{"member":"samples/1_epoch_1.json","value":{"id":1', 1],
    ['a sample by itself', JSON.stringify({ id: 1, epoch: 1, input: 'x', target: 'y', messages: [] }), 0.9],
    ['events by themselves', JSON.stringify({ events: [{ event: 'model', input: [] }], expected: {} }), 0],
    ['a package', JSON.stringify({ name: 'x', version: '1', eval: { a: 1 } }), 0],
    ['a config with evals', JSON.stringify({ version: 2, eval: { metric: 'f1' }, results: [] }), 0],
    ['a data set', JSON.stringify([{ id: 1, input: 'x', target: 'y' }]), 0],
  ])('%s', (_, text, confidence) => expect(inspectFormat.detect(sniff('x.json', text))).toBe(confidence));
});

describe('steps', () => {
  it('are the messages of the assistant with the results of their tools', () => {
    const trace = read(logText({ events: [modelEvent(call, { working_time: 2 }), { event: 'tool', id: 'c1', completed: '2026-01-01T00:00:09Z', result: 'x' }, modelEvent(answer)] }));
    expect(shown(trace)).toEqual([' look=3 boats', 'Three.']);
    expect(trace.steps.map((step) => step.usage?.inputTokens)).toEqual([5, 5]);
    expect(trace.steps[0]).toMatchObject({ startTimeMs: 1767225601000, endTimeMs: 1767225609000, durationMs: 8000, finishReason: 'stop' });
    expect(trace).toMatchObject({ traceId: '1_epoch_1', goalText: 'Count the boats.', planSignature: 'boats', meta: { model: 'm', session: 'r' } });
  });

  it('take their counts from the output where the log holds no events', () => {
    expect(read(logText({ output: { choices: [{ stop_reason: 'stop', logprobs: { content: [{ token: 'T', logprob: -1 }] } }], usage: { input_tokens: 9, output_tokens: 1 } } })).steps[1]).toMatchObject({ usage: { inputTokens: 9, outputTokens: 1 }, logprobs: [-1] });
  });

  it('are also the calls of the model that the final conversation has lost', () => {
    const lost = { id: 'x', role: 'assistant', content: 'Forgotten.' };
    const given = [{ role: 'assistant', content: 'before' }, { role: 'tool', tool_call_id: 'q', content: 'r' }, { role: 'user', content: 'Go on.' }];
    const trace = read(logText({ events: [modelEvent(call), modelEvent(lost, { input: given }), modelEvent(answer)] }));
    expect(shown(trace)).toEqual([' look=3 boats', 'Forgotten.', 'Three.']);
    expect(trace.steps[1]?.input).toBe('Go on.');
    const pooled = read(logText({ events: [modelEvent(call), modelEvent(lost, { input_refs: [[0, 1], [2, 3]] }), modelEvent(answer)], message_pool: given }));
    expect(pooled.steps[1]?.input).toBe('Go on.');
  });

  it('of agents inside tools and subtasks stand below, those of scorers nowhere', () => {
    const inner = { id: 'i', role: 'assistant', content: 'Inner.' };
    const deep = { id: 'd', role: 'assistant', content: 'Deep.' };
    const spans = [
      modelEvent(call, { span_id: 'main' }),
      { event: 'span_begin', id: 'tool', parent_id: 'main', type: 'tool', name: 'look' },
      { event: 'span_begin', id: 'sub', parent_id: 'tool', type: 'agent', name: 'scout' },
      modelEvent(inner, { span_id: 'sub' }),
      { event: 'span_begin', id: 'sub2', parent_id: 'sub', type: 'agent', name: 'owl' },
      modelEvent(deep, { span_id: 'sub2' }),
      { event: 'span_begin', id: 'sc', type: 'scorer', name: 's' },
      modelEvent({ id: 'j', role: 'assistant', content: 'GRADE: C' }, { span_id: 'sc' }),
      modelEvent(answer, { span_id: 'main' }),
    ];
    const trace = read(logText({ events: [{ event: 'span_begin', id: 'main', type: 'agent', name: 'boss' }, ...spans] }));
    expect(shown(trace)).toEqual([' look=3 boats', '>Inner.', '>>Deep.', 'Three.']);
    expect(trace.steps.map((step) => [step.agentName, step.parentId, step.isSidechain])).toEqual([['boss', undefined, false], ['scout', 'a1', true], ['owl', 'i', true], ['boss', undefined, false]]);
    const legacy = read(logText({ events: [modelEvent(call), { event: 'tool', id: 'c1', result: 'r', events: [modelEvent(inner)] }, modelEvent(answer), { event: 'step', action: 'begin', type: 'scorer', name: 's' }, modelEvent(deep), { event: 'step', action: 'end' }] }));
    expect(shown(legacy)).toEqual([' look=3 boats', '>Inner.', 'Three.']);
    expect(legacy.steps[1]?.parentId).toBe('a1');
  });

  it('that failed say so, those under way and empty ones are left out', () => {
    const trace = read(logText({ events: [modelEvent(call), modelEvent(undefined, { error: 'overloaded' }), modelEvent(undefined, { pending: true }), modelEvent(answer)] }));
    expect(trace.steps.map((step) => step.error?.message)).toEqual([undefined, 'overloaded', undefined]);
    expect(trace.steps[1]?.stepType).toBe('error');
  });

  it('given in the input are examples, not decisions', () => {
    const trace = read(logText({ messages: [user, { ...answer, id: 'e', source: 'input' }, { ...user, id: 'u2', content: 'And now?' }, answer], input: [user, { ...answer, source: 'input' }, { ...user, content: 'And now?' }] }));
    expect(trace.steps.map((step) => step.isCopiedContext)).toEqual([true, false]);
    expect(trace.goalText).toBe('And now?');
  });

  it('take results and errors of tools from their events where no message has them', () => {
    const failed = { event: 'tool', id: 'c1', result: '', error: { type: 'timeout', message: 'too slow' } };
    expect(shown(read(logText({ messages: [user, call], events: [modelEvent(call), failed] })))).toEqual([' look=too slow!']);
    expect(shown(read(logText({ messages: [user, call, { ...result, content: '', error: { type: 'parsing', message: 'bad' } }] })))).toEqual([' look=bad!']);
  });

  it('with arguments that did not parse, tools of the provider and redacted thoughts', () => {
    const odd = { id: 'o', role: 'assistant', content: [{ type: 'reasoning', reasoning: 'enc', redacted: true }, { type: 'tool_use', tool_type: 'web_search', id: 'w', name: 'search', arguments: '{"q":"x"}', result: 'found' }], tool_calls: [{ id: 'c', function: 'f', arguments: {}, parse_error: 'not JSON' }] };
    const [step] = read(logText({ messages: [user, odd] })).steps;
    expect(step?.tools).toMatchObject([{ name: 'f', argsError: 'not JSON' }, { name: 'search', args: { q: 'x' }, result: 'found' }]);
    expect([step?.reasoning, step?.contentNotCaptured]).toEqual([undefined, false]);
    const hidden = { id: 'h', role: 'assistant', content: [{ type: 'reasoning', reasoning: 'enc', redacted: true }] };
    expect(read(logText({ messages: [user, hidden] })).steps[0]?.contentNotCaptured).toBe(true);
    expect(read(logText({ messages: [user, { ...hidden, content: [{ type: 'reasoning', reasoning: '', redacted: true, summary: 'In short.' }] }] })).steps[0]?.reasoning).toBe('In short.');
  });
});

describe('texts kept apart', () => {
  const kept = 'A long text, kept apart from where it belongs.';

  it.each([['attachment', 'attachments'], ['tc', 'transcript']])('are put back from %s://', (protocol, place) => {
    const ref = `${protocol}://0123abcd`;
    const texts = { '0123abcd': kept };
    const trace = read(logText({ input: [{ role: 'user', content: ref }], messages: [{ ...user, content: ref }, { ...call, content: [{ type: 'text', text: ref }], tool_calls: [{ id: 'c1', function: 'look', arguments: { at: ref, n: 1 } }] }, { ...result, content: ref }], ...(place === 'attachments' ? { attachments: texts } : { transcript: { events: [], content: texts } }) }));
    expect([trace.goalText, trace.steps[0]?.input, trace.steps[0]?.output, trace.steps[0]?.tools[0]?.result, trace.steps[0]?.tools[0]?.args]).toEqual([kept, kept, kept, kept, { at: kept, n: 1 }]);
  });

  it('that are missing stay references', () => {
    expect(read(logText({ messages: [user, { ...answer, content: 'attachment://ffff' }] })).steps[0]?.output).toBe('attachment://ffff');
  });
});

describe('scores', () => {
  it('are worth what Inspect declares; bare numbers have no scale; NaN is no score', () => {
    const values = { c: 'C', i: 'I', p: 'P', n: 'N', yes: 'Yes', flag: true, number: 0.7, text: '3', word: 'maybe', nothing: null, pair: { a: 1, b: 'C' }, list: [1, 'I'] };
    const scores = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value }]));
    const text = logText({ scores: { ...scores, nan: { value: 'NAN' } } }).replace('"NAN"', 'NaN');
    const parsed = inspectFormat.parse({ path: '', text });
    expect(parsed.warnings).toEqual([]);
    expect(parsed.traces[0]?.importedScores.map((score) => [`${score.source}/${score.dimension}`, score.value, score.scale?.join('–')])).toEqual([
      ['c/c', 1, '0–1'], ['i/i', 0, '0–1'], ['p/p', 0.5, '0–1'], ['n/n', 0, '0–1'], ['yes/yes', 1, '0–1'], ['flag/flag', 1, '0–1'], ['number/number', 0.7, undefined], ['text/text', 3, undefined],
      ['pair/a', 1, undefined], ['pair/b', 1, '0–1'], ['list/list[0]', 1, undefined], ['list/list[1]', 0, '0–1'],
    ]);
    expect(parsed.traces[0]?.meta.outcome).toBe(1);
    expect(read(logText({ scores: { x: { value: 0.9 } } })).meta.outcome).toBeUndefined();
  });

  it('given on the way belong to the step before', () => {
    const score = (value: number): unknown => ({ event: 'score', intermediate: true, scorer: 'p', score: { value } });
    const trace = read(logText({ events: [score(0.1), modelEvent(call), score(0.2), modelEvent(answer), score(0.3), { event: 'score', intermediate: false, score: { value: 1 } }] }));
    expect(trace.steps.map((step) => step.importedScores.map(({ value }) => value))).toEqual([[0.1, 0.2], [0.3]]);
  });
});

describe('archives as lines', () => {
  const header = '{"member":"_journal/start.json","value":{"version":3,"eval":{"task":"boats","model":"m","run_id":"r"}}}';
  const line = (member: string, value: unknown): string => JSON.stringify({ member, value });
  const shell = { id: 'x', epoch: 2, input: 'attachment://1', message_refs: [[0, 1], [2, 3]] };

  it('read large samples from their parts', () => {
    const text = [header, line('samples/x_epoch_2/sample.json', shell), line('samples/x_epoch_2/attachments/0.json', ['zero']), line('samples/x_epoch_2/attachments/1.json', ['one']), line('samples/x_epoch_2/messages/0.json', [{ role: 'user', content: 'attachment://0' }, { role: 'user', content: 'dropped' }]), line('samples/x_epoch_2/messages/2.json', [{ id: 'm', role: 'assistant', content: 'attachment://1' }]), line('samples/y_epoch_1.json', { id: 'y', epoch: 1, input: 'q', target: '', messages: [answer] })].join('\n');
    const { traces } = inspectFormat.parse({ path: '', text });
    expect(traces.map((trace) => [trace.traceId, trace.goalText, trace.meta.model, shown(trace)])).toEqual([['x_epoch_2', 'one', 'm', ['one']], ['y_epoch_1', 'q', 'm', ['Three.']]]);
    expect(traces[0]?.steps[0]?.input).toBe('zero');
  });

  it('with parts missing or broken show the rest', () => {
    const text = [header, line('samples/x_epoch_2/messages/0.json', [answer]), line('samples/x_epoch_3/sample.json', shell), '{"member":"samples/z_epoch_1.json","value":{"id":"z","epoch":1,"messages":[{"role":"assi', line('samples/y_epoch_1.json', { id: 'y', epoch: 1, input: 'q', messages: [answer] })].join('\n');
    const parsed = inspectFormat.parse({ path: '', text });
    expect(parsed.traces.map((trace) => trace.traceId)).toEqual(['x_epoch_2', 'z_epoch_1', 'y_epoch_1']);
    expect(parsed.warnings.map((warning) => warning.code)).toEqual(['broken-record']);
  });
});

it('counts events it does not know, and says where a file is cut', () => {
  const text = logText({ events: [{ event: 'whale' }, { event: 'whale' }, { event: 'sandbox' }, { noEvent: 1 }] });
  expect(read(text).unknownRecordCounts).toEqual({ whale: 2, 'no event': 1 });
  const cut = inspectFormat.parse({ path: '', text: text.slice(0, text.indexOf('Three.') + 3) });
  expect(cut.warnings.map((warning) => warning.code)).toEqual(['truncated-file']);
  expect(cut.traces[0]?.steps.at(-1)).toMatchObject({ output: 'Thr', isProvisional: true });
});
