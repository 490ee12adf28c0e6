/** Chat messages as OpenAI's API has them: an array, `{messages: […]}`, a completion, or JSONL of these; Anthropic's blocks too. */
import type { OffsetRange, PlanTrace, ToolCall, TraceMeta, Usage } from '../core/planTrace.ts';
import { isJsonLines, readEachLine, readWarnings, type Line } from './documents.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asId, asJson, asNumber, asRecord, asString, asText, asTimeMs, membersExcept, settled, type JsonRecord } from './jsonFields.ts';
import { insideQuotes, Irregularities, JsonCursor } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import { contentText, flatNumbers, looksLikeFailure, toolArguments } from './messageContent.ts';
import { assembleTrace, UniqueIds, type StepDraft } from './traceAssembly.ts';

const ID = 'openai-messages';
const VERSION = 'chat';

export const openaiMessagesFormat: TraceFormat = {
  id: ID,
  title: 'OpenAI messages',
  windows: { kind: 'either' },
  detect(sniff: Sniff): number {
    if (sniff.layout === 'jsonl' && sniff.values.some(isMessage)) return isConversation(sniff.values) ? GENERIC : 0;
    let best = 0;
    for (const value of sniff.values.slice(0, 10)) best = Math.max(best, confidence(value));
    return best;
  },
  parse: parseMessages,
};

/** A bare list of messages may as well be a prompt template or a data set, so it needs a glob or a click. */
const GENERIC = 0.4;

function confidence(value: unknown): number {
  if (Array.isArray(value)) {
    const items = value as unknown[];
    if (items.some(isMessage)) return isConversation(items) ? GENERIC : 0;
    return items.slice(0, 3).some((item) => asRecord(item)?.['object'] === 'chat.completion' || isConversation(asArray(asRecord(item)?.['messages']))) ? GENERIC : 0;
  }
  const record = asRecord(value);
  if (record === undefined) return 0;
  if (record['object'] === 'chat.completion' && Array.isArray(record['choices'])) return 0.9;
  const body = asRecord(record['response']);
  if (body !== undefined && (body['object'] === 'chat.completion' || asRecord(body['body'])?.['object'] === 'chat.completion')) return Array.isArray(record['messages']) ? 0.6 : GENERIC;
  return isConversation(asArray(record['messages'])) ? GENERIC : 0;
}

function isMessage(value: unknown): boolean {
  const record = asRecord(value);
  const role = record?.['role'];
  return record !== undefined && typeof role === 'string' && ROLES.has(role) && ('content' in record || 'tool_calls' in record || 'parts' in record);
}

const ROLES: ReadonlySet<string> = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

/** A list that is messages and holds at least one turn of the assistant. */
function isConversation(items: readonly unknown[]): boolean {
  let messages = 0;
  let turns = 0;
  for (const item of items) {
    if (!isMessage(item)) continue;
    messages++;
    if (asRecord(item)?.['role'] === 'assistant') turns++;
  }
  return turns > 0 && messages * 2 > items.length;
}

interface Reader {
  readonly text: string;
  readonly irregularities: Irregularities;
  readonly traceIds: UniqueIds;
  readonly traces: PlanTrace[];
}

/** One message with where it stands. */
interface Message {
  readonly record: JsonRecord;
  readonly range: OffsetRange;
  readonly textRange: OffsetRange | undefined;
  readonly pointer: string;
  readonly finishReason?: string | undefined;
  readonly usage?: Usage | undefined;
  readonly logprobs?: readonly number[] | undefined;
}

function parseMessages(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const reader: Reader = { text, irregularities, traceIds: new UniqueIds(), traces: [] };
  let brokenLines: readonly Line[] = [];
  if (isJsonLines(text)) {
    // Messages that stand alone on their lines make up one conversation.
    const loose: Message[] = [];
    brokenLines = readEachLine(text, irregularities, (cursor, line) => {
      const message = readDocument(reader, cursor, `/${line.index}`);
      if (message !== undefined) loose.push(message);
    });
    addTrace(reader, loose, {}, undefined);
  } else {
    const cursor = new JsonCursor(text, 0, text.length, irregularities);
    for (let documents = 0; cursor.nextDocument(); documents++) {
      if (cursor.isArray() || cursor.isObject()) readDocument(reader, cursor, documents === 0 ? '' : `/${documents}`);
      else cursor.passOver();
    }
  }
  return { format: ID, formatVersion: VERSION, traces: reader.traces, warnings: readWarnings(text, irregularities, brokenLines) };
}

