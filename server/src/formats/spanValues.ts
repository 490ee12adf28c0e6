/**
 * What observability back ends keep as the input and output of a span: messages of any client, items of OpenAI's Responses API,
 * calls of the AI SDK, arguments of functions; often as JSON in a string, sometimes in a string once more.
 */
import type { Usage } from '../core/planTrace.ts';
import { asArray, asNumber, asRecord, asText, settled, type JsonRecord } from './jsonFields.ts';
import { Irregularities } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import { flatNumbers, jsonText } from './messageContent.ts';
import { embeddedJson, plainWords, spanMessages } from './spanMessages.ts';
import type { SpanMessage } from './spanReading.ts';

const MOST_WRAPPINGS = 4;

/** The value without the strings of JSON around it. Text that is no JSON stays text. */
export function unwrapped(value: unknown): unknown {
  let inner = value;
  for (let i = 0; i < MOST_WRAPPINGS && typeof inner === 'string'; i++) {
    if (/^\s*"[^]*"\s*$/.test(inner)) {
      try {
        inner = JSON.parse(inner);
        continue;
      } catch {
        return inner;
      }
    }
    const parsed = embeddedJson(inner);
    if (typeof parsed === 'string') return parsed;
    inner = parsed;
  }
  return inner;
}

/** What a model said; undefined where it was not recorded. */
export function saidIn(value: unknown): readonly SpanMessage[] | undefined {
  const said = conversation(unwrapped(value), ['output', 'outputs']);
  return isNothing(said) ? undefined : spanMessages(said, 'assistant');
}

/** What a model was given, oldest first; undefined where it was not recorded. */
export function heardIn(value: unknown): readonly SpanMessage[] | undefined {
  const heard = conversation(unwrapped(value), ['messages', 'input', 'inputs']);
  return isNothing(heard) ? undefined : spanMessages(heard, 'user');
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (asRecord(value) !== undefined && Object.keys(value).length === 0);
}

/** The list of messages in a value, with items that are no messages made ones; a value without such a list as it is. */
function conversation(value: unknown, keys: readonly string[]): unknown {
  if (Array.isArray(value)) return withoutItems(value as readonly unknown[]);
  const record = asRecord(value);
  if (record === undefined) return value;
  for (const key of keys) {
    const inner = unwrapped(record[key]);
    if (Array.isArray(inner)) return withoutItems(inner as readonly unknown[]);
    // One message, completion or text inside: it says the same.
    if (Object.keys(record).length === 1 && inner !== undefined) return conversation(inner, keys);
  }
  return MESSAGE_MARKS.some((mark) => mark in record) ? asMessage(record) : record;
}

const MESSAGE_MARKS = ['role', 'message', 'kwargs', 'additional_kwargs'];

function withoutItems(list: readonly unknown[]): readonly unknown[] {
  // Batches are lists of lists: the first is the one that was asked.
  if (Array.isArray(list[0])) return withoutItems(list[0] as readonly unknown[]);
  const records = list.map(asRecord);
  if (records.length > 0 && records.every((record) => record !== undefined && 'toolCallId' in record && 'toolName' in record && !('role' in record))) return [{ role: 'assistant', toolCalls: list }];
  return list.flatMap((item, i) => {
    const record = records[i];
    if (record === undefined) return [item];
    // Some clients give the definitions of the tools as messages of a tool.
    if (record['role'] === 'tool' && asRecord(asRecord(record['content'])?.['function']) !== undefined) return [];
    return [asMessage(record)];
  });
}

/** An item of the Responses API as a message; a message with its calls where they are looked for. */
function asMessage(record: JsonRecord): JsonRecord {
  const wrapped = asRecord(record['message']);
  if (wrapped !== undefined && !('content' in record)) return 'message' in wrapped ? record : { ...record, message: asMessage(wrapped) };
  const extra = asRecord(record['additional_kwargs']) ?? asRecord(asRecord(record['kwargs'])?.['additional_kwargs']);
  const calls = extra?.['tool_calls'];
  if (Array.isArray(calls) && calls.length > 0 && asArray(record['tool_calls'] ?? asRecord(record['kwargs'])?.['tool_calls']).length === 0) {
    return 'kwargs' in record ? { ...record, kwargs: { ...asRecord(record['kwargs']), tool_calls: calls } } : { ...record, tool_calls: calls };
  }
  const type = asText(record['type']);
  if (type === undefined || 'role' in record) return record;
  if (type.endsWith('_call_output')) return { role: 'tool', parts: [record] };
  if (type === 'function_call' || type === 'custom_tool_call') return { role: 'assistant', parts: [record] };
  if (type.endsWith('_call') && type !== 'tool_call') return { role: 'assistant', parts: [{ ...record, name: record['name'] ?? type, arguments: record['arguments'] ?? record['action'] ?? record['queries'] ?? record['code'] }] };
  return type === 'reasoning' && Array.isArray(record['summary']) ? { role: 'assistant', parts: [record] } : record;
}

