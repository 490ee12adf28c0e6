/** GenAI events that came as log records: they join their spans; where the file has no spans, each model call becomes one. */
import { asText, type JsonRecord } from './jsonFields.ts';
import type { OtelLog } from './otelRecords.ts';
import type { SpanEvent, TraceSpan } from './spanTree.ts';

const EVALUATION = 'gen_ai.evaluation.result';
const DETAILS = /\.operation\.details$/;

/** The spans with the log records that belong to them, and a span for each model call that only log records tell of. In file order. */
export function withLogs(spans: readonly TraceSpan[], logs: readonly OtelLog[]): readonly TraceSpan[] {
  const told = logs.filter((log) => log.name.startsWith('gen_ai.'));
  if (told.length === 0) return spans;
  const positions = new Map(spans.map((span, i) => [`${span.traceId}/${span.spanId}`, i]));
  const byResponse = positionsByResponse(spans);
  const firstOfTrace = new Map<string, number>();
  spans.forEach((span, i) => {
    if (!firstOfTrace.has(span.traceId)) firstOfTrace.set(span.traceId, i);
  });
  const added = new Map<number, SpanEvent[]>();
  const loose: OtelLog[] = [];
  for (const log of told) {
    const own = log.spanId === '' ? undefined : positions.get(`${log.traceId}/${log.spanId}`);
    const at = own ?? byResponse.get(log.attributes['gen_ai.response.id'] ?? log.body?.['gen_ai.response.id']) ?? (log.name === EVALUATION ? firstOfTrace.get(log.traceId) : undefined);
    if (at !== undefined) {
      const events = added.get(at);
      if (events === undefined) added.set(at, [eventOf(log)]);
      else events.push(eventOf(log));
    }
    // Beside spans, details without a span of their own repeat what a span says.
    else if (spans.length === 0 || log.spanId !== '' || !DETAILS.test(log.name)) loose.push(log);
  }
  const joined = spans.map((span, i) => {
    const events = added.get(i);
    return events === undefined ? span : { ...span, events: [...span.events, ...events] };
  });
  const calls = callsOf(loose).map(spanOfCall);
  return calls.length === 0 ? joined : [...joined, ...calls].sort((a, b) => a.range.start - b.range.start);
}

/** The span that gave each answer; agents repeat the id of their last one. */
function positionsByResponse(spans: readonly TraceSpan[]): ReadonlyMap<unknown, number> {
  const positions = new Map<unknown, number>();
  spans.forEach(({ attributes }, i) => {
    const id = asText(attributes['gen_ai.response.id']);
    if (id !== undefined && !positions.has(id) && attributes['gen_ai.operation.name'] !== 'invoke_agent') positions.set(id, i);
  });
  return positions;
}

function eventOf(log: OtelLog): SpanEvent {
  return { name: log.name, timeMs: log.timeMs, attributes: log.attributes, body: log.body, range: log.range };
}

/** The records of each model call: by span id; without one, up to the answer that ends it. */
function callsOf(logs: readonly OtelLog[]): readonly (readonly OtelLog[])[] {
  const calls: OtelLog[][] = [];
  const bySpan = new Map<string, OtelLog[]>();
  const open = new Map<string, { readonly call: OtelLog[]; isAnswered: boolean }>();
  for (const log of logs) {
    if (log.spanId !== '') {
      const key = `${log.traceId}/${log.spanId}`;
      const call = bySpan.get(key);
      if (call === undefined) {
        const made = [log];
        bySpan.set(key, made);
        calls.push(made);
      } else {
        call.push(log);
      }
      continue;
    }
    let current = open.get(log.traceId);
    const ends = log.name === 'gen_ai.choice' || DETAILS.test(log.name);
    if (current === undefined || DETAILS.test(log.name) || (current.isAnswered && log.name !== EVALUATION && !ends)) {
      current = { call: [], isAnswered: false };
      open.set(log.traceId, current);
      calls.push(current.call);
    }
    current.call.push(log);
    current.isAnswered ||= ends;
  }
  return calls;
}

function spanOfCall(logs: readonly OtelLog[]): TraceSpan {
  const first = logs[0];
  const answer = logs.find((log) => log.name === 'gen_ai.choice' || DETAILS.test(log.name)) ?? first;
  const times = logs.flatMap((log) => (log.name === EVALUATION ? [] : (log.timeMs ?? [])));
  let attributes: JsonRecord = {};
  for (const log of logs) if (log.name !== EVALUATION) attributes = { ...attributes, ...log.attributes };
  const { 'event.name': _name, 'gen_ai.event.content': _content, ...rest } = attributes;
  return {
    traceId: first?.traceId ?? '',
    spanId: first?.spanId ?? '',
    parentId: undefined,
    name: asText(rest['gen_ai.operation.name']) ?? 'chat',
    startMs: extreme(times, Math.min),
    endMs: extreme(times, Math.max),
    status: 'unset',
    attributes: rest,
    events: logs.map(eventOf),
    resource: {},
    range: { start: extreme(logs.map((log) => log.range.start), Math.min) ?? 0, end: extreme(logs.map((log) => log.range.end), Math.max) ?? 0 },
    pointer: answer?.pointer ?? '',
  };
}

function extreme(values: readonly number[], pick: (a: number, b: number) => number): number | undefined {
  return values.length === 0 ? undefined : values.reduce((a, b) => pick(a, b));
}