/** Reads a list, a conversation or a completion into the reader; returns a message that stands alone. */
function readDocument(reader: Reader, cursor: JsonCursor, pointer: string): Message | undefined {
  if (cursor.isArray()) {
    readList(reader, cursor, pointer);
    return undefined;
  }
  return readObject(reader, cursor, pointer);
}

function readList(reader: Reader, cursor: JsonCursor, pointer: string): void {
  const start = cursor.pos;
  const messages: Message[] = [];
  const traceStart = reader.traces.length;
  cursor.enter();
  for (let i = 0; cursor.nextElement(); i++) {
    const before = cursor.pos;
    if (cursor.isObject()) {
      const message = readObject(reader, cursor, `${pointer}/${i}`);
      if (message !== undefined) messages.push(message);
    } else if (cursor.isArray()) {
      readInnerList(reader, cursor, `${pointer}/${i}`);
    } else if (cursor.skip() === before) {
      cursor.pos++;
    }
  }
  if (reader.traces.length === traceStart || messages.length > 0) addTrace(reader, messages, {}, { start, end: cursor.pos });
}

/** A list inside a list holds the messages of one conversation; deeper lists are none. */
function readInnerList(reader: Reader, cursor: JsonCursor, pointer: string): void {
  const start = cursor.pos;
  const messages = readMessages(reader, cursor, pointer);
  addTrace(reader, messages, {}, { start, end: cursor.pos });
}

function readMessages(reader: Reader, cursor: JsonCursor, pointer: string): Message[] {
  const messages: Message[] = [];
  cursor.enter();
  for (let i = 0; cursor.nextElement(); i++) {
    const before = cursor.pos;
    if (cursor.isObject()) {
      const spans = readSpans(cursor);
      const record = asRecord(parseSlice(reader.text, before, cursor.pos, reader.irregularities));
      if (record !== undefined) messages.push({ record, range: { start: before, end: cursor.pos }, textRange: spans, pointer: `${pointer}/${i}` });
    } else if (cursor.skip() === before) {
      cursor.pos++;
    }
  }
  return messages;
}

/** Where the content of a message stands, else its tool calls; passes over the message. */
function readSpans(cursor: JsonCursor): OffsetRange | undefined {
  let content: OffsetRange | undefined;
  let calls: OffsetRange | undefined;
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    const start = cursor.pos;
    if (key === 'content') {
      content = contentSpan(cursor) ?? content;
    } else {
      const isArray = cursor.isArray();
      const end = cursor.skip();
      if (key === 'tool_calls' && isArray && end - start > 2) calls = { start, end };
    }
  }
  return content ?? calls;
}

/** The string, or the first text part of a list; passes over the value. */
function contentSpan(cursor: JsonCursor): OffsetRange | undefined {
  const start = cursor.pos;
  if (cursor.isString()) {
    const end = cursor.skip();
    return insideQuotes(cursor.text, start, end);
  }
  if (!cursor.isArray()) {
    cursor.skip();
    return undefined;
  }
  let found: OffsetRange | undefined;
  cursor.enter();
  while (cursor.enterNextObject()) {
    for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
      const valueStart = cursor.pos;
      const isString = cursor.isString();
      const end = cursor.skip();
      if (key === 'text' && isString) found ??= insideQuotes(cursor.text, valueStart, end);
    }
  }
  return found;
}

