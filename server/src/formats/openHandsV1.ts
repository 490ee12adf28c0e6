/**
 * Events of the OpenHands SDK (version 1), told apart by `kind`. Actions that share an `llm_response_id` are one decision;
 * observations find their action by its id. A critic's result is a score of the step.
 */
import type { ImportedScore, OffsetRange, Usage } from '../core/planTrace.ts';
import type { FileRecord } from './documents.ts';
import { asId, asNumber, asRecord, asString, asText, asTimeMs, membersExcept, recordsOf, type JsonRecord } from './jsonFields.ts';
import { contentText, jsonText, toolArguments } from './messageContent.ts';
import type { EventReader } from './openHandsEvents.ts';
import { joined, OpenSteps, type OpenCall, type OpenStep } from './openSteps.ts';
import { countUnknown } from './unknownRecords.ts';
import { EACH, findWords, type WordPath } from './wordRanges.ts';

interface Reading {
  readonly text: string;
  readonly steps: OpenSteps;
  readonly unknown: Record<string, number>;
  readonly callsByEvent: Map<string, { readonly step: OpenStep; readonly call: OpenCall }>;
  goal: { readonly text: string; readonly range: OffsetRange | null } | undefined;
  model: string | undefined;
  createdAt: string | undefined;
  costUsd: number | undefined;
  responseId: string | undefined;
  /** Running totals as last stated, and what they grew by then. */
  totals: JsonRecord | undefined;
  risen: Usage | undefined;
}

/** Begins to read events; `text` is the whole file. */
export function readV1Events(text: string): EventReader {
  const reading: Reading = {
    text, steps: new OpenSteps(), unknown: {}, callsByEvent: new Map(), goal: undefined, model: undefined, createdAt: undefined, costUsd: undefined, responseId: undefined, totals: undefined, risen: undefined,
  };
  return {
    version: 'v1',
    steps: reading.steps,
    unknown: reading.unknown,
    get goal() { return reading.goal; },
    get model() { return reading.model; },
    get costUsd() { return reading.costUsd; },
    get createdAt() { return reading.createdAt; },
    read(record, event, pointer) {
      reading.createdAt ??= asText(event['timestamp']);
      readEvent(reading, record, event, pointer);
    },
  };
}

/** Events that say nothing about what the agent decided. */
const SILENT_KINDS: ReadonlySet<string> = new Set([
  'SystemPromptEvent', 'Condensation', 'CondensationRequest', 'CondensationSummaryEvent', 'PauseEvent', 'InterruptEvent', 'TokenEvent', 'LLMCompletionLogEvent', 'HookExecutionEvent', 'StreamingDeltaEvent',
]);

function readEvent(reading: Reading, record: FileRecord, event: JsonRecord, pointer: string): void {
  const kind = asText(event['kind']) ?? 'no kind';
  const { last } = reading.steps;
  switch (kind) {
    case 'MessageEvent':
      return spoke(reading, record, event, pointer);
    case 'ActionEvent':
      return acted(reading, record, event, pointer);
    case 'ObservationEvent': {
      const seen = asRecord(event['observation']) ?? {};
      const exitCode = asNumber(seen['exit_code']);
      return answered(reading, record, event, { text: observationText(seen), isError: seen['is_error'] === true || (exitCode !== undefined && exitCode !== 0) });
    }
    case 'AgentErrorEvent':
      return answered(reading, record, event, { text: asString(event['error']) ?? '', isError: true });
    case 'UserRejectObservation':
      return answered(reading, record, event, { text: `Action rejected: ${asString(event['rejection_reason']) ?? ''}`, isError: true });
    case 'ConversationErrorEvent':
      if (last !== undefined) last.error = { type: asText(event['code']) ?? 'error', message: asText(event['detail']) ?? '' };
      return;
    case 'ConversationStateUpdateEvent':
      return readTotals(reading, event);
    default:
      if (!SILENT_KINDS.has(kind)) count(reading, kind);
  }
}

function count(reading: Reading, kind: string): void {
  countUnknown(reading.unknown, kind);
}

