/**
 * Reads any file of OpenTelemetry spans: OTLP export requests, dumps of the SDKs' own spans, Phoenix spans; one document, several,
 * lists, one a line, or a bundle of them by name. Each record is found by walking and parsed once.
 */
import type { OffsetRange } from '../core/planTrace.ts';
import { isJsonLines, readEachLine, readWarnings, type Line } from './documents.ts';
import type { ParsedFile, ParseInput } from './format.ts';
import { asRecord, asText, recordsOf, type JsonRecord } from './jsonFields.ts';
import { Irregularities, JsonCursor } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import { annotationScore } from './openInferenceScores.ts';
import { withLogs } from './otelLogs.ts';
import { readOtelSpan } from './otelReading.ts';
import { attributeMap, logOfRecord, recordKind, spanOfAttributes, spanOfRecord, type OtelLog } from './otelRecords.ts';
import { spanId, type TraceSpan } from './spanTree.ts';
import { spanTraces, type TraceNotes } from './spanTraces.ts';

interface Reader {
  readonly text: string;
  readonly irregularities: Irregularities;
  readonly spans: TraceSpan[];
  readonly logs: OtelLog[];
  readonly notes: Map<string, TraceNotes>;
  readonly unknownRecordCounts: Record<string, number>;
  version: string | undefined;
}

interface Place {
  readonly pointer: string;
  readonly depth: number;
  /** Filled in when the group's `resource` is met, which may be after its spans. */
  readonly resource: Record<string, unknown>;
  /** Whether the object is a record of its own kind: a line, an element, the document. */
  readonly isRecord: boolean;
  /** What the list the object stands in holds, where its name says so. */
  readonly expects?: 'span' | 'log' | 'group' | undefined;
  /** An object inside another that turns out to be no record. */
  readonly isBundled?: boolean;
}

/** Every trace of the file under the format's id. */
export function readOtelFile(input: ParseInput, format: string): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const reader: Reader = { text, irregularities, spans: [], logs: [], notes: new Map(), unknownRecordCounts: {}, version: undefined };
  let brokenLines: readonly Line[] = [];
  if (isJsonLines(text)) {
    brokenLines = readEachLine(text, irregularities, (cursor, line) => visit(reader, cursor, { pointer: `/${line.index}`, depth: 0, resource: {}, isRecord: true }));
  } else {
    const cursor = new JsonCursor(text, 0, text.length, irregularities);
    for (let documents = 0; cursor.nextDocument(); documents++) visit(reader, cursor, { pointer: documents === 0 ? '' : `/${documents}`, depth: 0, resource: {}, isRecord: true });
  }
  const formatVersion = reader.version ?? UNKNOWN_VERSION;
  const isCut = irregularities.cutAt !== undefined;
  const traces = spanTraces(withLogs(reader.spans, reader.logs), { format, formatVersion, text, read: readOtelSpan, isCut, about: reader.notes });
  const first = traces[0];
  if (first !== undefined && Object.keys(reader.unknownRecordCounts).length > 0) traces[0] = { ...first, unknownRecordCounts: reader.unknownRecordCounts };
  return { format, formatVersion, traces, warnings: readWarnings(text, irregularities, brokenLines) };
}

const UNKNOWN_VERSION = '1';

/** Members that hold records, or groups of them. */
const CONTAINERS: ReadonlySet<string> = new Set([
  'resourceSpans', 'resource_spans', 'batches', 'scopeSpans', 'scope_spans', 'instrumentationLibrarySpans', 'instrumentation_library_spans', 'ilSpans', 'spans',
  'resourceLogs', 'resource_logs', 'scopeLogs', 'scope_logs', 'instrumentationLibraryLogs', 'logRecords', 'log_records', 'logs',
  'trace', 'traces', 'data', 'result', 'items', 'edges', 'node', 'nodes',
]);
/** Small members that say what an object is, or hold for all of it. */
const NOTED: ReadonlySet<string> = new Set(['resource', 'schemaUrl', 'schema_url', 'traceId', 'annotations', 'type']);
const MOST_LEVELS = 16;
const LISTS: ReadonlyMap<string, Place['expects']> = new Map([
  ['spans', 'span'], ['logRecords', 'log'], ['log_records', 'log'], ['resourceSpans', 'group'], ['resource_spans', 'group'], ['batches', 'group'], ['resourceLogs', 'group'], ['resource_logs', 'group'],
]);

