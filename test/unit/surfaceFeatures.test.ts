/** Surface features by name; expected numbers are worked out in the comments. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advanceSurface, emptySurface, SURFACE_FEATURES, surfaceFeatures } from '../../server/src/scoring/surfaceFeatures.ts';
import type { SurfaceState } from '../../server/src/scoring/surfaceFeatures.ts';

type Name = (typeof SURFACE_FEATURES)[number];

function stateAfter(goal: string, steps: readonly string[]): SurfaceState {
  return steps.reduce(advanceSurface, emptySurface(goal));
}

/** The named features of the last step. */
function check(steps: readonly string[], expected: Partial<Record<Name, number>>, goal = ''): void {
  const values = surfaceFeatures(stateAfter(goal, steps.slice(0, -1)), steps.at(-1) ?? '');
  for (const [name, value] of Object.entries(expected)) expect(values[SURFACE_FEATURES.indexOf(name as Name)], name).toBeCloseTo(value, 9);
}

describe('surface features', () => {
  it('measure length and place', () => {
    // 9 characters before, 19 here: log(20 / 10).
    check(['123456789', 'abcdefghi\nabcdefghi'], { position: 1 / 50, log_chars: Math.log(20) / 10, log_chars_ratio: Math.log(2), log_newlines: Math.log(2) / 5, digit_share: 0 });
    check(['123456789x'], { log_chars_ratio: 0, digit_share: 0.9 });
    check(Array.from({ length: 90 }, () => 'x'), { position: 1 });
  });

  it('know which numbers came before and which follow from them', () => {
    // 12 and 4 are the goal's; 48 = 12 × 4 is new but derived; 7 is neither.
    check(['There are 12 times 4, so 48, and 7.'], { log_numbers: Math.log(5) / 3, new_number_share: 0.5, underivable_share: 0.25, answer_number_seen: 0 }, '12 boxes of 4');
    check(['We get 48.', 'So 48.'], { new_number_share: 0, underivable_share: 0, answer_number_seen: 1 }, '12 boxes of 4');
    // 5 of 8 are 62.5 %; 2 / 3 is 0.67 as far as it is written; 0.66 is not.
    check(['It is 62.5 percent.'], { underivable_share: 0 }, '5 of 8');
    check(['It is 0.67.'], { underivable_share: 0 }, '2 of 3');
    check(['It is 0.66.'], { underivable_share: 1 }, '2 of 3');
    // Numbers earlier in the step count: 30 comes from nowhere, 33 = 30 + 3.
    check(['Add 30 and get 33.'], { new_number_share: 1, underivable_share: 0.5 }, '3');
    check(['Step 7: nothing.'], { log_numbers: 0, new_number_share: 0 });
  });

  it('count how much of the goal was used', () => {
    const goal = 'We have 3, 5, 7 and 9.';
    check(['Take 3 and 5.'], { goal_numbers_new_share: 0.5, goal_numbers_used_share: 0.5, goal_log_numbers: Math.log(5) / 3 }, goal);
    check(['Take 3 and 5.', 'Take 5 and 7.'], { goal_numbers_new_share: 0.25, goal_numbers_used_share: 0.75 }, goal);
  });

  it('check equations, save where the task has an arithmetic of its own', () => {
    check(['2 + 2 = 4. Then 2 + 3 = 6.'], { log_equations: Math.log(3) / 2, wrong_equation: 1, right_equation_share: 0.5 });
    check(['8 + 8 = 6'], { log_equations: 0, wrong_equation: 0, right_equation_share: 0 }, 'Work modulo 10.');
  });

  it('compare words with the goal and the steps before', () => {
    // Content words: red, apples, cost; one is the goal's, one an earlier step's.
    check(['Apples first.', 'The red apples cost it.'], { goal_word_overlap: 1 / 3, context_word_overlap: 1 / 3, repeat_overlap: 0 }, 'a red thing');
    // Grams abc, bcd and bcd, cde: one of three.
    check(['aa bb cc dd', 'bb cc dd ee'], { repeat_overlap: 1 / 3 });
    check(['aa bb cc dd', 'other words', 'aa bb cc dd'], { repeat_overlap: 1 });
  });

  it('count kinds of words', () => {
    // One of ten words, times five.
    check(['Perhaps this is one of ten words in a row.'], { hedge_rate: 0.5 });
    check(['Let me recheck.'], { correction_rate: 1, assumption_rate: 0 });
    check(['Let me read the file now.'], { correction_rate: 0, assumption_rate: 0 });
    check(['Let x be even.'], { assumption_rate: 1 });
    check(['It doesn’t hold.'], { negation_rate: 1 });
    check(['\\boxed{4}'], { conclusion_rate: 0 });
    check(['So \\boxed{4} it is, then.'], { conclusion_rate: 1 });
    check(['The file was not found in this folder or in that.'], { error_words: 5 / 11, question: 0 });
    check(['I wonder: why?'], { first_person_rate: 1, question: 1 });
  });

  it('know calls, code and LaTeX', () => {
    check(['look\nread_file({"path":"a"})\n-> nothing'], { tool_call: 1 });
    check(['x -> y and f(x)'], { tool_call: 0, code_share: 3 / 15 });
    // \frac is five, two dollars: seven of fifteen; braces are code signs.
    check(['$\\frac{1}{2}$ ok'], { latex_share: 7 / 16, code_share: 4 / 16 });
  });

  it('are finite and bounded for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[\d+*/=^().,% -]{0,40}$/)), { maxLength: 6 }), (goal, steps) => {
        let state = emptySurface(goal);
        for (const step of steps) {
          for (const value of surfaceFeatures(state, step)) expect(Math.abs(value)).toBeLessThanOrEqual(3);
          state = advanceSurface(state, step);
        }
      }),
      { seed: 7 },
    );
    check(['9'.repeat(10_000)], { digit_share: 1, underivable_share: 1 });
  });

  it('depend on what came before only, whichever way the states were made', () => {
    const goal = 'Add 3 and 4 apples.';
    const shared = ['We take 3 apples.', 'Then 4 more, which is 7.'];
    const left = ['Left goes on to 99 pears.', 'The end is 99.'];
    const right = ['Right goes on to 99 pears too.', 'The end is 7.'];
    const alone = (steps: readonly string[]): readonly (readonly number[])[] => steps.map((step, i) => surfaceFeatures(stateAfter(goal, steps.slice(0, i)), step));
    const expected = { left: alone([...shared, ...left]), right: alone([...shared, ...right]) };
    // Both branches leave from the same states, in turns.
    const states = [emptySurface(goal)];
    for (const step of shared) states.push(advanceSurface(states.at(-1) ?? emptySurface(''), step));
    const fork = states.at(-1) ?? emptySurface('');
    const afterLeft = advanceSurface(fork, left[0] ?? '');
    const afterRight = advanceSurface(fork, right[0] ?? '');
    expect(surfaceFeatures(fork, left[0] ?? '')).toEqual(expected.left[2]);
    expect(surfaceFeatures(fork, right[0] ?? '')).toEqual(expected.right[2]);
    expect(surfaceFeatures(afterLeft, left[1] ?? '')).toEqual(expected.left[3]);
    expect(surfaceFeatures(afterRight, right[1] ?? '')).toEqual(expected.right[3]);
    expect(surfaceFeatures(states[1] ?? fork, shared[1] ?? '')).toEqual(expected.left[1]);
  });

  it('take time that grows with the trace only', () => {
    const started = process.cpuUsage();
    let state = emptySurface('x');
    for (let i = 0; i < 10_000; i++) state = advanceSurface(state, `Step ${i} adds ${i} to the ${i % 97} apples, so that ${i} + 1 = ${i + 1} remain.`);
    expect(state.steps).toBe(10_000);
    expect(process.cpuUsage(started).user / 1e6).toBeLessThan(5);
  });
});
