/** Plain ReAct logs and LATS runs, trap by trap. */
import { describe, expect, it } from 'vitest';
import { sniff } from '../../server/src/formats/detect.ts';
import { latsFormat } from '../../server/src/formats/lats.ts';
import { reactTextFormat } from '../../server/src/formats/reactText.ts';
import { jsonLinesOf, readAs, textAt } from '../support/readAs.ts';

const plain = 'Question: Why?\nThought: I look.\nAction: Search\nAction Input: x y\nObservation: found\nit\nThought: I know.\nFinal Answer: Because.\n';

function check(text: string, expected: readonly unknown[]): void {
  const { traces } = readAs(reactTextFormat, text, 'react.log');
  expect(traces.map((trace) => [trace.goalText, trace.steps.map((step) => [step.reasoning, step.output, step.tools.map((tool) => [tool.name, tool.args, tool.result])])])).toEqual(expected);
  for (const step of traces.flatMap((trace) => trace.steps)) expect(textAt(text, step.textRange)?.startsWith((step.output ?? step.reasoning ?? step.tools[0]?.name ?? '').slice(0, 10))).toBe(true);
}

describe('ReAct logs', () => {
  it.each([
    ['a log by name', plain, 'run.react.log', 0.6],
    ['a log', plain, 'run.log', 0.3],
    ['standard input', plain, '', 0.3],
    ['a document', plain, 'notes.md', 0],
    ['source code', plain, 'prompt.py', 0],
    ['JSON', JSON.stringify(plain.split('\n')), 'react.log', 0],
    ['a log without observations', 'Thought: a\nAction: b\n', 'react.log', 0],
    ['prose', 'My thought: Action: none. Observation: nothing.', 'react.txt', 0],
  ])('are never sure of %s', (_, text, path, confidence) => expect(reactTextFormat.detect(sniff(path, text))).toBe(confidence));

  it('make a step of a thought with its action and observation', () => check(plain, [['Why?', [[undefined, 'I look.', [['Search', 'x y', 'found\nit']]], ['I know.', 'Because.', []]]]]));

  it('read numbered labels, also glued to the line before', () =>
    check('Question: Why?Thought 1: I look.\nAction 1: Search[a [b] c]Observation 1: no\nThought 2: So.\nAction 2: Finish[it]\n', [['Why?', [[undefined, 'I look.', [['Search', 'a [b] c', 'no']]], [undefined, 'So.', [['Finish', 'it', undefined]]]]]]));

  it('leave out colours and what a logger writes after', () =>
    check('\u001b[1m> Entering new chain\u001b[0m\nThought:\u001b[32;1m\u001b[1;3m I look.\nAction: f\nAction Input: {"a": 1}\u001b[0m\nObservation: \u001b[36;1mok\u001b[0m\n2026-01-01 10:00:00 INFO bye\n> Finished chain.\n', [['', [[undefined, 'I look.', [['f', { a: 1 }, 'ok']]]]]]));

  it('pass over the worked examples of a prompt', () =>
    check(`Here are some examples:\n\n${plain}\nQuestion: The real one?\nThought: Yes.\nAction: f[x]\nObservation: y\n2026-01-01 10:00:00 INFO next\nQuestion: Another?\nThought: A.\nFinal Answer: B\n`, [
      ['The real one?', [[undefined, 'Yes.', [['f', 'x', 'y']]]]], ['Another?', [['A.', 'B', []]]],
    ]));

  it('say what is wrong with arguments only where they were meant as JSON', () => {
    const { step } = readAs(reactTextFormat, 'Thought: a\nAction: f\nAction Input: {"a": \nObservation: x\nThought: b\nAction: f\nAction Input: a: b\nObservation: x\n');
    expect([step(0).tools[0]?.argsError !== undefined, step(1).tools[0]?.argsError]).toEqual([true, undefined]);
  });

  it.each([['spaces', ' '.repeat(300_000)], ['labels', 'Thought: \n'.repeat(50_000)], ['colours', '\u001b[32m'.repeat(60_000)], ['open brackets', `Thought: a\nAction: ${'f['.repeat(50_000)}\nObservation: ${'] '.repeat(50_000)}`], ['observations', `Thought: a\nAction: f[x]\n${'Observation: y\n'.repeat(30_000)}`]])('read many %s in no time', (_, text) => {
    const start = process.cpuUsage();
    reactTextFormat.parse({ path: '', text });
    expect(process.cpuUsage(start).user).toBeLessThan(2_000_000);
  });
});

