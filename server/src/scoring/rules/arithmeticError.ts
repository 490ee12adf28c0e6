/** arithmetic-error: an equation of plain numbers that does not hold, with the right value. */
import type { ExecutionStep } from '../../core/planTrace.ts';
import type { Finding } from '../../core/problems.ts';
import { findWrongEquations, reckonsOtherwise, type WrongEquation } from './arithmetic.ts';
import { inOwnWords, placeOf, scoredSteps } from './ownWords.ts';
import type { Rule } from './rule.ts';

export const arithmeticError: Rule = {
  code: 'arithmetic-error',
  check(trace) {
    const findings: Finding[] = [];
    if (reckonsOtherwise(trace.goalText)) return findings;
    const firstByEquation = new Map<string, ExecutionStep>();
    for (const step of scoredSteps(trace)) {
      for (const text of inOwnWords(step)) {
        for (const equation of findWrongEquations(text)) {
          const key = `${equation.left}=${equation.right}`;
          // Repeated further on it is the same slip.
          if (firstByEquation.has(key)) continue;
          firstByEquation.set(key, step);
          findings.push({
            code: 'arithmetic-error',
            stepIndex: step.stepIndex,
            range: placeOf(step),
            message: messageOf(equation),
            evidence: [],
            weight: 0.9,
            data: { expected: equation.isLeftPlain ? equation.rightValue : equation.leftValue, written: equation.isLeftPlain ? equation.leftValue : equation.rightValue, equation: key },
          });
        }
      }
    }
    return findings;
  },
};

function messageOf(equation: WrongEquation): string {
  const { leftValue, rightValue } = equation;
  const left = equation.left.replaceAll('*', '×');
  const right = equation.right.replaceAll('*', '×');
  if (equation.isRightPlain) return `${shown(leftValue)}, not ${right}, is what ${clipped(left)} comes to.`;
  if (equation.isLeftPlain) return `${shown(rightValue)}, not ${left}, is what ${clipped(right)} comes to.`;
  return `${shown(leftValue)} is not ${shown(rightValue)}: ${clipped(left)} does not equal ${clipped(right)}.`;
}

function shown(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  return String(Number(value.toPrecision(6)));
}

function clipped(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
