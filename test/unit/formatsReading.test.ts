/** What each format makes of its records, case by case. */
import { describe, expect, it } from 'vitest';
import type { ExecutionStep, PlanTrace } from '../../server/src/core/planTrace.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import { composeStepText } from '../../server/src/scoring/stepText.ts';

function parse(text: string): { readonly trace: PlanTrace; readonly traces: readonly PlanTrace[]; readonly codes: readonly string[] } {
  const parsed = readTraces({ path: '', text });
  const trace = parsed?.traces[0];
  if (parsed === undefined || trace === undefined) throw new Error('not read as a trace');
  return { trace, traces: parsed.traces, codes: parsed.warnings.map((warning) => warning.code) };
}

function step(trace: PlanTrace, index: number): ExecutionStep {
  const found = trace.steps[index];
  if (found === undefined) throw new Error(`no step ${index}`);
  return found;
}

const plan = (steps: string, more = ''): string => `{"trace_id":"t","goal_text":"g","execution_steps":[${steps}]${more}}`;

describe('PlanTrace', () => {
  it('reads times as seconds', () => {
    const { trace } = parse(plan('{"step_id":"1","start_time":1754096022.981,"duration":0.8}'));
    // 1754096022.981 s = 1754096022981 ms; 0.8 s = 800 ms.
    expect(step(trace, 0)).toMatchObject({ startTimeMs: 1_754_096_022_981, durationMs: 800, stepType: 'action' });
  });

  it('tells repeated ids apart and says so', () => {
    const { trace } = parse(plan('{"step_id":"1"},{"step_id":"1"},{"step_id":"1#2"},{"step_id":"1"}'));
    expect(trace.steps.map((s) => s.stepId)).toEqual(['1', '1#2', '1#2#2', '1#3']);
    expect(trace.warnings.map((w) => w.code)).toEqual(['duplicate-step-id']);
  });

  it('keeps ids of steps without one when a step is added', () => {
    const one = parse(plan('{"output_text":"a"},{"output_text":"b"}')).trace;
    const two = parse(plan('{"output_text":"a"},{"output_text":"b"},{"output_text":"b"}')).trace;
    expect(two.steps.map((s) => s.stepId).slice(0, 2)).toEqual(one.steps.map((s) => s.stepId));
    expect(new Set(two.steps.map((s) => s.stepId)).size).toBe(3);
  });

  it('shows the readable half of half a file', () => {
    const whole = plan('{"step_id":"1","output_text":"first"},{"step_id":"2","output_text":"second"}');
    const { trace, codes } = parse(whole.slice(0, whole.indexOf('second') + 3));
    expect(trace.steps.map((s) => [s.output, s.isProvisional])).toEqual([['first', false], ['sec', true]]);
    expect(codes).toEqual(['truncated-file']);
  });

  it('passes over a line that is no JSON and goes on', () => {
    const line = (id: string): string => `{"trace_id":"${id}","goal_text":"g","execution_steps":[{"step_id":"1","output_text":"x"}]}`;
    const { traces, codes } = parse(`${line('a')}\nINFO starting\n{"trace_id":"b","execution_steps":[{"output_text":"cu\n${line('c')}\n`);
    expect(traces.map((t) => t.traceId)).toEqual(['a', 'b', 'c']);
    expect(traces.map((t) => t.steps.at(-1)?.isProvisional)).toEqual([false, true, false]);
    expect(codes).toEqual(['broken-record']);
  });

  it('names the line of what is not strict', () => {
    const parsed = readTraces({ path: '', text: '{"trace_id":"t","goal_text":"g",\n"execution_steps":[{"output_text":"a",}]}' });
    expect(parsed?.warnings[0]?.message).toContain('Line 2 holds a trailing comma');
  });

  it('reads traces held by name', () => {
    const { traces } = parse(`{"first":${plan('{"step_id":"1"}')},"second":${plan('{"step_id":"1"}')}}`);
    expect(traces.map((t) => [t.traceId, t.steps[0]?.jsonPointer])).toEqual([['t', '/first/execution_steps/0'], ['t#2', '/second/execution_steps/0']]);
  });

  it('leaves nothing behind that cannot be printed as JSON', () => {
    const { trace } = parse(plan(`{"step_id":"1","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`));
    expect(() => JSON.stringify(trace)).not.toThrow();
  });
});

