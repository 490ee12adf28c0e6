/** output-truncated: the model ran out of tokens, or a tool's result was cut. */
import type { ExecutionStep } from '../../core/planTrace.ts';
import type { Finding } from '../../core/problems.ts';
import { placeOf, scoredSteps } from './ownWords.ts';
import type { Rule } from './rule.ts';

export const outputTruncated: Rule = {
  code: 'output-truncated',
  check(trace) {
    const findings: Finding[] = [];
    for (const step of scoredSteps(trace)) {
      const message = messageFor(step);
      if (message !== undefined) findings.push({ code: 'output-truncated', stepIndex: step.stepIndex, range: placeOf(step), message, evidence: [], weight: 0.3 });
    }
    return findings;
  },
};

function messageFor(step: ExecutionStep): string | undefined {
  if (step.finishReason !== undefined && OUT_OF_TOKENS.test(step.finishReason)) {
    const tokens = step.usage?.outputTokens;
    return tokens === undefined ? `The text was cut off: the model stopped at its limit ("${step.finishReason}").` : `${tokens} tokens, then the text was cut off: the model stopped at its limit ("${step.finishReason}").`;
  }
  const cut = step.tools.filter((tool) => tool.result !== undefined && isCut(tool.result));
  const first = cut[0];
  if (first === undefined) return undefined;
  return cut.length === 1 ? `The result of ${first.name} was cut off before the agent saw it.` : `${cut.length} results were cut off before the agent saw them, the first of ${first.name}.`;
}

const OUT_OF_TOKENS = /^(?:length|max_?(?:output_)?tokens|model_length|model_context_window_exceeded)$/i;
const LOOKED_AT = 1000;

/** Markers that tools leave at the beginning, at the end or in the middle of what they cut. */
function isCut(result: string): boolean {
  if (result.length < 200) return MARKER.test(result);
  if (MARKER.test(result.slice(0, LOOKED_AT)) || MARKER.test(result.slice(-LOOKED_AT))) return true;
  const middle = Math.floor(result.length / 2);
  return result.length > 4 * LOOKED_AT && MARKER.test(result.slice(middle - LOOKED_AT, middle + LOOKED_AT));
}

const MARKER =
  /<response clipped>|\[(?:\.\.\.|…)?\s*(?:[\d,.]+\s*(?:characters?|chars|lines?|bytes|tokens|kb|mb)\s+)?(?:output |observation |text |content |result )?(?:truncated|omitted|elided|clipped)[^\]\n]{0,60}\]|(?:\.\.\.|…)\s*\(?[\d,]+ (?:more )?(?:characters|lines|bytes|tokens)\s*(?:truncated|omitted|not shown)?\)?|\boutput (?:was )?(?:truncated|limited to \d|too (?:large|long))|\b\d+ (?:characters|lines|bytes) (?:were )?(?:truncated|omitted)\b|\((?:output |results? )?(?:is |are )?truncated[^)\n]{0,60}\)/i;
