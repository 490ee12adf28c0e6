/** empty-step: a step without words, calls or an error. */
import type { Finding } from '../../core/problems.ts';
import { placeOf, scoredSteps } from './ownWords.ts';
import type { Rule } from './rule.ts';

export const emptyStep: Rule = {
  code: 'empty-step',
  check(trace) {
    const findings: Finding[] = [];
    for (const step of scoredSteps(trace)) {
      if (step.contentNotCaptured || step.isProvisional || step.tools.length > 0 || step.error !== undefined) continue;
      if (isBlank(step.output) && isBlank(step.reasoning)) {
        const tokens = step.usage?.outputTokens ?? 0;
        const message = tokens > 0 ? `${tokens} tokens were spent on this step, and it says and does nothing.` : 'This step says and does nothing.';
        findings.push({ code: 'empty-step', stepIndex: step.stepIndex, range: placeOf(step), message, evidence: [], weight: 0.2 });
      }
    }
    return findings;
  },
};

function isBlank(text: string | undefined): boolean {
  return text === undefined || text.trim() === '';
}
