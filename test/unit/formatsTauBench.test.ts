/** tau-bench runs of both versions, trap by trap. */
import { describe, expect, it } from 'vitest';
import { sniff } from '../../server/src/formats/detect.ts';
import { tauBenchFormat } from '../../server/src/formats/tauBench.ts';
import { jsonLinesOf, readAs, textAt } from '../support/readAs.ts';

const call = (id: string, name: string): object => ({ id, type: 'function', function: { name, arguments: '{"a":1}' } });
const first = (traj: readonly object[], more: object = {}): object => ({ task_id: 3, reward: 1, info: { task: { instruction: 'You want “it”.' } }, traj, trial: 0, ...more });
const turn = (role: string, index: number, content: string | null, more: object = {}): object => ({ role, content, turn_idx: index, timestamp: '2026-01-01T00:00:00.5', ...more });
const simulation = (messages: readonly object[], more: object = {}): object => ({ id: 'sim', task_id: 't', start_time: 's', end_time: 'e', duration: 1, termination_reason: 'user_stop', messages, trial: 0, ...more });
const results = (simulations: readonly object[], more: object = {}): string => JSON.stringify({ timestamp: 'x', info: { user_info: {}, agent_info: { llm: 'gpt', implementation: 'llm_agent' } }, tasks: [{ id: 't', user_scenario: { instructions: { reason_for_call: 'Return the lamp.', task_instructions: 'Insist.' } } }], simulations, ...more });

describe('tau-bench, first version', () => {
  it('is known by reward and messages', () => {
    expect(tauBenchFormat.detect(sniff('x', JSON.stringify([first([{ role: 'user', content: 'q' }])])))).toBe(1);
    expect(tauBenchFormat.detect(sniff('x', jsonLinesOf(first([{ role: 'user', content: 'q' }]), first([]))))).toBe(1);
    expect(tauBenchFormat.detect(sniff('x', '[{"task_id":1,"reward":1}]'))).toBe(0);
  });

  it('pairs results with the latest call of an id that is used again', () => {
    const { steps } = readAs(tauBenchFormat, JSON.stringify([first([{ role: 'assistant', content: null, tool_calls: [call('x', 'f')] }, { role: 'tool', tool_call_id: 'x', content: 'one' }, { role: 'assistant', content: null, tool_calls: [call('x', 'g')] }, { role: 'tool', tool_call_id: 'x', content: 'Error: two' }])]));
    expect(steps.map((step) => step.tools.map((tool) => [tool.name, tool.result, tool.isError]))).toEqual([[['f', 'one', false]], [['g', 'Error: two', true]]]);
  });

  it('takes the goal from the task, the reward for a score and an outcome', () => {
    const text = JSON.stringify([first([{ role: 'user', content: 'hi' }, { role: 'assistant', content: 'a' }])]);
    const { trace, step } = readAs(tauBenchFormat, text);
    expect([trace.traceId, trace.goalText, textAt(text, trace.goalRange), trace.meta.outcome, step(0).input]).toEqual(['3/0', 'You want “it”.', 'You want “it”.', 1, 'hi']);
    expect(trace.importedScores).toEqual([{ source: 'tau-bench', dimension: 'reward', value: 1, scale: [0, 1], attributes: {} }]);
  });

  it('keeps runs of the same task apart', () => {
    const run = [{ role: 'assistant', content: 'a' }];
    const { traces } = readAs(tauBenchFormat, JSON.stringify([first(run), first(run, { trial: 1 }), first(run)]));
    expect(traces.map((trace) => trace.traceId)).toEqual(['3/0', '3/1', '3/0#2']);
  });
});