describe('Claude Code', () => {
  const record = (type: string, uuid: string, parent: string | null, message: unknown, more: object = {}): string =>
    JSON.stringify({ type, uuid, parentUuid: parent, sessionId: 's', isSidechain: false, timestamp: '2026-01-01T00:00:00Z', message, ...more });
  const say = (uuid: string, parent: string | null, id: string, ...content: object[]): string => record('assistant', uuid, parent, { id, role: 'assistant', content, usage: { input_tokens: 7, output_tokens: 5 } });

  it('counts the usage of a message once', () => {
    const { trace } = parse([record('user', 'u', null, { content: 'go' }), say('a', 'u', 'm', { type: 'text', text: 'x' }), say('b', 'a', 'm', { type: 'text', text: 'y' })].join('\n'));
    expect(trace.steps).toHaveLength(1);
    expect(step(trace, 0)).toMatchObject({ output: 'x\n\ny', usage: { inputTokens: 7, outputTokens: 5 } });
  });

  it('follows the branch of the last leaf', () => {
    const { trace } = parse(
      [
        record('user', 'u', null, { content: 'go' }),
        say('a', 'u', 'm1', { type: 'text', text: 'given up' }),
        record('user', 'v', 'a', { content: 'given up too' }),
        say('b', 'v', 'm2', { type: 'text', text: 'given up as well' }),
        record('user', 'w', 'u', { content: 'another way' }),
        say('c', 'w', 'm3', { type: 'text', text: 'kept' }),
      ].join('\n'),
    );
    expect(trace.steps.map((s) => s.output)).toEqual(['kept']);
    expect(step(trace, 0).input).toBe('go\n\nanother way');
  });

  it('goes on over a compaction', () => {
    const { trace } = parse(
      [
        record('user', 'u', null, { content: 'go' }),
        say('a', 'u', 'm1', { type: 'text', text: 'before' }),
        record('system', 'c', null, undefined, { subtype: 'compact_boundary', logicalParentUuid: 'a' }),
        record('user', 'v', 'c', { content: 'summary' }, { isCompactSummary: true }),
        say('b', 'v', 'm2', { type: 'text', text: 'after' }),
      ].join('\n'),
    );
    expect(trace.steps.map((s) => s.output)).toEqual(['before', 'after']);
    expect(trace.goalText).toBe('go');
  });

  it('makes a trace of each session', () => {
    const first = [record('user', 'u', null, { content: 'one' }), say('a', 'u', 'm1', { type: 'text', text: 'x' })].join('\n');
    const { traces } = parse(`${first}\n${first.replaceAll('"sessionId":"s"', '"sessionId":"other"')}`);
    expect(traces.map((t) => t.traceId)).toEqual(['s', 'other']);
  });

  it('leaves out a last line that is still being written', () => {
    const { trace, codes } = parse(`${record('user', 'u', null, { content: 'one' })}\n${say('a', 'u', 'm1', { type: 'text', text: 'x' })}\n${say('b', 'a', 'm2', { type: 'text', text: 'y' }).slice(0, 60)}`);
    expect(trace.steps.map((s) => [s.output, s.isProvisional])).toEqual([['x', true]]);
    expect(codes).toEqual([]);
  });

  it('marks a thought that was kept back', () => {
    const { trace } = parse(`${record('user', 'u', null, { content: 'one' })}\n${say('a', 'u', 'm1', { type: 'thinking', thinking: '', signature: 'abc' })}\n`);
    expect(step(trace, 0).contentNotCaptured).toBe(true);
  });
});

