/** Builds small files of OpenTelemetry spans for tests. */
import type { PlanTrace } from '../../server/src/core/planTrace.ts';
import type { TraceFormat } from '../../server/src/formats/format.ts';
import { otlpFormat } from '../../server/src/formats/otlp.ts';

export interface SpanInput {
  readonly id: string;
  readonly parent?: string;
  readonly name?: string;
  /** Seconds from the start of the trace. */
  readonly at?: readonly [start: number, end: number];
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly events?: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly status?: unknown;
  readonly traceId?: string;
  readonly links?: readonly unknown[];
}

export const TRACE_ID = '0123456789abcdef0123456789abcdef';
const START_S = 1_760_000_000;

/** Nanoseconds of a second of the trace, as OTLP writes them. */
export function nanos(second: number): string {
  return `${Math.round((START_S + second) * 1000)}000000`;
}

/** A span as OTLP has it. */
export function otlpSpan(span: SpanInput): object {
  const [start, end] = span.at ?? [0, 1];
  return {
    traceId: span.traceId ?? TRACE_ID,
    spanId: span.id,
    ...(span.parent === undefined ? {} : { parentSpanId: span.parent }),
    name: span.name ?? span.id,
    startTimeUnixNano: nanos(start),
    endTimeUnixNano: nanos(end),
    attributes: keyValues(span.attributes ?? {}),
    events: (span.events ?? []).map(({ name, attributes }) => ({ name, timeUnixNano: nanos(end), attributes: keyValues(attributes) })),
    ...(span.links === undefined ? {} : { links: span.links }),
    ...(span.status === undefined ? {} : { status: span.status }),
  };
}

/** An export request with these spans, as text. */
export function otlpText(spans: readonly SpanInput[]): string {
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: spans.map(otlpSpan) }] }] });
}

/** An export request with these log records, as text. */
export function otlpLogs(records: readonly { readonly name: string; readonly body?: unknown; readonly attributes?: Readonly<Record<string, unknown>>; readonly span?: string; readonly at?: number }[], spans: readonly SpanInput[] = []): string {
  const logRecords = records.map(({ name, body, attributes, span, at }) => ({ eventName: name, timeUnixNano: nanos(at ?? 0), traceId: TRACE_ID, ...(span === undefined ? {} : { spanId: span }), ...(body === undefined ? {} : { body: anyValue(body) }), attributes: keyValues(attributes ?? {}) }));
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: spans.map(otlpSpan) }] }], resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
}

function keyValues(attributes: Readonly<Record<string, unknown>>): readonly object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: unknown): object {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: (value as unknown[]).map(anyValue) } };
  if (typeof value === 'object' && value !== null) return { kvlistValue: { values: keyValues(value as Readonly<Record<string, unknown>>) } };
  return { stringValue: String(value) };
}

/** GenAI messages with one text part each, as the JSON string an attribute holds. */
export function said(role: string, text: string, ...calls: readonly (readonly [id: string, name: string, args: unknown])[]): string {
  const parts = [...(text === '' ? [] : [{ type: 'text', content: text }]), ...calls.map(([id, name, args]) => ({ type: 'tool_call', id, name, arguments: args }))];
  return JSON.stringify([{ role, parts }]);
}

/** A call of a model. */
export function chat(id: string, span: Omit<SpanInput, 'id'> & { readonly output?: string; readonly input?: string } = {}): SpanInput {
  const { output, input, attributes, ...rest } = span;
  return {
    ...rest,
    id,
    name: 'chat m',
    attributes: { 'gen_ai.operation.name': 'chat', ...(input === undefined ? {} : { 'gen_ai.input.messages': input }), ...(output === undefined ? {} : { 'gen_ai.output.messages': output }), ...attributes },
  };
}

/** A tool that ran. */
export function tool(id: string, name: string, span: Omit<SpanInput, 'id' | 'name'> & { readonly callId?: string; readonly args?: unknown; readonly result?: string } = {}): SpanInput {
  const { callId, args, result, attributes, ...rest } = span;
  return {
    ...rest,
    id,
    name: `execute_tool ${name}`,
    attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': name, ...(callId === undefined ? {} : { 'gen_ai.tool.call.id': callId }), ...(args === undefined ? {} : { 'gen_ai.tool.call.arguments': args }), ...(result === undefined ? {} : { 'gen_ai.tool.call.result': result }), ...attributes },
  };
}

export function agent(id: string, name: string, span: Omit<SpanInput, 'id' | 'name'> = {}): SpanInput {
  return { ...span, id, name: `invoke_agent ${name}`, attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': name, ...span.attributes } };
}

/** The only trace of a text; throws when there is none or more than one. */
export function onlyTrace(text: string, format: TraceFormat = otlpFormat): PlanTrace {
  const { traces } = format.parse({ path: '', text });
  const [trace] = traces;
  if (trace === undefined || traces.length > 1) throw new Error(`${traces.length} traces, expected one`);
  return trace;
}

/** The words of each step in a line: type, what was said, tools with their results. */
export function outline(trace: PlanTrace): readonly string[] {
  return trace.steps.map((step) => {
    const tools = step.tools.map((call) => `${call.name}(${JSON.stringify(call.args)})${call.isError ? '!' : ''}${call.result === undefined ? '' : `=${call.result}`}`);
    return [`${'>'.repeat(step.depth)}${step.agentName ?? ''}:`, step.reasoning === undefined ? '' : `(${step.reasoning})`, step.output ?? '', ...tools].filter((part) => part !== '').join(' ');
  });
}
