/**
 * What a model was given and said, wherever GenAI instrumentations put it: the current attributes, one event a message, the details
 * event, `gen_ai.prompt` and `gen_ai.completion` (whole or numbered), the AI SDK's, Logfire's, ADK's and Traceloop's own names.
 */
import { asRecord, asText, type JsonRecord } from './jsonFields.ts';
import { embeddedJson, latestMessages, spanMessage, spanMessages } from './spanMessages.ts';
import type { SpanMessage } from './spanReading.ts';
import type { SpanEvent, TraceSpan } from './spanTree.ts';

/** The event that repeats all of a call's attributes. */
const DETAILS = /^gen_ai\.client\.(?:inference|agent)\.operation\.details$/;
const SPOKEN_EVENT = /^gen_ai\.(system|user|assistant|tool|choice)(?:\.message)?$/;

/** Attributes of the span together with those its details event carries. */
export function withDetails(span: TraceSpan): JsonRecord {
  let attributes = span.attributes;
  for (const event of span.events) {
    if (DETAILS.test(event.name) || event.name === 'gen_ai.content.prompt' || event.name === 'gen_ai.content.completion') attributes = { ...genAiOnly(event.body), ...genAiOnly(event.attributes), ...attributes };
  }
  return attributes;
}

function genAiOnly(record: JsonRecord = {}): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key.startsWith('gen_ai.')));
}

/** What the model said; undefined when no attribute or event would hold it. */
export function saidMessages(span: TraceSpan, attributes: JsonRecord): readonly SpanMessage[] | undefined {
  const said = firstMessages(attributes, SAID_KEYS, 'assistant') ?? numberedMessages(attributes, SAID_PREFIXES, 'assistant') ?? choices(eventsOf(span, attributes)) ?? aiSdkAnswer(attributes);
  const thought = asText(attributes['copilot_chat.reasoning_content']);
  if (thought === undefined || said?.some((message) => message.reasoning !== undefined) === true) return said;
  return [{ role: 'assistant', reasoning: thoughtText(thought), calls: [], results: [] }, ...(said ?? [])];
}

/** What the model was given, oldest first; undefined when it was not recorded. */
export function heardMessages(span: TraceSpan, attributes: JsonRecord): readonly SpanMessage[] | undefined {
  const heard = firstMessages(attributes, HEARD_KEYS, 'user') ?? numberedMessages(attributes, HEARD_PREFIXES, 'user');
  if (heard !== undefined) return heard;
  const messages = eventsOf(span, attributes).flatMap((event) => (event.kind === 'choice' ? [] : [event.message]));
  return messages.length === 0 ? undefined : messages;
}

/** The end of what a model was given, where that can be told without reading all of it. */
export function latestHeard(attributes: JsonRecord): readonly SpanMessage[] | undefined {
  const key = HEARD_KEYS.find((name) => attributes[name] !== undefined && attributes[name] !== null);
  return key === undefined ? undefined : latestMessages(attributes[key], 'user');
}

const SAID_KEYS = ['gen_ai.output.messages', 'gen_ai.completion', 'response_data', 'gcp.vertex.agent.llm_response', 'gen_ai.output.text'];
const SAID_PREFIXES = ['gen_ai.completion.', 'llm.completions.'];
const HEARD_KEYS = ['gen_ai.input.messages', 'gen_ai.prompt', 'ai.prompt.messages', 'ai.prompt', 'request_data', 'gcp.vertex.agent.llm_request'];
const HEARD_PREFIXES = ['gen_ai.prompt.', 'llm.prompts.'];

/** Names after which the words stand in the file, the likeliest first. */
export const SAID_PLACES: readonly string[] = [
  'gen_ai.output.messages', 'gen_ai.completion', 'gen_ai.completion.0.content', 'gen_ai.choice', 'ai.response.text', 'ai.response.object', 'ai.response.toolCalls', 'response_data',
  'gcp.vertex.agent.llm_response', 'llm.completions.0.content', 'copilot_chat.reasoning_content',
];
export const HEARD_PLACES: readonly string[] = [
  'copilot_chat.user_request', 'gen_ai.input.messages', 'gen_ai.prompt', 'gen_ai.prompt.0.content', 'gen_ai.user.message', 'ai.prompt.messages', 'ai.prompt', 'request_data',
  'gcp.vertex.agent.llm_request', 'llm.prompts.0.content', 'traceloop.entity.input', 'input',
];

function firstMessages(attributes: JsonRecord, keys: readonly string[], role: 'user' | 'assistant'): readonly SpanMessage[] | undefined {
  for (const key of keys) {
    const value = attributes[key];
    if (value === undefined || value === null) continue;
    const parsed = embeddedJson(value);
    // ADK and Logfire wrap what was said once more.
    const wrapped = asRecord(parsed);
    return spanMessages((wrapped !== undefined && !('role' in wrapped) ? asRecord(wrapped['content']) : undefined) ?? value, role);
  }
  return undefined;
}

