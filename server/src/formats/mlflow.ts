/**
 * MLflow traces: `{info, data}` of version 2 or 3, the bare `data` part (`traces.json`), lists and lines of these, or where
 * Databricks embeds them. The value of every attribute is JSON in a string; ids are base64 or hex; times are nanoseconds beyond 2^53.
 */
import type { OffsetRange } from '../core/planTrace.ts';
import { readWarnings } from './documents.ts';
import { eachDocument, eachElement, readObject, type ObjectRead } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asId, asNumber, asRecord, asText, asTimeMs, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { Irregularities, JsonCursor } from './jsonSpans.ts';
import { decoded, readMlflowSpan } from './mlflowReading.ts';
import type { SpanScore } from './spanReading.ts';
import { spanTraces, type TraceNotes } from './spanTraces.ts';
import { nanosToMs, spanId, spanStatus, type TraceSpan } from './spanTree.ts';
import { withPairedCalls } from './toolCallPairing.ts';

const ID = 'mlflow';

export const mlflowFormat: TraceFormat = {
  id: ID,
  title: 'MLflow trace',
  detect(sniff: Sniff): number {
    let best = 0;
    for (const value of sniff.values.slice(0, 5)) {
      for (const candidate of Array.isArray(value) ? (value as unknown[]).slice(0, 3) : [value]) {
        const record = asRecord(candidate);
        for (const inner of [record, asRecord(record?.['trace']), asRecord(asRecord(record?.['databricks_output'])?.['trace'])]) best = Math.max(best, confidence(inner));
      }
    }
    return best;
  },
  parse: parseTraces,
};

function confidence(record: JsonRecord | undefined): number {
  if (record === undefined) return 0;
  const info = asRecord(record['info']);
  if (info !== undefined && ('trace_id' in info || 'request_id' in info)) {
    const hasSpans = Array.isArray(asRecord(record['data'])?.['spans']);
    return hasSpans ? 1 : 'data' in record && ('trace_metadata' in info || 'request_metadata' in info) ? 0.9 : 0;
  }
  return asArray(record['spans']).slice(0, 3).some(isSpan) ? 0.95 : 0;
}

function isSpan(value: unknown): boolean {
  const span = asRecord(value);
  return span !== undefined && ('start_time_unix_nano' in span || 'start_time' in span) && Object.keys(asRecord(span['attributes']) ?? {}).some((key) => key.startsWith('mlflow.'));
}

interface Reader {
  readonly text: string;
  readonly irregularities: Irregularities;
  readonly spans: TraceSpan[];
  readonly about: Map<string, TraceNotes>;
  readonly scoresBySpan: Map<string, SpanScore[]>;
  version: string | undefined;
}

function parseTraces(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const reader: Reader = { text, irregularities, spans: [], about: new Map(), scoresBySpan: new Map(), version: undefined };
  const { brokenLines } = eachDocument(text, irregularities, (cursor, pointer) => {
    if (cursor.isObject()) readRecord(reader, cursor, pointer, 0);
    else eachElement(cursor, (index) => {
      if (cursor.isObject()) readRecord(reader, cursor, `${pointer}/${index}`, 0);
    });
  });
  const formatVersion = reader.version ?? '3';
  const traces = spanTraces(reader.spans, {
    format: ID, formatVersion, text, isCut: irregularities.cutAt !== undefined, about: reader.about,
    read: withPairedCalls(reader.spans, (span) => readMlflowSpan(span, reader.scoresBySpan.get(span.spanId))),
  });
  return { format: ID, formatVersion, traces, warnings: readWarnings(text, irregularities, brokenLines) };
}

/** Traces within what holds a trace. */
const HOLDERS = ['trace', 'databricks_output'];
const UNREAD: ReadonlySet<string> = new Set(['data', 'spans', ...HOLDERS]);

/** `{info, data}`, `{spans}`, or what holds one of them. */
function readRecord(reader: Reader, cursor: JsonCursor, pointer: string, depth: number): void {
  const { text, irregularities } = reader;
  const read = readObject(cursor, { unparsed: UNREAD });
  const data = read.ranges.get('data');
  const at = (range: OffsetRange): JsonCursor => new JsonCursor(text, range.start, range.end, irregularities);
  if (data !== undefined && text.charAt(data.start) === '{') {
    const inner = readObject(at(data), { unparsed: UNREAD });
    addTrace(reader, { outer: read, info: asRecord(read.fields['info']) ?? {}, spans: inner.ranges.get('spans'), pointer: `${pointer}/data/spans` });
  } else if (read.ranges.has('spans')) {
    addTrace(reader, { outer: read, info: {}, spans: read.ranges.get('spans'), pointer: `${pointer}/spans` });
  }
  for (const key of depth < 3 ? HOLDERS : []) {
    const range = read.ranges.get(key);
    if (range !== undefined && text.charAt(range.start) === '{') readRecord(reader, at(range), `${pointer}/${key}`, depth + 1);
  }
}

interface TraceParts {
  readonly outer: ObjectRead;
  readonly info: JsonRecord;
  readonly spans: OffsetRange | undefined;
  readonly pointer: string;
}