/** The words of the user or of the assistant in what a function was given or gave; undefined where there are none. */
export function wordsIn(value: unknown, role: 'user' | 'assistant'): string | undefined {
  let inner = unwrapped(value);
  for (let i = 0; i < MOST_WRAPPINGS; i++) {
    const list = conversation(inner, role === 'user' ? ['messages', 'input'] : ['messages', 'output']);
    const words = plainWords(list, role);
    if (words !== undefined) return words;
    const nested = Object.values(asRecord(inner) ?? {}).filter((member) => asRecord(member) !== undefined);
    if (nested.length !== 1) return undefined;
    inner = nested[0];
  }
  return undefined;
}

/** What a function gave, in words where it has some, else as JSON; undefined for nothing. */
export function shownValue(value: unknown): string | undefined {
  const inner = unwrapped(value);
  if (isNothing(inner)) return undefined;
  return wordsIn(inner, 'assistant') ?? (typeof inner === 'string' ? inner : jsonText(inner));
}

/** The arguments of a call, which Python clients write as its literals (`{'port': None}`). Text that is neither that nor JSON stays text. */
export function argumentsIn(value: unknown): unknown {
  const given = unwrapped(value);
  if (typeof given !== 'string' || !/^\s*\{\s*'[^]*\}\s*$/.test(given)) return given;
  const json = pythonToJson(given);
  const irregularities = new Irregularities();
  const parsed = json === undefined ? undefined : asRecord(parseSlice(json, 0, json.length, irregularities));
  const isSound = irregularities.cutAt === undefined && (irregularities.first === undefined || /^(?:None|True|False)$/.test(irregularities.first.what));
  return isSound && parsed !== undefined ? parsed : given;
}

/** Strings in single quotes put into double ones; undefined where a string does not end. */
function pythonToJson(text: string): string | undefined {
  let json = '';
  for (let i = 0; i < text.length; i++) {
    const quote = text.charAt(i);
    if (quote !== "'" && quote !== '"') {
      json += quote;
      continue;
    }
    let inner = '';
    for (i++; i < text.length && text.charAt(i) !== quote; i++) {
      if (text.charAt(i) === '\\') inner += text.charAt(i + 1) === "'" ? text.charAt(++i) : text.charAt(i) + text.charAt(++i);
      else inner += text.charAt(i) === '"' ? '\\"' : text.charAt(i);
    }
    if (i >= text.length) return undefined;
    json += `"${inner}"`;
  }
  return json;
}

/** Token counts under the names any client gives them; undefined for none. */
export function usageIn(record: JsonRecord | undefined): Usage | undefined {
  if (record === undefined) return undefined;
  const usage = settled<Usage>({ inputTokens: firstNumber(record, INPUT_NAMES), outputTokens: firstNumber(record, OUTPUT_NAMES), cachedTokens: firstNumber(record, CACHED_NAMES) ?? detailed(record) });
  return Object.keys(usage).length === 0 ? undefined : usage;
}

const INPUT_NAMES = ['input_tokens', 'prompt_tokens', 'promptTokens', 'inputTokens', 'input'];
const OUTPUT_NAMES = ['output_tokens', 'completion_tokens', 'completionTokens', 'outputTokens', 'output'];
const CACHED_NAMES = ['cache_read_input_tokens', 'input_cached_tokens', 'prompt_details.cache_read', 'input_cache_read', 'cached_tokens', 'cachedInputTokens'];

function firstNumber(record: JsonRecord, names: readonly string[]): number | undefined {
  for (const name of names) {
    const number = asNumber(record[name]);
    if (number !== undefined) return number;
  }
  return undefined;
}

function detailed(record: JsonRecord): number | undefined {
  for (const name of ['prompt_tokens_details', 'input_tokens_details', 'input_token_details', 'input_tokens_detail']) {
    const details = asRecord(record[name]);
    const cached = asNumber(details?.['cached_tokens']) ?? asNumber(details?.['cache_read']);
    if (cached !== undefined) return cached;
  }
  return undefined;
}

/** Log probabilities of the first answer in a completion; undefined where none were asked for. */
export function logprobsIn(output: unknown): readonly number[] | undefined {
  const record = asRecord(output);
  const choice = asRecord(asArray(record?.['choices'])[0]);
  const batch = asArray(record?.['generations'])[0];
  const generation = asRecord(Array.isArray(batch) ? (batch as unknown[])[0] : batch);
  const info = asRecord(generation?.['generationInfo']) ?? asRecord(generation?.['generation_info']);
  return flatNumbers(choice?.['logprobs'] ?? info?.['logprobs']);
}
