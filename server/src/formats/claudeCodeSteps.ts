/** The messages of a Claude Code session as steps. */
import type { ToolCall, Usage } from '../core/planTrace.ts';
import type { ToolResult } from './claudeCodeMessages.ts';
import type { AssistantMessage, Turn } from './claudeCodeTurns.ts';
import { betterWords, recordWords, type WordsRange } from './claudeCodeWords.ts';
import { asArray, asId, asNumber, asRecord, asString, asText, asTimeMs, membersExcept, settled, type JsonRecord } from './jsonFields.ts';
import { toolArguments } from './messageContent.ts';
import type { StepDraft } from './traceAssembly.ts';

/** Notes where each message stands in the file. */
export function placeMessages(spoken: readonly Turn[], messages: readonly AssistantMessage[], results: ReadonlyMap<string, ToolResult>): void {
  for (const message of messages) {
    for (const id of message.callIds) {
      const result = results.get(id);
      if (result !== undefined) result.turn.owner ??= message;
    }
  }
  let open: AssistantMessage | undefined;
  for (const { owner, record } of spoken) {
    if (owner !== undefined) {
      if (owner.range === undefined) owner.range = { start: record.start, end: record.end };
      else if (open === owner) owner.range = { start: owner.range.start, end: record.end };
    }
    open = owner;
  }
}

interface SessionContext {
  readonly text: string;
  readonly results: ReadonlyMap<string, ToolResult>;
  /** The file is cut off at its end. */
  readonly isGrowing: boolean;
  /** The file says that the run is over. */
  readonly hasEnded: boolean;
}

/** One step a message, in order. */
export function sessionSteps(messages: readonly AssistantMessage[], context: SessionContext): readonly StepDraft[] {
  const callers = callersOf(messages);
  const last = messages.length - 1;
  return messages.map((message, i) => {
    const step = sessionStep(message, context, callers);
    if (i < last || context.hasEnded) return step;
    return { ...step, isProvisional: context.isGrowing || step.tools.some((tool) => tool.result === undefined) };
  });
}

interface Caller {
  readonly stepId: string | undefined;
  readonly depth: number;
}

/** The message each subagent was called from, by the id of the call, where records name it. A caller comes before those it calls. */
function callersOf(messages: readonly AssistantMessage[]): ReadonlyMap<string, Caller> {
  const callers = new Map<string, Caller>();
  if (!messages.some((message) => message.turns[0]?.fields['parent_tool_use_id'] !== undefined)) return callers;
  for (const message of messages) {
    const caller = { stepId: stepIdOf(message), depth: depthOf(message, callers) };
    for (const id of message.callIds) callers.set(id, caller);
  }
  return callers;
}

function depthOf({ turns }: AssistantMessage, callers: ReadonlyMap<string, Caller>): number {
  const lane = turns[0]?.lane ?? '';
  return lane === '' ? 0 : (callers.get(lane)?.depth ?? 0) + 1;
}

function stepIdOf({ id, turns }: AssistantMessage): string | undefined {
  return id ?? asText(turns[0]?.fields['uuid']);
}

function sessionStep(whole: AssistantMessage, context: SessionContext, callers: ReadonlyMap<string, Caller>): StepDraft & { readonly tools: readonly ToolCall[] } {
  const words: string[] = [];
  const thoughts: string[] = [];
  const tools: ToolCall[] = [];
  let hidesThought = false;
  let textRange: WordsRange | undefined;
  let endTimeMs: number | undefined;
  for (const { message, record } of whole.turns) {
    const content = message?.['content'];
    if (typeof content === 'string') words.push(content);
    for (const entry of asArray(content)) {
      const block = asRecord(entry) ?? {};
      switch (block['type']) {
        case 'text':
          words.push(asString(block['text']) ?? '');
          break;
        case 'thinking': {
          const thought = asString(block['thinking']) ?? '';
          if (thought === '') hidesThought = true;
          else thoughts.push(thought);
          break;
        }
        case 'redacted_thinking':
          hidesThought = true;
          break;
        case 'tool_use':
        case 'server_tool_use': {
          const callId = asId(block['id']);
          const result = callId === undefined ? undefined : context.results.get(callId);
          tools.push(sessionTool(block, callId, result));
          const time = asTimeMs(result?.turn.fields['timestamp']);
          if (time !== undefined) endTimeMs = Math.max(endTimeMs ?? time, time);
          break;
        }
        default:
          break;
      }
    }
    if (textRange?.kind !== 'text') textRange = betterWords(textRange, recordWords(context.text, record));
  }
  const first = whole.turns[0];
  const fields = first?.fields ?? {};
  const isSidechain = first !== undefined && first.lane !== '';
  const final = whole.turns.at(-1)?.message ?? whole.message;
  const output = words.filter((part) => part.trim() !== '').join('\n\n');
  const reasoning = thoughts.join('\n\n');
  return {
    stepId: stepIdOf(whole),
    stepType: tools.length > 0 ? 'tool_call' : output !== '' ? 'message' : 'thought',
    agentName: asText(fields['agentName']) ?? asText(fields['agentId']),
    depth: depthOf(whole, callers),
    parentId: isSidechain ? callers.get(first.lane)?.stepId : undefined,
    input: whole.input === '' ? undefined : whole.input,
    output: output === '' ? undefined : output,
    reasoning: reasoning === '' ? undefined : reasoning,
    tools,
    startTimeMs: asTimeMs(fields['timestamp']),
    endTimeMs,
    usage: usageOf(asRecord(final['usage']) ?? asRecord(whole.message['usage'])),
    finishReason: asText(final['stop_reason']),
    attributes: membersExcept(fields, RECORD_FIELDS, modelOf(whole.message)),
    range: whole.range ?? (first === undefined ? null : { start: first.record.start, end: first.record.end }),
    textRange: textRange === undefined ? undefined : { start: textRange.start, end: textRange.end },
    jsonPointer: `/${first?.record.index ?? 0}`,
    isSidechain,
    contentNotCaptured: hidesThought && output === '' && reasoning === '' && tools.length === 0,
  };
}

const RECORD_FIELDS: ReadonlySet<string> = new Set([
  'type', 'uuid', 'parentUuid', 'logicalParentUuid', 'sessionId', 'timestamp', 'cwd', 'version', 'gitBranch', 'isSidechain', 'isMeta', 'message', 'userType', 'requestId', 'slug', 'agentId', 'agentName',
  'session_id', 'parent_tool_use_id',
]);

function modelOf(message: JsonRecord): Record<string, string> {
  const model = asText(message['model']);
  return model === undefined ? {} : { model };
}

function usageOf(record: JsonRecord | undefined): Usage | undefined {
  if (record === undefined) return undefined;
  const usage = settled<Usage>({
    inputTokens: asNumber(record['input_tokens']),
    outputTokens: asNumber(record['output_tokens']),
    cachedTokens: asNumber(record['cache_read_input_tokens']),
  });
  return Object.keys(usage).length === 0 ? undefined : usage;
}

function sessionTool(block: JsonRecord, callId: string | undefined, result: ToolResult | undefined): ToolCall {
  return settled<ToolCall>({ name: asText(block['name']) ?? 'unnamed', ...toolArguments(block['input']), callId, result: result?.text, isError: result?.isError === true });
}
