/** The items of OpenAI's Responses API that a Codex session is made of: thoughts, calls and their outputs. */
import { asArray, asId, asNumber, asRecord, asString, asText, recordsOf, type JsonRecord } from './jsonFields.ts';
import { contentText, jsonText, looksLikeFailure, toolArguments } from './messageContent.ts';
import type { OpenCall } from './openSteps.ts';
import type { WordPath } from './wordRanges.ts';

/** What a reasoning item shows: its own text where it is open, else its summary; '' where all of it is encrypted. */
export function reasoningText(item: JsonRecord): string {
  const parts = recordsOf(item['content']).length > 0 && recordsOf(item['summary']).length === 0 ? recordsOf(item['content']) : recordsOf(item['summary']);
  return parts.flatMap((part) => asText(part['text']) ?? []).join('\n\n');
}

export interface CallItem {
  readonly call: OpenCall;
  /** Where in the item its arguments stand. */
  readonly argsPath: WordPath;
}

/** The call an item makes; undefined for an item of another kind. */
export function callItem(type: string, item: JsonRecord): CallItem | undefined {
  const callId = asId(item['call_id']);
  switch (type) {
    case 'function_call':
      return { call: { name: nameOf(item), ...toolArguments(item['arguments']), callId, isError: false }, argsPath: ['arguments'] };
    case 'custom_tool_call':
      return { call: { name: nameOf(item), args: asString(item['input']) ?? null, callId, isError: false }, argsPath: ['input'] };
    case 'local_shell_call':
      return { call: { name: 'local_shell', ...toolArguments(item['action']), callId, isError: item['status'] === 'incomplete' }, argsPath: ['action'] };
    case 'web_search_call':
    case 'tool_search_call':
    case 'image_generation_call':
      return { call: { name: type.slice(0, -'_call'.length), ...toolArguments(item['action'] ?? item['arguments'] ?? null), isError: item['status'] === 'failed' }, argsPath: ['action'] };
    default:
      return undefined;
  }
}

function nameOf(item: JsonRecord): string {
  return asText(item['name']) ?? 'unnamed';
}

export interface CallOutput {
  readonly callId: string | undefined;
  readonly text: string;
  readonly isError: boolean;
}

/** What came back for a call; undefined for an item of another kind. */
export function callOutput(type: string, item: JsonRecord): CallOutput | undefined {
  if (type !== 'function_call_output' && type !== 'custom_tool_call_output' && type !== 'mcp_tool_call_output' && type !== 'tool_search_output') return undefined;
  return { callId: asId(item['call_id']) ?? '', ...outcomeOf(item['output'] ?? item['result'] ?? item['tools']) };
}

/** Text and failure of an output: plain text, `{content, success}`, a list of parts, or a shell's result as JSON in a string. */
export function outcomeOf(output: unknown): { readonly text: string; readonly isError: boolean } {
  const record = asRecord(output);
  if (record !== undefined && ('content' in record || 'success' in record)) {
    const inner = outcomeOf(record['content'] ?? '');
    return { text: inner.text, isError: record['success'] === false || (record['success'] !== true && inner.isError) };
  }
  if (typeof output === 'string' && output.startsWith('{"')) {
    const shell = shellOutcome(output);
    if (shell !== undefined) return shell;
  }
  const text = contentText(output) ?? (output === undefined || output === null ? '' : jsonText(output));
  const stated = EXIT_STATUS.exec(text.length > 400 ? text.slice(0, 400) : text);
  return { text, isError: stated === null ? looksLikeFailure(text) : Number(stated[1]) !== 0 };
}

const EXIT_STATUS = /^(?:Exit code:|Process exited with code) (-?\d+)/m;

function shellOutcome(output: string): { readonly text: string; readonly isError: boolean } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    return undefined;
  }
  const record = asRecord(value);
  const exitCode = asNumber(asRecord(record?.['metadata'])?.['exit_code']);
  const text = asString(record?.['output']);
  return text === undefined || exitCode === undefined ? undefined : { text, isError: exitCode !== 0 };
}

/** The text of an MCP result, `{content: […]}` or `{Ok: {…}}`. */
export function mcpResultText(result: unknown): string | undefined {
  const record = asRecord(result);
  const content = record?.['content'] ?? asRecord(record?.['Ok'])?.['content'];
  return content === undefined ? undefined : (contentText(asArray(content)) ?? '');
}
