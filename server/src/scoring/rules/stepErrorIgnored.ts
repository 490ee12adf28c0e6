/** step-error-ignored: a tool failed and the agent goes on, or ends, as if it had not. */
import type { ExecutionStep, PlanTrace, ToolCall } from '../../core/planTrace.ts';
import type { Finding } from '../../core/problems.ts';
import { inOwnWords, placeOf, pointTo, scoredSteps, stepNumber } from './ownWords.ts';
import type { Rule } from './rule.ts';

export const stepErrorIgnored: Rule = {
  code: 'step-error-ignored',
  check(trace) {
    const findings: Finding[] = [];
    // The main run and subagents beside it answer only their own failures.
    for (const isSidechain of [false, true]) findings.push(...checkLane(trace, scoredSteps(trace).filter((step) => step.isSidechain === isSidechain)));
    return findings.sort((a, b) => (a.stepIndex ?? 0) - (b.stepIndex ?? 0));
  },
};

function checkLane(trace: PlanTrace, steps: readonly ExecutionStep[]): Finding[] {
  const findings: Finding[] = [];
  const lastGoodUse = lastGoodUseByTool(steps);
  const reported = new Set<ExecutionStep>();
  for (let i = 0; i + 1 < steps.length; i++) {
    const failed = steps[i];
    if (failed === undefined) continue;
    const what = failureOf(failed);
    if (what === undefined) continue;
    const next = firstWithWords(steps, i + 1);
    if (next === undefined || next.input !== undefined && next.tools.length === 0 && !trace.format.startsWith('plan-trace')) continue;
    if (!reported.has(next) && goesOn(failed, next, what)) {
      reported.add(next);
      findings.push(finding(next, failed, what));
    }
  }
  const last = steps.at(-1);
  if (last === undefined || last.isProvisional || last.tools.length > 0 || reported.has(last)) return findings;
  const claim = claimsTestsPass(words(last));
  if (!claim) return findings;
  for (let i = steps.length - 2; i >= 0; i--) {
    const step = steps[i];
    const tool = step?.tools.find((call) => call.isError && isTestRun(call));
    if (step === undefined || tool === undefined) continue;
    // A later run that went well settles it.
    if ((lastGoodUse.get(tool.name) ?? -1) > i) break;
    findings.push(finding(last, step, tool.name));
    break;
  }
  return findings;
}

/** What failed in a step: the tool's name, or the step itself. */
function failureOf(step: ExecutionStep): string | undefined {
  const failed = step.tools.find((tool) => tool.isError);
  if (failed !== undefined) return failed.name === 'observation' ? 'the action' : failed.name;
  return step.error === undefined ? undefined : step.error.type;
}

/** The next step, where the agent says something; one that only acts is not judged. */
function firstWithWords(steps: readonly ExecutionStep[], index: number): ExecutionStep | undefined {
  const next = steps[index];
  return next !== undefined && words(next).trim() !== '' ? next : undefined;
}

function goesOn(failed: ExecutionStep, next: ExecutionStep, what: string): boolean {
  // Trying again, or a further call beside the failed one that went well, is an answer to the failure.
  if (failed.error === undefined && next.tools.some((tool) => tool.name === what)) return false;
  if (failed.error !== undefined && next.stepType === failed.stepType && next.description === failed.description && next.description !== '') return false;
  const said = words(next);
  if (isTestFailure(failed) && claimsTestsPass(said)) return true;
  if (ACKNOWLEDGES.test(said)) return false;
  return failed.error !== undefined || GOES_ON.test(said);
}

function words(step: ExecutionStep): string {
  return inOwnWords(step).join('\n');
}

