/** content-not-captured: the step had words, and the file does not hold them. */
import { placeOf, scoredSteps } from './ownWords.ts';
import type { Rule } from './rule.ts';

export const contentNotCaptured: Rule = {
  code: 'content-not-captured',
  check(trace) {
    return scoredSteps(trace)
      .filter((step) => step.contentNotCaptured)
      .map((step) => ({
        code: 'content-not-captured' as const,
        stepIndex: step.stepIndex,
        range: placeOf(step),
        message: 'The text of this step was not recorded (redacted or encrypted), so it is not scored.',
        evidence: [],
        weight: 0.1,
      }));
  },
};
