/** DSPy histories and ReAct trajectories, trap by trap. */
import { describe, expect, it } from 'vitest';
import { sniff } from '../../server/src/formats/detect.ts';
import { dspyFormat } from '../../server/src/formats/dspy.ts';
import { jsonLinesOf, readAs, textAt } from '../support/readAs.ts';

const entry = (user: string, output: unknown, more: object = {}): object => ({ prompt: null, messages: [{ role: 'system', content: 's' }, { role: 'user', content: user }], kwargs: {}, response: null, outputs: [output], usage: { prompt_tokens: 4, completion_tokens: 2 }, cost: 0.5, timestamp: '2026-01-01T00:00:01.5', uuid: 'u', model: 'm', ...more });
const question = '[[ ## question ## ]]\nWho “is” it?';
const thought = (text: string, tool: string, args = '{}'): string => `[[ ## next_thought ## ]]\n${text}\n\n[[ ## next_tool_name ## ]]\n${tool}\n\n[[ ## next_tool_args ## ]]\n${args}\n\n[[ ## completed ## ]]`;
const trajectory = { thought_0: 'I look.', tool_name_0: 'search', tool_args_0: { q: 'x' }, observation_0: 'found' };

describe('DSPy histories', () => {
  it('are known by their entries, and no chat is', () => {
    expect(dspyFormat.detect(sniff('x', JSON.stringify([entry('q', 'a')])))).toBe(0.95);
    expect(dspyFormat.detect(sniff('x', jsonLinesOf(entry('q', 'a'), entry('q', 'b'))))).toBe(0.95);
    expect(dspyFormat.detect(sniff('x', JSON.stringify({ messages: [{ role: 'user', content: 'q' }], outputs: ['a'] })))).toBe(0);
    expect(dspyFormat.detect(sniff('x', JSON.stringify({ cells: [{ outputs: [], kwargs: {} }] })))).toBe(0);
  });

  it('find the observation of a call in the prompt of the one after', () => {
    const text = JSON.stringify([
      entry(question, thought('I look.', 'search', '{"q": "x"}')),
      entry(`${question}\n\n[[ ## trajectory ## ]]\n[[ ## thought_0 ## ]]\nI look.\n\n[[ ## observation_0 ## ]]\nExecution error in search: no\n\nRespond with the corresponding output fields, starting with`, thought('I stop.', 'finish')),
      entry(question, '[[ ## reasoning ## ]]\nSo.\n\n[[ ## answer ## ]]\nNobody\n\n[[ ## completed ## ]]'),
    ]);
    const { trace, steps } = readAs(dspyFormat, text);
    expect([trace.goalText, textAt(text, trace.goalRange)]).toEqual(['Who “is” it?', 'Who “is” it?']);
    expect(steps.map((step) => [step.output, step.reasoning, step.tools.map((tool) => [tool.name, tool.args, tool.result, tool.isError]), textAt(text, step.textRange)])).toEqual([
      ['I look.', undefined, [['search', { q: 'x' }, 'Execution error in search: no', true]], 'I look.'], ['I stop.', undefined, [['finish', {}, undefined, false]], 'I stop.'], ['Nobody', 'So.', [], 'Nobody'],
    ]);
    expect(steps[0]).toMatchObject({ usage: { inputTokens: 4, outputTokens: 2 }, costUsd: 0.5, startTimeMs: Date.UTC(2026, 0, 1, 0, 0, 1, 500) });
  });

  it('begin a trace when the question changes', () => {
    const { traces } = readAs(dspyFormat, JSON.stringify([entry(question, 'a'), entry('[[ ## question ## ]]\nOther?', 'b'), entry('[[ ## context ## ]]\nc\n\n[[ ## question ## ]]\nOther?', 'c')]));
    expect(traces.map((trace) => [trace.goalText, trace.steps.map((step) => step.output)])).toEqual([['Who “is” it?', ['a']], ['Other?', ['b', 'c']]]);
  });

  it('read answers that are JSON, objects with log-probabilities, and calls of the model itself', () => {
    const { steps } = readAs(dspyFormat, JSON.stringify([entry('q', '{"reasoning":"r","answer":"x"}'), entry('q', { text: 'hi', logprobs: { content: [{ token: 'h', logprob: -2 }] } }), entry('q', { text: null, tool_calls: [{ id: 'c', function: { name: 'f', arguments: '{"a":1}' } }] })]));
    expect(steps.map((step) => [step.output, step.reasoning, step.logprobs, step.tools.map((tool) => [tool.name, tool.args])])).toEqual([['x', 'r', undefined, []], ['hi', undefined, [-2], []], [undefined, undefined, undefined, [['f', { a: 1 }]]]]);
  });
});