const ACKNOWLEDGES =
  /\b(?:errors?|exceptions?|fail(?:s|ed|ing|ures?)?|no|not|never|none|nothing|cannot|unable|unfortunately|unexpected(?:ly)?|issues?|problems?|wrong|incorrect|invalid|missing|denied|refused|rejected|time[ds]?[- ]?out|again|retry(?:ing)?|retried|another|different(?:ly)?|alternativ\w*|instead|however|although|though|but|broken|crash\w*|fix(?:ing)?|need(?:s|ed)? to|must|should|let me (?:check|see|look|find|try|fix|correct|investigate|read)|investigate|oops|hmm+|wait|actually|sorry|apolog\w*|limit(?:ed)?|blocked|unavailable|ignor\w+|skip\w*|despite|without|work ?around|warn\w*|fall(?:ing)? ?back|debug\w*|empty|lack\w*|conflict\w*|already|correct\b|reason|cause[ds]?|because|since|due to|syntax|permission)\b|n['’]t\b/i;
const GOES_ON = /^\W*(?:great|perfect|excellent|wonderful|awesome|good|nice|done|finished|now|next|everything|all (?:set|done|good|tests?|checks?)|success\w*|the (?:\w+ ){1,4}(?:is|are|was|were|has|have) (?:now )?(?:complete|completed|done|ready|updated|created|saved|installed|deployed|passing|fixed|working|successful|running)|i(?:['’]ve| have) (?:successfully|now)|with (?:that|this|the \w+) (?:done|in place|complete\w*|installed))\b|\bsuccessful(?:ly)?\b/i;

/** Says that tests or the build pass, other than as a wish or a condition. */
function claimsTestsPass(said: string): boolean {
  for (const match of said.matchAll(PASSES)) {
    const before = said.slice(Math.max(0, match.index - 40), match.index);
    if (!/\b(?:not|n['’]t|no|should|would|will|make|makes|making|until|once|if|so that|whether|ensure|verify|check|confirm that|see|let|hope\w*|before|after|when|get|need|expected?)\b[^.!\n]*$/i.test(before)) return true;
  }
  return false;
}

const PASSES = /\b(?:(?:all |the )?(?:\d+ )?(?:\w+ )?(?:tests?|checks?|specs?) (?:(?:are |is |now |all |still )*(?:pass(?:es|ed|ing)?|green|succeed(?:s|ed)?))|(?:the )?(?:build|compilation) (?:now )?(?:pass(?:es|ed)|succeed(?:s|ed)|is green|works))\b/gi;

function isTestFailure(step: ExecutionStep): boolean {
  return step.tools.some((tool) => tool.isError && isTestRun(tool));
}

function isTestRun(tool: ToolCall): boolean {
  if (/test|build|lint|check/i.test(tool.name)) return true;
  const args = tool.args;
  const command = typeof args === 'object' && args !== null && !Array.isArray(args) ? ((args as Readonly<Record<string, unknown>>)['command'] ?? (args as Readonly<Record<string, unknown>>)['cmd'] ?? (args as Readonly<Record<string, unknown>>)['keystrokes']) : args;
  return typeof command === 'string' && /\b(?:test|tests|pytest|jest|vitest|mocha|tox|rspec|phpunit|ctest|build|tsc|make|lint|check|verify)\b/i.test(command.slice(0, 2000));
}

/** The last step in which each tool was used and did not fail. */
function lastGoodUseByTool(steps: readonly ExecutionStep[]): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  steps.forEach((step, i) => {
    for (const tool of step.tools) if (!tool.isError && tool.result !== undefined && isTestRun(tool)) last.set(tool.name, i);
  });
  return last;
}

function finding(step: ExecutionStep, failed: ExecutionStep, what: string): Finding {
  return {
    code: 'step-error-ignored',
    stepIndex: step.stepIndex,
    range: placeOf(step),
    message: `1 failure is passed over: ${what} failed in step ${stepNumber(failed)}, and this step goes on as if it had not.`,
    evidence: pointTo(failed, `${what} failed here.`),
    weight: 0.85,
    data: { failedStep: stepNumber(failed), tool: what },
  };
}
