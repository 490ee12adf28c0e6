/** What a printed trace lost: the trace that was printed against the one our reader makes of the text. */
import type { ExecutionStep, ImportedScore, PlanTrace, ToolCall } from '../core/planTrace.ts';
import { asRecord, asTimeMs } from './jsonFields.ts';
import { durationOf, endOf, type PrintedIds } from './printedTraces.ts';

/** Sentences about everything that is missing or reads differently, most general first; what the reader adds of its own is no loss. */
export function exportLosses(printed: readonly PrintedIds[], read: readonly PlanTrace[]): readonly string[] {
  const readById = new Map(read.map((trace) => [trace.traceId, trace]));
  const pairs = printed.map(({ trace, traceId, stepIds }, i): Pair => {
    const found = readById.get(traceId) ?? (read.length === printed.length ? read[i] : undefined);
    return { trace, read: found, steps: found === undefined ? [] : pairSteps(trace, stepIds, found), isInOrder: found === undefined || isInOrder(stepIds, found) };
  });
  const lost: string[] = [];
  const missing = pairs.filter((pair) => pair.read === undefined);
  const gone = missing.filter((pair) => pair.trace.steps.length === 0).length;
  if (gone > 0) lost.push(`${counted(gone, 'trace')} without any step`);
  if (missing.length > gone) lost.push(`${counted(missing.length - gone, 'trace')} as a whole`);
  const found = pairs.flatMap((pair) => (pair.read === undefined ? [] : [{ was: pair.trace, is: pair.read }]));
  for (const [what, isKept] of TRACE_FIELDS) {
    const count = found.filter(({ was, is }) => !isKept(was, is)).length;
    if (count > 0) lost.push(`the ${what} of ${counted(count, 'trace')}`);
  }
  const steps = pairs.flatMap((pair) => pair.steps);
  const missingSteps = steps.filter((step) => step.is === undefined).length;
  if (missingSteps > 0) lost.push(`${counted(missingSteps, 'step')} as a whole`);
  const disordered = pairs.filter((pair) => !pair.isInOrder).length;
  if (disordered > 0) lost.push(`the order of the steps of ${counted(disordered, 'trace')}`);
  for (const [what, isKept] of STEP_FIELDS) {
    const count = steps.filter(({ was, is, parentId }) => is !== undefined && !isKept(was, is, parentId)).length;
    if (count > 0) lost.push(`${what} of ${counted(count, 'step')}`);
  }
  const scores = lostScores(found) + steps.reduce((sum, { was, is }) => sum + (is === undefined ? 0 : lostScores([{ was, is }])), 0);
  if (scores > 0) lost.push(`${counted(scores, 'score')} that the file came with, or something of them`);
  return lost;
}

interface Pair {
  readonly trace: PlanTrace;
  readonly read: PlanTrace | undefined;
  readonly steps: readonly StepPair[];
  readonly isInOrder: boolean;
}

interface StepPair {
  readonly was: ExecutionStep;
  readonly is: ExecutionStep | undefined;
  /** Id under which the step's parent was printed. */
  readonly parentId: string | undefined;
}

function pairSteps(trace: PlanTrace, stepIds: readonly string[], read: PlanTrace): readonly StepPair[] {
  const readById = new Map(read.steps.map((step) => [step.stepId, step]));
  const printedById = new Map(trace.steps.map((step, i) => [step.stepId, stepIds[i]]));
  const isWhole = trace.steps.length === read.steps.length;
  return trace.steps.map((was, i) => ({ was, is: readById.get(stepIds[i] ?? '') ?? (isWhole ? read.steps[i] : undefined), parentId: was.parentId === undefined ? undefined : (printedById.get(was.parentId) ?? was.parentId) }));
}