describe('DSPy trajectories', () => {
  it('are known in a prediction, bare, and as text; a saved program needs a click', () => {
    expect(dspyFormat.detect(sniff('x', JSON.stringify({ question: 'q', trajectory })))).toBe(0.9);
    expect(dspyFormat.detect(sniff('x', JSON.stringify(trajectory)))).toBe(0.8);
    expect(dspyFormat.detect(sniff('x', JSON.stringify({ trajectory: '[[ ## thought_0 ## ]]\nx' })))).toBe(0.7);
    expect(dspyFormat.detect(sniff('x', JSON.stringify({ react: { demos: [{ trajectory: '[[ ## thought_0 ## ]]\nx' }], signature: {} }, metadata: {} })))).toBe(0.3);
    expect(dspyFormat.detect(sniff('x', JSON.stringify({ predict: { demos: [{ question: 'q', answer: 'a' }], signature: {} } })))).toBe(0);
  });

  it('are thoughts with their calls, then what was drawn from them', () => {
    const text = JSON.stringify({ question: 'Why?', trajectory: { ...trajectory, thought_1: 'Enough.', tool_name_1: 'finish', tool_args_1: {}, observation_1: 'Completed.' }, reasoning: 'It says so.', answer: 'Because.' }, null, 2);
    const { trace, steps } = readAs(dspyFormat, text);
    expect([trace.goalText, steps.map((step) => [step.output, step.reasoning, step.tools.map((tool) => [tool.name, tool.args, tool.result]), textAt(text, step.textRange)])]).toEqual(['Why?', [
      ['I look.', undefined, [['search', { q: 'x' }, 'found']], 'I look.'], ['Enough.', undefined, [['finish', {}, 'Completed.']], 'Enough.'], ['Because.', 'It says so.', [], 'Because.'],
    ]]);
  });

  it('are the same as marked text in a demonstration, with the step that came next', () => {
    const program = { react: { demos: [{ augmented: true, question: 'Why?', trajectory: '[[ ## thought_0 ## ]]\nI "look".\n\n[[ ## tool_name_0 ## ]]\nsearch\n\n[[ ## tool_args_0 ## ]]\n{"q": "x"}\n\n[[ ## observation_0 ## ]]\n[1] found', next_thought: 'Enough.', next_tool_name: 'finish', next_tool_args: {} }, { question: 'bare' }], signature: {} }, metadata: {} };
    const text = JSON.stringify(program);
    const { traces, steps } = readAs(dspyFormat, text);
    expect([traces.length, steps.map((step) => [step.output, step.tools.map((tool) => [tool.name, tool.args, tool.result]), textAt(text, step.textRange)])]).toEqual([1, [['I "look".', [['search', { q: 'x' }, '[1] found']], 'I \\"look\\".'], ['Enough.', [['finish', {}, undefined]], 'Enough.']]]);
  });

  it('read the calls of later versions', () => {
    const { step } = readAs(dspyFormat, JSON.stringify({ trajectory: { thought_0: 't', tool_calls_0: "tool_calls=[ToolCall(name='a', args={}), ToolCall(name='b', args={'x': 1})]", observation_0: ['one', 'two'] } }));
    expect(step(0).tools.map((tool) => [tool.name, tool.result])).toEqual([['a', 'one'], ['b', 'two']]);
  });
});
