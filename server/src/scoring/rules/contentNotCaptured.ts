/** content-not-captured: the step had words, and the file does not hold them. */
import type { ExecutionStep } from '../../core/planTrace.ts';
import type { Finding } from '../../core/problems.ts';
import { placeOf, pointTo, scoredSteps, stepNumber } from './ownWords.ts';
import type { Rule } from './rule.ts';

/** More than this many in one trace are the doing of one program: one finding says so. */
const MOST_SINGLE = 3;
const MOST_LINKS = 5;

export const contentNotCaptured: Rule = {
  code: 'content-not-captured',
  check(trace) {
    const hidden = scoredSteps(trace).filter((step) => step.contentNotCaptured);
    const [first] = hidden;
    if (first === undefined || hidden.length <= MOST_SINGLE) return hidden.map((step) => finding(step, 'The text of this step was not recorded (redacted or encrypted), so it is not scored.'));
    const others = hidden.slice(1, 1 + MOST_LINKS).flatMap((step) => pointTo(step, `The text of step ${stepNumber(step)} was not recorded either.`));
    return [{ ...finding(first, `The text of ${hidden.length} steps of this trace was not recorded (redacted or encrypted), so they are not scored, this one first.`), evidence: others }];
  },
};

function finding(step: ExecutionStep, message: string): Finding {
  return { code: 'content-not-captured', stepIndex: step.stepIndex, range: placeOf(step), message, evidence: [], weight: 0.1 };
}
