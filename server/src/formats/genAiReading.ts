/** OpenTelemetry's GenAI conventions, current and earlier, with the instrumentations that follow them loosely. */
import type { OffsetRange, StepError, Usage } from '../core/planTrace.ts';
import { HEARD_PLACES, heardMessages, latestHeard, SAID_PLACES, saidMessages, withDetails } from './genAiMessages.ts';
import { asArray, asId, asNumber, asRecord, asString, asText, membersExcept, settled, type JsonRecord } from './jsonFields.ts';
import { jsonText } from './messageContent.ts';
import { embeddedJson, resultText } from './spanMessages.ts';
import type { SpanReading, SpanRole, SpanScore, SpanToolUse } from './spanReading.ts';
import type { SpanEvent, TraceSpan } from './spanTree.ts';

/** What a span means by these conventions; undefined when it follows none of them. */
export function readGenAiSpan(span: TraceSpan): SpanReading | undefined {
  const attributes = withDetails(span);
  const role = roleOf(span, attributes);
  const scores = evaluations(span);
  if (role === undefined) return scores.length === 0 ? undefined : { role: 'other', scores };
  const isTool = role === 'tool';
  return {
    role,
    agentName: agentName(span, attributes, role),
    model: first(attributes, ['gen_ai.response.model', 'gen_ai.request.model', 'ai.response.model', 'ai.model.id', 'llm.response.model', 'llm.request.model']),
    get heard() {
      return isTool ? undefined : heardMessages(span, attributes);
    },
    get latest() {
      return isTool ? undefined : latestHeard(attributes);
    },
    said: isTool ? undefined : saidMessages(span, attributes),
    request: asText(attributes['copilot_chat.user_request']) ?? userEvent(span.events),
    inputText: isTool ? undefined : contentOf(attributes, ['traceloop.entity.input', 'input', 'prompt']),
    outputText: isTool ? undefined : contentOf(attributes, ['traceloop.entity.output', 'output', 'final_result', 'response']),
    tool: isTool ? toolUse(span, attributes) : undefined,
    usage: usageOf(attributes),
    costUsd: number(attributes, ['gen_ai.usage.cost', 'operation.cost', 'gen_ai.usage.total_cost', 'llm.usage.total_cost']),
    finishReason: asText(asArray(embeddedJson(attributes['gen_ai.response.finish_reasons']))[0]) ?? first(attributes, ['gen_ai.response.finish_reasons', 'ai.response.finishReason', 'llm.response.finish_reason']),
    responseId: first(attributes, ['gen_ai.response.id', 'ai.response.id']),
    session: first(attributes, ['gen_ai.conversation.id', 'session.id', 'traceloop.association.properties.session_id', 'copilot_chat.session_id', 'copilot_chat.chat_session_id']),
    error: spanError(span),
    scores,
    attributes: membersExcept(kept(attributes), KNOWN),
    outputKeys: isTool ? TOOL_PLACES : [...SAID_PLACES, 'traceloop.entity.output', 'output', 'final_result', 'response'],
    inputKeys: HEARD_PLACES,
    wordsRange: isTool ? undefined : saidInLog(span),
  };
}

/** Where the answer stands when a log record holds it; undefined when the span does. */
function saidInLog(span: TraceSpan): OffsetRange | undefined {
  if ('gen_ai.output.messages' in span.attributes) return undefined;
  return span.events.find((event) => event.range !== undefined && (event.name === 'gen_ai.choice' || 'gen_ai.output.messages' in event.attributes || (event.body !== undefined && 'gen_ai.output.messages' in event.body)))?.range;
}

/** The failure a span reports: its status with the exception it met. Undefined when it reports none. */
export function spanError(span: TraceSpan): StepError | undefined {
  const type = asText(span.attributes['error.type']);
  if (span.status !== 'error' && (type === undefined || span.status === 'ok')) return undefined;
  const exception = span.events.findLast((event) => event.name === 'exception')?.attributes ?? {};
  return settled<StepError>({
    type: asText(exception['exception.type']) ?? type ?? 'error',
    message: asText(exception['exception.message']) ?? asText(span.statusMessage) ?? asText(span.attributes['error.message']) ?? '',
    traceback: asText(exception['exception.stacktrace']),
  });
}

const OPERATION_ROLES: ReadonlyMap<string, SpanRole> = new Map([
  ['chat', 'model'], ['generate_content', 'model'], ['text_completion', 'model'], ['completion', 'model'], ['responses', 'model'],
  ['invoke_agent', 'agent'], ['invoke_workflow', 'agent'], ['execute_tool', 'tool'], ['retrieval', 'tool'], ['embeddings', 'other'], ['create_agent', 'other'],
]);
const TRACELOOP_ROLES: ReadonlyMap<string, SpanRole> = new Map([['workflow', 'agent'], ['agent', 'agent'], ['tool', 'tool'], ['task', 'other'], ['llm', 'model']]);
const AI_SDK_ROLES: readonly (readonly [RegExp, SpanRole])[] = [[/^ai\.\w+\.do(?:Generate|Stream)$/, 'model'], [/^ai\.toolCall$/, 'tool'], [/^ai\.(?:generate|stream)\w+$/, 'agent']];