/** A message, a conversation `{messages}`, or a completion. */
function readObject(reader: Reader, cursor: JsonCursor, pointer: string): Message | undefined {
  const { text, irregularities } = reader;
  const start = cursor.pos;
  let messages: Message[] | undefined;
  let textRange: OffsetRange | undefined;
  let calls: OffsetRange | undefined;
  let answer: OffsetRange | undefined;
  let answerKey = '';
  const fields: Record<string, unknown> = {};
  let hasRole = false;
  let isCompletion = false;
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    const valueStart = cursor.pos;
    if (key === 'messages' && cursor.isArray()) {
      messages = readMessages(reader, cursor, `${pointer}/messages`);
    } else if (key === 'content') {
      textRange = contentSpan(cursor) ?? textRange;
    } else {
      const isObject = cursor.isObject();
      const isArray = cursor.isArray();
      const end = cursor.skip();
      if (key === 'role') hasRole = true;
      else if (key === 'tool_calls' && isArray && end - valueStart > 2) calls = { start: valueStart, end };
      else if (key === 'choices') isCompletion = true;
      else if (key === 'response' && isObject) {
        answer = { start: valueStart, end };
        answerKey = key;
      } else if (CONVERSATION_FIELDS.has(key)) fields[key] = parseSlice(text, valueStart, end, irregularities);
    }
  }
  const range = { start, end: cursor.pos };
  if (isCompletion) {
    addTrace(reader, completionMessages(reader, range, pointer), { ...fields }, range);
    return undefined;
  }
  if (messages !== undefined || answer !== undefined) {
    const all = [...(messages ?? []), ...(answer === undefined ? [] : responseMessages(reader, answer, `${pointer}/${answerKey}`))];
    addTrace(reader, all, fields, range);
    return undefined;
  }
  if (!hasRole) return undefined;
  const record = asRecord(parseSlice(text, start, cursor.pos, irregularities));
  return record === undefined ? undefined : { record, range, textRange: textRange ?? calls, pointer };
}

const CONVERSATION_FIELDS: ReadonlySet<string> = new Set(['id', 'custom_id', 'model', 'session_id', 'conversation_id', 'cost', 'created', 'timestamp', 'object', 'reward', 'backing_model']);

/** A completion, bare or as a batch's `{body}`. */
function responseMessages(reader: Reader, range: OffsetRange, pointer: string): Message[] {
  const cursor = new JsonCursor(reader.text, range.start, range.end, reader.irregularities);
  let body: OffsetRange | undefined;
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    const start = cursor.pos;
    const isObject = cursor.isObject();
    const end = cursor.skip();
    if (key === 'body' && isObject) body = { start, end };
  }
  return completionMessages(reader, body ?? range, body === undefined ? pointer : `${pointer}/body`);
}

/** The first choice of a completion; others are alternatives, not steps. */
function completionMessages(reader: Reader, range: OffsetRange, pointer: string): Message[] {
  const { text, irregularities } = reader;
  const cursor = new JsonCursor(text, range.start, range.end, irregularities);
  let found: Message | undefined;
  let usage: unknown;
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    const start = cursor.pos;
    if (key === 'choices' && cursor.isArray()) {
      cursor.enter();
      for (let i = 0; cursor.nextElement(); i++) {
        if (found === undefined && cursor.isObject()) found = choiceMessage(reader, cursor, `${pointer}/choices/${i}`);
        else cursor.passOver();
      }
    } else {
      const end = cursor.skip();
      if (key === 'usage') usage = parseSlice(text, start, end, irregularities);
    }
  }
  return found === undefined ? [] : [{ ...found, usage: usageOf(asRecord(usage)) }];
}

function choiceMessage(reader: Reader, cursor: JsonCursor, pointer: string): Message | undefined {
  const { text, irregularities } = reader;
  let message: { readonly range: OffsetRange; readonly textRange: OffsetRange | undefined } | undefined;
  let finishReason: string | undefined;
  let logprobs: readonly number[] | undefined;
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    const start = cursor.pos;
    if (key === 'message' && cursor.isObject()) {
      const textRange = readSpans(cursor);
      message = { range: { start, end: cursor.pos }, textRange };
    } else {
      const end = cursor.skip();
      if (key === 'finish_reason') finishReason = asText(parseSlice(text, start, end, irregularities));
      else if (key === 'logprobs') logprobs = flatNumbers(parseSlice(text, start, end, irregularities));
    }
  }
  const record = message === undefined ? undefined : asRecord(parseSlice(text, message.range.start, message.range.end, irregularities));
  if (message === undefined || record === undefined) return undefined;
  return { record: { role: 'assistant', ...record }, range: message.range, textRange: message.textRange, pointer: `${pointer}/message`, finishReason, logprobs };
}

