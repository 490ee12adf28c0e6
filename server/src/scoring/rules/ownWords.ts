/** What rules look at: the steps that are the agent's own, their words, and where to put a finding. */
import type { ExecutionStep, OffsetRange, PlanTrace, ToolCall } from '../../core/planTrace.ts';
import { isRedacted } from '../../core/redacted.ts';

/** The steps a rule judges: copied context was judged where it was first said. */
export function scoredSteps(trace: PlanTrace): readonly ExecutionStep[] {
  return trace.steps.some((step) => step.isCopiedContext) ? trace.steps.filter((step) => !step.isCopiedContext) : trace.steps;
}

/** The texts the agent wrote in the step; not what it was given, nor what tools answered, nor placeholders for what was taken out. */
export function inOwnWords(step: ExecutionStep): readonly string[] {
  const { reasoning, output } = step;
  const words = (text: string | undefined): text is string => text !== undefined && text !== '' && !isRedacted(text);
  if (!words(reasoning)) return words(output) ? [output] : [];
  return !words(output) || output === reasoning ? [reasoning] : [reasoning, output];
}

/** Whether the file does not hold what the call was given, or what came back. */
export function isCallRedacted({ args, result }: ToolCall): boolean {
  return (typeof args === 'string' && isRedacted(args)) || (result !== undefined && isRedacted(result));
}

/** Where a finding about the step's words belongs. */
export function placeOf(step: ExecutionStep): OffsetRange | null {
  return step.textRange ?? step.range;
}

/** Evidence that points to another step; empty where the file has no text to point to. */
export function pointTo(step: ExecutionStep, message: string): readonly { readonly message: string; readonly range: OffsetRange }[] {
  const range = placeOf(step);
  return range === null ? [] : [{ message, range }];
}

/** How people count steps: from 1. */
export function stepNumber(step: ExecutionStep): number {
  return step.stepIndex + 1;
}
