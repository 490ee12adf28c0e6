/** Reads one chat message of an Inspect log, with what was moved out of it put back. */
import type { JsonValue } from '../core/planTrace.ts';
import { asArray, asId, asJson, asRecord, asText, recordsOf, type JsonRecord } from './jsonFields.ts';
import { contentText, toolArguments } from './messageContent.ts';
import type { OpenCall } from './openSteps.ts';

/** Puts text back that the log keeps apart; other text is returned as it is. */
export type Resolve = (text: string) => string;

/** The words of a message; undefined where it has no content. */
export function messageText(record: JsonRecord, resolve: Resolve): string | undefined {
  return contentText(resolved(record['content'], resolve));
}

export interface Reasoning {
  readonly text: string | undefined;
  /** Some of it was redacted or encrypted. */
  readonly isHidden: boolean;
}

/** What the model thought. Of redacted reasoning the file holds only an encrypted text, which is left out. */
export function messageReasoning(record: JsonRecord, resolve: Resolve): Reasoning {
  const thoughts: string[] = [];
  let isHidden = false;
  for (const part of recordsOf(record['content'])) {
    if (part['type'] !== 'reasoning') continue;
    const summary = asText(part['summary']);
    const thought = part['redacted'] === true ? summary : (asText(part['reasoning']) ?? summary);
    if (thought === undefined) isHidden = true;
    else thoughts.push(resolve(thought));
  }
  const own = asText(record['reasoning']);
  if (own !== undefined) thoughts.push(resolve(own));
  return { text: thoughts.length === 0 ? undefined : thoughts.join('\n'), isHidden };
}

/** The tools a message of the assistant calls, those the provider ran itself (with their results) last. */
export function messageCalls(record: JsonRecord, resolve: Resolve): OpenCall[] {
  const calls: OpenCall[] = [];
  for (const call of recordsOf(record['tool_calls'])) {
    const called = asRecord(call['function']) ?? call;
    calls.push({
      name: asText(call['function']) ?? asText(called['name']) ?? 'unnamed',
      ...argumentsOf(called['arguments'], resolve),
      ...(asText(call['parse_error']) === undefined ? {} : { argsError: asText(call['parse_error']) }),
      callId: asId(call['id']),
      isError: false,
    });
  }
  for (const part of recordsOf(record['content'])) {
    if (part['type'] !== 'tool_use') continue;
    const error = asText(part['error']);
    const result = contentText(resolved(part['result'], resolve)) ?? error;
    calls.push({ name: asText(part['name']) ?? asText(part['tool_type']) ?? 'unnamed', ...argumentsOf(part['arguments'], resolve), callId: asId(part['id']), ...(result === undefined ? {} : { result }), isError: error !== undefined });
  }
  return calls;
}

/** What a tool gave back: its content, or where that is empty the error. */
export function toolResult(record: JsonRecord, content: unknown, resolve: Resolve): { readonly text: string; readonly isError: boolean } {
  const error = asRecord(record['error']);
  const text = contentText(resolved(content, resolve)) ?? '';
  return { text: text === '' ? (asText(error?.['message']) ?? '') : text, isError: error !== undefined };
}

function argumentsOf(raw: unknown, resolve: Resolve): { readonly args: JsonValue; readonly argsError?: string } {
  const record = asRecord(raw);
  if (record === undefined) return toolArguments(typeof raw === 'string' ? resolve(raw) : (raw ?? {}));
  if (!Object.values(record).some((value) => typeof value === 'string' && resolve(value) !== value)) return { args: asJson(record) };
  const args = Object.entries(record).map(([key, value]) => [key, typeof value === 'string' ? resolve(value) : asJson(value)] as const);
  return { args: Object.fromEntries(args) };
}

/** The content with its texts put back. */
function resolved(content: unknown, resolve: Resolve): unknown {
  if (typeof content === 'string') return resolve(content);
  if (!Array.isArray(content)) return content;
  return asArray(content).map((part) => {
    const record = asRecord(part);
    const text = asText(record?.['text']);
    return record === undefined || text === undefined || resolve(text) === text ? part : { ...record, text: resolve(text) };
  });
}
