/** empty-step: a step without words, calls or an error. */
import type { ExecutionStep } from '../../core/planTrace.ts';
import type { Finding } from '../../core/problems.ts';
import { placeOf, pointTo, scoredSteps, stepNumber } from './ownWords.ts';
import type { Rule } from './rule.ts';

/** More than this many in one trace are a habit of the producer: one finding says so. */
const MOST_SINGLE = 3;
const MOST_LINKS = 5;

export const emptyStep: Rule = {
  code: 'empty-step',
  check(trace) {
    const empty = scoredSteps(trace).filter(isEmpty);
    const [first] = empty;
    if (first === undefined || empty.length <= MOST_SINGLE) return empty.map((step) => finding(step, messageOf(step)));
    const others = empty.slice(1, 1 + MOST_LINKS).flatMap((step) => pointTo(step, `Step ${stepNumber(step)} says and does nothing either.`));
    return [{ ...finding(first, `${empty.length} steps of this trace say and do nothing, this one first.`), evidence: others }];
  },
};

function isEmpty(step: ExecutionStep): boolean {
  if (step.contentNotCaptured || step.isProvisional || step.tools.length > 0 || step.error !== undefined) return false;
  return isBlank(step.output) && isBlank(step.reasoning);
}

function finding(step: ExecutionStep, message: string): Finding {
  return { code: 'empty-step', stepIndex: step.stepIndex, range: placeOf(step), message, evidence: [], weight: 0.2 };
}

function messageOf(step: ExecutionStep): string {
  const tokens = step.usage?.outputTokens ?? 0;
  return tokens > 0 ? `${tokens} tokens were spent on this step, and it says and does nothing.` : 'This step says and does nothing.';
}

function isBlank(text: string | undefined): boolean {
  return text === undefined || text.trim() === '';
}
