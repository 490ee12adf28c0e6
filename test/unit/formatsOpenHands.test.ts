/** OpenHands events of both versions and rows of evaluations, trap by trap. */
import { describe, expect, it } from 'vitest';
import { sniff } from '../../server/src/formats/detect.ts';
import { openHandsFormat } from '../../server/src/formats/openHands.ts';
import { jsonLinesOf, readAs, textAt } from '../support/readAs.ts';

const user = { id: 1, source: 'user', action: 'message', args: { content: 'Do “it”' }, timestamp: '2026-01-01T00:00:00.5' };
const act = (id: number, more: object = {}): object => ({ id, source: 'agent', action: 'run', args: { command: 'ls', thought: `t${id}` }, timestamp: '2026-01-01T00:00:01.5', ...more });
const saw = (id: number, cause: number, more: object = {}): object => ({ id, source: 'agent', observation: 'run', cause, content: `c${cause}`, extras: { metadata: { exit_code: 0 } }, ...more });
const response = (id: string, ...calls: string[]): object => ({ id, model: 'm', choices: [{ finish_reason: 'tool_calls', message: { content: 'x', tool_calls: calls.map((call) => ({ id: call, function: { name: 'execute_bash', arguments: `{"command":"${call}"}` } })) } }], usage: { prompt_tokens: 9, completion_tokens: 3 } });
const called = (call: string, of: object): object => ({ tool_call_metadata: { function_name: 'execute_bash', tool_call_id: call, model_response: of } });

describe('OpenHands events, version 0', () => {
  it('are known as a list or one a line; one alone is no run', () => {
    expect(openHandsFormat.detect(sniff('x', JSON.stringify([user, act(2)])))).toBe(0.95);
    expect(openHandsFormat.detect(sniff('x', jsonLinesOf(user, act(2))))).toBe(0.95);
    expect(openHandsFormat.detect(sniff('x', JSON.stringify(act(2))))).toBe(0.3);
    expect(openHandsFormat.detect(sniff('x', JSON.stringify([{ source: 'web', action: 'click', args: {} }])))).toBe(0);
  });

  it('pair observations by cause, whatever comes between', () => {
    const { trace, steps } = readAs(openHandsFormat, JSON.stringify([user, act(2), act(4), saw(6, 4), saw(7, 2)]));
    expect([trace.goalText, steps.map((step) => [step.stepId, step.output, step.tools[0]?.result])]).toEqual(['Do “it”', [['2', 't2', 'c2'], ['4', 't4', 'c4']]]);
    for (let i = 1; i < steps.length; i++) expect(steps[i]?.range?.start).toBeGreaterThanOrEqual(steps[i - 1]?.range?.end ?? 0);
  });

  it('make one step of the actions one response asked for, and count its tokens once', () => {
    const both = response('r', 'a', 'b');
    const { steps } = readAs(openHandsFormat, JSON.stringify([user, act(2, called('a', both)), saw(3, 2, called('a', both)), act(4, { ...called('b', both), args: { command: 'x', thought: '' } }), saw(5, 4), act(6, called('c', response('s', 'c')))]));
    expect(steps.map((step) => [step.tools.map((tool) => [tool.callId, tool.args, tool.result]), step.usage?.inputTokens])).toEqual([
      [[['a', { command: 'a' }, 'c2'], ['b', { command: 'b' }, 'c4']], 9], [[['c', { command: 'c' }, undefined]], 9],
    ]);
  });

  it('without a response take the rise of the running totals', () => {
    const totals = (p: number, cost: number): object => ({ llm_metrics: { accumulated_cost: cost, accumulated_token_usage: { prompt_tokens: p, completion_tokens: 1, cache_read_tokens: 0 } } });
    const { steps } = readAs(openHandsFormat, JSON.stringify([user, act(2, totals(10, 0.25)), act(3, totals(25, 0.75))]));
    expect(steps.map((step) => [step.usage, step.costUsd])).toEqual([[{ inputTokens: 10, outputTokens: 1, cachedTokens: 0 }, 0.25], [{ inputTokens: 15, outputTokens: 0, cachedTokens: 0 }, 0.5]]);
  });

  it.each([
    ['an exit code', { extras: { exit_code: 2 } }, true],
    ['an exit code in the metadata', { extras: { metadata: { exit_code: 127 } } }, true],
    ['the kind error', { observation: 'error', extras: {} }, true],
    ['a refused edit', { content: '[Your proposed edit has introduced new syntax error(s).', extras: {} }, true],
    ['nothing', { content: 'error-free', extras: {} }, false],
  ])('see a failure in %s', (_, more, isError) => expect(readAs(openHandsFormat, JSON.stringify([user, act(2), saw(3, 2, more)])).step(0).tools[0]?.isError).toBe(isError));

  it('leave out what the program does by itself, and count what nobody knows', () => {
    const { steps, trace } = readAs(openHandsFormat, JSON.stringify([{ id: 0, source: 'agent', action: 'system', args: { content: 's' } }, user, { id: 2, source: 'user', action: 'recall', args: {} }, { id: 3, source: 'environment', observation: 'recall', cause: 2, content: 'r', extras: {} }, { id: 4, source: 'environment', action: 'change_agent_state', args: {} }, act(5), saw(6, 5), { id: 7, source: 'user', action: 'run', args: { command: 'mine' } }, { id: 8, source: 'environment', observation: 'odd', content: '?' }]));
    expect([steps.length, trace.unknownRecordCounts]).toEqual([1, { 'user/run': 1, 'observation/odd': 1 }]);
  });

  it('read times without a zone the same everywhere', () => expect(readAs(openHandsFormat, JSON.stringify([user, act(2)])).step(0).startTimeMs).toBe(Date.UTC(2026, 0, 1, 0, 0, 1, 500)));

  it('read what the agent says when it is done', () => {
    const { steps } = readAs(openHandsFormat, JSON.stringify([user, act(2, { action: 'finish', args: { thought: 'T', final_thought: 'F', outputs: {} } }), act(3, { action: 'finish', args: { thought: '', outputs: {} }, message: 'All done!' }), act(4, { action: 'message', args: { content: 'Which?' } }), act(5, { action: 'think', args: { thought: 'deep' } })]));
    expect(steps.map((step) => [step.output, step.stepType, step.tools.map((tool) => tool.args)])).toEqual([['T\n\nF', 'message', []], ['All done!', 'message', []], ['Which?', 'message', []], [undefined, 'tool_call', [{ thought: 'deep' }]]]);
  });
});

