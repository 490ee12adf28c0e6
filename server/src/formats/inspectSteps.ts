/** The steps of an Inspect sample: from the messages of its final conversation, and from calls of the model that are not among them. */
import type { ImportedScore, JsonValue, StepError } from '../core/planTrace.ts';
import { inspectUsage, type EventsRead, type ModelCall } from './inspectEvents.ts';
import { messageCalls, messageReasoning, messageText, toolResult, type Resolve } from './inspectMessages.ts';
import { elementsOf, expandedBackwards, type Message, type Place } from './inspectParts.ts';
import { asArray, asId, asRecord, asText, membersExcept, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import type { Irregularities } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import { flatNumbers } from './messageContent.ts';
import { OpenSteps, type OpenStep } from './openSteps.ts';
import type { StepDraft } from './traceAssembly.ts';
import { EACH, findWords } from './wordRanges.ts';

/** A step with the call of the model it came from, where one is known. */
export interface PlacedStep {
  readonly step: OpenStep;
  readonly call: ModelCall | undefined;
}

export interface Conversation {
  readonly text: string;
  readonly resolve: Resolve;
  readonly events: EventsRead;
  readonly messages: readonly Message[];
}

/** One step for each message of the assistant in the final conversation, with the results its tools got. */
export function messageSteps(of: Conversation): { readonly steps: readonly PlacedStep[]; readonly used: ReadonlySet<ModelCall> } {
  const { text, resolve } = of;
  const find = callFinder(of.events.calls, resolve);
  const open = new OpenSteps();
  const steps: PlacedStep[] = [];
  const used = new Set<ModelCall>();
  for (const { record, range, pointer } of of.messages) {
    const role = asText(record['role']);
    if (role === 'assistant') {
      const call = find(record);
      if (call !== undefined) used.add(call);
      const step = open.begin(range, pointer);
      fillStep(step, { record, text, resolve, call });
      step.isCopiedContext = record['source'] === 'input' && call === undefined;
      for (const toolCall of messageCalls(record, resolve)) open.addCall(step, toolCall);
      steps.push({ step, call });
    } else if (role === 'tool') {
      const callId = asId(record['tool_call_id']);
      open.answer(callId, { ...toolResult(record, record['content'], resolve), end: range.end, timeMs: callId === undefined ? undefined : of.events.toolsByCallId.get(callId)?.endTimeMs });
    } else if (role === 'user') {
      open.hear(messageText(record, resolve));
    }
  }
  return { steps, used };
}

/** Finds the call that gave a message: by its id, in logs without ids by its words. */
function callFinder(calls: readonly ModelCall[], resolve: Resolve): (record: JsonRecord) => ModelCall | undefined {
  const byId = new Map<string, ModelCall>();
  const byWords = new Map<string, ModelCall[]>();
  for (const call of calls) {
    const id = asId(call.message?.['id']);
    if (id !== undefined) byId.set(id, byId.get(id) ?? call);
    else if (call.message !== undefined) {
      const words = wordsKey(call.message, resolve);
      const same = byWords.get(words);
      if (same === undefined) byWords.set(words, [call]);
      else same.push(call);
    }
  }
  for (const same of byWords.values()) same.reverse();
  return (record) => {
    const id = asId(record['id']);
    return (id === undefined ? undefined : byId.get(id)) ?? byWords.get(wordsKey(record, resolve))?.pop();
  };
}

function wordsKey(record: JsonRecord, resolve: Resolve): string {
  return `${messageText(record, resolve) ?? ''}\n${recordsOf(record['tool_calls']).map((call) => asId(call['id']) ?? '').join(' ')}`;
}

interface Answer {
  readonly record: JsonRecord | undefined;
  readonly text: string;
  readonly resolve: Resolve;
  readonly call: ModelCall | undefined;
}

/** What the model said, and what is known of the call that gave it. */
function fillStep(step: OpenStep, { record, text, resolve, call }: Answer): void {
  const reasoning = record === undefined ? undefined : messageReasoning(record, resolve);
  step.stepId = asId(record?.['id']);
  step.output = record === undefined ? undefined : messageText(record, resolve);
  step.reasoning = reasoning?.text;
  step.contentNotCaptured = reasoning?.isHidden === true && reasoning.text === undefined && (step.output ?? '') === '' && recordsOf(record?.['tool_calls']).length === 0;
  step.attributes = membersExcept(record ?? {}, MESSAGE_FIELDS, attributesOf(asText(record?.['model']) ?? call?.model));
  step.textRange = findWords(text, step.range, record === undefined ? [['error']] : WORDS);
  if (call === undefined) return;
  step.agentName = call.lane.agentName;
  step.depth = call.lane.depth;
  step.isSidechain = call.lane.depth > 0;
  step.startTimeMs = call.startTimeMs;
  step.endTimeMs = call.endTimeMs;
  step.usage = call.usage;
  step.costUsd = call.costUsd;
  step.logprobs = call.logprobs;
  step.finishReason = call.finishReason;
  step.error = call.error;
  if (record === undefined) step.stepType = 'error';
}

const MESSAGE_FIELDS: ReadonlySet<string> = new Set(['id', 'role', 'content', 'source', 'tool_calls', 'model', 'reasoning']);
/** Where the words of a message stand, the best first. */
export const WORDS = [['content', EACH, 'text'], ['content', EACH, 'reasoning'], ['content'], ['reasoning'], ['tool_calls']];

function attributesOf(model: string | undefined): Readonly<Record<string, JsonValue>> {
  return model === undefined ? {} : { model };
}

export interface CallContext {
  readonly text: string;
  readonly irregularities: Irregularities;
  readonly resolve: Resolve;
  readonly pool: readonly Place[];
  readonly events: EventsRead;
}

/** The step of a call whose answer is not in the final conversation: a subagent's, or one that was compacted away. */
export function callStep(context: CallContext, call: ModelCall): OpenStep {
  const open = new OpenSteps();
  open.hear(heardBy(context, call));
  const step = open.begin(call.range, call.pointer);
  fillStep(step, { record: call.message, text: context.text, resolve: context.resolve, call });
  for (const toolCall of call.message === undefined ? [] : messageCalls(call.message, context.resolve)) open.addCall(step, toolCall);
  return step;
}

/** What the user said last in the messages the model was given. */
function heardBy({ text, irregularities, resolve, pool }: CallContext, call: ModelCall): string {
  const given = call.input === undefined ? [] : elementsOf(text, irregularities, [{ range: call.input, pointer: '' }]);
  const places = given.length > 0 ? given.slice(-MOST_LOOKED_AT).reverse() : expandedBackwards(call.inputRefs, pool, MOST_LOOKED_AT);
  const heard: string[] = [];
  for (const { range } of places) {
    const record = asRecord(parseSlice(text, range.start, range.end, irregularities));
    const role = asText(record?.['role']);
    if (record === undefined || role === 'assistant' || role === 'system') break;
    if (role === 'user') heard.unshift(messageText(record, resolve) ?? '');
  }
  return heard.join('\n\n');
}

/** How far back the words of the user are looked for. */
const MOST_LOOKED_AT = 64;

/** The steps of the conversation with the others between them, in the order in which the model was called. */
export function inOrder(spoken: readonly PlacedStep[], others: readonly PlacedStep[]): PlacedStep[] {
  const ordered: PlacedStep[] = [];
  let next = 0;
  for (const step of spoken) {
    if (step.call !== undefined) {
      for (let other = others[next]; other !== undefined && (other.call?.order ?? 0) < step.call.order; other = others[next]) {
        ordered.push(other);
        next++;
      }
    }
    ordered.push(step);
  }
  return [...ordered, ...others.slice(next)];
}

export interface Rest {
  readonly events: EventsRead;
  readonly output: JsonRecord | undefined;
  readonly error: JsonRecord | undefined;
  readonly limit: JsonRecord | undefined;
}

/** What only all steps together tell: results only the events hold, parents, scores on the way, how the run ended. */
export function closeSteps(placed: readonly PlacedStep[], { events, output, error, limit }: Rest): void {
  const lastOfLane = new Map<string, OpenStep>();
  for (const { step, call } of placed) {
    for (const toolCall of step.calls) {
      const outcome = toolCall.callId === undefined ? undefined : events.toolsByCallId.get(toolCall.callId);
      if (outcome === undefined) continue;
      if (toolCall.result === undefined) {
        toolCall.result = outcome.text;
        toolCall.isError = outcome.isError;
      }
      if (outcome.endTimeMs !== undefined) step.endTimeMs = Math.max(step.endTimeMs ?? outcome.endTimeMs, outcome.endTimeMs);
    }
    if (step.startTimeMs !== undefined && step.endTimeMs !== undefined) step.durationMs = Math.max(0, step.endTimeMs - step.startTimeMs);
    const lane = call?.lane;
    if (lane !== undefined && lane.depth > 0) step.parentId = lastOfLane.get(lane.parentKey)?.stepId;
    lastOfLane.set(lane?.key ?? '', step);
  }
  addScoresOnTheWay(placed, events);
  const last = placed.at(-1)?.step;
  if (last === undefined) return;
  if (events.calls.length === 0) fillFromOutput(last, output);
  if (error !== undefined) last.error ??= errorOf(error);
  if (limit !== undefined) last.attributes = { ...last.attributes, limit: membersExcept(limit, new Set()) };
}

function addScoresOnTheWay(placed: readonly PlacedStep[], events: EventsRead): void {
  if (events.scoresOnTheWay.length === 0) return;
  const stepsByOrder = new Map(placed.flatMap(({ step, call }) => (call === undefined ? [] : [[call.order, step] as const])));
  const scoresByStep = new Map<OpenStep, ImportedScore[]>();
  let judged = placed[0]?.step;
  let calls = 0;
  for (const { afterCalls, scores } of events.scoresOnTheWay) {
    for (; calls < afterCalls; calls++) judged = stepsByOrder.get(calls) ?? judged;
    if (judged === undefined) continue;
    const known = scoresByStep.get(judged);
    if (known === undefined) scoresByStep.set(judged, [...scores]);
    else known.push(...scores);
  }
  for (const [step, scores] of scoresByStep) step.importedScores = scores;
}

/** A log without events keeps the last call's counts in the sample's output. */
function fillFromOutput(last: OpenStep, output: JsonRecord | undefined): void {
  const choice = asRecord(asArray(output?.['choices'])[0]);
  last.usage = inspectUsage(asRecord(output?.['usage']));
  last.logprobs = flatNumbers(choice?.['logprobs']);
  last.finishReason = asText(choice?.['stop_reason']);
}

function errorOf(error: JsonRecord): StepError {
  return settled<StepError>({ type: 'sample', message: asText(error['message']) ?? '', traceback: asText(error['traceback']) });
}

/** The steps as drafts; in a file that is cut the last may grow. */
export function draftsOf(placed: readonly PlacedStep[], isCut: boolean): readonly StepDraft[] {
  const open = new OpenSteps();
  for (const { step } of placed) open.steps.push(step);
  return open.drafts(isCut);
}
