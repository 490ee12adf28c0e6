/** The calls of an ATIF step with what came back. */
import type { ToolCall } from '../core/planTrace.ts';
import { OBSERVATION } from './atifExtra.ts';
import { asId, asRecord, asText, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { contentText, looksLikeFailure, toolArguments } from './messageContent.ts';

/** Calls with their results: by `source_call_id`, else in order; what is left over stands as an observation of its own. */
export function toolCalls(record: JsonRecord, extra: JsonRecord | undefined): readonly ToolCall[] {
  const calls = recordsOf(record['tool_calls']);
  const results = recordsOf(asRecord(record['observation'])?.['results']);
  if (calls.length === 0 && results.length === 0) return [];
  const ids = new Set(calls.map((call) => asId(call['tool_call_id'])));
  const resultsById = new Map<string, JsonRecord[]>();
  const loose: JsonRecord[] = [];
  for (const result of results) {
    const id = asId(result['source_call_id']);
    if (id === undefined || !ids.has(id)) loose.push(result);
    else resultsById.set(id, [...(resultsById.get(id) ?? []), result]);
  }
  const flag = extra?.['tool_result_is_error'];
  // With one observation for several calls (a terminal), it is what stood there after the last call.
  let unanswered = calls.filter((call) => !resultsById.has(asId(call['tool_call_id']) ?? '')).length;
  const tools: ToolCall[] = calls.map((call) => {
    const id = asId(call['tool_call_id']);
    let own = id === undefined ? [] : (resultsById.get(id) ?? []);
    if (id !== undefined) resultsById.delete(id);
    if (own.length === 0 && loose.length > 0) {
      if (loose.length >= unanswered) own = loose.splice(0, unanswered === 1 ? loose.length : 1);
      unanswered--;
    }
    return toolCall(asText(call['function_name']) ?? 'unnamed', call, { id, results: own, flag });
  });
  for (const result of loose) if (contentText(result['content']) !== undefined) tools.push(toolCall(OBSERVATION, {}, { id: undefined, results: [result], flag }));
  return tools;
}

function toolCall(name: string, call: JsonRecord, found: { readonly id: string | undefined; readonly results: readonly JsonRecord[]; readonly flag: unknown }): ToolCall {
  const texts = found.results.flatMap((result) => contentText(result['content']) ?? []);
  const result = texts.length === 0 ? undefined : texts.join('\n');
  const flags = [found.flag, ...found.results.map((entry) => asRecord(entry['extra'])?.['is_error'] ?? entry['is_error'])].filter((flag) => typeof flag === 'boolean');
  return settled<ToolCall>({
    name,
    ...toolArguments(call['arguments']),
    callId: found.id,
    result,
    isError: flags.length > 0 ? flags.includes(true) : result !== undefined && looksLikeFailure(result),
  });
}