function spoke(reading: Reading, record: FileRecord, event: JsonRecord, pointer: string): void {
  const message = asRecord(event['llm_message']) ?? {};
  const words = contentText(message['content']) ?? '';
  if (event['source'] !== 'agent') {
    reading.steps.hear(words);
    if (event['source'] === 'user' && words !== '') reading.goal ??= { text: words, range: findWords(reading.text, record, [['llm_message', 'content', EACH, 'text'], ['llm_message', 'content']]) ?? null };
    return;
  }
  const step = stepFor(reading, record, event, pointer);
  addWords(reading, step, record, { said: words, message, saidPaths: [['llm_message', 'content', EACH, 'text'], ['llm_message', 'content']], prefix: ['llm_message'] });
}

function acted(reading: Reading, record: FileRecord, event: JsonRecord, pointer: string): void {
  const step = stepFor(reading, record, event, pointer);
  addWords(reading, step, record, { said: contentText(event['thought']) ?? '', message: event, saidPaths: [['thought', EACH, 'text']], prefix: [] });
  step.textRange ??= findWords(reading.text, record, [['tool_call', 'arguments'], ['action']]);
  const call = callOf(event);
  reading.steps.addCall(step, call);
  const id = asId(event['id']);
  if (id !== undefined) reading.callsByEvent.set(id, { step, call });
}

/** The step of the response that this event comes from. */
function stepFor(reading: Reading, record: FileRecord, event: JsonRecord, pointer: string): OpenStep {
  const responseId = asText(event['llm_response_id']);
  const { last } = reading.steps;
  const isSame = last !== undefined && responseId !== undefined && responseId === reading.responseId;
  const step = isSame ? last : reading.steps.begin(record, pointer);
  if (isSame) {
    step.range.end = Math.max(step.range.end, record.end);
  } else {
    step.stepId = asId(event['id']);
    step.startTimeMs = asTimeMs(event['timestamp']);
    step.usage = reading.risen;
    step.attributes = membersExcept(event, EVENT_FIELDS);
    reading.risen = undefined;
    reading.responseId = responseId;
  }
  const score = criticScore(asRecord(event['critic_result']));
  if (score !== undefined) step.importedScores.push(score);
  return step;
}

const EVENT_FIELDS: ReadonlySet<string> = new Set([
  'id', 'timestamp', 'source', 'kind', 'thought', 'reasoning_content', 'thinking_blocks', 'responses_reasoning_item', 'reasoning_details', 'action', 'tool_name', 'tool_call_id', 'tool_call', 'llm_response_id', 'llm_message', 'critic_result', 'activated_skills', 'activated_microagents', 'extended_content',
]);

/** The critic predicts the probability of success: the SDK holds its score between 0 and 1. */
function criticScore(result: JsonRecord | undefined): ImportedScore | undefined {
  const value = asNumber(result?.['score']);
  if (value === undefined) return undefined;
  const score: ImportedScore = { source: 'critic', dimension: 'success', value, scale: [0, 1], attributes: {} };
  const message = asText(result?.['message']);
  return message === undefined ? score : { ...score, rationale: message };
}

interface Said {
  readonly said: string;
  readonly message: JsonRecord;
  readonly saidPaths: readonly WordPath[];
  /** Leads to the object that holds the reasoning. */
  readonly prefix: WordPath;
}

function addWords(reading: Reading, step: OpenStep, record: FileRecord, words: Said): void {
  const { message } = words;
  const thinking = recordsOf(message['thinking_blocks']).flatMap((block) => asText(block['thinking']) ?? []).join('\n\n');
  const reasoning = asText(message['reasoning_content']) ?? (thinking === '' ? reasoningItemText(asRecord(message['responses_reasoning_item'])) : thinking);
  // Some models repeat their reasoning in the text, between tags.
  const tagged = reasoning === undefined ? null : TAGGED.exec(words.said);
  const said = (tagged === null ? words.said : words.said.slice(tagged[0].length)).trim();
  step.output = joined(step.output, said) || undefined;
  step.reasoning = joined(step.reasoning, reasoning) || undefined;
  if (step.textRange !== undefined && step.output !== said) return;
  const saidRange = said === '' ? undefined : findWords(reading.text, record, words.saidPaths);
  const reasoningRange = findWords(reading.text, record, [[...words.prefix, 'reasoning_content'], [...words.prefix, 'thinking_blocks', EACH, 'thinking'], [...words.prefix, 'responses_reasoning_item', 'summary', EACH]]);
  step.textRange = (tagged === null || saidRange === undefined ? saidRange : afterTag(reading.text, saidRange)) ?? step.textRange ?? reasoningRange;
  if (said === '' && reasoning === undefined && hidesThought(message)) step.attributes = { ...step.attributes, reasoningEncrypted: true };
}

