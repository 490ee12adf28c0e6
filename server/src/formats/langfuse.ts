/** Langfuse exports: a trace with its observations, whose input and output are often JSON in strings; or lists of such traces, or of observations alone. */
import type { OffsetRange } from '../core/planTrace.ts';
import { readWarnings } from './documents.ts';
import { eachDocument, eachElement, readObject, takeRecord, type ObjectRead } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asId, asNumber, asRecord, asText, asTimeMs, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { Irregularities, JsonCursor } from './jsonSpans.ts';
import { langfuseReader, OBSERVATION_TYPES } from './langfuseReading.ts';
import type { SpanScore } from './spanReading.ts';
import { spanTraces, type TraceNotes } from './spanTraces.ts';
import type { TraceSpan } from './spanTree.ts';
import { wordsIn } from './spanValues.ts';
import { findWords } from './spanWords.ts';
import { withPairedCalls } from './toolCallPairing.ts';
import { countUnknown } from './unknownRecords.ts';

const ID = 'langfuse';
const VERSION = 'export';

export const langfuseFormat: TraceFormat = {
  id: ID,
  title: 'Langfuse export',
  detect(sniff: Sniff): number {
    let best = 0;
    for (const value of sniff.values.slice(0, 5)) {
      for (const candidate of Array.isArray(value) ? (value as unknown[]).slice(0, 3) : [value]) best = Math.max(best, confidence(asRecord(candidate), sniff.isWhole));
    }
    return best;
  },
  parse: parseExport,
};

function confidence(record: JsonRecord | undefined, isWhole: boolean): number {
  if (record === undefined) return 0;
  const trace = asRecord(record['trace']);
  if (trace !== undefined && asText(trace['id']) !== undefined) {
    const observations = asArray(record['observations']);
    if (Array.isArray(record['observations'])) return observations.length === 0 || isObservation(asRecord(observations[0])) ? (isTrace(trace) || observations.length > 0 ? 1 : 0) : 0;
    // The head of a large file may end inside the trace.
    return isTrace(trace) && (!isWhole || isObservation(asRecord(asArray(trace['observations'])[0]))) ? 0.9 : 0;
  }
  if (isTrace(record) && Array.isArray(record['observations'])) return asArray(record['observations']).length === 0 || isObservation(asRecord(asArray(record['observations'])[0])) ? 0.9 : 0;
  return isObservation(record) && 'parentObservationId' in record ? 0.9 : 0;
}

function isTrace(record: JsonRecord): boolean {
  return asText(record['id']) !== undefined && asText(record['timestamp']) !== undefined && ['sessionId', 'userId', 'projectId', 'release', 'bookmarked', 'htmlPath'].some((key) => key in record);
}

function isObservation(record: JsonRecord | undefined): boolean {
  return record !== undefined && 'traceId' in record && 'startTime' in record && OBSERVATION_TYPES.has(asText(record['type']) ?? '');
}

interface Reader {
  readonly text: string;
  readonly irregularities: Irregularities;
  readonly spans: TraceSpan[];
  readonly about: Map<string, TraceNotes>;
  readonly scoresBySpan: Map<string, SpanScore[]>;
  readonly unknownRecordCounts: Record<string, number>;
}

function parseExport(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const reader: Reader = { text, irregularities, spans: [], about: new Map(), scoresBySpan: new Map(), unknownRecordCounts: {} };
  const { brokenLines } = eachDocument(text, irregularities, (cursor, pointer) => {
    if (cursor.isObject()) readExport(reader, cursor, pointer);
    else eachElement(cursor, (index) => {
      if (cursor.isObject()) readExport(reader, cursor, `${pointer}/${index}`);
    });
  });
  const read = withPairedCalls(reader.spans, langfuseReader(reader.scoresBySpan));
  const traces = spanTraces(reader.spans, { format: ID, formatVersion: VERSION, text, read, isCut: irregularities.cutAt !== undefined, about: reader.about });
  const [first] = traces;
  if (first !== undefined) traces[0] = { ...first, unknownRecordCounts: reader.unknownRecordCounts };
  return { format: ID, formatVersion: VERSION, traces, warnings: readWarnings(text, irregularities, brokenLines) };
}

const UNREAD: ReadonlySet<string> = new Set(['trace', 'observations']);

