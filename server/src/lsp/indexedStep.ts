/** Steps whose words stay on disk until something reads them. */
import type { ExecutionStep, ToolCall } from '../core/planTrace.ts';
import type { HeavyFields, LeanStep } from '../core/traceIndex.ts';
import { composeStepText } from '../scoring/stepText.ts';
import type { StepWork } from '../scoring/traceWork.ts';

/** A lean step that reads as a whole one, and as its own work. A copy by spreading has no words: inherit from it instead. */
export type IndexedStep = LeanStep & ExecutionStep & StepWork;

/**
 * Answers how to turn lean steps of one file into whole ones: in place, since a long file has a hundred thousand of them.
 * `wordsOf` reads what was left on disk; it is asked each time.
 */
export function createIndexedSteps({ wordsOf, maxStepCharacters }: { readonly wordsOf: (lean: LeanStep) => HeavyFields; readonly maxStepCharacters: number }): (lean: LeanStep) => IndexedStep {
  const kind: object = {};
  const define = (member: string, read: (step: IndexedStep) => unknown): void => void Object.defineProperty(kind, member, { get(this: IndexedStep) { return read(this); } });
  for (const member of ['description', 'input', 'output', 'reasoning', 'attributes'] as const) define(member, (step) => wordsOf(step)[member]);
  define('logprobs', (step) => (step.hasLogprobs ? wordsOf(step).logprobs : undefined));
  // Who asks for names, or for how many there are, needs nothing from disk.
  define('tools', (step) => step.toolNames.map((name, i) => indexedTool(name, () => wordsOf(step).tools[i])));
  define('step', (step) => step);
  define('text', (step) => (step.unscored === undefined ? composeStepText(step, maxStepCharacters).text : ''));
  return (lean) => Object.setPrototypeOf(lean, kind) as IndexedStep;
}

function indexedTool(name: string, call: () => ToolCall | undefined): ToolCall {
  const tool: ToolCall = { name, get args() { return call()?.args ?? null; }, get isError() { return call()?.isError ?? false; } };
  for (const member of ['argsError', 'callId', 'result'] as const) Object.defineProperty(tool, member, { enumerable: true, get: () => call()?.[member] });
  return tool;
}
