/** The messages of a tau-bench run as steps, in the shape of either version. */
import type { OffsetRange, Usage } from '../core/planTrace.ts';
import type { FileRecord } from './documents.ts';
import { asId, asNumber, asRecord, asText, asTimeMs, membersExcept, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { contentText, looksLikeFailure, toolArguments } from './messageContent.ts';
import { OpenSteps, type OpenStep } from './openSteps.ts';
import { countUnknown } from './unknownRecords.ts';
import { EACH, findWords } from './wordRanges.ts';

export interface TauMessages {
  readonly steps: OpenSteps;
  /** The agent's step that a turn of the conversation belongs to; none for what the user or the system said. */
  readonly stepsByTurn: ReadonlyMap<number, OpenStep>;
  readonly unknown: Record<string, number>;
  /** What the user said first. */
  readonly opening: { readonly text: string; readonly range: OffsetRange | null } | undefined;
  read(record: FileRecord, pointer: string): void;
}

/** Begins to read the messages of one run; `text` is the whole file. */
export function tauMessages(text: string): TauMessages {
  const steps = new OpenSteps();
  const stepsByTurn = new Map<number, OpenStep>();
  const unknown: Record<string, number> = {};
  let opening: TauMessages['opening'];
  return {
    steps,
    stepsByTurn,
    unknown,
    get opening() {
      return opening;
    },
    read(record, pointer) {
      const message = asRecord(record.value) ?? {};
      const role = asText(message['role']) ?? 'no role';
      const turn = asNumber(message['turn_idx']) ?? record.index;
      if (role === 'assistant') {
        stepsByTurn.set(turn, agentTurn(text, steps, record, pointer));
      } else if (role === 'tool') {
        const results = recordsOf(message['tool_messages']);
        for (const result of results.length > 0 ? results : [message]) if (answered(steps, result, record.end) && steps.last !== undefined) stepsByTurn.set(asNumber(result['turn_idx']) ?? turn, steps.last);
      } else if (role === 'user') {
        const words = contentText(message['content']) ?? '';
        steps.hear(words);
        if (words !== '') opening ??= { text: words, range: findWords(text, record, [['content', EACH, 'text'], ['content']]) ?? null };
      } else if (role !== 'system') {
        countUnknown(unknown, role);
      }
    },
  };
}

function agentTurn(text: string, steps: OpenSteps, record: FileRecord, pointer: string): OpenStep {
  const message = asRecord(record.value) ?? {};
  const step = steps.begin(record, pointer);
  const said = contentText(message['content']);
  const seconds = asNumber(message['generation_time_seconds']);
  step.output = said === '' ? undefined : said;
  step.reasoning = asText(message['reasoning_content']);
  step.startTimeMs = asTimeMs(message['timestamp']);
  step.durationMs = seconds === undefined ? undefined : Math.round(seconds * 1e6) / 1e3;
  step.costUsd = asNumber(message['cost']);
  step.usage = usageOf(asRecord(message['usage']));
  step.attributes = membersExcept(message, MESSAGE_FIELDS);
  step.textRange = findWords(text, record, [['content', EACH, 'text'], ['content'], ['reasoning_content'], ['tool_calls', EACH, 'function', 'arguments'], ['tool_calls', EACH, 'arguments']]);
  for (const call of recordsOf(message['tool_calls'])) {
    const called = asRecord(call['function']) ?? call;
    steps.addCall(step, { name: asText(called['name']) ?? 'unnamed', ...toolArguments(called['arguments']), callId: asId(call['id']), isError: false });
  }
  return step;
}

const MESSAGE_FIELDS: ReadonlySet<string> = new Set([
  'role', 'content', 'tool_calls', 'function_call', 'reasoning_content', 'turn_idx', 'timestamp', 'cost', 'usage', 'raw_data', 'generation_time_seconds', 'audio_content', 'is_audio', 'is_final_chunk', 'contains_speech',
]);

function usageOf(record: JsonRecord | undefined): Usage | undefined {
  const usage = settled<Usage>({ inputTokens: asNumber(record?.['prompt_tokens']), outputTokens: asNumber(record?.['completion_tokens']), cachedTokens: asNumber(asRecord(record?.['prompt_tokens_details'])?.['cached_tokens']) });
  return Object.keys(usage).length === 0 ? undefined : usage;
}

/** Gives a result to its call. Ids may be used again, so the latest call counts; the simulated user's own calls are not the agent's. */
function answered(steps: OpenSteps, result: JsonRecord, end: number): boolean {
  if (result['requestor'] === 'user') return false;
  const text = contentText(result['content']) ?? '';
  const isError = typeof result['error'] === 'boolean' ? result['error'] : looksLikeFailure(text);
  return steps.answer(asId(result['tool_call_id']) ?? asId(result['id']), { text, isError, end, timeMs: asTimeMs(result['timestamp']) });
}
