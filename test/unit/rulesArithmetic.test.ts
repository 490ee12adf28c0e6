/** What the equation reader understands, and what it leaves alone. The values were worked out by hand. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkEquations } from '../../server/src/scoring/rules/arithmetic.ts';

/** `right` equations that hold, and the two values of each that does not. */
function check(text: string, right: number, wrong: readonly (readonly [left: number, right: number])[] = []): void {
  const found = checkEquations(text);
  expect(found.wrong.map((equation) => [Number(equation.leftValue.toPrecision(9)), Number(equation.rightValue.toPrecision(9))])).toEqual(wrong);
  expect(found.right).toBe(right);
}

describe('units', () => {
  it('adds units of one kind and compares in the unit of the right side', () => {
    check('3 m + 20 cm = 3.2 m', 1);
    // 300 cm + 20 cm = 3.2 m.
    check('3 m + 20 cm = 3.4 m', 0, [[3.2, 3.4]]);
    check('2 hours + 30 min = 150 minutes', 1);
    check('1.5 kg + 250 g = 1.9 kg', 0, [[1.75, 1.9]]);
    check('3 hours = 180 minutes', 0);
    check('So it lasts 3 * 2 hours = 360 minutes.', 1);
  });
  it.each(['3 m + 20 = 23', '120 km / 60 min = 2 km', '5 apples + 3 pears = 9 fruits', '0.25 inches = 3 miles', '8 dimes * 2 quarters per dime = 16 quarters = 16 * 0.25', '1200 / 60 minutes = 20 hours', '3 km + 2 miles = 5 km'])('leaves alone: %s', (text) => check(text, 0));
});

describe('percentages, fractions, roots', () => {
  it('reads them plain and in LaTeX', () => {
    check('20% of 50 = 10', 1);
    check('1/4 of 28 is 7.', 1);
    check('2\\frac{1}{2} + 1 = 3.5', 1);
    // Two and a half, or two halves: either may be meant.
    check('$2\\frac{1}{2} * 3 = 3$', 1);
    check('$5(1\\frac14) = \\frac{21}{4}$', 0, [[6.25, 5.25]]);
    check('$\\sqrt[3]{27} + \\sqrt{16} = 7$', 1);
    check('$\\binom{6}{3} = 20$ and $\\dbinom{5}{2} = 12$', 1, [[10, 12]]);
    check('$10{,}000 + 1\\,500 = 11{,}500$', 1);
    check('15!/(5!10!) = 3003', 1);
    // 100 · 3 = 300, not 200; aligned lines go on with the chain.
    check('$A &= 3 \\cdot 100 \\\\ &= 200$', 0, [[300, 200]]);
  });
});

describe('words', () => {
  it('reads signs and equality said in words', () => {
    check('12 times 4 is 48.', 1);
    check('So 12 times 4 is 50.', 0, [[48, 50]]);
    check('Half of 20 is 10, and twice 8 equals 16.', 2);
    check('144 divided by 12 equals 11.', 0, [[12, 11]]);
    check('8 * 13 + 2 is equal to 102.', 0, [[106, 102]]);
    check('That means she would make a total of 144 - 6 = $138 per day.', 1);
    check('39 – 13 = 26 students did not come.', 1);
  });
  it.each([
    'Adding 2 to 3 * 4 is 14.', '4/7 is equal to $24.', '3 + 4 is 2 more than 5.', '5 times 3 plus 2 is 25.', 'half of 2 * 2 = 4', 'There are 100 / 5 = 20 times 2 people.', '10 / 2 is 5, 6 or 7.', 'half of 10 + 2 = 7', 'a third of 10 + 2 = 4',
    'Step 4 is 5.', '3 and 4 is 8.', 'The sum of 3 and 4 = 8.',
  ])('leaves alone: %s', (text) => check(text, 0));
});

describe('places where nothing is claimed', () => {
  it.each([
    'If 2 + 2 = 5 we are done', 'Suppose that, as before, 2 + 2 = 5', '2 + 2 = 5 is not true', 'It is not 2 + 2 = 5', 'Substitute into the equation: 3 * 2 - 8 = 0', 'On day 1 * 2 = 20 pages', 'Weeks 3-4 = 96', '14, 400 / 80 = 180', '.8 + . 84 + .82 = 2.46',
    '(0 - 2), (5 - 2) = -2, 4', 'He pays $100 + ($100 * (10/100) = $110', '1 tank -1/3 tank = 2/3', '5 : 1 * (1/3) = 5/3', '1.25 x 10-5 + 1 = 3', '16x2 = 4056', 'So 37 = 4!', '1101101111000 = 2 * 3', 'in base 7, 5 + 4 = 12', '12.37 and √201 = 14.18',
  ])('leaves alone: %s', (text) => check(text, 0));
  it('but a condition ends with its clause, and another sentence is another matter', () => {
    check('If she has 3 hats, then 3 + 4 = 8 hats.', 0, [[7, 8]]);
    check('This is wrong. 3 + 4 = 8', 0, [[7, 8]]);
    check('A triangle of base 3 has the area 3 * 4 / 2 = 6', 1);
  });
});

describe('any text', () => {
  it('is read without an exception, to finite values', () => {
    const sign = fc.constantFrom('1', '2', '10', '0', '.5', '+', '-', '*', '/', '^', '(', ')', '!', '%', '=', ' ', ' is ', ' of ', 'half of ', ' times ', ' cm', ' m', '\\frac{1}{2}', '\\sqrt{', '}', '√', ',', '.', '\n', '9999999');
    fc.assert(
      fc.property(fc.array(sign, { maxLength: 60 }), (signs) => {
        for (const equation of checkEquations(signs.join('')).wrong) {
          expect(Number.isFinite(equation.leftValue) && Number.isFinite(equation.rightValue)).toBe(true);
          expect(equation.leftValue).not.toBe(equation.rightValue);
        }
      }),
      { seed: 11, numRuns: 2000 },
    );
  });
  it('calls nothing by name', () => {
    for (const text of ['import("x") + 1 = 3', 'eval(2) + 1 = 4', 'constructor(1) + 1 = 1', '2 + a.b = 3', '[1:1000000000] = 2', '9^9^9^9 = 1', '170!! = 2', '(99999999)! + 1 = 2']) check(text, 0);
  });
});
