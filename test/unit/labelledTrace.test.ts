/** Labelled traces: what is read, what is said about the rest, and what the models see. */
import { describe, expect, it } from 'vitest';
import { labelledPlanTrace, readLabelledTrace } from '../../server/src/formats/labelledTrace.ts';
import { composeStepText } from '../../server/src/scoring/stepText.ts';
import { plainTrace } from '../support/traceWork.ts';

const ROW = { dataset: 'd', id: 7, problem: 'p', steps: ['a', 'b', 'c', 'd'], labels: [1, 0, 0.5, null] };
const read = (row: unknown): unknown => readLabelledTrace(JSON.stringify(row));

describe('a line', () => {
  it('is read', () => {
    expect(read(ROW)).toEqual({ kind: 'trace', trace: { ...ROW, id: '7' } });
    expect(read({ problem: 'p', steps: ['a'], outcome: 0.3 })).toEqual({ kind: 'trace', trace: { dataset: '', id: '', problem: 'p', steps: ['a'], labels: [null], outcome: 0.3 } });
  });

  it.each([
    ['nonsense', 'no JSON'], ['[1]', 'no JSON object'], ['{"steps":["a"],"labels":[1]}', '"problem"'], ['{"problem":"p","steps":[],"labels":[]}', '"steps"'],
    ['{"problem":"p","steps":["a",2],"labels":[1,1]}', 'Step 2 is no text'], ['{"problem":"p","steps":["a"]}', 'neither "labels" nor an "outcome"'],
    ['{"problem":"p","steps":["a","b"],"labels":[1]}', '2 steps have 1 labels'], ['{"problem":"p","steps":["a"],"labels":"good"}', 'no list of labels'],
    ['{"problem":"p","steps":["a"],"labels":[-1]}', 'The label of step 1 is -1'], ['{"problem":"p","steps":["a"],"outcome":"won"}', '"outcome" is "won"'], ['{"problem":"p","steps":["a"],"outcome":2}', '"outcome" is 2'],
  ])('%s is refused in a sentence', (line, words) => {
    const answer = readLabelledTrace(line);
    expect(answer).toMatchObject({ kind: 'broken', message: expect.stringContaining(words) as unknown });
    expect(answer.kind === 'broken' && answer.message).toMatch(/^[^\n]+\.$/);
  });
});

it('the models see exactly the steps, under exactly the problem', () => {
  const texts = ['  indented\n', 'Step 2: x -> y', '"quoted"'];
  const trace = labelledPlanTrace({ dataset: '', id: 'x', problem: ' p ', steps: texts, labels: [null, null, null] });
  expect(trace.goalText).toBe(' p ');
  expect(trace.steps.map((s) => composeStepText(s, 1000).text)).toEqual(texts);
  expect(trace.steps.map((s) => s.output)).toEqual(plainTrace(' p ', texts).steps.map((s) => s.output));
});
