/**
 * Chat messages as the conventions for spans write them: OpenTelemetry GenAI parts, OpenAI, Anthropic, Gemini, Bedrock, LangChain
 * and AI SDK shapes, plain or as JSON in a string. One reader for all, since instrumentations mix them.
 */
import { asArray, asId, asRecord, asString, asText, type JsonRecord } from './jsonFields.ts';
import { Irregularities, JsonCursor } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import { jsonText } from './messageContent.ts';
import type { MessageCall, MessageResult, SpanMessage } from './spanReading.ts';

type Role = SpanMessage['role'];

/** The value of a string that holds a JSON object or array, also one cut short by a length limit; other values as they are. */
export function embeddedJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const start = value.search(/\S/);
  if (start < 0 || !'{['.includes(value.charAt(start))) return value;
  try {
    return JSON.parse(value);
  } catch {
    // What begins like JSON and holds none of its marks is prose such as "[sic] ...".
    if (!/^\s*[[{]\s*["[{\]}]/.test(value)) return value;
  }
  return parseSlice(value, start, value.length, new Irregularities());
}

/**
 * The messages in a value: a list, `{messages}`, one message, a completion, or a text alone, which is spoken by `role`.
 * Undefined for null; empty for an empty list.
 */
export function spanMessages(value: unknown, role: Role): readonly SpanMessage[] | undefined {
  if (value === null || value === undefined) return undefined;
  const parsed = embeddedJson(value);
  if (typeof parsed === 'string') return parsed === '' ? [] : [spoken(role, parsed)];
  if (Array.isArray(parsed)) return messageList(parsed as readonly unknown[], role);
  const record = asRecord(parsed);
  if (record === undefined) return [spoken(role, String(parsed))];
  if ('role' in record) return [spanMessage(record, role)];
  for (const key of ['messages', 'choices', 'contents', 'input', 'output', 'generations']) {
    const list = record[key];
    if (Array.isArray(list)) return messageList(list as readonly unknown[], role);
  }
  if (MESSAGE_MARKS.some((mark) => mark in record)) return [spanMessage(record, role)];
  const prompt = asText(record['prompt']);
  // Any other structure is the text it was written as: an answer in JSON, say.
  return [spoken(role, prompt ?? (typeof value === 'string' ? value : jsonText(record)))];
}

const MESSAGE_MARKS = ['parts', 'content', 'contents', 'text', 'message', 'tool_calls', 'kwargs', 'data', 'reasoning'];

function messageList(list: readonly unknown[], role: Role): readonly SpanMessage[] {
  // Batches are lists of lists: the first is the one that was asked.
  for (let i = 0; i < 3 && Array.isArray(list[0]); i++) list = list[0] as readonly unknown[];
  if (list.length > 0 && list.every(isPart)) return [spanMessage({ role, parts: list }, role)];
  return list.flatMap((item) => {
    if (typeof item === 'string') return [spoken(role, item)];
    const record = asRecord(item);
    return record === undefined ? [] : [spanMessage(record, role)];
  });
}

/** A part of a message rather than a message: it has a type of its own and no speaker. */
function isPart(item: unknown): boolean {
  const record = asRecord(item);
  const type = asText(record?.['type']);
  return record !== undefined && type !== undefined && !('role' in record) && !ROLES.has(type) && !('message' in record) && !('kwargs' in record);
}

function spoken(role: Role, text: string): SpanMessage {
  return { role, text, calls: [], results: [] };
}

const ROLES: ReadonlyMap<string, Role> = new Map([
  ...['system', 'developer'].map((name) => [name, 'system'] as const),
  ...['user', 'human'].map((name) => [name, 'user'] as const),
  ...['assistant', 'ai', 'aimessagechunk', 'model', 'chatbot', 'agent'].map((name) => [name, 'assistant'] as const),
  ...['tool', 'function', 'ipython', 'tool_result'].map((name) => [name, 'tool'] as const),
]);

/**
 * The last messages of a list written as JSON in a string, from what the assistant last said on, read without the rest of it.
 * Undefined where the value is no such list.
 */
export function latestMessages(value: unknown, role: Role): readonly SpanMessage[] | undefined {
  if (typeof value !== 'string') return undefined;
  const cursor = new JsonCursor(value);
  if (!cursor.nextDocument() || !cursor.isArray()) return undefined;
  const places: number[] = [];
  cursor.enter();
  while (cursor.nextElement()) {
    if (!cursor.isObject()) return undefined;
    const start = cursor.pos;
    places.push(start, cursor.skip());
  }
  const messages: SpanMessage[] = [];
  for (let i = places.length - 2; i >= 0; i -= 2) {
    const record = asRecord(parseSlice(value, places[i] ?? 0, places[i + 1] ?? 0, new Irregularities()));
    if (record === undefined || isPart(record)) return undefined;
    const message = spanMessage(record, role);
    messages.push(message);
    if (message.role === 'assistant') break;
  }
  return messages.reverse();
}

/** One message of any convention. */
export function spanMessage(given: JsonRecord, fallback: Role): SpanMessage {
  const finishReason = asText(given['finish_reason']) ?? asText(given['finishReason']) ?? asText(given['stop_reason']);
  const record = inner(given);
  const role = roleOf(record) ?? roleOf(given) ?? fallback;
  const parts: Parts = { texts: [], thoughts: [], calls: [], results: [] };
  addContent(parts, record['parts']);
  addContent(parts, embeddedParts(record['content']));
  addContent(parts, record['contents']);
  if (parts.texts.length === 0) addContent(parts, record['text'] ?? record['refusal']);
  for (const key of ['reasoning_content', 'reasoning', 'thinking']) {
    const thought = asText(record[key]);
    if (thought !== undefined && !parts.thoughts.includes(thought)) parts.thoughts.push(thought);
  }
  for (const call of [...asArray(embeddedJson(record['tool_calls'])), ...asArray(record['toolCalls'])]) addCall(parts, asRecord(call));
  if (asRecord(record['function_call']) !== undefined) addCall(parts, asRecord(record['function_call']));
  else if (asText(record['function_call_name']) !== undefined) addCall(parts, { name: record['function_call_name'], arguments: record['function_call_arguments_json'] });
  let text = parts.texts.length === 0 ? undefined : parts.texts.join('\n');
  if (role === 'tool' && parts.results.length === 0) {
    parts.results.push({ id: asId(record['tool_call_id']) ?? asId(record['id']), text: text ?? resultText(record['content']), isError: record['is_error'] === true || record['status'] === 'error' ? true : undefined });
    text = undefined;
  }
  const reasoning = parts.thoughts.join('\n\n');
  return { role, text, reasoning: reasoning === '' ? undefined : reasoning, calls: parts.calls, results: parts.results, finishReason: finishReason ?? asText(record['finish_reason']) };
}

/** Without the wrapping of a choice (`message`), of LangChain (`kwargs`, `data`) or of OpenInference. */
function inner(given: JsonRecord): JsonRecord {
  let record = given;
  for (let i = 0; i < 4; i++) {
    const nested = ['message', 'kwargs', 'data'].map((key) => asRecord(embeddedJson(record[key]))).find((value) => value !== undefined);
    if (nested === undefined || 'content' in record || 'parts' in record) break;
    record = roleOf(nested) === undefined && roleOf(record) !== undefined ? { ...nested, role: roleOf(record) } : nested;
  }
  return record;
}

function roleOf(record: JsonRecord): Role | undefined {
  for (const named of [record['role'], record['type'], asArray(record['id']).at(-1)]) {
    const name = asText(named)?.toLowerCase();
    const role = name === undefined ? undefined : (ROLES.get(name) ?? ROLES.get(name.replace(/message(?:chunk)?$/, '')));
    if (role !== undefined) return role;
  }
  return undefined;
}

interface Parts {
  readonly texts: string[];
  readonly thoughts: string[];
  readonly calls: MessageCall[];
  readonly results: MessageResult[];
}

/** Content written as JSON in a string where a list of parts is meant. */
function embeddedParts(content: unknown): unknown {
  if (typeof content !== 'string' || !/^\s*\[\s*\{/.test(content)) return content;
  const parsed = embeddedJson(content);
  return Array.isArray(parsed) && parsed.length > 0 && (parsed as unknown[]).every((part) => isKnownPart(asRecord(part))) ? parsed : content;
}

function isKnownPart(part: JsonRecord | undefined): boolean {
  return part !== undefined && (['text', 'toolUse', 'toolResult', 'functionCall', 'functionResponse'].some((key) => key in part) || (asText(part['type']) !== undefined && ('content' in part || 'id' in part)));
}

function addContent(parts: Parts, content: unknown): void {
  if (typeof content === 'string') {
    if (content !== '') parts.texts.push(content);
  } else if (Array.isArray(content)) {
    for (const part of content as unknown[]) {
      if (typeof part === 'string') parts.texts.push(part);
      else addPart(parts, asRecord(part));
    }
  } else {
    const record = asRecord(content);
    if (record === undefined) return;
    if (Array.isArray(record['parts'])) addContent(parts, record['parts']);
    else addPart(parts, record);
  }
}

function addPart(parts: Parts, given: JsonRecord | undefined): void {
  const part = asRecord(given?.['message_content']) ?? given;
  if (part === undefined) return;
  const type = (asText(part['type']) ?? '').replaceAll('-', '_').toLowerCase();
  if (/reasoning|thinking|thought/.test(type) || part['thought'] === true) {
    const thought = asText(part['content']) ?? asText(part['thinking']) ?? asText(part['text']) ?? asArray(part['summary']).flatMap((item) => asText(asRecord(item)?.['text']) ?? []).join('\n');
    if (thought !== '') parts.thoughts.push(thought);
    return;
  }
  if (/result$|response$|call_output$/.test(type)) return addResult(parts, part);
  if (/call$|tool_use$/.test(type)) return addCall(parts, part);
  const text = asString(part['text']) ?? (type === '' || /text$|refusal|^content$/.test(type) ? (asString(part['content']) ?? asString(part['refusal'])) : undefined);
  if (text !== undefined) {
    if (text !== '') parts.texts.push(text);
    return;
  }
  const call = asRecord(part['functionCall']) ?? asRecord(part['function_call']) ?? asRecord(part['toolUse']);
  if (call !== undefined) return addCall(parts, call);
  const result = asRecord(part['functionResponse']) ?? asRecord(part['function_response']) ?? asRecord(part['toolResult']);
  if (result !== undefined) return addResult(parts, result);
  const thought = asText(asRecord(asRecord(part['reasoningContent'])?.['reasoningText'])?.['text']);
  if (thought !== undefined) parts.thoughts.push(thought);
  else if (type !== '') parts.texts.push(`[${asText(part['modality']) ?? type.replace(/^input_|_url$/g, '')}]`);
}

const ID_KEYS = ['id', 'call_id', 'tool_call_id', 'toolCallId', 'tool_use_id', 'toolUseId'];

function callIdOf(record: JsonRecord, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const id = asId(record[key]);
    if (id !== undefined) return id;
  }
  return undefined;
}

function addCall(parts: Parts, given: JsonRecord | undefined): void {
  const record = asRecord(given?.['tool_call']) ?? given;
  if (record === undefined) return;
  const called = asRecord(record['function']) ?? asRecord(record['server_tool_call']) ?? record;
  parts.calls.push({
    id: asId(record['call_id']) ?? callIdOf(record, ID_KEYS),
    name: asText(called['name']) ?? asText(record['name']) ?? asText(record['toolName']) ?? 'unnamed',
    args: called['arguments'] ?? called['input'] ?? called['args'] ?? called['parameters'],
  });
}

function addResult(parts: Parts, record: JsonRecord): void {
  const value = record['response'] ?? record['result'] ?? record['server_tool_call_response'] ?? record['content'] ?? record['output'] ?? record['data'];
  const isError = record['is_error'] === true || record['isError'] === true || record['status'] === 'error' ? true : record['is_error'] === false ? false : undefined;
  parts.results.push({ id: callIdOf(record, ['call_id', 'tool_call_id', 'toolCallId', 'tool_use_id', 'toolUseId', 'id']), text: resultText(value), isError });
}

/** What a tool gave back, in words: text as it is, lists of text parts joined, other values as JSON; '' for nothing. */
export function resultText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  if (Array.isArray(value) && value.length > 0) {
    const texts = (value as unknown[]).map((part) => (typeof part === 'string' ? part : asString(asRecord(part)?.['text'])));
    if (texts.every((text) => text !== undefined)) return texts.join('\n');
  }
  const record = asRecord(value);
  const wrapped = record !== undefined && Object.keys(record).every((key) => key === 'type' || key === 'value' || key === 'text') ? (record['value'] ?? record['text']) : undefined;
  return typeof wrapped === 'string' ? wrapped : jsonText(value);
}

/** What several messages of one turn say together: those up to the first that ends the turn; further ones are alternatives. */
export function turnOf(messages: readonly SpanMessage[]): SpanMessage {
  const texts: string[] = [];
  const thoughts: string[] = [];
  const calls: MessageCall[] = [];
  let finishReason: string | undefined;
  for (const message of messages) {
    if (message.role !== 'assistant') continue;
    if (message.text !== undefined) texts.push(message.text);
    if (message.reasoning !== undefined) thoughts.push(message.reasoning);
    calls.push(...message.calls);
    finishReason = message.finishReason;
    if (finishReason !== undefined) break;
  }
  return { role: 'assistant', text: texts.length === 0 ? undefined : texts.join('\n'), reasoning: thoughts.length === 0 ? undefined : thoughts.join('\n\n'), calls, results: [], finishReason };
}

/** The words of the first message of the user; undefined when none has any. */
export function firstUserText(messages: readonly SpanMessage[]): string | undefined {
  return messages.find((message) => message.role === 'user' && message.text !== undefined && message.text.trim() !== '')?.text;
}

/** What the user said since the model last spoke; '' for nothing. */
export function latestUserText(messages: readonly SpanMessage[]): string {
  const texts: string[] = [];
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    if (message === undefined || message.role === 'assistant') break;
    if (message.role === 'user' && message.text !== undefined && message.text !== '') texts.unshift(message.text);
  }
  return texts.join('\n\n');
}

/**
 * The words in a value that an agent or chain was given or gave: the text, the user's or the assistant's message in a list of
 * them, or the one member that holds a text. Undefined where the value is a structure without such words.
 */
export function plainWords(value: unknown, role: 'user' | 'assistant'): string | undefined {
  const parsed = embeddedJson(value);
  if (typeof parsed === 'string') return parsed.trim() === '' ? undefined : parsed;
  if (Array.isArray(parsed)) return wordsOf(messageList(parsed as readonly unknown[], role), role);
  const record = asRecord(parsed);
  if (record === undefined) return undefined;
  for (const key of ['messages', 'choices', 'generations']) if (Array.isArray(record[key])) return wordsOf(messageList(record[key] as readonly unknown[], role), role);
  if ('role' in record || 'parts' in record || 'kwargs' in record) return wordsOf([spanMessage(record, role)], role);
  for (const key of role === 'user' ? ASKED : ANSWERED) {
    const words = record[key];
    if (typeof words === 'string' && words.trim() !== '') return words;
    if (typeof words === 'object' && words !== null) {
      const found = Array.isArray(words) ? wordsOf(messageList(words as readonly unknown[], role), role) : asText(asRecord(words)?.['text'] ?? asRecord(words)?.['content']);
      if (found !== undefined) return found;
    }
  }
  const entries = Object.values(record);
  return entries.length === 1 ? asText(entries[0]) : undefined;
}

const ASKED = ['input', 'query', 'question', 'prompt', 'task', 'user_input', 'goal', 'request', 'message', 'text', 'content', 'args', 'inputs', 'kwargs'];
const ANSWERED = ['output', 'answer', 'response', 'result', 'final_output', 'text', 'content', 'message', 'outputs'];

function wordsOf(messages: readonly SpanMessage[], role: 'user' | 'assistant'): string | undefined {
  if (role === 'user') return firstUserText(messages);
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    if (message?.role === 'assistant' && message.text !== undefined && message.text.trim() !== '') return message.text;
  }
  return undefined;
}
