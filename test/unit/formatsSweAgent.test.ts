/** SWE-agent and mini-swe-agent runs, trap by trap. */
import { describe, expect, it } from 'vitest';
import { sniff } from '../../server/src/formats/detect.ts';
import { miniSweAgentFormat } from '../../server/src/formats/miniSweAgent.ts';
import { sweAgentFormat } from '../../server/src/formats/sweAgent.ts';
import { readAs, textAt } from '../support/readAs.ts';

const element = (more: object): object => ({ action: 'ls', observation: 'a.txt', response: 'I look.', thought: 'I look.', state: {}, ...more });
const run = (trajectory: readonly object[], more: object = {}): string => JSON.stringify({ environment: 'e', trajectory, history: [], info: {}, ...more });
const turn = (role: string, content: unknown, more: object = {}): object => ({ role, content, agent: 'main', message_type: role === 'assistant' ? 'action' : 'observation', ...more });

describe('SWE-agent trajectories', () => {
  it('are known by their elements, or by the marks of their history', () => {
    expect(sweAgentFormat.detect(sniff('x', run([element({})])))).toBe(1);
    expect(sweAgentFormat.detect(sniff('x', JSON.stringify({ history: [turn('user', 'q')] })))).toBe(0.9);
    expect(sweAgentFormat.detect(sniff('x.traj', JSON.stringify({ history: [{ role: 'user', content: 'q' }] })))).toBe(0.6);
    expect(sweAgentFormat.detect(sniff('x.json', JSON.stringify({ history: [{ role: 'user', content: 'q' }] })))).toBe(0);
    expect(sweAgentFormat.detect(sniff('x', '{"trajectory":[[1,2],[3,4]],"history":[1]}'))).toBe(0);
  });

  it.each([
    ['an object', { problem_statement: { text: 'Fix “it”', id: 'i' } }],
    ['JSON in a string', JSON.stringify({ problem_statement: { text: 'Fix “it”', id: 'i' } })],
  ])('take the goal from a replay_config that is %s', (_, replay) => {
    const text = run([element({})], { replay_config: replay });
    const { trace } = readAs(sweAgentFormat, text);
    expect([trace.goalText, textAt(text, trace.goalRange)]).toEqual(['Fix “it”', 'Fix “it”']);
  });

  it('take the goal from the first message of the user that is no demonstration', () => {
    const history = [turn('system', 's'), turn('user', 'demo', { is_demo: true }), turn('user', [{ type: 'text', text: 'the issue' }]), turn('assistant', 'x')];
    const text = run([element({})], { history, replay_config: '{broken' });
    const { trace } = readAs(sweAgentFormat, text);
    expect([trace.goalText, textAt(text, trace.goalRange)]).toEqual(['the issue', 'the issue']);
  });

  it('read the members in any order', () => {
    const text = JSON.stringify({ info: { exit_status: 'submitted', model_stats: { instance_cost: 2 } }, history: [turn('user', 'goal')], trajectory: [element({})] });
    const { trace, step } = readAs(sweAgentFormat, text);
    expect([trace.goalText, trace.meta.costUsd, step(0).finishReason]).toEqual(['goal', 2, 'submitted']);
  });

  it('read state as an object or as JSON in a string, seconds as milliseconds, and leave prompts out', () => {
    const { step } = readAs(sweAgentFormat, run([element({ state: '{"working_dir":"/w"}\n', execution_time: 0.25, query: [{ role: 'user', content: 'prompt' }], extra_info: { n: 1 } })]));
    expect([step(0).attributes, step(0).durationMs]).toEqual([{ extra_info: { n: 1 }, state: { working_dir: '/w' } }, 250]);
  });

  it.each([
    ['Traceback (most recent call last):\n  File "x"', true],
    ['Your proposed edit has introduced new syntax error(s).', true],
    ['/bin/bash: line 1: foo: command not found', true],
    ['EXECUTION TIMED OUT', true],
    ['0 errors found', false],
  ])('tell whether "%s" is a failure', (observation, isError) => expect(readAs(sweAgentFormat, run([element({ observation })])).step(0).tools[0]?.isError).toBe(isError));

  it('say a response twice neither as words nor as a call', () => {
    const { step } = readAs(sweAgentFormat, run([element({ thought: '', response: 'submit', action: 'submit\n', observation: null }), element({ thought: '', response: 'I say.', action: '', observation: '' })]));
    expect([step(0).output, step(0).tools[0]?.name, step(0).tools[0]?.result]).toEqual([undefined, 'submit', undefined]);
    expect([step(1).output, step(1).tools]).toEqual(['I say.', []]);
  });

  it('read a history without a trajectory, skipping demonstrations', () => {
    const history = [
      turn('user', 'demo', { is_demo: true }), turn('assistant', 'demo', { is_demo: true, action: 'x' }), turn('user', 'goal'),
      turn('assistant', 'A', { thought: 'A', action: 'f b', tool_calls: [{ id: '1', function: { name: 'f', arguments: '{"a":"b"}' } }, { id: '2', function: { name: 'g', arguments: '' } }], thinking_blocks: [{ type: 'thinking', thinking: 'deep' }] }),
      turn('tool', 'two', { tool_call_ids: ['2'] }), turn('tool', 'one', { tool_call_ids: ['1'] }), turn('assistant', 'B', { thought: 'B', action: 'run it' }), turn('user', 'ran'),
    ];
    const { trace, steps } = readAs(sweAgentFormat, JSON.stringify({ history }));
    expect(trace.goalText).toBe('goal');
    expect(steps.map((step) => [step.output, step.reasoning, step.input, step.tools.map((tool) => [tool.name, tool.args, tool.result])])).toEqual([
      ['A', 'deep', 'goal', [['f', { a: 'b' }, 'one'], ['g', {}, 'two']]],
      ['B', undefined, undefined, [['run', 'it', 'ran']]],
    ]);
  });

  it('show the readable half of half a file', () => {
    const whole = run([element({ thought: 'first' }), element({ thought: 'second' })]);
    const { steps, codes } = readAs(sweAgentFormat, whole.slice(0, whole.indexOf('second') + 3));
    expect([steps.map((step) => [step.output, step.isProvisional]), codes]).toEqual([[['first', false], ['sec', true]], ['truncated-file']]);
  });
});