function visit(reader: Reader, cursor: JsonCursor, place: Place): void {
  if (place.depth > MOST_LEVELS) cursor.passOver();
  else if (cursor.isObject()) visitObject(reader, cursor, place);
  else if (cursor.isArray()) visitList(reader, cursor, place);
  else cursor.passOver();
}

function visitList(reader: Reader, cursor: JsonCursor, place: Place): void {
  cursor.enter();
  // A group is the output of one process, with a resource of its own.
  for (let i = 0; cursor.nextElement(); i++) visit(reader, cursor, { ...place, pointer: `${place.pointer}/${i}`, depth: place.depth + 1, resource: place.expects === 'group' ? {} : place.resource, isRecord: true });
}

function visitObject(reader: Reader, cursor: JsonCursor, place: Place): void {
  const { text, irregularities } = reader;
  const start = cursor.pos;
  const names = new Set<string>();
  const noted: Record<string, unknown> = {};
  const nested: { readonly key: string; readonly range: OffsetRange }[] = [];
  const resource = place.resource;
  let holdsRecords = false;
  const before = reader.spans.length + reader.logs.length;
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    names.add(key);
    const valueStart = cursor.pos;
    const isStructure = cursor.isObject() || cursor.isArray();
    if (CONTAINERS.has(key) && isStructure) {
      holdsRecords = true;
      visit(reader, cursor, { pointer: `${place.pointer}/${key}`, depth: place.depth + 1, resource, isRecord: cursor.isObject(), expects: LISTS.get(key) });
      continue;
    }
    const end = cursor.skip();
    if (NOTED.has(key)) noted[key] = parseSlice(text, valueStart, end, irregularities);
    else if (isStructure && place.depth <= 1) nested.push({ key, range: { start: valueStart, end } });
  }
  const range = { start, end: cursor.pos };
  if (noted['type'] === 'metric') return;
  const kind = place.expects === 'log' || noted['type'] === 'log' ? 'log' : (recordKind(names) ?? (place.expects === 'span' && names.size > 0 ? 'span' : undefined));
  if (kind === 'metric') return;
  if (kind !== undefined && !(holdsRecords && reader.spans.length + reader.logs.length > before)) {
    addRecord(reader, kind, asRecord(parseSlice(text, range.start, range.end, irregularities)) ?? {}, { range, pointer: place.pointer, resource });
    return;
  }
  Object.assign(resource, attributeMap(asRecord(noted['resource'])?.['attributes']));
  reader.version ??= /\/schemas\/([\w.]+)$/.exec(asText(noted['schemaUrl']) ?? asText(noted['schema_url']) ?? '')?.[1];
  if (asText(noted['traceId']) !== undefined) addNotes(reader, noted);
  if (holdsRecords) return;
  // A bundle of traces by name, or a record of a kind nobody knows.
  if (place.isBundled !== true) for (const { key, range: inner } of nested) visit(reader, new JsonCursor(text, inner.start, inner.end, irregularities), { pointer: `${place.pointer}/${key}`, depth: place.depth + 1, resource: {}, isRecord: false, isBundled: true });
  const isWhole = irregularities.cutAt === undefined;
  if (isWhole && place.isRecord && reader.spans.length + reader.logs.length === before && names.size > 0) {
    reader.unknownRecordCounts['not a span'] = (reader.unknownRecordCounts['not a span'] ?? 0) + 1;
  }
}

function addRecord(reader: Reader, kind: 'span' | 'log' | 'attributes', record: JsonRecord, place: { readonly range: OffsetRange; readonly pointer: string; readonly resource: JsonRecord }): void {
  if (kind === 'log') reader.logs.push(logOfRecord(record, place));
  else reader.spans.push(kind === 'span' ? spanOfRecord(record, place) : spanOfAttributes(record, place));
}

/** What a trace of spans says of itself beside them: judgements of the whole. */
function addNotes(reader: Reader, noted: JsonRecord): void {
  const scores = recordsOf(noted['annotations']).flatMap((annotation) => annotationScore(annotation) ?? []);
  if (scores.length > 0) reader.notes.set(spanId(noted['traceId']), { scores });
}