/** Whether the steps that are in both come in the same order. */
function isInOrder(stepIds: readonly string[], read: PlanTrace): boolean {
  const places = new Map(read.steps.map((step) => [step.stepId, step.stepIndex]));
  const order = stepIds.flatMap((id) => places.get(id) ?? []);
  return order.every((place, i) => i === 0 || place > (order[i - 1] ?? 0));
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const TRACE_FIELDS: readonly (readonly [what: string, isKept: (was: PlanTrace, is: PlanTrace) => boolean])[] = [
  ['id', (was, is) => was.traceId === is.traceId],
  ['goal', (was, is) => isSameText(was.goalText, is.goalText)],
  ['plan signature', (was, is) => isSameText(was.planSignature, is.planSignature)],
  ['final output', (was, is) => isSameText(was.finalOutputText, is.finalOutputText)],
  ['time of creation', (was, is) => isSameText(was.createdAt, is.createdAt) || asTimeMs(is.createdAt) === (asTimeMs(was.createdAt) ?? Number.NaN)],
  ['model', (was, is) => isSameText(was.meta.model, is.meta.model)],
  ['agent', (was, is) => isSameText(was.meta.agent, is.meta.agent)],
  ['session', (was, is) => isSameText(was.meta.session, is.meta.session)],
  ['working folder', (was, is) => isSameText(was.meta.cwd, is.meta.cwd)],
  ['total cost', (was, is) => isSameNumber(was.meta.costUsd, is.meta.costUsd)],
  ['outcome', (was, is) => isSameNumber(was.meta.outcome, is.meta.outcome)],
  ['target quality', (was, is) => isSameNumber(was.targetEpistemicQuality, is.targetEpistemicQuality)],
  ['source of the target quality', (was, is) => isSameText(was.targetEpistemicQualitySource, is.targetEpistemicQualitySource)],
];

type StepCheck = (was: ExecutionStep, is: ExecutionStep, parentId: string | undefined) => boolean;

const STEP_FIELDS: readonly (readonly [what: string, isKept: StepCheck])[] = [
  ['ids', (was, is) => was.stepId === is.stepId],
  ['types', (was, is) => was.stepType === is.stepType],
  ['descriptions', (was, is) => isSameText(was.description, is.description)],
  ['agent names', (was, is) => isSameText(was.agentName, is.agentName)],
  ['parents', (_, is, parentId) => isSameText(parentId, is.parentId)],
  ['nesting', (was, is) => was.depth === is.depth && was.isSidechain === is.isSidechain],
  ['inputs', (was, is) => isSameText(was.input, is.input)],
  ['outputs', (was, is) => isSameText(was.output, is.output)],
  ['reasoning', (was, is) => isSameText(was.reasoning, is.reasoning)],
  ['tool calls', (was, is) => was.tools.length === is.tools.length && everyTool(was, is, (a, b) => a.name === b.name)],
  ['tool arguments', (was, is) => everyTool(was, is, (a, b) => isSameArgs(a, b))],
  ['tool call ids', (was, is) => everyTool(was, is, (a, b) => isSameText(a.callId, b.callId))],
  ['tool results', (was, is) => everyTool(was, is, (a, b) => a.result === b.result)],
  ['failure marks of tools', (was, is) => everyTool(was, is, (a, b) => a.isError === b.isError)],
  ['start times', (was, is) => isSameTime(was.startTimeMs, is.startTimeMs)],
  ['end times', (was, is) => isSameTime(was.endTimeMs, endOf(is))],
  ['durations', (was, is) => isSameTime(was.durationMs, durationOf(is))],
  ['input tokens', (was, is) => isSameNumber(was.usage?.inputTokens, is.usage?.inputTokens)],
  ['output tokens', (was, is) => isSameNumber(was.usage?.outputTokens, is.usage?.outputTokens)],
  ['cached tokens', (was, is) => isSameNumber(was.usage?.cachedTokens, is.usage?.cachedTokens)],
  ['fractions of milliseconds in the times', (was, is) => isSameFraction(was.startTimeMs, is.startTimeMs) && isSameFraction(was.endTimeMs, endOf(is)) && isSameFraction(was.durationMs, durationOf(is))],
  ['costs', (was, is) => isSameNumber(was.costUsd, is.costUsd)],
  ['token probabilities', (was, is) => was.logprobs === undefined || was.logprobs.length === 0 || holds(is.logprobs, was.logprobs)],
  ['errors', (was, is) => was.error === undefined || (is.error !== undefined && was.error.type === is.error.type && was.error.message === is.error.message && isSameText(was.error.traceback, is.error.traceback))],
  ['finish reasons', (was, is) => isSameText(was.finishReason, is.finishReason)],
  ['other fields', (was, is) => Object.keys(was.attributes).every((key) => holdsAttribute(is, key, was.attributes[key]))],
  ['marks of copied context', (was, is) => was.isCopiedContext === is.isCopiedContext],
  ['marks of content not captured', (was, is) => was.contentNotCaptured === is.contentNotCaptured],
];

/** Calls beyond those of the other side are counted as tool calls, not once more for each of their fields. */
function everyTool(was: ExecutionStep, is: ExecutionStep, isKept: (was: ToolCall, is: ToolCall) => boolean): boolean {
  return was.tools.every((call, i) => {
    const found = is.tools[i];
    return found === undefined || isKept(call, found);
  });
}

function isSameArgs(was: ToolCall, is: ToolCall): boolean {
  if (was.args === null && asRecord(is.args) !== undefined && Object.keys(asRecord(is.args) ?? {}).length === 0) return true;
  return holds(is.args, was.args) && holds(was.args, is.args) && (was.argsError === undefined) === (is.argsError === undefined);
}

/** No text and the empty one are the same; what was not there cannot be lost. */
function isSameText(was: string | undefined, is: string | undefined): boolean {
  return was === undefined || was === '' || was === is;
}

/** To the millisecond. */
function isSameTime(was: number | undefined, is: number | undefined): boolean {
  return was === undefined || (is !== undefined && Math.abs(was - is) < 1 + TIME_TOLERANCE_MS);
}

const TIME_TOLERANCE_MS = 0.0015;

/** Times that differ by more than a millisecond, or are gone, are told of as times. */
function isSameFraction(was: number | undefined, is: number | undefined): boolean {
  return !isSameTime(was, is) || was === undefined || is === undefined || Math.abs(was - is) <= TIME_TOLERANCE_MS;
}

function isSameNumber(was: number | undefined, is: number | undefined): boolean {
  return was === undefined || (is !== undefined && Math.abs(was - is) <= 1e-9 * Math.max(1, Math.abs(was)));
}

/** At its own place, or among those of a format that keeps strange fields together. */
function holdsAttribute(is: ExecutionStep, key: string, was: unknown): boolean {
  const extra = asRecord(is.attributes['extra']);
  return [is.attributes, extra, asRecord(extra?.['attributes'])].some((place) => holds(place?.[key], was));
}

/** Whether a value has everything of another; null is nothing. */
function holds(is: unknown, was: unknown): boolean {
  if (was === null || was === undefined) return true;
  if (Array.isArray(was)) {
    const [list, found] = [was as readonly unknown[], Array.isArray(is) ? (is as readonly unknown[]) : undefined];
    return found !== undefined && list.length === found.length && list.every((item, i) => holds(found[i], item));
  }
  const [record, found] = [asRecord(was), asRecord(is)];
  if (record === undefined) return was === is;
  return found !== undefined && Object.keys(record).every((key) => holds(Object.hasOwn(found, key) ? found[key] : undefined, record[key]));
}

interface Scored {
  readonly importedScores: readonly ImportedScore[];
}

function lostScores(pairs: readonly { readonly was: Scored; readonly is: Scored }[]): number {
  return pairs.reduce((sum, { was, is }) => {
    const left = [...is.importedScores];
    return sum + was.importedScores.filter((score) => {
      const at = left.findIndex((other) => isSameScore(score, other));
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    }).length;
  }, 0);
}

/** On whatever scale each side has it. */
function isSameScore(was: ImportedScore, is: ImportedScore): boolean {
  const isSameValue = was.scale === undefined || is.scale === undefined ? was.scale === is.scale && isSameNumber(was.value, is.value) : isSameNumber(shareOf(was.value, was.scale), shareOf(is.value, is.scale));
  return isSameValue && was.source === is.source && was.dimension === is.dimension && isSameText(was.rationale, is.rationale) && holds(is.attributes, was.attributes);
}

/** 0–1 of the way from the scale's low end to its high end. */
export function shareOf(value: number, [lo, hi]: readonly [lo: number, hi: number]): number {
  return (value - lo) / (hi - lo);
}
