/** OpenAI's Responses API, trap by trap; and what every format promises, on whole and broken files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sniff } from '../../server/src/formats/detect.ts';
import { openaiResponsesFormat } from '../../server/src/formats/openaiResponses.ts';
import { brokenCopies, holdsOwnWords, readSoundly } from '../support/formatChecks.ts';
import { jsonLinesOf, readAs, textAt } from '../support/readAs.ts';
import { checkSound } from '../support/soundTraces.ts';

const said = (text: string): object => ({ type: 'message', id: `msg_${text}`, role: 'assistant', content: [{ type: 'output_text', text }] });
const call = (id: string, args = '{}'): object => ({ type: 'function_call', id: `fc_${id}`, call_id: id, name: 'look', arguments: args });
const answer = (id: string, output: unknown): object => ({ type: 'function_call_output', call_id: id, output });
const user = (content: string): object => ({ role: 'user', content });
const response = (id: string, output: readonly object[], more: object = {}): object => ({ id, object: 'response', status: 'completed', model: 'm', output, ...more });

/** Traces as their steps: words, calls with results, tokens in. */
function check(text: string, expected: readonly (readonly (readonly [words: string | undefined, calls: readonly string[], inputTokens?: number])[])[]): void {
  const { traces } = readAs(openaiResponsesFormat, text);
  expect(traces.map((trace) => trace.steps.map((step) => {
    const calls = step.tools.map((tool) => `${tool.callId ?? ''}=${tool.result ?? ''}`);
    return step.usage === undefined ? [step.output, calls] : [step.output, calls, step.usage.inputTokens];
  }))).toEqual(expected);
}