describe('OpenHands rows', () => {
  const row = (history: unknown, more: object = {}): object => ({ instance_id: 'i', instruction: 'Fix it', history, metrics: { accumulated_cost: 2 }, ...more });

  it('are known by a history of events', () => {
    expect(openHandsFormat.detect(sniff('output.jsonl', jsonLinesOf(row([user, act(2)]), row([user]))))).toBe(1);
    expect(openHandsFormat.detect(sniff('x', JSON.stringify(row([[act(2), saw(3, 2)]]))))).toBe(1);
    expect(openHandsFormat.detect(sniff('x', JSON.stringify({ instance_id: 'i', history: [{ role: 'user', content: 'q' }] })))).toBe(0);
    expect(openHandsFormat.detect(sniff('x', JSON.stringify({ history: [{ action: 'x' }], name: 'undo stack' })))).toBe(0);
  });

  it('read old histories of pairs, and make a trace of each row', () => {
    const { traces } = readAs(openHandsFormat, jsonLinesOf(row([[user, { observation: 'null', content: '' }], [act(2), saw(3, 2)]], { test_result: { report: { resolved: false } } }), row([user, act(2)], { instance_id: 'j', error: 'timeout' })));
    expect(traces.map((trace) => [trace.traceId, trace.goalText, trace.steps.map((step) => step.tools[0]?.result), trace.meta.outcome, trace.meta.costUsd])).toEqual([['i', 'Do “it”', ['c2'], 0, 2], ['j', 'Do “it”', [undefined], undefined, 2]]);
    expect(traces[1]?.steps[0]?.error).toEqual({ type: 'run', message: 'timeout' });
  });

  it('take the instruction where no event holds the goal', () => {
    const text = JSON.stringify(row([act(2)]));
    const { trace } = readAs(openHandsFormat, text);
    expect([trace.goalText, textAt(text, trace.goalRange)]).toEqual(['Fix it', 'Fix it']);
  });

  it('read flat events without sources, and the verdict of the resolver', () => {
    const history = [{ action: 'message', content: 'Fix it', wait_for_response: false }, { action: 'run', command: 'make', thought: 'I build.' }, { observation: 'run', content: 'no', exit_code: 2, command: 'make' }, { action: 'message', content: 'How?', wait_for_response: true }, { action: 'message', content: 'Go on.', wait_for_response: false }, { action: 'finish', thought: 'Done.' }];
    const { trace, steps } = readAs(openHandsFormat, JSON.stringify({ issue: { owner: 'o', repo: 'r', number: 3 }, instruction: 'Fix it', history, success: true, result_explanation: 'looks good' }));
    expect(steps.map((step) => [step.input, step.output, step.tools.map((tool) => [tool.args, tool.result, tool.isError])])).toEqual([['Fix it', 'I build.', [[{ command: 'make' }, 'no', true]]], [undefined, 'How?', []], ['Go on.', 'Done.', []]]);
    expect([trace.traceId, trace.importedScores]).toEqual(['o/r#3', [{ source: 'openhands-resolver', dimension: 'success', value: 1, scale: [0, 1], attributes: {}, rationale: 'looks good' }]]);
  });
});

