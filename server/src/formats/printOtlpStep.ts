/** The parts of a step as OTLP spans have them: its messages, its tools, its judgements, its other fields. */
import type { ExecutionStep, ImportedScore, ToolCall } from '../core/planTrace.ts';
import type { ScoreRecord } from '../core/scoreRecord.ts';
import { asText, recordsOf, type JsonRecord } from './jsonFields.ts';
import { Double, keyValues, SPAN_KINDS, STATUS_CODES } from './otlpValues.ts';
import { present } from './printedTraces.ts';

/** A span as OTLP JSON writes it. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly unknown[];
  readonly events?: readonly unknown[];
  readonly status?: unknown;
}

/** One message of a text alone, as the JSON that attributes of spans hold. */
export function textMessage(role: 'user' | 'assistant', content: string): string {
  return JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);
}

/** What the model said, with its calls; undefined where it was not captured. */
export function spokenMessages(step: ExecutionStep): string | undefined {
  const words = [
    ...(step.reasoning === undefined || step.reasoning === '' ? [] : [{ type: 'reasoning', content: step.reasoning }]),
    ...(step.output === undefined || step.output === '' ? [] : [{ type: 'text', content: step.output }]),
  ];
  if (step.contentNotCaptured && words.length === 0) return undefined;
  const calls = step.tools.map((tool) => present({ type: 'tool_call', id: tool.callId, name: tool.name, arguments: plainArguments(tool) }));
  return JSON.stringify([present({ role: 'assistant', parts: [...words, ...calls], finish_reason: step.finishReason })]);
}

/** A string stands for the JSON it holds, so one that is a value of its own is written as JSON. */
function plainArguments(tool: ToolCall): unknown {
  if (tool.args === null) return undefined;
  return typeof tool.args === 'string' && tool.argsError === undefined ? JSON.stringify(tool.args) : tool.args;
}

interface ToolPlace {
  readonly traceId: string;
  readonly parentSpanId: string;
  readonly spanId: (index: number) => string;
  readonly conversation: string | undefined;
}

/** A span for each call that was answered or failed; where the words were not captured, for every call. */
export function toolSpans(step: ExecutionStep, place: ToolPlace): readonly OtlpSpan[] {
  const uses = new Map<string, number>();
  for (const { callId } of step.tools) if (callId !== undefined) uses.set(callId, (uses.get(callId) ?? 0) + 1);
  const failures = recordsOf(step.attributes['tool_errors']);
  const isUnsaid = spokenMessages(step) === undefined;
  let failed = 0;
  return step.tools.flatMap((tool, index): readonly OtlpSpan[] => {
    const failure = tool.isError ? failures[failed++] : undefined;
    if (tool.result === undefined && !tool.isError && !isUnsaid) return [];
    const args = plainArguments(tool);
    const traceback = asText(failure?.['traceback']);
    return [{
      traceId: place.traceId, spanId: place.spanId(index), parentSpanId: place.parentSpanId, name: `execute_tool ${tool.name}`, kind: SPAN_KINDS.internal, startTimeUnixNano: '0', endTimeUnixNano: '0',
      attributes: keyValues({
        'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': tool.name, 'gen_ai.conversation.id': place.conversation,
        // An id that two calls of a step share would name the wrong one.
        'gen_ai.tool.call.id': tool.callId === undefined || (uses.get(tool.callId) ?? 0) > 1 ? undefined : tool.callId,
        'gen_ai.tool.call.arguments': args === undefined || typeof args === 'string' ? args : JSON.stringify(args),
        'gen_ai.tool.call.result': tool.result === undefined ? undefined : plainResult(tool.result),
        'error.type': tool.isError ? (asText(failure?.['type']) ?? '_OTHER') : undefined,
      }),
      ...(traceback === undefined ? {} : { events: [{ timeUnixNano: '0', name: 'exception', attributes: keyValues({ 'exception.type': failure?.['type'], 'exception.message': failure?.['message'], 'exception.stacktrace': traceback }) }] }),
      status: tool.isError ? errorFields(STATUS_CODES.error, asText(failure?.['message']) ?? '') : { code: STATUS_CODES.ok },
    }];
  });
}

/** A result that looks like a list would be taken for a list of parts, one in quotes for JSON. */
function plainResult(result: string): unknown {
  if (/^\s*\[/.test(result)) return { type: 'text', text: result };
  return /^".*"$/s.test(result) ? JSON.stringify(result) : result;
}

/** A status with its message, where it has one. */
export function errorFields(code: number, message: string): unknown {
  return message === '' ? { code } : { code, message };
}

/** Judgements as events: ours, those the file came with, and those in words alone. */
export function evaluationEvents(records: readonly ScoreRecord[], imported: readonly ImportedScore[], timeUnixNano: string, labels?: unknown): readonly unknown[] {
  const event = (of: { readonly name: unknown; readonly source: unknown; readonly value?: number; readonly label?: unknown; readonly explanation?: unknown }): unknown => ({
    timeUnixNano, name: 'gen_ai.evaluation.result',
    attributes: keyValues({
      'gen_ai.evaluation.name': of.name, 'gen_ai.evaluation.score.value': of.value === undefined ? undefined : new Double(of.value), 'gen_ai.evaluation.score.label': of.label,
      'gen_ai.evaluation.explanation': of.explanation === '' ? undefined : of.explanation, 'gen_ai.evaluation.source': of.source,
    }),
  });
  return [
    ...imported.map((score) => event({ name: score.dimension, source: score.source, value: score.value, explanation: score.rationale })),
    ...recordsOf(labels).map((label) => event({ name: label['dimension'], source: label['source'], label: label['label'], explanation: label['explanation'] })),
    ...records.flatMap(({ dimension, scorer, score, rationale }) => (score === null ? [] : [event({ name: dimension, source: scorer, value: score, explanation: rationale })])),
  ];
}

/** Fields that would be taken for something else than a note beside the step, or are printed elsewhere. */
const TELLING = /^(?:model|judgements|trace_judgements|tool_errors|input|output|prompt|response|final_result|metadata|events|all_messages_events|agent_name|tool_\w+|(?:request|response)_data|logfire\..*|pydantic_ai\..*|gen_ai\.(?!request\.(?!model)|provider|system$|output\.type|data_source).*|(?:openinference|llm|ai|traceloop|copilot_chat|error|exception|session|tool|retrieval|document|embedding|user|operation|input|output|gcp\.vertex)\..*)$/;

/** The step's other fields that a span can carry as they are. */
export function printedAttributes(step: ExecutionStep): JsonRecord {
  return Object.fromEntries(Object.entries(step.attributes).filter(([key]) => !TELLING.test(key)));
}