function roleOf(span: TraceSpan, attributes: JsonRecord): SpanRole | undefined {
  const operation = asText(attributes['gen_ai.operation.name']);
  const known = operation === undefined ? undefined : OPERATION_ROLES.get(operation);
  if (known !== undefined) return known;
  if (operation !== undefined && /memor/.test(operation)) return 'tool';
  const sdk = asText(attributes['ai.operationId']);
  const sdkRole = AI_SDK_ROLES.find(([pattern]) => sdk !== undefined && pattern.test(sdk))?.[1];
  if (sdkRole !== undefined) return sdkRole;
  const kind = TRACELOOP_ROLES.get((asText(attributes['traceloop.span.kind']) ?? '').toLowerCase());
  if (kind !== undefined) return kind;
  if (/^execute_tool\b|^running tool\b/.test(span.name) || 'gen_ai.tool.call.id' in attributes || ('gen_ai.tool.name' in attributes && !('gen_ai.request.model' in attributes))) return 'tool';
  if (/^invoke_(?:agent|workflow)\b|^agent run$/.test(span.name)) return 'agent';
  const request = asText(attributes['llm.request.type']);
  if (request !== undefined) return request === 'embedding' || request === 'rerank' ? 'other' : 'model';
  if (MODEL_MARKS.some((mark) => mark in attributes)) return 'model';
  if (span.events.some((event) => event.name === 'gen_ai.choice' || event.name === 'gen_ai.content.completion')) return 'model';
  if (operation !== undefined) return operation === 'plan' ? 'model' : 'other';
  if ('gen_ai.request.model' in attributes && !/embed/i.test(span.name)) return 'model';
  if ('gen_ai.agent.name' in attributes) return 'agent';
  return Object.keys(attributes).some((key) => key.startsWith('gen_ai.') || key.startsWith('traceloop.')) ? 'other' : undefined;
}

const MODEL_MARKS = ['gen_ai.output.messages', 'gen_ai.completion', 'gen_ai.completion.0.role', 'gen_ai.completion.0.content', 'gen_ai.response.finish_reasons', 'llm.completions.0.content', 'llm.request.model', 'gcp.vertex.agent.llm_response'];

function agentName(span: TraceSpan, attributes: JsonRecord, role: SpanRole): string | undefined {
  const named = first(attributes, ['gen_ai.agent.name', 'agent_name', 'gen_ai.workflow.name']);
  if (role !== 'agent') return named;
  return named ?? first(attributes, ['traceloop.entity.name', 'ai.telemetry.functionId', 'gen_ai.agent.id']) ?? /^invoke_(?:agent|workflow)\s+(\S.*)$/.exec(span.name)?.[1];
}

const ARGUMENT_KEYS = ['gen_ai.tool.call.arguments', 'tool_arguments', 'ai.toolCall.args', 'gcp.vertex.agent.tool_call_args', 'gen_ai.tool.parameters', 'traceloop.entity.input', 'gen_ai.retrieval.query.text', 'input'];
const RESULT_KEYS = ['gen_ai.tool.call.result', 'tool_response', 'ai.toolCall.result', 'gcp.vertex.agent.tool_response', 'gen_ai.tool.output', 'traceloop.entity.output', 'gen_ai.retrieval.documents', 'output'];
const TOOL_PLACES = ['gen_ai.tool.name', 'ai.toolCall.name', 'traceloop.entity.name', ...RESULT_KEYS, ...ARGUMENT_KEYS];

function toolUse(span: TraceSpan, attributes: JsonRecord): SpanToolUse {
  const given = span.events.find((event) => event.name === 'gen_ai.tool.message');
  const gave = span.events.find((event) => event.name === 'gen_ai.choice');
  const args = present(attributes, ARGUMENT_KEYS) ?? given?.attributes['content'] ?? given?.body?.['content'];
  const result = unquoted(present(attributes, RESULT_KEYS)) ?? gave?.attributes['message'] ?? gave?.body?.['message'];
  const parsed = embeddedJson(result);
  return {
    name: first(attributes, ['gen_ai.tool.name', 'ai.toolCall.name', 'traceloop.entity.name', 'gen_ai.data_source.id']) ?? /^(?:execute_tool|running tool:?)\s+(\S.*)$/.exec(span.name)?.[1] ?? span.name,
    callId: asId(attributes['gen_ai.tool.call.id']) ?? asId(attributes['ai.toolCall.id']) ?? asId(given?.attributes['id']),
    args,
    // A string stays as the tool gave it; only lists of text parts are joined.
    result: result === undefined ? undefined : Array.isArray(parsed) ? resultText(parsed) : resultText(result),
  };
}

