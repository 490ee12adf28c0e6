/**
 * The rollout file of a Codex session. A step is one response of the model: what it thought and said, its calls and their
 * outputs. The log does not mark responses; a new token count, a turn's context or words after an output tell them apart.
 */
import type { OffsetRange, PlanTrace, TraceMeta } from '../core/planTrace.ts';
import { callItem, callOutput, reasoningText, type CallItem } from './codexItems.ts';
import type { FileRecord } from './documents.ts';
import { asId, asNumber, asRecord, asString, asText, asTimeMs, settled, type JsonRecord } from './jsonFields.ts';
import { contentText } from './messageContent.ts';
import { joined, OpenSteps, type OpenStep } from './openSteps.ts';
import { assembleTrace, type UniqueIds } from './traceAssembly.ts';
import { tokenCounts, type TokenCounts } from './codexUsage.ts';
import { countUnknown } from './unknownRecords.ts';
import { EACH, findWords, type WordPath } from './wordRanges.ts';

export interface RolloutReader {
  read(record: FileRecord, fields: JsonRecord | undefined): void;
  /** None when the file held nothing of a rollout. */
  traces(traceIds: UniqueIds, isGrowing: boolean): readonly PlanTrace[];
}

interface Goal {
  readonly text: string;
  readonly range: OffsetRange | null;
}

/** What reading has come to. */
interface Session {
  readonly text: string;
  readonly steps: OpenSteps;
  readonly tokens: TokenCounts;
  readonly unknown: Record<string, number>;
  /** Where each turn of the user begins, for rollbacks. */
  readonly turns: { readonly firstStep: number; readonly goal: Goal }[];
  readonly has: { readonly tokenCounts: boolean; readonly items: boolean; readonly userEvents: boolean };
  meta: JsonRecord | undefined;
  context: JsonRecord | undefined;
  first: FileRecord | undefined;
  end: number;
  /** Whether the next word of the agent begins a step. */
  isClosed: boolean;
  /** Whether an output came since the last call. */
  isAnswered: boolean;
  /** How good the text range of the last step is: words beat thoughts beat arguments. */
  rank: number;
}

/** Begins to read a rollout; `text` is the whole file. */
export function readCodexRollout(text: string): RolloutReader {
  const session: Session = {
    text, steps: new OpenSteps(), tokens: tokenCounts(), unknown: {}, turns: [], meta: undefined, context: undefined, first: undefined, end: 0,
    has: { tokenCounts: text.includes('"token_count"'), items: /"response_item"|"record_type"|"function_call"/.test(text), userEvents: text.includes('"user_message"') },
    isClosed: true, isAnswered: false, rank: 0,
  };
  return {
    read: (record, fields) => readRecord(session, record, fields),
    traces: (traceIds, isGrowing) => (session.first === undefined ? [] : [traceOf(session, traceIds, isGrowing)]),
  };
}

function readRecord(session: Session, record: FileRecord, fields: JsonRecord | undefined): void {
  const payload = asRecord(fields?.['payload']);
  const type = fields === undefined ? 'not an object' : (asText(fields['type']) ?? 'no type');
  if (fields === undefined || (payload === undefined && !isEarly(fields, type))) return count(session, type);
  session.first ??= record;
  session.end = record.end;
  const at: Place = { record, prefix: payload === undefined ? [] : ['payload'], timeMs: asTimeMs(fields['timestamp']) };
  const body = payload ?? fields;
  if (type === 'session_meta') session.meta ??= body;
  else if (type === 'turn_context') {
    session.context = body;
    session.isClosed = true;
  } else if (type === 'compacted') {
    session.isClosed = true;
    session.steps.hear(asText(body['message']));
  } else if (type === 'event_msg') readEvent(session, at, body);
  else if (type === 'response_item') readItem(session, at, body);
  else if (payload !== undefined) count(session, type);
  else if (type !== 'no type') readItem(session, at, body);
  else if (asText(body['id']) !== undefined) session.meta ??= body;
}

/** A record of the early form, which has no payload: the head, a state line or a bare item. */
function isEarly(fields: JsonRecord, type: string): boolean {
  if (type === 'no type') return 'record_type' in fields || 'instructions' in fields;
  return ITEM_TYPES.has(type);
}

const ITEM_TYPES: ReadonlySet<string> = new Set(['message', 'reasoning', 'function_call', 'function_call_output', 'local_shell_call', 'custom_tool_call', 'custom_tool_call_output', 'web_search_call']);