/** `gen_ai.prompt.0.role`, `.content`, `.tool_calls.0.name`…: attributes numbered by message. */
function numberedMessages(attributes: JsonRecord, prefixes: readonly string[], role: 'user' | 'assistant'): readonly SpanMessage[] | undefined {
  for (const prefix of prefixes) {
    const records = numberedRecords(attributes, prefix);
    if (records.length > 0) return records.map((record) => spanMessage({ ...record, tool_calls: listOf(record['tool_calls']) }, role));
  }
  return undefined;
}

const MOST_PARTS = 8;

/** The members `prefix + number + "." + path` as one record a number, in order of the numbers. Inner numbers make records, too. */
export function numberedRecords(attributes: JsonRecord, prefix: string): readonly JsonRecord[] {
  const byNumber = new Map<number, Record<string, unknown>>();
  for (const key in attributes) {
    if (!key.startsWith(prefix)) continue;
    const [number, ...path] = key.slice(prefix.length).split('.', MOST_PARTS);
    if (number === undefined || !/^\d{1,6}$/.test(number)) continue;
    const index = Number(number);
    const record = byNumber.get(index) ?? {};
    byNumber.set(index, record);
    setAt(record, path, attributes[key]);
  }
  return [...byNumber].sort(([a], [b]) => a - b).map(([, record]) => record);
}

function setAt(record: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let target = record;
  for (let i = 0; i < path.length; i++) {
    const key = path[i] ?? '';
    if (key === '__proto__') return;
    if (i === path.length - 1) {
      target[key] = value;
      return;
    }
    const next = target[key];
    if (typeof next === 'object' && next !== null && !Array.isArray(next)) {
      target = next as Record<string, unknown>;
    } else {
      const made: Record<string, unknown> = {};
      target[key] = made;
      target = made;
    }
  }
}

/** A list written as a record by number, as a list. */
export function listOf(value: unknown): unknown {
  const record = asRecord(value);
  if (record === undefined) return value;
  const keys = Object.keys(record);
  if (keys.length === 0 || !keys.every((key) => /^\d+$/.test(key))) return value;
  return keys.sort((a, b) => Number(a) - Number(b)).map((key) => record[key]);
}

interface SpokenEvent {
  readonly kind: string;
  readonly message: SpanMessage;
}

/** One event a message, as spans or log records have them, or as Logfire lists them in an attribute. */
function eventsOf(span: TraceSpan, attributes: JsonRecord): readonly SpokenEvent[] {
  const events = span.events.flatMap((event) => spokenEvent(event.name, { ...bodyOf(event), ...event.attributes }));
  if (events.length > 0) return events;
  const listed = embeddedJson(attributes['events'] ?? attributes['all_messages_events'] ?? attributes['pydantic_ai.all_messages']);
  if (!Array.isArray(listed)) return [];
  return (listed as unknown[]).flatMap((item) => {
    const record = asRecord(item);
    const name = asText(record?.['event.name']) ?? (record !== undefined && 'role' in record ? `gen_ai.${record['role'] as string}.message` : undefined);
    return record === undefined || name === undefined ? [] : spokenEvent(name, record);
  });
}

/** A body without fields of its own is what was said. */
function bodyOf(event: SpanEvent): JsonRecord {
  return event.body ?? {};
}

function spokenEvent(name: string, given: JsonRecord): readonly SpokenEvent[] {
  const kind = SPOKEN_EVENT.exec(name)?.[1];
  if (kind === undefined) return [];
  const role = kind === 'choice' ? 'assistant' : (kind as SpanMessage['role']);
  // Some put the whole message as JSON in `message`, `content` or an attribute named like the event's own.
  const message = embeddedJson(given['message'] ?? given[name]);
  const record: JsonRecord = typeof message === 'string' ? { ...given, message: undefined, content: message } : Array.isArray(message) ? { ...given, message: undefined, content: message } : given;
  return [{ kind, message: spanMessage({ ...record, role: kind === 'choice' ? undefined : (record['role'] ?? role) }, role) }];
}

function choices(events: readonly SpokenEvent[]): readonly SpanMessage[] | undefined {
  const said = events.filter((event) => event.kind === 'choice').map((event) => event.message);
  return said.length === 0 ? undefined : said;
}

/** The AI SDK's answer: text, object, thoughts and calls under names of their own. */
function aiSdkAnswer(attributes: JsonRecord): readonly SpanMessage[] | undefined {
  const text = attributes['ai.response.text'] ?? attributes['ai.result.text'] ?? attributes['ai.response.object'] ?? attributes['ai.result.object'];
  const calls = attributes['ai.response.toolCalls'] ?? attributes['ai.result.toolCalls'];
  if (text === undefined && calls === undefined) return undefined;
  return [spanMessage({ role: 'assistant', content: typeof text === 'string' ? text : undefined, tool_calls: embeddedJson(calls), reasoning: attributes['ai.response.reasoning'] }, 'assistant')];
}

/** Thoughts are a text, or one a round as JSON. */
function thoughtText(value: string): string {
  const parsed = embeddedJson(value);
  if (!Array.isArray(parsed)) return value;
  return (parsed as unknown[]).flatMap((item) => asText(item) ?? asText(asRecord(item)?.['content']) ?? asText(asRecord(item)?.['text']) ?? []).join('\n\n');
}
