/** What the models read of a step. */
import { describe, expect, it } from 'vitest';
import type { ExecutionStep } from '../../server/src/core/planTrace.ts';
import { composeStepText, ELISION } from '../../server/src/scoring/stepText.ts';

const base: ExecutionStep = {
  stepId: '1', stepIndex: 0, stepType: 'action', description: 'never read', depth: 0, tools: [], attributes: {}, importedScores: [], range: null, textRange: null, jsonPointer: '',
  isCopiedContext: false, isSidechain: false, isProvisional: false, contentNotCaptured: false,
};

function check(step: Partial<ExecutionStep>, expected: string, maxCharacters = 1000): void {
  expect(composeStepText({ ...base, ...step }, maxCharacters).text).toBe(expected);
}

describe('composeStepText', () => {
  it('takes the output, else the input of a plan step', () => {
    check({ input: 'in', output: 'out' }, 'out');
    check({ input: 'in', output: ' ' }, 'in');
    check({ input: 'the user', stepType: 'message' }, '');
  });
  it('puts reasoning, message, calls and results in order', () =>
    void check(
      { reasoning: 'why', output: 'what', tools: [{ name: 'run', args: { a: 1 }, result: 'ok', isError: false }, { name: 'see', args: 'raw', isError: false }, { name: 'observation', args: null, result: 'screen', isError: false }] },
      'why\nwhat\nrun({"a":1})\n-> ok\nsee(raw)\n-> screen',
    ));
  it('keeps beginning and end of what is too long, and no half characters', () => {
    // 20 characters, 10 allowed: 10 − 3 for the mark = 7, of which 4 stand before it and 3 after.
    expect(composeStepText({ ...base, output: 'abcdefghijklmnopqrst' }, 10)).toEqual({ text: `abcd${ELISION}rst`, isShortened: true });
    expect(composeStepText({ ...base, output: '🧮'.repeat(50) }, 20).text.isWellFormed()).toBe(true);
  });
});