function count(session: Session, kind: string): void {
  countUnknown(session.unknown, kind);
}

interface Place {
  readonly record: FileRecord;
  /** Members that lead from the record to the item. */
  readonly prefix: WordPath;
  readonly timeMs: number | undefined;
}

function readItem(session: Session, at: Place, item: JsonRecord): void {
  const type = asText(item['type']) ?? 'no type';
  if (type === 'message') {
    if (item['role'] === 'assistant') saidWords(session, at, { output: contentText(item['content']), paths: [['content', EACH, 'text']], id: asText(item['id']) });
    else if (item['role'] === 'user' && !session.has.userEvents) heardUser(session, at, contentText(item['content']) ?? '', ['content', EACH, 'text']);
    return;
  }
  if (type === 'reasoning') {
    const reasoning = reasoningText(item);
    saidWords(session, at, { reasoning, paths: [['summary', EACH, 'text'], ['content', EACH, 'text']], isHidden: reasoning === '' && asText(item['encrypted_content']) !== undefined });
    return;
  }
  const call = callItem(type, item);
  if (call !== undefined) return called(session, at, call);
  const output = callOutput(type, item);
  if (output !== undefined) {
    const isKnown = session.steps.answer(output.callId, { text: output.text, isError: output.isError, end: at.record.end, timeMs: at.timeMs });
    if (!isKnown) count(session, `${type} without its call`);
    session.isAnswered = true;
    session.tokens.sawOutput();
    return;
  }
  if (!SILENT_ITEMS.has(type)) count(session, `response_item/${type}`);
}

const SILENT_ITEMS: ReadonlySet<string> = new Set(['ghost_snapshot', 'compaction', 'compaction_summary', 'context_compaction', 'compaction_trigger']);

/** The step a response's item belongs to: the one that grows, or a new one. */
function stepFor(session: Session, at: Place, isCall: boolean): OpenStep {
  const { last } = session.steps;
  const endsResponse = session.isClosed || (session.isAnswered && (!isCall || !session.has.tokenCounts));
  if (last !== undefined && !endsResponse) {
    last.range.end = Math.max(last.range.end, at.record.end);
    if (at.timeMs !== undefined) last.endTimeMs = Math.max(last.endTimeMs ?? at.timeMs, at.timeMs);
    session.tokens.sawAgent(last);
    return last;
  }
  const step = session.steps.begin(at.record, `/${at.record.index}`);
  step.startTimeMs = at.timeMs;
  session.isClosed = false;
  session.isAnswered = false;
  session.rank = 0;
  session.tokens.sawAgent(step);
  return step;
}

interface Words {
  readonly output?: string | undefined;
  readonly reasoning?: string | undefined;
  readonly paths: readonly WordPath[];
  readonly id?: string | undefined;
  readonly isHidden?: boolean;
}

function saidWords(session: Session, at: Place, words: Words): void {
  const step = stepFor(session, at, false);
  if (words.id !== undefined) step.stepId ??= words.id;
  step.output = joined(step.output, words.output);
  step.reasoning = joined(step.reasoning, words.reasoning) || undefined;
  if (words.isHidden === true) step.attributes = { ...step.attributes, reasoningEncrypted: true };
  pointAt(session, step, at, words.output === undefined ? RANK_THOUGHT : RANK_WORDS, words.paths);
}

const RANK_ARGUMENTS = 1;
const RANK_THOUGHT = 2;
const RANK_WORDS = 3;

/** Lets the step's text range show the best words so far. */
function pointAt(session: Session, step: OpenStep, at: Place, rank: number, paths: readonly WordPath[]): void {
  if (rank <= session.rank) return;
  const range = findWords(session.text, at.record, paths.map((path) => [...at.prefix, ...path]));
  if (range === undefined) return;
  step.textRange = range;
  session.rank = rank;
}

function called(session: Session, at: Place, item: CallItem): void {
  const step = stepFor(session, at, true);
  step.stepId ??= item.call.callId;
  session.steps.addCall(step, item.call);
  session.isAnswered = false;
  pointAt(session, step, at, RANK_ARGUMENTS, [item.argsPath]);
}

function heardUser(session: Session, at: Place, words: string, path: WordPath): void {
  session.isClosed = true;
  if (words.trim() === '' || NOT_TYPED.test(words)) return;
  session.steps.hear(words);
  session.turns.push({ firstStep: session.steps.steps.length, goal: { text: words, range: findWords(session.text, at.record, [[...at.prefix, ...path]]) ?? null } });
}