describe('OpenHands events, version 1', () => {
  const event = (id: string, kind: string, more: object): object => ({ id, timestamp: '2026-01-01T00:00:00.1', source: kind === 'ObservationEvent' ? 'environment' : 'agent', kind, ...more });
  const action = (id: string, of: string, more: object = {}): object => event(id, 'ActionEvent', { thought: [], tool_name: 'terminal', tool_call_id: `k-${id}`, tool_call: { id: `k-${id}`, name: 'terminal', arguments: `{"command":"${id}","security_risk":"LOW","summary":"s"}` }, llm_response_id: of, ...more });
  const seen = (of: string, more: object = {}): object => event(`o-${of}`, 'ObservationEvent', { action_id: of, tool_call_id: `k-${of}`, observation: { content: [{ type: 'text', text: `saw ${of}` }], is_error: false, exit_code: 0, ...more } });
  const asked = { id: 'u', source: 'user', kind: 'MessageEvent', llm_message: { role: 'user', content: [{ type: 'text', text: 'Do it' }] } };

  it('make one step of parallel actions, and pair observations by action id', () => {
    const { steps, trace } = readAs(openHandsFormat, jsonLinesOf(asked, action('a', 'r', { thought: [{ type: 'text', text: 'two ways' }] }), action('b', 'r'), seen('b', { exit_code: 3 }), seen('a'), action('c', 's')));
    expect(trace.goalText).toBe('Do it');
    expect(steps.map((step) => [step.stepId, step.output, step.tools.map((tool) => [tool.args, tool.result, tool.isError])])).toEqual([
      ['a', 'two ways', [[{ command: 'a' }, 'saw a', false], [{ command: 'b' }, 'saw b', true]]], ['c', undefined, [[{ command: 'c' }, undefined, false]]],
    ]);
  });

  it('import the critic’s score with the scale the SDK holds it to', () => {
    const { step } = readAs(openHandsFormat, jsonLinesOf(asked, action('a', 'r', { critic_result: { score: 0.25, message: 'hasty', metadata: null } }), action('b', 's', { critic_result: null })));
    expect(step(0).importedScores).toEqual([{ source: 'critic', dimension: 'success', value: 0.25, scale: [0, 1], attributes: {}, rationale: 'hasty' }]);
    expect(step(1).importedScores).toEqual([]);
  });

  it('read reasoning once where the text repeats it between tags', () => {
    const text = jsonLinesOf(asked, action('a', 'r', { thought: [{ type: 'text', text: '<think>hm\n</think>\n\nSo be it.' }], reasoning_content: 'hm\n' }));
    const { step } = readAs(openHandsFormat, text);
    expect([step(0).reasoning, step(0).output, textAt(text, step(0).textRange)]).toEqual(['hm\n', 'So be it.', 'So be it.']);
  });

  it('read rejections and errors of the agent as failed results', () => {
    const { steps } = readAs(openHandsFormat, jsonLinesOf(asked, action('a', 'r'), event('x', 'UserRejectObservation', { action_id: 'a', tool_call_id: 'k-a', rejection_reason: 'no' }), action('b', 's'), event('e', 'AgentErrorEvent', { tool_call_id: 'k-b', error: 'bad call' })));
    expect(steps.map((step) => [step.tools[0]?.result, step.tools[0]?.isError])).toEqual([['Action rejected: no', true], ['bad call', true]]);
  });

  it('take tokens from what the totals grew by before the action', () => {
    const totals = (p: number, c: number, turn: number): object => ({ id: `s${p}`, source: 'environment', kind: 'ConversationStateUpdateEvent', key: 'stats', value: { usage_to_metrics: { default: { model_name: 'm', accumulated_token_usage: { prompt_tokens: p, completion_tokens: c, cache_read_tokens: 0, per_turn_token: turn } } } } });
    const { steps, trace } = readAs(openHandsFormat, jsonLinesOf(totals(100, 10, 70), totals(160, 20, 70), action('a', 'r'), action('b', 's'), totals(200, 25, 45), action('c', 't')));
    // 160−100 and 20−10; nothing in between; 200−160 and 25−20. The first totals are those of earlier calls.
    expect(steps.map((step) => step.usage)).toEqual([{ inputTokens: 60, outputTokens: 10, cachedTokens: 0 }, undefined, { inputTokens: 40, outputTokens: 5, cachedTokens: 0 }]);
    expect(trace.meta.model).toBe('m');
  });

  it('count results without their action and kinds to come', () => {
    const { trace } = readAs(openHandsFormat, JSON.stringify([asked, action('a', 'r'), seen('zz'), event('t', 'TeapotEvent', {})]));
    expect(trace.unknownRecordCounts).toEqual({ 'ObservationEvent without its action': 1, TeapotEvent: 1 });
  });

  it('leave out a last line that is still being written', () => {
    const { steps, codes } = readAs(openHandsFormat, jsonLinesOf(asked, action('a', 'r'), action('b', 's')).slice(0, -60));
    expect([steps.map((step) => [step.stepId, step.isProvisional]), codes]).toEqual([[['a', true]], []]);
  });
});
