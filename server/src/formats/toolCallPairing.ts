/** Spans of tools seldom name the call they answer. The one they mean is the first of their name with their arguments that no other tool answers. */
import { asRecord } from './jsonFields.ts';
import { jsonText } from './messageContent.ts';
import type { SpanReader, SpanReading } from './spanReading.ts';
import type { TraceSpan } from './spanTree.ts';
import { unwrapped } from './spanValues.ts';

/** Reads the spans of a file, tools with the id of the call they answer. Where several calls fit, they are answered in the order they were made. */
export function withPairedCalls(spans: readonly TraceSpan[], read: SpanReader): SpanReader {
  const readings = new Map<TraceSpan, SpanReading>(spans.map((span) => [span, read(span)]));
  const inOrder = [...readings].sort(([a], [b]) => (a.startMs ?? 0) - (b.startMs ?? 0));
  const taken = new Set(inOrder.flatMap(([, reading]) => reading.tool?.callId ?? []));
  const unnamed = inOrder.filter(([, { tool }]) => tool !== undefined && tool.callId === undefined);
  if (unnamed.length === 0) return (span) => readings.get(span) ?? read(span);
  const waiting = new Map<string, string[]>();
  for (const [span, reading] of inOrder) {
    if (reading.role !== 'model') continue;
    for (const { id, name, args } of (reading.said ?? []).flatMap((message) => message.calls)) {
      if (id === undefined || taken.has(id)) continue;
      taken.add(id);
      const key = callKey(span, name, args);
      const ids = waiting.get(key);
      if (ids === undefined) waiting.set(key, [id]);
      else ids.push(id);
    }
  }
  for (const ids of waiting.values()) ids.reverse();
  for (const [span, reading] of unnamed) {
    const { tool } = reading;
    const callId = tool === undefined ? undefined : waiting.get(callKey(span, tool.name, tool.args))?.pop();
    if (tool !== undefined && callId !== undefined) readings.set(span, { ...reading, tool: { ...tool, callId } });
  }
  return (span) => readings.get(span) ?? read(span);
}

/** Arguments count as the same whatever the order of their members. */
function callKey(span: TraceSpan, name: string, args: unknown): string {
  const given = unwrapped(args);
  const record = asRecord(given);
  return `${span.traceId}\n${name}\n${jsonText(record === undefined ? given : Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}