function usageOf(record: JsonRecord | undefined): Usage | undefined {
  if (record === undefined) return undefined;
  const usage = settled<Usage>({
    inputTokens: asNumber(record['prompt_tokens']) ?? asNumber(record['input_tokens']),
    outputTokens: asNumber(record['completion_tokens']) ?? asNumber(record['output_tokens']),
    cachedTokens: asNumber(asRecord(record['prompt_tokens_details'])?.['cached_tokens']) ?? asNumber(record['cache_read_input_tokens']),
  });
  return Object.keys(usage).length === 0 ? undefined : usage;
}

/** A conversation with at least one turn of the assistant becomes a trace. */
function addTrace(reader: Reader, messages: readonly Message[], fields: JsonRecord, range: OffsetRange | undefined): void {
  const steps = conversationSteps(messages);
  if (steps.length === 0) return;
  const goal = messages.find((message) => message.record['role'] === 'user' && (contentText(message.record['content']) ?? '') !== '');
  const first = messages[0];
  const lastMessage = messages.at(-1);
  const last = steps.length - 1;
  const created = asTimeMs(fields['created']) ?? asTimeMs(fields['timestamp']);
  reader.traces.push(
    assembleTrace(
      {
        format: ID,
        formatVersion: VERSION,
        traceId: asId(fields['custom_id']) ?? asId(fields['id']) ?? asId(fields['conversation_id']) ?? asId(fields['session_id']),
        goalText: goal === undefined ? '' : contentText(goal.record['content']),
        goalRange: goal?.textRange ?? null,
        planSignature: ID,
        steps: reader.irregularities.cutAt === undefined ? steps : steps.map((step, i) => (i === last ? { ...step, isProvisional: true } : step)),
        createdAt: created === undefined ? undefined : new Date(created).toISOString(),
        meta: settled<TraceMeta>({
          model: asText(fields['model']) ?? asText(fields['backing_model']),
          agent: undefined,
          session: asId(fields['session_id']),
          cwd: undefined,
          costUsd: asNumber(fields['cost']),
          outcome: asNumber(fields['reward']),
        }),
        range: range ?? (first === undefined || lastMessage === undefined ? null : { start: first.range.start, end: lastMessage.range.end }),
      },
      reader.traceIds,
    ),
  );
}

interface OpenStep {
  readonly message: Message;
  readonly input: string;
  readonly calls: { readonly name: string; readonly args: unknown; readonly callId: string | undefined; /** The arguments are free text, as custom tools take. */ readonly isFreeText?: boolean }[];
  /** By position of the call; a call without a result leaves a hole. */
  readonly results: ({ readonly text: string; readonly isError: boolean | undefined } | undefined)[];
  end: number;
}

/** One step for each message of the assistant, with the results its tool calls got. */
function conversationSteps(messages: readonly Message[]): StepDraft[] {
  const steps: OpenStep[] = [];
  const pending = new Map<string, { readonly step: OpenStep; readonly call: number }>();
  let heard: string[] = [];
  let current: OpenStep | undefined;
  const answer = (id: string | undefined, name: string | undefined, text: string, isError: boolean | undefined, end: number): void => {
    let target = id === undefined ? undefined : pending.get(id);
    if (target === undefined && current !== undefined && id === undefined) {
      const step = current;
      const free = step.calls.findIndex((call, i) => step.results[i] === undefined && (name === undefined || call.name === name));
      if (free >= 0) target = { step, call: free };
    }
    if (target === undefined) return;
    target.step.results[target.call] = { text, isError };
    if (target.step === current) current.end = end;
  };
  for (const message of messages) {
    const { record } = message;
    const role = asText(record['role']);
    if (role === 'assistant') {
      current = { message, input: heard.join('\n\n'), calls: callsOf(record), results: [], end: message.range.end };
      heard = [];
      for (let i = 0; i < current.calls.length; i++) {
        const id = current.calls[i]?.callId;
        if (id !== undefined) pending.set(id, { step: current, call: i });
      }
      steps.push(current);
    } else if (role === 'tool' || role === 'function') {
      answer(asId(record['tool_call_id']), asText(record['name']), contentText(record['content']) ?? '', asFlag(record['is_error']), message.range.end);
    } else if (role === 'user') {
      let words = '';
      if (Array.isArray(record['content'])) {
        for (const block of record['content'] as unknown[]) {
          const result = asRecord(block);
          if (result?.['type'] === 'tool_result') answer(asId(result['tool_use_id']), undefined, contentText(result['content']) ?? '', asFlag(result['is_error']), message.range.end);
        }
      }
      words = contentText(record['content']) ?? '';
      if (words !== '') {
        heard.push(words);
        current = undefined;
      }
    } else {
      current = undefined;
    }
  }
  return steps.map(stepOf);
}