const TAGGED = /^\s*<think>[^]*?<\/think>\s*/;

function afterTag(text: string, range: OffsetRange): OffsetRange {
  const close = /<\\?\/think>(?:\\[nrt]|\s)*/.exec(text.slice(range.start, range.end));
  const start = close === null ? range.start : range.start + close.index + close[0].length;
  return start < range.end ? { start, end: range.end } : range;
}

function reasoningItemText(item: JsonRecord | undefined): string | undefined {
  return asText([contentText(item?.['content']), contentText(item?.['summary'])].flatMap((part) => part ?? []).join('\n\n'));
}

function hidesThought(message: JsonRecord): boolean {
  return recordsOf(message['thinking_blocks']).some((block) => block['type'] === 'redacted_thinking') || asText(asRecord(message['responses_reasoning_item'])?.['encrypted_content']) !== undefined;
}

/** The call as the model made it, without what the program had it add. */
function callOf(event: JsonRecord): OpenCall {
  const made = asRecord(event['tool_call']);
  const parsed = made === undefined ? { args: membersExcept(asRecord(event['action']) ?? {}, KIND) } : toolArguments(made['arguments'] ?? asRecord(made['function'])?.['arguments']);
  const fields = asRecord(parsed.args);
  return { name: asText(event['tool_name']) ?? asText(made?.['name']) ?? 'unnamed', ...parsed, ...(fields === undefined ? {} : { args: membersExcept(fields, ADDED) }), callId: asId(event['tool_call_id']), isError: false };
}

const KIND: ReadonlySet<string> = new Set(['kind']);
const ADDED: ReadonlySet<string> = new Set(['security_risk', 'summary']);

function observationText(seen: JsonRecord): string {
  return contentText(seen['content']) ?? asString(seen['output']) ?? asString(seen['error']) ?? (Object.keys(seen).length === 0 ? '' : jsonText(seen));
}

function answered(reading: Reading, record: FileRecord, event: JsonRecord, result: { readonly text: string; readonly isError: boolean }): void {
  const outcome = { ...result, end: record.end, timeMs: asTimeMs(event['timestamp']) };
  const known = reading.callsByEvent.get(asId(event['action_id']) ?? '');
  if (known !== undefined) return reading.steps.settle(known.step, known.call, outcome);
  const callId = asId(event['tool_call_id']);
  if (callId !== undefined && reading.steps.answer(callId, outcome)) return;
  // Its action is not in the file: a result without a decision is no step.
  count(reading, `${asText(event['kind']) ?? 'no kind'} without its action`);
}

/** Totals come after each response and before its events, so what they grew by belongs to the next step. */
function readTotals(reading: Reading, event: JsonRecord): void {
  const value = asRecord(event['value']);
  const stats = event['key'] === 'stats' ? value : asRecord(value?.['stats']);
  const byUse = asRecord(stats?.['usage_to_metrics']);
  if (byUse === undefined) return;
  let grown: Usage | undefined;
  let costUsd = 0;
  for (const use of Object.keys(byUse)) {
    const metrics = asRecord(byUse[use]);
    costUsd += asNumber(metrics?.['accumulated_cost']) ?? 0;
    // The condenser's calls are no steps.
    if (use === 'condenser') continue;
    reading.model ??= asText(metrics?.['model_name']);
    const rise = usageRise(asRecord(metrics?.['accumulated_token_usage']), asRecord(asRecord(reading.totals?.[use])?.['accumulated_token_usage']));
    if (rise !== undefined) grown = rise;
  }
  reading.totals = byUse;
  if (costUsd > 0) reading.costUsd = costUsd;
  if (grown !== undefined) reading.risen = grown;
}

function usageRise(now: JsonRecord | undefined, before: JsonRecord | undefined): Usage | undefined {
  const rise = (key: string): number => (asNumber(now?.[key]) ?? 0) - (asNumber(before?.[key]) ?? 0);
  const usage: Usage = { inputTokens: rise('prompt_tokens'), outputTokens: rise('completion_tokens'), cachedTokens: rise('cache_read_tokens') };
  const total = rise('prompt_tokens') + rise('completion_tokens');
  if (total <= 0) return undefined;
  // In the middle of a run the first totals say nothing about one call, unless they are those of one call.
  return before === undefined && total !== asNumber(now?.['per_turn_token']) ? undefined : usage;
}
