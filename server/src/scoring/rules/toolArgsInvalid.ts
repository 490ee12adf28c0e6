/** tool-args-invalid: the arguments of a call are not JSON, or not an object. */
import type { ToolCall } from '../../core/planTrace.ts';
import type { Finding } from '../../core/problems.ts';
import { placeOf, scoredSteps } from './ownWords.ts';
import type { Rule } from './rule.ts';

export const toolArgsInvalid: Rule = {
  code: 'tool-args-invalid',
  check(trace) {
    const findings: Finding[] = [];
    for (const step of scoredSteps(trace)) {
      // The call of a step still being written may not be whole yet.
      if (step.isProvisional) continue;
      for (const tool of step.tools) {
        const fault = faultOf(tool);
        if (fault === undefined) continue;
        findings.push({ code: 'tool-args-invalid', stepIndex: step.stepIndex, range: placeOf(step), message: `The arguments of ${tool.name} are not valid: ${fault}.`, evidence: [], weight: 0.7, data: { tool: tool.name } });
      }
    }
    return findings;
  },
};

function faultOf(tool: ToolCall): string | undefined {
  if (tool.argsError !== undefined) return tool.argsError;
  if (Array.isArray(tool.args)) return 'they are a list, not an object';
  // A plain string is what tools without a schema take.
  if (typeof tool.args === 'number' || typeof tool.args === 'boolean') return `they are a ${typeof tool.args}, not an object`;
  return undefined;
}