describe('tau-bench, second version', () => {
  it('is known by its simulations, also in the beginning of a long file, and as one simulation', () => {
    const text = results([simulation([turn('assistant', 0, 'a')])]);
    expect(tauBenchFormat.detect(sniff('x', text))).toBe(1);
    expect(tauBenchFormat.detect(sniff('x', results([]).replace('"simulations":[]', `"more":"${'x'.repeat(100_000)}"`)))).toBe(0.9);
    expect(tauBenchFormat.detect(sniff('x', JSON.stringify(simulation([turn('assistant', 0, 'a')]))))).toBe(0.95);
    expect(tauBenchFormat.detect(sniff('x', JSON.stringify({ info: { user_info: {}, agent_info: {} }, tasks: [] })))).toBe(0);
    expect(tauBenchFormat.detect(sniff('x', '{"simulations":[{"seed":1}]}'))).toBe(0);
  });

  it('finds the task of a simulation wherever it stands', () => {
    const text = results([simulation([turn('user', 0, 'hi'), turn('assistant', 1, 'a')])]);
    const moved = JSON.parse(text) as Record<string, unknown>;
    for (const form of [text, JSON.stringify({ simulations: moved['simulations'], info: moved['info'], tasks: moved['tasks'] })]) {
      const { trace } = readAs(tauBenchFormat, form);
      expect([trace.goalText, textAt(form, trace.goalRange), trace.meta.model]).toEqual(['Return the lamp.\n\nInsist.', 'Return the lamp.', 'gpt']);
    }
    expect(readAs(tauBenchFormat, JSON.stringify(simulation([turn('user', 0, 'hi'), turn('assistant', 1, 'a')]))).trace.goalText).toBe('hi');
  });

  it('leaves the simulated user’s own calls alone', () => {
    const { steps } = readAs(tauBenchFormat, results([simulation([turn('assistant', 0, null, { tool_calls: [{ id: 'a', name: 'f', arguments: {} }] }), turn('user', 1, null, { tool_calls: [{ id: 'a', name: 'g', arguments: {}, requestor: 'user' }] }), { role: 'tool', id: 'a', content: 'theirs', requestor: 'user' }, { role: 'tool', id: 'a', content: 'ours', requestor: 'assistant', error: true }])]));
    expect(steps.map((step) => step.tools)).toEqual([[{ name: 'f', args: {}, callId: 'a', result: 'ours', isError: true }]]);
  });

  it('gives the errors a review found to the steps of their turns: 0 stands for wrong', () => {
    const review = { agent_error: true, summary: 'wrong', errors: [{ source: 'agent', error_type: 'content_error', severity: 'critical', turn_idx: 2, reasoning: 'no', correct_behavior: 'yes' }, { source: 'user', turn_idx: 1, reasoning: 'u' }, { source: 'agent', turn_idx: 3, reasoning: 'result' }, { source: 'agent', turn_idx: 99, reasoning: 'lost' }] };
    const { steps, trace } = readAs(tauBenchFormat, results([simulation([turn('assistant', 0, 'hello'), turn('user', 1, 'q'), turn('assistant', 2, null, { tool_calls: [{ id: 'a', name: 'f', arguments: {} }] }), { role: 'tool', id: 'a', content: 'r', turn_idx: 3 }], { review })]));
    expect(steps.map((step) => step.importedScores.map((score) => [score.source, score.value, score.rationale]))).toEqual([[], [['tau2-review', 0, 'critical content_error: no Instead: yes'], ['tau2-review', 0, 'result']]]);
    expect(trace.importedScores).toEqual([{ source: 'tau2-review', dimension: 'correctness', value: 0, scale: [0, 1], attributes: {}, rationale: 'wrong' }]);
    expect(trace.unknownRecordCounts).toEqual({ 'review error without its turn': 1 });
  });

  it('reads rewards by part, cost, time, tokens and how it ended', () => {
    const { trace, step } = readAs(tauBenchFormat, results([simulation([turn('assistant', 0, 'a', { cost: 0.5, usage: { prompt_tokens: 5, completion_tokens: 2 }, generation_time_seconds: 1.25 })], { reward_info: { reward: 0.5, reward_breakdown: { DB: 1, COMMUNICATE: 0.5 } }, agent_cost: 0.5 })]));
    expect(trace.importedScores.map((score) => [score.dimension, score.value])).toEqual([['reward', 0.5], ['reward_db', 1], ['reward_communicate', 0.5]]);
    expect(step(0)).toMatchObject({ costUsd: 0.5, durationMs: 1250, usage: { inputTokens: 5, outputTokens: 2 }, startTimeMs: Date.UTC(2026, 0, 1, 0, 0, 0, 500), finishReason: 'user_stop' });
    expect(trace.meta).toMatchObject({ costUsd: 0.5, outcome: 0.5 });
  });
});
