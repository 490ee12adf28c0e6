/** The messages of a mini-swe-agent run as steps: chat messages with commands in fences or tool calls, or responses of OpenAI's Responses API. */
import type { OffsetRange, Usage } from '../core/planTrace.ts';
import { callItem, outcomeOf, reasoningText } from './codexItems.ts';
import type { FileRecord } from './documents.ts';
import { asId, asNumber, asRecord, asText, asTimeMs, membersExcept, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { contentText, flatNumbers, looksLikeFailure, toolArguments } from './messageContent.ts';
import { joined, OBSERVATION, OpenSteps, type OpenStep } from './openSteps.ts';
import { countUnknown } from './unknownRecords.ts';
import { EACH, findWords } from './wordRanges.ts';

export interface MessageReader {
  readonly steps: OpenSteps;
  readonly unknown: Readonly<Record<string, number>>;
  readonly goal: { readonly text: string; readonly range: OffsetRange | null } | undefined;
  read(record: FileRecord, message: JsonRecord, pointer: string): void;
}

/** Begins to read the messages of a run; `text` is the whole file. */
export function messageReader(text: string): MessageReader {
  const steps = new OpenSteps();
  const unknown: Record<string, number> = {};
  let goal: MessageReader['goal'];
  return {
    steps,
    unknown,
    get goal() {
      return goal;
    },
    read(record, message, pointer) {
      const role = asText(message['role']) ?? asText(message['object']) ?? asText(message['type']) ?? 'no role';
      if (role === 'assistant') return chatTurn(text, steps, record, message, pointer);
      if (role === 'response') return responseTurn(text, steps, record, message, pointer);
      if (role === 'tool' || role === 'function_call_output') return observed(steps, record, message);
      if (role === 'user') {
        if (goal !== undefined) return observed(steps, record, message);
        const words = contentText(message['content']) ?? '';
        goal = { text: words, range: findWords(text, record, [['content', EACH, 'text'], ['content']]) ?? null };
        steps.hear(words);
      } else if (role === 'exit') {
        const { last } = steps;
        const status = asText(asRecord(message['extra'])?.['exit_status']);
        if (last !== undefined && status !== undefined) last.finishReason = status;
      } else if (role !== 'system') {
        countUnknown(unknown, role);
      }
    },
  };
}

/** The commands a message gives in fences, as the agent looks for them. */
export function commandsIn(content: string): readonly string[] {
  return fencesIn(content).map((fence) => content.slice(fence.bodyStart, fence.bodyEnd).trim());
}

interface Fence extends OffsetRange {
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

function fencesIn(content: string): readonly Fence[] {
  const fences: Fence[] = [];
  OPENING.lastIndex = 0;
  for (let opening = OPENING.exec(content); opening !== null; opening = OPENING.exec(content)) {
    const bodyStart = OPENING.lastIndex;
    // The line break before the body may be the one before the closing fence.
    const bodyEnd = content.indexOf('\n```', bodyStart - 1);
    if (bodyEnd < 0) break;
    fences.push({ start: opening.index, bodyStart, bodyEnd: Math.max(bodyStart, bodyEnd), end: bodyEnd + 4 });
    OPENING.lastIndex = bodyEnd + 4;
  }
  return fences;
}

const OPENING = /```(?:mswea_bash_command|bash)[^\S\n]*\n/g;

function withoutFences(content: string): string {
  let kept = '';
  let from = 0;
  for (const fence of fencesIn(content)) {
    kept += content.slice(from, fence.start);
    from = fence.end;
  }
  return kept + content.slice(from);
}

function chatTurn(text: string, steps: OpenSteps, record: FileRecord, message: JsonRecord, pointer: string): void {
  const step = steps.begin(record, pointer);
  const extra = asRecord(message['extra']) ?? {};
  const content = contentText(message['content']) ?? '';
  const response = asRecord(extra['response']);
  const choice = recordsOf(response?.['choices'])[0];
  const calls = recordsOf(message['tool_calls']);
  const commands = calls.length > 0 ? [] : givenCommands(extra, content);
  // The command is the call: left in the words it would be read twice.
  const said = (commands.length > 0 ? withoutFences(content) : content).trim();
  step.output = said === '' ? undefined : said;
  step.reasoning = asText(message['reasoning_content']) ?? thinkingOf(message);
  step.usage = usageOf(asRecord(response?.['usage']));
  step.logprobs = flatNumbers(choice?.['logprobs']);
  step.finishReason = asText(choice?.['finish_reason']);
  step.textRange = findWords(text, record, [['content', EACH, 'text'], ['content'], ['reasoning_content'], ['thinking_blocks', EACH, 'thinking'], ['tool_calls', EACH, 'function', 'arguments']]);
  measure(step, extra);
  step.attributes = membersExcept(message, MESSAGE_FIELDS);
  for (const call of calls) {
    const called = asRecord(call['function']);
    steps.addCall(step, { name: asText(called?.['name']) ?? 'unnamed', ...toolArguments(called?.['arguments']), callId: asId(call['id']), isError: false });
  }
  for (const command of commands) steps.addCall(step, { name: 'bash', args: { command }, isError: false });
}

const MESSAGE_FIELDS: ReadonlySet<string> = new Set([
  'role', 'content', 'extra', 'tool_calls', 'reasoning_content', 'thinking_blocks', 'provider_specific_fields', 'function_call', 'annotations', 'object', 'output', 'usage', 'id', 'created_at', 'type', 'timestamp', 'response',
]);

/** As the agent recorded them, else as it would have found them: exactly one, or it asks again. */
function givenCommands(extra: JsonRecord, content: string): readonly string[] {
  const recorded = recordsOf(extra['actions']).flatMap((action) => asText(action['command']) ?? []);
  if (recorded.length > 0) return recorded;
  const found = commandsIn(content);
  return found.length === 1 ? found : [];
}

function thinkingOf(message: JsonRecord): string | undefined {
  return asText(recordsOf(message['thinking_blocks']).flatMap((block) => asText(block['thinking']) ?? []).join('\n\n'));
}

function measure(step: OpenStep, extra: JsonRecord): void {
  step.costUsd = asNumber(extra['cost']);
  step.startTimeMs = asTimeMs(extra['timestamp']);
}

function usageOf(record: JsonRecord | undefined): Usage | undefined {
  const usage = settled<Usage>({
    inputTokens: asNumber(record?.['prompt_tokens']) ?? asNumber(record?.['input_tokens']),
    outputTokens: asNumber(record?.['completion_tokens']) ?? asNumber(record?.['output_tokens']),
    cachedTokens: asNumber(asRecord(record?.['prompt_tokens_details'])?.['cached_tokens']) ?? asNumber(asRecord(record?.['input_tokens_details'])?.['cached_tokens']),
  });
  return Object.keys(usage).length === 0 ? undefined : usage;
}

/** A whole response: its thoughts, words and calls stand in `output`. */
function responseTurn(text: string, steps: OpenSteps, record: FileRecord, message: JsonRecord, pointer: string): void {
  const step = steps.begin(record, pointer);
  for (const item of recordsOf(message['output'])) {
    const type = asText(item['type']) ?? '';
    const call = callItem(type, item);
    if (call !== undefined) steps.addCall(step, call.call);
    else if (type === 'message') step.output = joined(step.output, contentText(item['content']));
    else if (type === 'reasoning') step.reasoning = joined(step.reasoning, reasoningText(item)) || undefined;
  }
  step.stepId = asText(message['id']);
  step.usage = usageOf(asRecord(message['usage']));
  step.attributes = {};
  step.textRange = findWords(text, record, [['output', EACH, 'content', EACH, 'text'], ['output', EACH, 'summary', EACH, 'text'], ['output', EACH, 'arguments']]);
  measure(step, asRecord(message['extra']) ?? {});
}

/** What came back: the result of a call, or the agent's complaint that there was none to run. */
function observed(steps: OpenSteps, record: FileRecord, message: JsonRecord): void {
  const { last } = steps;
  const extra = asRecord(message['extra']) ?? {};
  const text = contentText(message['content'] ?? message['output']) ?? '';
  const callId = asId(message['tool_call_id']) ?? asId(message['call_id']);
  const timeMs = asTimeMs(extra['timestamp']);
  if (steps.answer(callId, { text, isError: failed(extra, text), end: record.end, timeMs })) return;
  if (last === undefined || last.calls.length > 0 || text === '') return steps.hear(text);
  const interrupt = asText(extra['interrupt_type']);
  steps.addCall(last, { name: OBSERVATION, args: null, result: text, isError: interrupt === undefined || /Error|Exceeded/.test(interrupt) });
  last.range.end = record.end;
}

function failed(extra: JsonRecord, text: string): boolean {
  const stated = asNumber(extra['returncode']) ?? asNumber(/^\s*(?:<exception>[^]{0,2000}?<\/exception>\s*)?<returncode>\s*(-?\d+)\s*<\/returncode>/.exec(text.slice(0, 2400))?.[1]);
  if (asText(extra['exception_info']) !== undefined) return true;
  return stated === undefined ? looksLikeFailure(text) || /^\s*The last command .{0,400}timed out/s.test(text.slice(0, 800)) || outcomeOf(text).isError : stated !== 0;
}
