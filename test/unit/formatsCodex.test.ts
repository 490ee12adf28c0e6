/** Codex rollouts and `codex exec --json`, trap by trap. */
import { describe, expect, it } from 'vitest';
import { codexFormat } from '../../server/src/formats/codex.ts';
import { sniff } from '../../server/src/formats/detect.ts';
import { jsonLinesOf, readAs, textAt } from '../support/readAs.ts';

const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`;
const item = (payload: object, second = 1): object => ({ timestamp: at(second), type: 'response_item', payload });
const event = (payload: object, second = 1): object => ({ timestamp: at(second), type: 'event_msg', payload });
const said = (text: string): object => item({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] });
const call = (id: string): object => item({ type: 'function_call', name: 'exec_command', arguments: `{"cmd":"${id}"}`, call_id: id }, 2);
const output = (id: string, text: unknown = 'ok'): object => item({ type: 'function_call_output', call_id: id, output: text }, 5);
const tokens = (total: number, last: number): object => event({ type: 'token_count', info: { total_token_usage: { total_tokens: total }, last_token_usage: { input_tokens: last, output_tokens: 1, cached_input_tokens: 0 } } });
const user = (message: string): object => event({ type: 'user_message', message });
const meta = { timestamp: at(0), type: 'session_meta', payload: { id: 'sess', cwd: '/w', cli_version: '0.104.0' } };

function check(records: readonly object[], expected: readonly (readonly [output: string | undefined, calls: readonly string[], input: number | undefined])[]): void {
  const { steps } = readAs(codexFormat, jsonLinesOf(meta, ...records));
  expect(steps.map((step) => [step.output, step.tools.map((tool) => tool.callId), step.usage?.inputTokens])).toEqual(expected);
}

describe('Codex rollouts', () => {
  it('are known by their records, whatever the name', () => {
    expect(codexFormat.detect(sniff('x.txt', jsonLinesOf(meta, said('a'))))).toBe(1);
    expect(codexFormat.detect(sniff('x', JSON.stringify(meta)))).toBe(1);
    expect(codexFormat.detect(sniff('x', JSON.stringify([meta, said('a')])))).toBe(1);
    expect(codexFormat.detect(sniff('x', '{"type":"event_msg","name":"x"}\n{"type":"compacted"}'))).toBe(0);
  });

  it('make one step of a response with parallel calls, and count its tokens once however often they are stated', () =>
    check([user('q'), said('a'), call('1'), call('2'), tokens(10, 10), output('2'), output('1'), tokens(10, 10), said('b'), tokens(30, 20)], [['a', ['1', '2'], 10], ['b', [], 20]]));

  it('read the early order, in which the count comes before the items and outputs between the calls', () =>
    check([user('q'), tokens(10, 10), said('a'), call('1'), output('1'), call('2'), output('2'), tokens(30, 20), said('b'), call('3'), output('3'), tokens(60, 30), said('c')], [['a', ['1', '2'], 10], ['b', ['3'], 20], ['c', [], 30]]));

  it('without any count take a call after an output for a new decision', () =>
    check([user('q'), said('a'), call('1'), output('1'), call('2'), output('2'), said('b')], [['a', ['1'], undefined], [undefined, ['2'], undefined], ['b', [], undefined]]));

  it('keep items and pass over the events that repeat them', () => {
    const { steps } = readAs(codexFormat, jsonLinesOf(meta, user('q'), event({ type: 'agent_reasoning', text: 't' }), item({ type: 'reasoning', summary: [{ type: 'summary_text', text: 't' }] }), event({ type: 'agent_message', message: 'a' }), said('a')));
    expect(steps.map((step) => [step.reasoning, step.output])).toEqual([['t', 'a']]);
  });

  it('say of a step that holds placeholders only that its content was not captured', () => {
    const hiddenCall = item({ type: 'function_call', name: 'exec_command', arguments: '[REDACTED_ARGUMENTS len=46 sha=4cb9a2fc]', call_id: '1' });
    const { steps } = readAs(codexFormat, jsonLinesOf(meta, user('q'), said('[REDACTED_TEXT len=5 sha=1]'), hiddenCall, output('1', '[REDACTED_OUTPUT len=9 sha=2]'), tokens(10, 10), said('b'), { ...hiddenCall }, output('1'), tokens(30, 20)));
    expect(steps.map((step) => step.contentNotCaptured)).toEqual([true, false]);
    expect(steps.flatMap((step) => step.tools.map((tool) => [tool.args, tool.argsError]))).toEqual(Array.from({ length: 2 }, () => ['[REDACTED_ARGUMENTS len=46 sha=4cb9a2fc]', undefined]));
  });

  it('use the events where there are no items', () => {
    const { steps } = readAs(codexFormat, jsonLinesOf(meta, user('q'), event({ type: 'agent_reasoning', text: 't' }), event({ type: 'agent_message', message: 'a' })));
    expect(steps.map((step) => [step.reasoning, step.output])).toEqual([['t', 'a']]);
  });

  it('take the goal from what the user typed, not from what the program says in the user’s name', () => {
    const hidden = item({ type: 'message', role: 'user', content: [{ type: 'input_text', text: '<environment_context>\n<cwd>/w</cwd>' }] });
    const typed = item({ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Fix “it”' }] });
    const text = jsonLinesOf(meta, hidden, typed, said('a'));
    const { trace } = readAs(codexFormat, text);
    expect([trace.goalText, textAt(text, trace.goalRange)]).toEqual(['Fix “it”', 'Fix “it”']);
    expect(readAs(codexFormat, jsonLinesOf(meta, hidden, typed, user('Fix it'), said('a'))).trace.goalText).toBe('Fix it');
  });

  it('tell encrypted reasoning from an empty step', () => {
    const encrypted = item({ type: 'reasoning', summary: [], content: null, encrypted_content: 'gAAA' });
    const { step } = readAs(codexFormat, jsonLinesOf(meta, user('q'), encrypted, tokens(1, 1), said('a')));
    expect([step(0).contentNotCaptured, step(0).attributes]).toEqual([true, { reasoningEncrypted: true }]);
    expect(step(1).contentNotCaptured).toBe(false);
    expect(readAs(codexFormat, jsonLinesOf(meta, user('q'), encrypted, said('a'))).step(0).contentNotCaptured).toBe(false);
  });

  it.each([
    ['plain text', 'ok', 'ok', false],
    ['a shell result', '{"output":"no","metadata":{"exit_code":2,"duration_seconds":0.1}}', 'no', true],
    ['an exit code in words', 'Exit code: 1\nWall time: 0.1 seconds\nOutput:\nx', 'Exit code: 1\nWall time: 0.1 seconds\nOutput:\nx', true],
    ['a good exit code over words that look bad', 'Process exited with code 0\nOutput:\nerror: none', 'Process exited with code 0\nOutput:\nerror: none', false],
    ['an object', { content: 'denied', success: false }, 'denied', true],
    ['parts', [{ type: 'input_text', text: 'p' }, { type: 'input_image', image_url: 'data:' }], 'p\n[image]', false],
  ])('read an output that is %s', (_, given, text, isError) => {
    const [tool] = readAs(codexFormat, jsonLinesOf(meta, user('q'), call('1'), output('1', given))).step(0).tools;
    expect([tool?.result, tool?.isError]).toEqual([text, isError]);
  });

  it('believe the event that states how a command ended', () => {
    const { step } = readAs(codexFormat, jsonLinesOf(meta, user('q'), call('1'), call('2'), event({ type: 'exec_command_end', call_id: '1', exit_code: 3 })));
    expect(step(0).tools.map((tool) => tool.isError)).toEqual([true, false]);
  });

  it('read free-text, shell and search calls', () => {
    const { step } = readAs(codexFormat, jsonLinesOf(meta, user('q'),
      item({ type: 'custom_tool_call', name: 'apply_patch', input: '*** Begin Patch', call_id: '1' }), item({ type: 'local_shell_call', call_id: '2', action: { type: 'exec', command: ['ls'] } }), item({ type: 'web_search_call', action: { type: 'search', query: 'w' } }),
      item({ type: 'custom_tool_call_output', call_id: '1', output: 'done' })));
    expect(step(0).tools.map((tool) => [tool.name, tool.args, tool.result])).toEqual([
      ['apply_patch', '*** Begin Patch', 'done'], ['local_shell', { type: 'exec', command: ['ls'] }, undefined], ['web_search', { type: 'search', query: 'w' }, undefined],
    ]);
  });

  it('take back the turns that were rolled back', () => {
    const { steps } = readAs(codexFormat, jsonLinesOf(meta, user('one'), said('a'), user('two'), said('b'), event({ type: 'thread_rolled_back', num_turns: 1 }), user('three'), said('c')));
    expect(steps.map((step) => [step.input, step.output])).toEqual([['one', 'a'], ['three', 'c']]);
  });

  it('count records of kinds to come, and outputs without a call', () => {
    const { trace } = readAs(codexFormat, jsonLinesOf(meta, user('q'), said('a'), { timestamp: at(1), type: 'world_state', payload: {} }, item({ type: 'telepathy' }), event({ type: 'sparkle' }), output('9'), { type: 'x' }));
    expect(trace.unknownRecordCounts).toEqual({ world_state: 1, 'response_item/telepathy': 1, 'event_msg/sparkle': 1, 'function_call_output without its call': 1, x: 1 });
  });

  it('mark the last step of a session that goes on', () => {
    const waiting = readAs(codexFormat, jsonLinesOf(meta, user('q'), said('a'), call('1')));
    expect(waiting.step(0).isProvisional).toBe(true);
    const text = jsonLinesOf(meta, user('q'), said('a'), said('b'));
    const growing = readAs(codexFormat, text.slice(0, -40));
    expect([growing.step(0).output, growing.step(0).isProvisional, growing.codes]).toEqual(['a', true, []]);
  });

  it('go on after a broken line', () => {
    const { steps, codes } = readAs(codexFormat, jsonLinesOf(meta, user('q'), said('a')) + '{"timestamp":"x","type":"resp\n' + jsonLinesOf(call('1'), output('1')));
    expect([steps.length, steps[0]?.tools.length, codes]).toEqual([1, 1, ['broken-record']]);
  });

  it('read the bare items of early versions', () => {
    const { trace, steps } = readAs(codexFormat, jsonLinesOf({ id: 'old', timestamp: at(0), instructions: null, git: {} }, { record_type: 'state' }, { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'go' }] },
      { type: 'function_call', name: 'shell', arguments: '{"command":["ls"]}', call_id: '1' }, { type: 'function_call_output', call_id: '1', output: 'a' }, { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'done' }] }));
    expect([trace.traceId, trace.goalText, steps.map((step) => step.output ?? step.tools[0]?.result)]).toEqual(['old', 'go', ['a', 'done']]);
  });
});

describe('codex exec --json', () => {
  const done = (id: string, type: string, more: object): object => ({ type: 'item.completed', item: { id, type, ...more } });
  const begun = (id: string, type: string, more: object): object => ({ type: 'item.started', item: { id, type, status: 'in_progress', ...more } });
  const start = { type: 'thread.started', thread_id: 't' };

  it('is the same format in another version', () => {
    const text = jsonLinesOf(start, done('0', 'agent_message', { text: 'a' }));
    expect(codexFormat.detect(sniff('x', text))).toBe(1);
    expect(codexFormat.parse({ path: '', text })).toMatchObject({ format: 'codex', formatVersion: 'exec-json' });
  });

  it('begins a step with words, and with a call when none runs', () => {
    const { steps } = readAs(codexFormat, jsonLinesOf(start, done('0', 'reasoning', { text: 'r' }), done('1', 'agent_message', { text: 'a' }), begun('2', 'command_execution', { command: 'x' }), begun('3', 'command_execution', { command: 'y' }),
      done('3', 'command_execution', { command: 'y', aggregated_output: 'Y', exit_code: 0, status: 'completed' }), done('2', 'command_execution', { command: 'x', aggregated_output: 'X', exit_code: 1, status: 'failed' }), done('4', 'web_search', { query: 'w' }), done('5', 'agent_message', { text: 'b' })));
    expect(steps.map((step) => [step.output, step.tools.map((tool) => [tool.result, tool.isError])])).toEqual([['a', [['X', true], ['Y', false]]], [undefined, [[undefined, false]]], ['b', []]]);
  });

  it('keeps the count of a turn apart: it is no step’s own', () => {
    const { step } = readAs(codexFormat, jsonLinesOf(start, done('0', 'agent_message', { text: 'a' }), { type: 'turn.completed', usage: { input_tokens: 5, output_tokens: 2 } }));
    expect([step(0).usage, step(0).attributes]).toEqual([undefined, { turnUsage: { input_tokens: 5, output_tokens: 2 } }]);
  });

  it('states a failed turn as the last step’s error', () => {
    const { step } = readAs(codexFormat, jsonLinesOf(start, done('0', 'agent_message', { text: 'a' }), { type: 'turn.failed', error: { message: 'no model' } }));
    expect(step(0).error).toEqual({ type: 'turn.failed', message: 'no model' });
  });

  it('makes a trace of each thread', () => {
    const { traces } = readAs(codexFormat, jsonLinesOf(start, done('0', 'agent_message', { text: 'a' }), { type: 'thread.started', thread_id: 'u' }, done('0', 'agent_message', { text: 'b' })));
    expect(traces.map((trace) => [trace.traceId, trace.steps[0]?.output])).toEqual([['t', 'a'], ['u', 'b']]);
  });
});