/** What the program says in the user's name. */
const NOT_TYPED = /^\s*(?:<(?:environment_context|user_instructions|permissions|collaboration_mode|turn_aborted|subagent_notification|skill|INSTRUCTIONS)\b|# AGENTS\.md instructions)/;

function readEvent(session: Session, at: Place, event: JsonRecord): void {
  const type = asText(event['type']) ?? 'no type';
  const { last } = session.steps;
  switch (type) {
    case 'user_message':
      return heardUser(session, at, asString(event['message']) ?? '', ['message']);
    case 'agent_message':
      if (!session.has.items) saidWords(session, at, { output: asString(event['message']), paths: [['message']] });
      return;
    case 'agent_reasoning':
      if (!session.has.items) saidWords(session, at, { reasoning: asString(event['text']), paths: [['text']] });
      return;
    case 'token_count':
      if (session.tokens.read(asRecord(event['info']))) session.isClosed = true;
      return;
    case 'exec_command_end':
    case 'mcp_tool_call_end':
    case 'patch_apply_end': {
      const call = session.steps.waiting(asId(event['call_id']) ?? '');
      if (call !== undefined && endedBadly(event)) call.isError = true;
      return;
    }
    case 'error':
    case 'stream_error':
      if (last !== undefined && !session.isClosed) last.error = { type, message: asText(event['message']) ?? '' };
      return;
    case 'turn_aborted':
      if (last !== undefined) last.finishReason ??= asText(event['reason']) ?? 'aborted';
      session.isClosed = true;
      return;
    case 'thread_rolled_back':
      return rollBack(session, asNumber(event['num_turns']) ?? 0);
    default:
      if (!SILENT_EVENTS.test(type)) count(session, `event_msg/${type}`);
  }
}

/** Events that repeat what items say, or say nothing about the agent's work. */
const SILENT_EVENTS =
  /^(?:(?:task|turn)_(?:started|complete)|agent_reasoning_(?:raw_content|section_break)|context_compacted|thread_(?:name_updated|goal_updated|settings_applied)|(?:entered|exited)_review_mode|plan_update|turn_diff|session_configured|warning|deprecation_notice|background_event|view_image_tool_call|item_(?:started|completed)|.*_(?:begin|delta|request|end|response)|hook_.*|collab_.*|mcp_startup_.*|undo_.*|raw_response_item|model_reroute|shutdown_complete)$/;

function endedBadly(event: JsonRecord): boolean {
  const exitCode = asNumber(event['exit_code']);
  return (exitCode !== undefined && exitCode !== 0) || event['success'] === false || asRecord(event['result'])?.['Err'] !== undefined;
}

/** Takes back the last turns of the user, as the program did. */
function rollBack(session: Session, turns: number): void {
  const kept = Math.max(0, session.turns.length - Math.max(0, turns));
  const from = session.turns[kept];
  if (turns <= 0 || from === undefined) return;
  session.turns.length = kept;
  session.steps.dropFrom(from.firstStep);
  session.isClosed = true;
}

function traceOf(session: Session, traceIds: UniqueIds, isGrowing: boolean): PlanTrace {
  const { meta, context, first } = session;
  const goal = session.turns[0]?.goal;
  const id = asText(meta?.['id']);
  const source = asRecord(meta?.['source'])?.['subagent'];
  for (const step of session.steps.steps) {
    if (step.output === undefined && step.reasoning === undefined && step.calls.length === 0 && step.attributes?.['reasoningEncrypted'] === true) step.contentNotCaptured = true;
  }
  return assembleTrace(
    {
      format: 'codex',
      formatVersion: asText(meta?.['cli_version']) ?? 'rollout',
      traceId: id,
      goalText: goal?.text,
      goalRange: goal?.range,
      planSignature: 'codex',
      steps: session.steps.drafts(isGrowing || session.steps.isWaiting),
      createdAt: asText(meta?.['timestamp']),
      meta: settled<TraceMeta>({
        model: asText(context?.['model']) ?? asText(meta?.['model']),
        agent: source === undefined ? (asText(meta?.['agent_nickname']) ?? 'codex') : (asText(meta?.['agent_nickname']) ?? 'codex subagent'),
        session: id,
        cwd: asText(meta?.['cwd']) ?? asText(context?.['cwd']),
        costUsd: undefined,
        outcome: undefined,
      }),
      unknownRecordCounts: session.unknown,
      range: first === undefined ? null : { start: first.start, end: session.end },
    },
    traceIds,
  );
}
