/**
 * OpenHands events of version 0. What the agent does is an event with an `action`; the observation it caused belongs to
 * its step. Actions that one response of the model asked for are one step.
 */
import type { OffsetRange, Usage } from '../core/planTrace.ts';
import type { FileRecord } from './documents.ts';
import { asId, asNumber, asRecord, asString, asText, asTimeMs, membersExcept, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { contentText, looksLikeFailure, toolArguments } from './messageContent.ts';
import type { EventReader } from './openHandsEvents.ts';
import { joined, OpenSteps, type OpenCall, type OpenStep } from './openSteps.ts';
import { countUnknown } from './unknownRecords.ts';
import { findWords, type WordPath } from './wordRanges.ts';

interface Reading {
  readonly text: string;
  readonly steps: OpenSteps;
  readonly unknown: Record<string, number>;
  readonly callsByEvent: Map<string, { readonly step: OpenStep; readonly call: OpenCall }>;
  goal: { readonly text: string; readonly range: OffsetRange | null } | undefined;
  model: string | undefined;
  createdAt: string | undefined;
  responseId: string | undefined;
  costUsd: number | undefined;
  /** Tokens the run has used up to the last event that says so. */
  used: Usage;
  /** Who spoke last, for files that do not name the source of an event. */
  lastSpeaker: 'user' | 'agent' | undefined;
}

/** Begins to read events; `text` is the whole file. */
export function readV0Events(text: string): EventReader {
  const reading: Reading = {
    text, steps: new OpenSteps(), unknown: {}, callsByEvent: new Map(), goal: undefined, model: undefined, createdAt: undefined, responseId: undefined, costUsd: undefined, used: {}, lastSpeaker: undefined,
  };
  return {
    version: 'v0',
    steps: reading.steps,
    unknown: reading.unknown,
    get goal() { return reading.goal; },
    get model() { return reading.model; },
    get costUsd() { return reading.costUsd; },
    get createdAt() { return reading.createdAt; },
    read(record, event, pointer) {
      reading.createdAt ??= asText(event['timestamp']);
      const observation = asText(event['observation']);
      const action = asText(event['action']);
      if (observation !== undefined) observed(reading, record, event, observation);
      else if (action !== undefined) acted(reading, record, event, { action, pointer });
      else countUnknown(reading.unknown, 'no action');
    },
  };
}

/** What the program does by itself; no decision of the agent. */
const SILENT_ACTIONS: ReadonlySet<string> = new Set([
  'system', 'recall', 'change_agent_state', 'condensation', 'condensation_request', 'null', 'initialize', 'start', 'pause', 'resume', 'stop', 'loop_recovery', 'summarize',
]);

function acted(reading: Reading, record: FileRecord, event: JsonRecord, at: { readonly action: string; readonly pointer: string }): void {
  const args = asRecord(event['args']) ?? event;
  const prefix: WordPath = args === event ? [] : ['args'];
  const source = asText(event['source']) ?? inferredSource(reading, args, at.action);
  if (SILENT_ACTIONS.has(at.action)) return;
  if (source !== 'agent') {
    if (at.action !== 'message') {
      countUnknown(reading.unknown, `${source}/${at.action}`);
      return;
    }
    const words = asString(args['content']) ?? asString(event['message']) ?? '';
    reading.steps.hear(words);
    reading.lastSpeaker = 'user';
    if (source === 'user' && words !== '') reading.goal ??= { text: words, range: findWords(reading.text, record, [[...prefix, 'content'], ['message']]) ?? null };
    return;
  }
  reading.lastSpeaker = 'agent';
  const step = stepFor(reading, record, event, at.pointer);
  const said = saidIn(event, args, at.action);
  step.output = joined(step.output, said.text) || undefined;
  step.textRange ??= findWords(reading.text, record, [...said.keys.map((key) => [...prefix, key]), ['message'], ...prefix.length === 0 ? [] : [['tool_call_metadata', 'model_response', 'choices']], prefix]);
  if (at.action === 'message' || at.action === 'finish' || at.action === 'reject') return;
  const call = callOf(event, args, at.action);
  reading.steps.addCall(step, call);
  const id = asId(event['id']);
  if (id !== undefined) reading.callsByEvent.set(id, { step, call });
}

/** Resolver output names no sources: the first message is the user's, later ones take turns. */
function inferredSource(reading: Reading, args: JsonRecord, action: string): string {
  if (action !== 'message') return 'agent';
  if (args['wait_for_response'] === true) return 'agent';
  return reading.lastSpeaker === 'agent' && reading.steps.last?.calls.length !== 0 ? 'agent' : 'user';
}

/** The step of the response that asked for this action. */
function stepFor(reading: Reading, record: FileRecord, event: JsonRecord, pointer: string): OpenStep {
  const response = asRecord(asRecord(event['tool_call_metadata'])?.['model_response']);
  const responseId = asText(response?.['id']);
  const { last } = reading.steps;
  if (last !== undefined && responseId !== undefined && responseId === reading.responseId) {
    last.range.end = Math.max(last.range.end, record.end);
    return last;
  }
  reading.responseId = responseId;
  reading.model ??= asText(response?.['model']);
  const step = reading.steps.begin(record, pointer);
  step.stepId = asId(event['id']);
  step.startTimeMs = asTimeMs(event['timestamp']);
  step.finishReason = asText(recordsOf(response?.['choices'])[0]?.['finish_reason']);
  const told = runUsage(reading, asRecord(event['llm_metrics']));
  step.usage = callUsage(asRecord(response?.['usage'])) ?? told.usage;
  step.costUsd = told.costUsd;
  step.attributes = {};
  return step;
}

function callUsage(record: JsonRecord | undefined): Usage | undefined {
  const usage = settled<Usage>({
    inputTokens: asNumber(record?.['prompt_tokens']),
    outputTokens: asNumber(record?.['completion_tokens']),
    cachedTokens: asNumber(asRecord(record?.['prompt_tokens_details'])?.['cached_tokens']) ?? asNumber(record?.['cache_read_input_tokens']),
  });
  return Object.keys(usage).length === 0 ? undefined : usage;
}

/** What the run's running totals grew by since the event before. */
function runUsage(reading: Reading, metrics: JsonRecord | undefined): { readonly usage: Usage | undefined; readonly costUsd: number | undefined } {
  const total = asRecord(metrics?.['accumulated_token_usage']);
  const cost = asNumber(metrics?.['accumulated_cost']);
  const grown = cost === undefined ? 0 : cost - (reading.costUsd ?? 0);
  if (cost !== undefined) reading.costUsd = cost;
  const now = settled<Usage>({ inputTokens: asNumber(total?.['prompt_tokens']), outputTokens: asNumber(total?.['completion_tokens']), cachedTokens: asNumber(total?.['cache_read_tokens']) });
  const before = reading.used;
  if (total !== undefined) reading.used = now;
  const rise = (key: keyof Usage): number | undefined => {
    const value = now[key];
    return value === undefined || value < (before[key] ?? 0) ? undefined : value - (before[key] ?? 0);
  };
  const usage = settled<Usage>({ inputTokens: rise('inputTokens'), outputTokens: rise('outputTokens'), cachedTokens: rise('cachedTokens') });
  return { usage: Object.keys(usage).length === 0 ? undefined : usage, costUsd: grown > 0 ? grown : undefined };
}

/** What the agent said with an action, and which members of its arguments said it. */
function saidIn(event: JsonRecord, args: JsonRecord, action: string): { readonly text: string; readonly keys: readonly string[] } {
  // The event's thought is what the model said and what it gave the tool, in one.
  if (action === 'think') return { text: (contentText(responseMessage(event)?.['content']) ?? '').trim(), keys: ['thought'] };
  if (action === 'message') return { text: asString(args['content']) ?? asString(event['message']) ?? '', keys: ['content'] };
  const thought = (asString(args['thought']) ?? '').trim();
  if (action !== 'finish' && action !== 'reject') return { text: thought, keys: ['thought', 'command', 'code', 'path'] };
  const final = asText(args['final_thought']) ?? asText(asRecord(args['outputs'])?.['content']) ?? asText(asRecord(args['outputs'])?.['reason']) ?? '';
  const text = thought === final.trim() ? thought : (joined(thought, final) ?? '');
  return { text: text === '' ? (asString(event['message']) ?? '') : text, keys: ['thought', 'final_thought'] };
}

/** The message of the model that asked for an action. */
function responseMessage(event: JsonRecord): JsonRecord | undefined {
  return asRecord(recordsOf(asRecord(asRecord(event['tool_call_metadata'])?.['model_response'])?.['choices'])[0]?.['message']);
}

/** The call as the model made it, else the action with its arguments. */
function callOf(event: JsonRecord, args: JsonRecord, action: string): OpenCall {
  const metadata = asRecord(event['tool_call_metadata']);
  const callId = asId(metadata?.['tool_call_id']);
  const made = recordsOf(responseMessage(event)?.['tool_calls']).find((call) => asId(call['id']) === callId);
  const called = asRecord(made?.['function']);
  const raw = called?.['arguments'];
  return { name: asText(metadata?.['function_name']) ?? asText(called?.['name']) ?? action, ...(raw === undefined ? { args: membersExcept(args, action === 'think' ? THINK_FIELDS : ACTION_FIELDS) } : toolArguments(raw)), callId, isError: false };
}

/** What an action carries beside what the agent asked for. */
const THINK_FIELDS: ReadonlySet<string> = new Set([
  'action', 'id', 'timestamp', 'source', 'message', 'action_risk', 'security_risk', 'is_confirmed', 'confirmation_state', 'keep_prompt', 'kernel_init_code', 'blocking', 'hidden', 'is_static', 'is_input', 'impl_source', 'translated_ipython_code', 'include_extra', 'timeout',
]);
const ACTION_FIELDS: ReadonlySet<string> = new Set([...THINK_FIELDS, 'thought']);

const SILENT_OBSERVATIONS: ReadonlySet<string> = new Set(['agent_state_changed', 'null', 'recall', 'agent_condensation', 'condense', 'loop_detection', 'success', 'delegate_state']);

function observed(reading: Reading, record: FileRecord, event: JsonRecord, observation: string): void {
  const cause = asId(event['cause']);
  const known = cause === undefined ? undefined : reading.callsByEvent.get(cause);
  const text = contentText(event['content']) ?? '';
  const outcome = { text, isError: failed(event, observation, text), end: record.end, timeMs: asTimeMs(event['timestamp']) };
  if (known !== undefined) return reading.steps.settle(known.step, known.call, outcome);
  if (SILENT_OBSERVATIONS.has(observation)) return;
  // Files that name no cause: an observation follows its action.
  if (cause === undefined && reading.steps.answer(undefined, outcome)) return;
  const { last } = reading.steps;
  if (observation === 'error' && last !== undefined) last.error ??= { type: 'error', message: text };
  else if (cause === undefined) countUnknown(reading.unknown, `observation/${observation}`);
}

function failed(event: JsonRecord, observation: string, text: string): boolean {
  if (observation === 'error' || observation === 'user_rejected') return true;
  const extras = asRecord(event['extras']);
  const exitCode = asNumber(extras?.['exit_code']) ?? asNumber(asRecord(extras?.['metadata'])?.['exit_code']) ?? asNumber(event['exit_code']);
  if (exitCode !== undefined) return exitCode !== 0;
  return event['success'] === false || looksLikeFailure(text) || EDIT_FAILED.test(text.slice(0, 200));
}

/** How the editing functions of the notebook say that nothing was changed. */
const EDIT_FAILED = /^\s*\[(?:Your proposed edit has introduced new syntax error|No exact match found|ERROR|Error)/;