/** `{trace, observations}`, a trace that holds its observations, or one observation. */
function readExport(reader: Reader, cursor: JsonCursor, pointer: string): void {
  const { text, irregularities } = reader;
  const outer = readObject(cursor, { unparsed: UNREAD });
  const traceRange = outer.ranges.get('trace');
  const isPair = traceRange !== undefined && text.charAt(traceRange.start) === '{';
  const trace = isPair ? readObject(new JsonCursor(text, traceRange.start, traceRange.end, irregularities), { unparsed: UNREAD }) : outer;
  // The trace repeats its observations without what they were given and gave.
  const own = isPair ? outer.ranges.get('observations') : undefined;
  const list = own ?? trace.ranges.get('observations');
  if (list === undefined && !isPair) {
    if (isObservation(outer.fields)) addObservation(reader, { fields: outer.fields, range: { start: outer.start, end: outer.end }, pointer }, undefined);
    return;
  }
  const traceId = asId(trace.fields['id']) ?? '';
  reader.about.set(traceId, traceNotes(reader, trace, { start: outer.start, end: outer.end }, [...recordsOf(trace.fields['scores']), ...(isPair ? recordsOf(outer.fields['scores']) : [])]));
  if (list === undefined || text.charAt(list.start) !== '[') return;
  const inner = new JsonCursor(text, list.start, list.end, irregularities);
  const listPointer = own === undefined && isPair ? `${pointer}/trace/observations` : `${pointer}/observations`;
  eachElement(inner, (index) => {
    if (!inner.isObject()) return;
    const { value, start, end } = takeRecord(inner, index);
    const fields = asRecord(value);
    if (fields !== undefined) addObservation(reader, { fields, range: { start, end }, pointer: `${listPointer}/${index}` }, traceId);
  });
}

interface Observation {
  readonly fields: JsonRecord;
  readonly range: OffsetRange;
  readonly pointer: string;
}

function addObservation(reader: Reader, { fields, range, pointer }: Observation, traceId: string | undefined): void {
  const type = asText(fields['type']) ?? 'no type';
  if (!OBSERVATION_TYPES.has(type)) countUnknown(reader.unknownRecordCounts, type);
  const level = asText(fields['level']);
  reader.spans.push({
    traceId: traceId ?? asId(fields['traceId']) ?? '',
    spanId: asId(fields['id']) ?? '',
    parentId: asId(fields['parentObservationId']),
    name: asText(fields['name']) ?? type,
    startMs: asTimeMs(fields['startTime']),
    endMs: asTimeMs(fields['endTime']),
    status: level === 'ERROR' ? 'error' : 'unset',
    statusMessage: asText(fields['statusMessage']),
    attributes: fields,
    events: [],
    resource: {},
    range,
    pointer,
  });
  for (const score of recordsOf(fields['scores'])) addScore(reader, { ...score, observationId: fields['id'] });
}

function traceNotes(reader: Reader, trace: ObjectRead, range: OffsetRange, scores: readonly JsonRecord[]): TraceNotes {
  const { fields, ranges } = trace;
  const seen = new Set<string>();
  const ofTrace: SpanScore[] = [];
  for (const score of scores) {
    // The trace and the export both list the scores.
    const id = asId(score['id']) ?? '';
    if (id !== '' && seen.has(id)) continue;
    seen.add(id);
    const rest = addScore(reader, score);
    if (rest !== undefined) ofTrace.push(rest);
  }
  const goal = wordsIn(fields['input'], 'user');
  const inputRange = ranges.get('input');
  return settled<TraceNotes>({
    goal: goal === undefined || inputRange === undefined ? undefined : { text: goal, range: findWords(reader.text, { range: inputRange, keys: [] }, goal) ?? null },
    finalOutputText: wordsIn(fields['output'], 'assistant'),
    createdAt: asText(fields['timestamp']),
    meta: settled({ session: asText(fields['sessionId']) }),
    scores: ofTrace,
    range,
  });
}

/** Keeps a score of an observation for it; returns one of the trace. */
function addScore(reader: Reader, record: JsonRecord): SpanScore | undefined {
  const score = scoreOf(record);
  if (score === undefined) return undefined;
  const observation = asId(record['observationId']);
  if (observation === undefined) return { ...score, isOfTrace: true };
  const known = reader.scoresBySpan.get(observation);
  if (known === undefined) reader.scoresBySpan.set(observation, [score]);
  else known.push(score);
  return undefined;
}

/** A score; its scale is declared only for booleans. A correction is a text, not a score. */
function scoreOf(record: JsonRecord): SpanScore | undefined {
  const dimension = asText(record['name']);
  const type = asText(record['dataType']);
  if (dimension === undefined || type === 'CORRECTION') return undefined;
  const isNumber = type === undefined || type === 'NUMERIC' || type === 'BOOLEAN';
  return settled<SpanScore>({
    source: asText(record['source']) ?? ID,
    dimension,
    value: isNumber ? asNumber(record['value']) : undefined,
    scale: type === 'BOOLEAN' ? [0, 1] : undefined,
    label: type === 'NUMERIC' ? undefined : asText(record['stringValue']),
    explanation: asText(record['comment']),
  });
}