function usageOf(attributes: JsonRecord): Usage | undefined {
  const usage = settled<Usage>({
    inputTokens: number(attributes, ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens', 'ai.usage.inputTokens', 'ai.usage.promptTokens', 'llm.usage.prompt_tokens']),
    outputTokens: number(attributes, ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens', 'ai.usage.outputTokens', 'ai.usage.completionTokens', 'llm.usage.completion_tokens']),
    cachedTokens: number(attributes, ['gen_ai.usage.cache_read.input_tokens', 'gen_ai.usage.cache_read_input_tokens', 'gen_ai.usage.details.cache_read_input_tokens', 'gen_ai.usage.details.cache_read_tokens', 'gen_ai.usage.details.cached_tokens', 'ai.usage.cachedInputTokens']),
  });
  return Object.keys(usage).length === 0 ? undefined : usage;
}

/** Judgements of the run, each an event of its own. The conventions name no judge, and neither range nor direction. */
function evaluations(span: TraceSpan): readonly SpanScore[] {
  return span.events.flatMap((event): readonly SpanScore[] => {
    if (event.name !== 'gen_ai.evaluation.result') return [];
    const fields: JsonRecord = { ...event.body, ...event.attributes };
    return [
      {
        source: asText(fields['gen_ai.evaluation.source']) ?? 'gen_ai.evaluation',
        dimension: asText(fields['gen_ai.evaluation.name']) ?? 'score',
        value: asNumber(fields['gen_ai.evaluation.score.value']),
        label: asText(fields['gen_ai.evaluation.score.label']),
        explanation: asText(fields['gen_ai.evaluation.explanation']),
        responseId: asText(fields['gen_ai.response.id']),
      },
    ];
  });
}

/** What the user typed, where the agent's span keeps it as an event of its own. */
function userEvent(events: readonly SpanEvent[]): string | undefined {
  const event = events.find((other) => other.name === 'user_message');
  return asText(event?.attributes['content']) ?? asText(event?.attributes['message']);
}

function first(attributes: JsonRecord, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const text = asText(attributes[key]);
    if (text !== undefined) return text;
  }
  return undefined;
}

function present(attributes: JsonRecord, keys: readonly string[]): unknown {
  for (const key of keys) if (attributes[key] !== undefined && attributes[key] !== null) return attributes[key];
  return undefined;
}

function number(attributes: JsonRecord, keys: readonly string[]): number | undefined {
  for (const key of keys) {
    const value = asNumber(attributes[key]);
    if (value !== undefined) return value;
  }
  return undefined;
}

function contentOf(attributes: JsonRecord, keys: readonly string[]): string | undefined {
  const value = unquoted(present(attributes, keys));
  return value === undefined ? undefined : (asString(value) ?? (asRecord(value) === undefined && !Array.isArray(value) ? String(value) : jsonText(value)));
}

/** Traceloop writes every value as JSON, texts too. */
function unquoted(value: unknown): unknown {
  if (typeof value !== 'string' || !/^".*"$/s.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Attributes worth keeping beside the step: short ones that say how it came about. */
function kept(attributes: JsonRecord): JsonRecord {
  const rest: Record<string, unknown> = {};
  for (const key in attributes) {
    const value = attributes[key];
    if (CONTENT.test(key) || (typeof value === 'string' && value.length > MOST_KEPT)) continue;
    rest[key] = value;
  }
  return rest;
}

const MOST_KEPT = 2000;
const CONTENT = /^(?:gen_ai\.(?:prompt|completion|input|output|usage|response|system_instructions|tool)\b|gen_ai\.evaluation|ai\.(?:prompt|response|result|usage|toolCall)\b|traceloop\.entity\.(?:in|out)put|llm\.(?:prompts|completions|usage)\b|llm\.(?:input|output)_messages|(?:in|out)put\b|retrieval\.documents|gcp\.vertex\.agent\.(?:llm|tool)_|(?:request|response)_data$|(?:all_messages_)?events$)/;
const KNOWN: ReadonlySet<string> = new Set([
  'gen_ai.operation.name', 'gen_ai.request.model', 'gen_ai.conversation.id', 'gen_ai.agent.name', 'session.id', 'error.type', 'copilot_chat.user_request', 'copilot_chat.reasoning_content',
  'copilot_chat.session_id', 'tool_arguments', 'tool_response', 'final_result', 'openinference.span.kind',
]);
