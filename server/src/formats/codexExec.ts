/**
 * The event stream of `codex exec --json`. It holds no prompt and no responses, only items as they begin and end: words
 * begin a step, and so does a call made when all calls before it had come back.
 */
import type { PlanTrace, TraceMeta } from '../core/planTrace.ts';
import { mcpResultText } from './codexItems.ts';
import type { FileRecord } from './documents.ts';
import { asArray, asJson, asNumber, asRecord, asString, asText, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { jsonText } from './messageContent.ts';
import { joined, OpenSteps, type OpenCall, type OpenStep } from './openSteps.ts';
import { assembleTrace, type UniqueIds } from './traceAssembly.ts';
import { countUnknown } from './unknownRecords.ts';
import { findWords, type WordPath } from './wordRanges.ts';

export interface ExecReader {
  read(record: FileRecord, fields: JsonRecord, type: string): void;
  traces(traceIds: UniqueIds, isGrowing: boolean): readonly PlanTrace[];
}

interface Thread {
  readonly id: string | undefined;
  readonly start: number;
  end: number;
  readonly steps: OpenSteps;
  readonly itemsById: Map<string, { readonly step: OpenStep; readonly call: OpenCall }>;
  /** Calls that have begun and not ended. */
  readonly running: Set<OpenCall>;
  readonly unknown: Record<string, number>;
  /** Whether the next item begins a step whatever it is. */
  isClosed: boolean;
}

/** Begins to read a stream; `text` is the whole file. */
export function readCodexExec(text: string): ExecReader {
  const threads: Thread[] = [];
  return {
    read(record, fields, type) {
      const last = threads.at(-1);
      // A resumed thread starts anew under its old id.
      const isNew = last === undefined || (type === 'thread.started' && last.id !== asText(fields['thread_id']));
      const thread = isNew ? begin(asText(fields['thread_id']), record.start) : last;
      if (isNew) threads.push(thread);
      thread.end = record.end;
      readEvent(text, thread, record, fields, type);
    },
    traces: (traceIds, isGrowing) => threads.map((thread, i) => traceOf(thread, traceIds, isGrowing && i === threads.length - 1)),
  };
}

function begin(id: string | undefined, start: number): Thread {
  return { id, start, end: start, steps: new OpenSteps(), itemsById: new Map(), running: new Set(), unknown: {}, isClosed: true };
}

function readEvent(text: string, thread: Thread, record: FileRecord, fields: JsonRecord, type: string): void {
  const { last } = thread.steps;
  const item = asRecord(fields['item']);
  if (item !== undefined) return readItem(text, thread, { record, isDone: type === 'item.completed' }, item);
  if (type === 'turn.completed' || type === 'turn.failed' || type === 'turn.started') {
    thread.isClosed = true;
    const usage = asRecord(fields['usage']);
    // The count is the whole turn's: as the last step's own usage it would be false.
    if (usage !== undefined && last !== undefined) last.attributes = { ...last.attributes, turnUsage: asJson(usage) };
  }
  const failure = asRecord(fields['error']) ?? (type === 'error' ? fields : undefined);
  if (failure !== undefined && last !== undefined) last.error = { type, message: asText(failure['message']) ?? '' };
}

interface Place {
  readonly record: FileRecord;
  readonly isDone: boolean;
}

function readItem(text: string, thread: Thread, at: Place, item: JsonRecord): void {
  const type = asText(item['type']) ?? asText(item['item_type']) ?? 'no type';
  if (type === 'agent_message' || type === 'assistant_message' || type === 'reasoning' || type === 'plan') {
    if (at.isDone) said(text, thread, at.record, { words: asText(item['text']) ?? '', isThought: type === 'reasoning', id: asText(item['id']) });
    return;
  }
  if (type === 'error') return;
  const made = callOf(type, item);
  if (made === undefined) {
    if (at.isDone) countUnknown(thread.unknown, `item/${type}`);
    return;
  }
  const id = asText(item['id']);
  const known = id === undefined ? undefined : thread.itemsById.get(id);
  const target = known ?? { step: stepForCall(thread, at.record, id), call: made.call };
  if (known === undefined) {
    thread.steps.addCall(target.step, target.call);
    target.step.textRange ??= findWords(text, at.record, [['item', ...made.argsPath]]);
    thread.running.add(target.call);
    if (id !== undefined) thread.itemsById.set(id, target);
  }
  target.call.result = made.call.result ?? target.call.result;
  target.call.isError = made.call.isError;
  if (at.isDone) {
    thread.running.delete(target.call);
    if (id !== undefined) thread.itemsById.delete(id);
  }
  if (target.step === thread.steps.last) target.step.range.end = at.record.end;
}

/** A call joins the step while calls of it are open, or while it has words only. */
function stepForCall(thread: Thread, record: FileRecord, id: string | undefined): OpenStep {
  const { last } = thread.steps;
  const isOpen = last !== undefined && !thread.isClosed && (last.calls.length === 0 || last.calls.some((call) => thread.running.has(call)));
  if (isOpen) return last;
  return beginStep(thread, record, id);
}

function beginStep(thread: Thread, record: FileRecord, id: string | undefined): OpenStep {
  const step = thread.steps.begin(record, `/${record.index}`);
  step.stepId = id;
  thread.isClosed = false;
  return step;
}

function said(text: string, thread: Thread, record: FileRecord, item: { readonly words: string; readonly isThought: boolean; readonly id: string | undefined }): void {
  const { last } = thread.steps;
  const joins = last !== undefined && !thread.isClosed && last.calls.length === 0 && last.output === undefined;
  const step = joins ? last : beginStep(thread, record, item.id);
  step.range.end = record.end;
  if (item.isThought) step.reasoning = joined(step.reasoning, item.words) || undefined;
  else step.output = item.words;
  if (!item.isThought || step.textRange === undefined) step.textRange = findWords(text, record, [['item', 'text']]) ?? step.textRange;
}

interface MadeCall {
  readonly call: OpenCall;
  readonly argsPath: WordPath;
}

function callOf(type: string, item: JsonRecord): MadeCall | undefined {
  const callId = asText(item['id']);
  const failed = item['status'] === 'failed' || item['status'] === 'declined';
  switch (type) {
    case 'command_execution': {
      const exitCode = asNumber(item['exit_code']);
      const result = item['status'] === 'in_progress' ? undefined : asString(item['aggregated_output']);
      return { call: { name: type, args: { command: asJson(item['command']) }, callId, result, isError: failed || (exitCode !== undefined && exitCode !== 0) }, argsPath: ['command'] };
    }
    case 'file_change':
      return { call: { name: type, args: asJson(asArray(item['changes'])), callId, result: item['status'] === 'in_progress' ? undefined : asText(item['status']), isError: failed }, argsPath: ['changes'] };
    case 'mcp_tool_call': {
      const error = asText(asRecord(item['error'])?.['message']);
      const name = [asText(item['server']), asText(item['tool'])].flatMap((part) => part ?? []).join('.');
      return { call: { name: name === '' ? type : name, args: asJson(item['arguments']), callId, result: error ?? mcpResultText(item['result']), isError: failed || error !== undefined }, argsPath: ['arguments'] };
    }
    case 'web_search':
      return { call: { name: type, args: { query: asJson(item['query']) }, callId, isError: failed }, argsPath: ['query'] };
    case 'todo_list':
      return { call: { name: type, args: asJson(recordsOf(item['items'])), callId, isError: false }, argsPath: ['items'] };
    case 'collab_tool_call':
      return { call: { name: asText(item['tool']) ?? type, args: { prompt: asJson(item['prompt']) }, callId, result: item['status'] === 'in_progress' ? undefined : jsonText(item['agents_states']), isError: failed }, argsPath: ['prompt'] };
    default:
      return undefined;
  }
}

function traceOf(thread: Thread, traceIds: UniqueIds, isGrowing: boolean): PlanTrace {
  return assembleTrace(
    {
      format: 'codex',
      formatVersion: 'exec-json',
      traceId: thread.id,
      planSignature: 'codex',
      steps: thread.steps.drafts(isGrowing || thread.running.size > 0),
      meta: settled<TraceMeta>({ model: undefined, agent: 'codex', session: thread.id, cwd: undefined, costUsd: undefined, outcome: undefined }),
      unknownRecordCounts: thread.unknown,
      range: { start: thread.start, end: thread.end },
    },
    traceIds,
  );
}