describe('OpenAI Responses', () => {
  it('are known by their objects and items, and nothing else is', () => {
    const confidence = (value: unknown): number => openaiResponsesFormat.detect(sniff('x.json', typeof value === 'string' ? value : JSON.stringify(value)));
    const one = response('r', [said('a')]);
    for (const value of [one, [one, one], { object: 'list', data: [one] }, jsonLinesOf(one, one), { input: 'q', output: one }, { custom_id: 'c', response: { status_code: 200, body: one } }]) expect(confidence(value)).toBeGreaterThanOrEqual(0.9);
    for (const value of [[user('q'), call('1'), answer('1', 'x')], jsonLinesOf(user('q'), said('a')), { input: [user('q')], output: [said('a')] }]) expect(confidence(value)).toBe(0.6);
    for (const value of [
      {}, [], { name: 'x', dependencies: {} }, { input: 'q', output: 'a' }, { object: 'chat.completion', choices: [] }, [user('q'), { role: 'assistant', content: 'a' }], { object: 'list', data: [{ id: 'm', object: 'model' }] },
      { custom_id: 'c', method: 'POST', url: '/v1/responses', body: { model: 'm', input: 'q' } }, [{ type: 'message' }, { type: 'message' }], { object: 'trace.span', span_data: { type: 'response', response_id: 'r' }, trace_id: 't' }, { openapi: '3.1.0', paths: {} },
    ]) expect(confidence(value), JSON.stringify(value)).toBe(0);
  });

  it('make one step of one response, its usage counted once', () =>
    check(JSON.stringify(response('r', [{ type: 'reasoning', summary: [] }, said('a'), call('1'), call('2')], { usage: { input_tokens: 7, output_tokens: 3 } })), [[['a', ['1=', '2='], 7]]]));

  it('join a trace by the response they name, and pair calls with outputs in any order', () =>
    check(jsonLinesOf({ input: 'q', output: response('r1', [call('1'), call('2')]) }, { input: [answer('2', 'two'), answer('1', 'one')], output: response('r2', [said('b')], { previous_response_id: 'r1' }) }), [[[undefined, ['1=one', '2=two']], ['b', []]]]));

  it('join a trace by a conversation', () =>
    check(jsonLinesOf(response('r1', [said('a')], { conversation: { id: 'conv' } }), response('x', [said('else')]), response('r2', [said('b')], { conversation: { id: 'conv' } })), [[['a', []], ['b', []]], [['else', []]]]));

  it('read requests that state the conversation again only from where it goes on', () => {
    const first = [user('q')];
    const second = [...first, call('1'), answer('1', 'one')];
    const third = [...second, said('a'), user('q'), { role: 'assistant', content: [{ type: 'output_text', text: 'told only here' }] }, user('again')];
    const text = jsonLinesOf({ input: first, output: [call('1')] }, { input: second, output: [said('a')] }, { input: third, output: [said('c')] });
    check(text, [[[undefined, ['1=one']], ['a', []], ['told only here', []], ['c', []]]]);
    expect(readAs(openaiResponsesFormat, text).step(3).input).toBe('again');
  });

  it('take an output as the end of a response where the items stand alone', () =>
    check(JSON.stringify([user('q'), call('1'), call('2'), answer('1', 'one'), answer('2', 'two'), said('a'), user('more'), said('b')]), [[[undefined, ['1=one', '2=two']], ['a', []], ['b', []]]]));

  it('read each inner list as a conversation', () =>
    check(JSON.stringify([[user('q'), said('a')], [user('r'), said('b')]]), [[['a', []]], [['b', []]]]));

  it('read a stream by its last event', () => {
    const started = { type: 'response.created', response: response('r', [], { status: 'in_progress' }) };
    check(jsonLinesOf(started, { type: 'response.output_text.delta', delta: 'a' }, { type: 'response.completed', response: response('r', [said('a')]) }), [[['a', []]]]);
  });

  it('say that a thought was not recorded, and that a step was not only where it holds nothing else', () => {
    const hidden = { type: 'reasoning', summary: [], encrypted_content: 'g' };
    const { traces } = readAs(openaiResponsesFormat, jsonLinesOf(response('1', [hidden]), response('2', [hidden, said('a')]), response('3', [])));
    expect(traces.map(({ steps: [step] }) => [step?.contentNotCaptured, step?.attributes['reasoningNotRecorded']])).toEqual([[true, 'encrypted'], [false, 'encrypted'], [false, undefined]]);
  });

  it('keep how a response ended: cut off, failed, or still under way', () => {
    const { traces } = readAs(openaiResponsesFormat, jsonLinesOf(
      response('1', [said('a')], { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }), response('2', [], { status: 'failed', error: { code: 'server_error', message: 'no' } }), response('3', [], { status: 'queued' }), response('4', [said('d')], { status: 'in_progress' }),
    ));
    expect(traces.map(({ steps: [step] }) => [step?.stepId, step?.finishReason, step?.error?.message])).toEqual([['1', 'max_output_tokens', undefined], ['2', 'failed', 'no'], ['4', 'in_progress', undefined]]);
  });

  it('keep arguments that are no JSON, with the reason', () => {
    const { step } = readAs(openaiResponsesFormat, JSON.stringify(response('r', [call('1', '{"a": ')])));
    expect(step(0).tools[0]).toMatchObject({ args: '{"a": ', argsError: 'the JSON is cut off' });
  });

  it('know tools that OpenAI runs itself, which bring their result along', () => {
    const { step } = readAs(openaiResponsesFormat, JSON.stringify(response('r', [
      { type: 'file_search_call', id: 'fs', status: 'completed', queries: ['tide'], results: [{ text: 'High at two.' }] }, { type: 'mcp_call', id: 'm', server_label: 's', name: 'n', arguments: '{}', output: 'done', error: null },
      { type: 'shell_call', call_id: 'sh', action: { commands: ['ls'] } }, { type: 'mcp_list_tools', id: 'l', tools: [] }, { type: 'computer_call', call_id: 'cc', action: { type: 'click' }, status: 'completed' },
    ])));
    expect(step(0).tools.map((tool) => [tool.name, tool.args, tool.result, tool.isError])).toEqual([
      ['file_search', ['tide'], 'High at two.', false], ['s.n', {}, 'done', false], ['shell', { commands: ['ls'] }, undefined, false], ['computer', { type: 'click' }, undefined, false],
    ]);
  });

  it('count what they do not know', () =>
    expect(readAs(openaiResponsesFormat, JSON.stringify([user('q'), said('a'), { type: 'hologram' }, answer('gone', 'x')])).trace.unknownRecordCounts).toEqual({ hologram: 1, 'function_call_output without its call': 1 }));

  it('stand where they say', () => {
    const text = JSON.stringify({ input: 'the goal', output: response('r', [said('the words')]) });
    const { trace, step } = readAs(openaiResponsesFormat, text);
    expect([textAt(text, trace.goalRange), textAt(text, step(0).textRange), step(0).jsonPointer]).toEqual(['the goal', 'the words', '/output/output/0']);
  });

  it('read an answer that stands before its request in the record', () => {
    const text = `{"output":{"object":"response","id":"r1","output":[${JSON.stringify(call('1'))}]},"input":"q"}\n{"output":{"object":"response","id":"r2","output":[${JSON.stringify(said('b'))}]},"input":[${JSON.stringify(answer('1', 'one'))}]}\n`;
    check(text, [[[undefined, ['1=one']], ['b', []]]]);
    expect(readAs(openaiResponsesFormat, text).trace.goalText).toBe('q');
  });

  const folder = join(import.meta.dirname, '../golden/responses');
  const fixtures = readdirSync(folder).filter((name) => !name.endsWith('.expected.json'));

  it.each(fixtures)('%s holds the words at their places, and broken copies never fail', (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    for (const trace of readSoundly(openaiResponsesFormat, text).traces) for (const step of trace.steps) expect(holdsOwnWords(text, step), step.stepId).toBe(true);
    for (const copy of brokenCopies(text)) {
      openaiResponsesFormat.detect(sniff(name, copy));
      checkSound(openaiResponsesFormat.parse({ path: name, text: copy }), copy);
    }
  });

  it.each([
    ['open brackets', '['.repeat(100_000)],
    ['open answers', '{"output":['.repeat(30_000)],
    ['wrapped answers', `${'{"response":'.repeat(30_000)}1${'}'.repeat(30_000)}`],
    ['deep arguments', JSON.stringify(response('r', [call('1')])).replace('"{}"', `${'['.repeat(50_000)}${']'.repeat(50_000)}`)],
    ['many items in one response', JSON.stringify(response('r', Array.from({ length: 30_000 }, (_, i) => ({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: `${i}`, logprobs: [{ logprob: -1 }] }] }))))],
    ['many responses of one trace', Array.from({ length: 20_000 }, (_, i) => JSON.stringify(response(`r${i}`, [call(`${i}`)], { previous_response_id: `r${i - 1}` }))).join('\n')],
    ['numbers beyond all bounds', JSON.stringify(response('r', [said('a')], { created_at: 1e20, usage: { input_tokens: 1 } })).replace('"input_tokens":1', '"input_tokens":1e999')],
  ])('are read quickly: %s', (_, text) => {
    const start = process.cpuUsage();
    const parsed = openaiResponsesFormat.parse({ path: 'x.json', text });
    expect(process.cpuUsage(start).user).toBeLessThan(3_000_000);
    for (const trace of parsed.traces) JSON.stringify(trace.steps.slice(0, 5));
  });
});