function asFlag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

function callsOf(record: JsonRecord): OpenStep['calls'] {
  const calls: OpenStep['calls'] = [];
  for (const entry of asArray(record['tool_calls'])) {
    const call = asRecord(entry);
    const custom = asRecord(call?.['custom']);
    const called = asRecord(call?.['function']) ?? custom ?? call;
    if (call === undefined || called === undefined) continue;
    calls.push({ name: asText(called['name']) ?? 'unnamed', args: called['arguments'] ?? called['input'], callId: asId(call['id']), isFreeText: custom !== undefined });
  }
  const legacy = asRecord(record['function_call']);
  if (legacy !== undefined) calls.push({ name: asText(legacy['name']) ?? 'unnamed', args: legacy['arguments'], callId: undefined });
  for (const entry of asArray(record['content'])) {
    const block = asRecord(entry);
    if (block?.['type'] === 'tool_use') calls.push({ name: asText(block['name']) ?? 'unnamed', args: block['input'], callId: asId(block['id']) });
  }
  return calls;
}

function stepOf(step: OpenStep): StepDraft {
  const { record, range, textRange, pointer } = step.message;
  const text = contentText(record['content']);
  const refusal = asText(record['refusal']);
  const thinking = asArray(record['content']).flatMap((block) => asString(asRecord(block)?.['thinking']) ?? []);
  const hides = asArray(record['content']).some((block) => asRecord(block)?.['type'] === 'redacted_thinking');
  const reasoning = asText(record['reasoning_content']) ?? asText(record['reasoning']) ?? asText(thinking.join('\n'));
  const tools = step.calls.map((call, i): ToolCall => {
    const result = step.results[i];
    return settled<ToolCall>({
      name: call.name,
      ...(call.isFreeText === true ? { args: asJson(call.args) } : toolArguments(call.args)),
      callId: call.callId,
      result: result?.text,
      isError: result !== undefined && (result.isError ?? looksLikeFailure(result.text)),
    });
  });
  return {
    stepId: asText(record['id']),
    stepType: tools.length > 0 ? 'tool_call' : 'message',
    agentName: asText(record['name']),
    input: step.input === '' ? undefined : step.input,
    output: text === undefined || text === '' ? (refusal ?? text) : text,
    reasoning,
    tools,
    usage: step.message.usage ?? usageOf(asRecord(record['usage'])),
    logprobs: step.message.logprobs,
    finishReason: step.message.finishReason ?? asText(record['finish_reason']) ?? asText(record['stop_reason']),
    attributes: membersExcept(record, MESSAGE_FIELDS, refusal === undefined ? undefined : { refusal }),
    range: { start: range.start, end: Math.max(range.end, step.end) },
    textRange,
    jsonPointer: pointer,
    contentNotCaptured: hides && (text ?? '') === '' && tools.length === 0 && reasoning === undefined,
  };
}

const MESSAGE_FIELDS: ReadonlySet<string> = new Set([
  'id', 'role', 'name', 'content', 'refusal', 'tool_calls', 'function_call', 'reasoning_content', 'reasoning', 'usage', 'finish_reason', 'stop_reason',
]);