describe('LATS', () => {
  const result = (more: object): object => ({ name: 'n', prompt: 'def f(): …', is_solved: true, reflections: ['wrong sign'], implementations: ['a - b', 'a + b'], test_feedback: ['Tested passed:\n\nTests failed:\nassert x', 'Tested passed:\nassert x\n\nTests failed:'], ...more });
  const node = (depth: number, thought: string, more = ''): string => `2026-01-01 10:00:00,001 - INFO - NEW NODE: Node(depth=${depth}, value=0.00, visits=0, thought=${thought}, action=Search[x], observation=seen${more})\n`;

  it('is known by implementations or by the nodes in its log', () => {
    expect(latsFormat.detect(sniff('x', jsonLinesOf({ name: 'm', prompt: 'p', acc: 1 }, result({}))))).toBe(0.9);
    expect(latsFormat.detect(sniff('x', jsonLinesOf({ name: 'm', prompt: 'p', acc: 1 }, { name: 'm', prompt: 'p', acc: 1 })))).toBe(0);
    expect(latsFormat.detect(sniff('x.log', node(1, 'a')))).toBe(0.8);
    expect(latsFormat.detect(sniff('x.ts', 'const s = "x"'))).toBe(0);
  });

  it('makes a step of each implementation, with its tests', () => {
    const text = jsonLinesOf(result({}), result({ name: 'solved at once', implementations: undefined }));
    const { traces, steps } = readAs(latsFormat, text);
    expect([traces.length, traces[0]?.goalText, traces[0]?.meta.outcome]).toEqual([1, 'def f(): …', 1]);
    expect(steps.map((step) => [step.output, step.reasoning, step.tools[0]?.isError, textAt(text, step.textRange)])).toEqual([['a - b', undefined, true, 'a - b'], ['a + b', 'wrong sign', false, 'a + b']]);
  });

  it('says nothing about which of many reflections led where', () => {
    const { steps } = readAs(latsFormat, jsonLinesOf(result({ reflections: ['a', 'b', 'c'] }), result({})));
    expect(steps.map((step) => [step.reasoning, step.attributes])).toEqual([[undefined, {}], [undefined, { reflections: 3 }]]);
  });

  it('makes a step of each node, alternatives side by side, under the question asked last', () => {
    const prompt = (question: string): string => `2026-01-01 10:00:00,000 - INFO - PROMPT: examples:\nQuestion: An example?\nThought 1: x\nQuestion: ${question}Thought 1: \n`;
    const text = `${prompt('The lake?')}${node(1, 'a')}${node(1, 'b', '\nmore')}${prompt('The lake?')}${node(2, 'c')}${prompt('Another?')}${node(1, 'd')}`;
    const { traces } = readAs(latsFormat, text);
    expect(traces.map((trace) => [trace.goalText, textAt(text, trace.goalRange), trace.steps.map((step) => [step.output, step.depth, step.isSidechain, step.tools[0]?.name, step.tools[0]?.result, textAt(text, step.textRange)])])).toEqual([
      ['The lake?', 'The lake?', [['a', 1, false, 'Search', 'seen', 'a'], ['b', 1, true, 'Search', 'seen\nmore', 'b'], ['c', 2, false, 'Search', 'seen', 'c']]], ['Another?', 'Another?', [['d', 1, false, 'Search', 'seen', 'd']]],
    ]);
  });
});
