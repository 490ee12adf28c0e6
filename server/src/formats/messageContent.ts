/** Reads the content of chat messages: plain text, lists of parts, tool results; shared by every format that has messages. */
import type { JsonValue } from '../core/planTrace.ts';
import { isRedacted } from '../core/redacted.ts';
import { asArray, asJson, asRecord, asString, asText } from './jsonFields.ts';

/** The words of a message's content. Pictures and files stand as "[image]", "[file]"; undefined when there is no content. */
export function contentText(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (content === null || content === undefined) return undefined;
  if (Array.isArray(content)) {
    const parts: string[] = [];
    for (const part of content as unknown[]) {
      const text = partText(part);
      if (text !== undefined && text !== '') parts.push(text);
    }
    return parts.join('\n');
  }
  const record = asRecord(content);
  if (record !== undefined) return partText(record) ?? jsonText(record);
  return jsonText(content);
}

function partText(part: unknown): string | undefined {
  if (typeof part === 'string') return part;
  const record = asRecord(part);
  if (record === undefined) return undefined;
  const text = asString(record['text']) ?? asString(record['refusal']);
  if (text !== undefined) return text;
  const type = asText(record['type']);
  if (type === undefined || NOT_WORDS.has(type)) return undefined;
  return `[${type.replace(/^input_|_url$/g, '')}]`;
}

const NOT_WORDS: ReadonlySet<string> = new Set(['thinking', 'redacted_thinking', 'reasoning', 'tool_use', 'tool_result', 'tool_call', 'function_call', 'server_tool_use']);

/** JSON of a value; '' for one nested too deep to print. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

/** Arguments that may be JSON in a string. What does not parse stays the string, with the reason; a placeholder for what was not recorded has none. */
export function toolArguments(raw: unknown): { readonly args: JsonValue; readonly argsError?: string } {
  if (typeof raw !== 'string') return { args: asJson(raw) };
  try {
    return { args: asJson(JSON.parse(raw)) };
  } catch (error) {
    if (raw.trim() === '') return { args: {} };
    return isRedacted(raw) ? { args: raw } : { args: raw, argsError: reasonOf(raw, error) };
  }
}

function reasonOf(raw: string, error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  const at = /position (\d+)/.exec(message);
  const position = at === null ? undefined : Number(at[1]);
  if (/end of JSON input|unterminated/i.test(message) || position === raw.length) return 'the JSON is cut off';
  return position === undefined ? 'it is not JSON' : `it is not JSON from character ${position + 1} on`;
}

/**
 * Whether a tool's result reports a failure, for formats that have no flag for it. Looks only at how the result begins and
 * at exit codes at its end, so that a file listing that mentions "error" is no failure.
 */
export function looksLikeFailure(result: string): boolean {
  const head = result.length > 400 ? result.slice(0, 400) : result;
  if (FAILED_AT_START.test(head)) return true;
  const tail = result.length > 400 ? result.slice(-400) : result;
  return FAILED_AT_END.test(tail);
}

const FAILED_AT_START =
  /^\s*(?:<tool_use_error>|\[?error\]?:|errors?(?: (?:executing|running|calling) [^\n]{0,60})?:|exception:|traceback \(most recent call last\)|fatal(?: error)?:|exit code:? [1-9]|command (?:failed|timed out)|(?:\/bin\/)?(?:ba|z)?sh: [^\n]*(?:not found|no such file|permission denied|syntax error)|ran into \[errno|invalid `\w+` parameter|permission denied\b|tool execution failed)/i;
const FAILED_AT_END = /(?:\[the command completed with exit code [1-9]\d*\.?\]|\[command finished with exit code [1-9]\d*\]|\bexit code: [1-9]\d*\s*$|\[error\] tool reported failure\s*$)/i;

/** Every finite number in a value, however deeply listed; for token log-probabilities. Undefined when there is none. */
export function flatNumbers(value: unknown): readonly number[] | undefined {
  const numbers: number[] = [];
  const stack: unknown[] = [value];
  while (stack.length > 0) {
    const item = stack.pop();
    if (typeof item === 'number') {
      if (Number.isFinite(item)) numbers.push(item);
    } else if (Array.isArray(item)) {
      for (let i = item.length - 1; i >= 0; i--) stack.push(item[i]);
    } else {
      const record = asRecord(item);
      if (record === undefined) continue;
      if (typeof record['logprob'] === 'number') stack.push(record['logprob']);
      else if (Array.isArray(record['content'])) stack.push(asArray(record['content']));
    }
  }
  return numbers.length === 0 ? undefined : numbers;
}