describe('a stream of Claude Code', () => {
  const init = { type: 'system', subtype: 'init', session_id: 'r', cwd: '/w', model: 'claude-x', tools: ['Bash'] };
  const said = (id: string, text: string, parent: string | null = null): object => ({ type: 'assistant', message: { id, role: 'assistant', content: [{ type: 'text', text }], usage: { input_tokens: 1, output_tokens: 2 } }, parent_tool_use_id: parent, session_id: 'r' });
  const calls = (id: string, callId: string, parent: string | null = null): object => ({ type: 'assistant', message: { id, role: 'assistant', content: [{ type: 'tool_use', id: callId, name: 'Task', input: {} }] }, parent_tool_use_id: parent, session_id: 'r' });
  const result = { type: 'result', subtype: 'success', is_error: false, duration_ms: 90, num_turns: 1, result: 'the answer', session_id: 'r', total_cost_usd: 0.5, usage: { input_tokens: 1, output_tokens: 2 } };
  const lines = (...records: readonly object[]): string => `${records.map((record) => JSON.stringify(record)).join('\n')}\n`;

  it('is the same run one a line, and in a list', () => {
    for (const text of [lines(init, said('m', 'x'), result), JSON.stringify([init, said('m', 'x'), result]), JSON.stringify([init, said('m', 'x'), result], null, 2)]) {
      const { trace } = parse(text);
      expect(trace).toMatchObject({ format: 'claude-code', traceId: 'r', finalOutputText: 'the answer', meta: { model: 'claude-x', cwd: '/w', session: 'r', costUsd: 0.5 } });
      expect(trace.steps).toHaveLength(1);
      expect(step(trace, 0)).toMatchObject({ output: 'x', usage: { inputTokens: 1, outputTokens: 2 }, attributes: { init: { tools: ['Bash'] }, result: { subtype: 'success', duration_ms: 90, num_turns: 1 } } });
      expect(step(trace, 0).error).toBeUndefined();
    }
  });

  it('is over with its result, and may go on without', () => {
    expect(step(parse(lines(init, calls('m', 'c'), result)).trace, 0).isProvisional).toBe(false);
    expect(step(parse(lines(init, calls('m', 'c'))).trace, 0).isProvisional).toBe(true);
    expect(step(parse(lines(init, said('l', 'x'), result, calls('m', 'c'))).trace, 1).isProvisional).toBe(true);
  });

  it('ends in an error where it was broken off', () => {
    const { trace } = parse(lines(init, said('m', 'x'), { ...result, is_error: true, result: 'API Error: 529' }));
    expect(step(trace, 0).error).toEqual({ type: 'error', message: 'API Error: 529' });
  });

  it('nests subagents under the step that called them, each with its own words', () => {
    const prompt = (text: string, parent: string): object => ({ type: 'user', message: { role: 'user', content: text }, parent_tool_use_id: parent, session_id: 'r' });
    const { trace } = parse(lines(init, calls('m', 'c'), prompt('sub', 'c'), calls('s', 'd', 'c'), prompt('subsub', 'd'), said('t', 'deep', 'd'), said('n', 'done')));
    expect(trace.goalText).toBe('');
    expect(trace.steps.map(({ stepId, parentId, depth, isSidechain, input }) => [stepId, parentId, depth, isSidechain, input])).toEqual([
      ['m', undefined, 0, false, undefined],
      ['s', 'm', 1, true, 'sub'],
      ['t', 's', 2, true, 'subsub'],
      ['n', undefined, 0, false, undefined],
    ]);
  });
});

describe('chat messages', () => {
  it('pairs results by id, whatever their order, and by position without ids', () => {
    const call = (id: string, name: string): object => ({ id, function: { name, arguments: '{}' } });
    const byId = parse(
      JSON.stringify([
        { role: 'user', content: 'q' },
        { role: 'assistant', content: '', tool_calls: [call('1', 'a'), call('2', 'b')] },
        { role: 'tool', tool_call_id: '2', content: 'two' },
        { role: 'tool', tool_call_id: '1', content: 'one' },
      ]),
    ).trace;
    expect(step(byId, 0).tools.map((t) => t.result)).toEqual(['one', 'two']);
    const legacy = parse(JSON.stringify([{ role: 'user', content: 'q' }, { role: 'assistant', content: null, function_call: { name: 'a', arguments: '{"x":1}' } }, { role: 'function', name: 'a', content: 'r' }])).trace;
    expect(step(legacy, 0).tools[0]).toMatchObject({ name: 'a', args: { x: 1 }, result: 'r' });
  });

  it('leaves free text of custom tools alone', () => {
    const { trace } = parse(JSON.stringify([{ role: 'user', content: 'q' }, { role: 'assistant', tool_calls: [{ id: '1', type: 'custom', custom: { name: 'sql', input: 'select 1' } }], content: null }]));
    expect(step(trace, 0).tools[0]).toEqual({ name: 'sql', args: 'select 1', callId: '1', isError: false });
  });

  it('reads a batch of completions', () => {
    const line = (id: string): string => JSON.stringify({ custom_id: id, response: { body: { object: 'chat.completion', choices: [{ message: { role: 'assistant', content: id }, finish_reason: 'stop' }] } } });
    const { traces } = parse(`${line('a')}\n${line('b')}`);
    expect(traces.map((t) => [t.traceId, t.steps[0]?.output])).toEqual([['a', 'a'], ['b', 'b']]);
  });
});

describe('ATIF of exporters in Python', () => {
  const turn = (more: string): string => `{"schema_version":"ATIF-v1.4","session_id":"s","agent":{"name":"a"},"steps":[{"step_id":1,"source":"user","message":"do it"},{"step_id":2,"source":"agent",${more}}]}`;

  it('takes the word None for no reasoning', () => {
    expect(step(parse(turn('"message":"","reasoning_content":"None"')).trace, 0).reasoning).toBeUndefined();
    expect(step(parse(turn('"message":"","reasoning_content":"None of the tests ran."')).trace, 0).reasoning).toBe('None of the tests ran.');
  });

  it('leaves an empty turn without words of its own: it is not scored on what the user said', () => {
    expect(composeStepText(step(parse(turn('"message":""')).trace, 0), 1000).text).toBe('');
  });
});