function addTrace(reader: Reader, { outer, info, spans, pointer }: TraceParts): void {
  const { text, irregularities } = reader;
  if (spans === undefined || text.charAt(spans.start) !== '[') return;
  const metadata = asRecord(info['trace_metadata']) ?? asRecord(info['request_metadata']) ?? {};
  reader.version ??= asId(metadata['mlflow.trace_schema.version']) ?? (asId(info['request_id']) === undefined ? undefined : '2');
  let traceId = asId(info['trace_id']) ?? asId(info['request_id']);
  const cursor = new JsonCursor(text, spans.start, spans.end, irregularities);
  eachElement(cursor, (index) => {
    if (!cursor.isObject()) return;
    const read = readObject(cursor);
    const span = spanOf(reader, read, `${pointer}/${index}`);
    if (asRecord(read.fields['context']) !== undefined) reader.version ??= '2';
    traceId ??= asId(decoded(span.attributes['mlflow.traceRequestId'])) ?? span.traceId;
    reader.spans.push({ ...span, traceId });
  });
  if (traceId === undefined) return;
  const ofTrace: SpanScore[] = [];
  for (const assessment of recordsOf(info['assessments'])) {
    const score = scoreOf(assessment);
    const judged = hexId(assessment['span_id']);
    if (score === undefined) continue;
    if (judged === '') ofTrace.push(score);
    else pushTo(reader.scoresBySpan, judged, score);
  }
  const started = asTimeMs(info['timestamp_ms']);
  reader.about.set(
    traceId,
    settled<TraceNotes>({
      createdAt: asText(info['request_time']) ?? (started === undefined ? undefined : new Date(started).toISOString()),
      meta: settled({ session: asId(metadata['mlflow.trace.session']) ?? asId(metadata['mlflow.sessionId']) }),
      scores: ofTrace,
      range: { start: outer.start, end: outer.end },
    }),
  );
}

function pushTo(scoresBySpan: Map<string, SpanScore[]>, spanId: string, score: SpanScore): void {
  const known = scoresBySpan.get(spanId);
  if (known === undefined) scoresBySpan.set(spanId, [score]);
  else known.push(score);
}

function spanOf(reader: Reader, { fields, ranges, start, end }: ObjectRead, pointer: string): TraceSpan {
  const context = asRecord(fields['context']) ?? {};
  const status = asRecord(fields['status']);
  const parent = hexId(fields['parent_span_id'] ?? fields['parent_id']);
  const time = (...keys: readonly string[]): number | undefined => {
    const range = keys.map((key) => ranges.get(key)).find((place) => place !== undefined);
    // The digits as they stand: as a number they have lost the last ones already.
    return range === undefined ? undefined : nanosToMs(reader.text.slice(range.start, Math.min(range.end, range.start + 40)).replaceAll('"', ''));
  };
  return {
    traceId: hexId(fields['trace_id'] ?? context['trace_id']),
    spanId: hexId(fields['span_id'] ?? context['span_id']),
    parentId: parent === '' ? undefined : parent,
    name: asText(fields['name']) ?? '',
    startMs: time('start_time_unix_nano', 'start_time', 'start_time_ns'),
    endMs: time('end_time_unix_nano', 'end_time', 'end_time_ns'),
    status: spanStatus(status?.['code'] ?? fields['status_code'] ?? fields['status']),
    statusMessage: asText(status?.['message']) ?? asText(fields['status_message']),
    attributes: asRecord(fields['attributes']) ?? {},
    events: recordsOf(fields['events']).map((event) => ({ name: asText(event['name']) ?? '', timeMs: nanosToMs(event['time_unix_nano'] ?? event['timestamp']), attributes: asRecord(event['attributes']) ?? {} })),
    resource: {},
    range: { start, end },
    pointer,
  };
}

/** An id as hex: older traces have it so, with "0x" before it, newer ones as base64 of 8 or 16 bytes. */
function hexId(value: unknown): string {
  const id = asText(value);
  if (id === undefined) return '';
  const isBase64 = /^[A-Za-z0-9+/]{11}=$|^[A-Za-z0-9+/]{22}==$/.test(id);
  return spanId(isBase64 ? hexOfBase64(id) : id);
}

function hexOfBase64(text: string): string {
  let bits = 0;
  let held = 0;
  let hex = '';
  for (const letter of text.replaceAll('=', '')) {
    bits = ((bits << 6) | BASE64.indexOf(letter)) & 0xffff;
    held += 6;
    for (; held >= 4; held -= 4) hex += ((bits >> (held - 4)) & 15).toString(16);
  }
  return hex.slice(0, text.endsWith('==') ? 32 : 16);
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** A judgement of the trace or of one span. An expectation is what should have come out, no score; one that was replaced is not valid. */
function scoreOf(assessment: JsonRecord): SpanScore | undefined {
  const feedback = asRecord(assessment['feedback']);
  const dimension = asText(assessment['assessment_name']) ?? asText(assessment['name']);
  if (feedback === undefined || dimension === undefined || assessment['valid'] === false) return undefined;
  const source = asRecord(assessment['source']);
  const value = feedback['value'];
  const isFlag = typeof value === 'boolean';
  return settled<SpanScore>({
    source: asText(source?.['source_id']) ?? asText(source?.['source_type']) ?? ID,
    dimension,
    value: isFlag ? Number(value) : asNumber(value),
    scale: isFlag ? [0, 1] : undefined,
    label: typeof value === 'string' && asNumber(value) === undefined ? value : undefined,
    explanation: asText(assessment['rationale']),
  });
}