describe('mini-swe-agent trajectories', () => {
  const bare = (...messages: object[]): string => JSON.stringify([{ role: 'system', content: 's' }, { role: 'user', content: 'Please solve this' }, ...messages]);
  const says = (content: unknown, more: object = {}): object => ({ role: 'assistant', content, ...more });
  const sees = (content: string, more: object = {}): object => ({ role: 'user', content, ...more });
  const fence = (command: string): string => `THOUGHT: so.\n\n\`\`\`bash\n${command}\n\`\`\``;

  it('are known by their mark, by what comes before it, or by their name; a bare list by its look needs a glob or a click', () => {
    const marked = { info: {}, messages: [], trajectory_format: 'mini-swe-agent-1.1' };
    expect(miniSweAgentFormat.detect(sniff('x', JSON.stringify(marked)))).toBe(1);
    expect(miniSweAgentFormat.detect(sniff('x', JSON.stringify({ info: { mini_version: '2' }, messages: [sees('q')] })))).toBe(0.9);
    const list = bare(says(fence('ls')), sees('<returncode>0</returncode>\n<output>\n</output>'));
    expect(miniSweAgentFormat.detect(sniff('a.traj.json', list))).toBe(0.9);
    expect(miniSweAgentFormat.detect(sniff('a.json', list))).toBe(0.45);
    expect(miniSweAgentFormat.detect(sniff('a.traj.json', bare(says('Use `ls`.'), sees('thanks'))))).toBe(0);
    expect(miniSweAgentFormat.detect(sniff('a.json', bare(says(fence('ls')), sees('thank you!'))))).toBe(0);
  });

  it('keep the command as a call, not as words', () => {
    const { step, trace } = readAs(miniSweAgentFormat, bare(says(`${fence('ls -a')}\n\nThat lists all.`), sees('<returncode>1</returncode>\n<output>no</output>')));
    expect([trace.goalText, step(0).output, step(0).tools]).toEqual(['Please solve this', 'THOUGHT: so.\n\n\n\nThat lists all.', [{ name: 'bash', args: { command: 'ls -a' }, result: '<returncode>1</returncode>\n<output>no</output>', isError: true }]]);
  });

  it('take a complaint about the format for a failed observation', () => {
    const { step } = readAs(miniSweAgentFormat, bare(says('no command'), sees('Please always provide EXACTLY ONE action'), says(`${fence('a')}\n${fence('b')}`), sees('found 2 actions')));
    expect([step(0).tools[0]?.name, step(0).tools[0]?.isError, step(1).tools[0]?.name]).toEqual(['observation', true, 'observation']);
  });

  it('read the extras of version 1.1: cost, time, tokens, log-probabilities, return code', () => {
    const extra = { actions: [{ command: 'ls' }], cost: 0.5, timestamp: 1_767_225_600, response: { usage: { prompt_tokens: 7, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 2 } }, choices: [{ finish_reason: 'stop', logprobs: { content: [{ token: 'a', logprob: -1 }] } }] } };
    const { step } = readAs(miniSweAgentFormat, JSON.stringify({ trajectory_format: 'mini-swe-agent-1.1', info: { exit_status: 'Submitted' }, messages: [sees('q'), says(fence('ls'), { extra }), sees('gone', { extra: { returncode: 127, timestamp: 1_767_225_602 } })] }));
    expect(step(0)).toMatchObject({ costUsd: 0.5, startTimeMs: 1_767_225_600_000, endTimeMs: 1_767_225_602_000, usage: { inputTokens: 7, outputTokens: 3, cachedTokens: 2 }, logprobs: [-1], finishReason: 'Submitted', tools: [{ isError: true }] });
  });

  it('pair parallel calls by id, and read responses of the Responses API', () => {
    const call = (id: string): object => ({ id, type: 'function', function: { name: 'bash', arguments: `{"command":"${id}"}` } });
    const { step } = readAs(miniSweAgentFormat, JSON.stringify({ trajectory_format: 'mini-swe-agent-1.1', messages: [sees('q'),
      says(null, { tool_calls: [call('1'), call('2')] }), { role: 'tool', tool_call_id: '2', content: 'two' }, { role: 'tool', tool_call_id: '1', content: 'one' },
      { object: 'response', id: 'r', output: [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] }, { type: 'message', content: [{ type: 'output_text', text: 'so' }] }, { type: 'function_call', call_id: '3', name: 'bash', arguments: '{"command":"c"}' }], usage: { input_tokens: 4, output_tokens: 2 } },
      { type: 'function_call_output', call_id: '3', output: 'three', extra: { returncode: 0 } }] }));
    expect(step(0).tools.map((tool) => tool.result)).toEqual(['one', 'two']);
    expect([step(1).stepId, step(1).reasoning, step(1).output, step(1).tools[0]?.result, step(1).usage]).toEqual(['r', 'hm', 'so', 'three', { inputTokens: 4, outputTokens: 2 }]);
  });

  it('read a hundred thousand open fences in no time', () => {
    const text = bare(says('```bash\n'.repeat(100_000)), sees('x'));
    expect(readAs(miniSweAgentFormat, text).steps).toHaveLength(1);
  });
});
