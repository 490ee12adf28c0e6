/** Traces of OpenAI's Agents SDK: `{object: "trace"}` and `{object: "trace.span"}` records, one a line or in a list, spans in the order they ended. */
import type { StepError } from '../core/planTrace.ts';
import { readWarnings } from './documents.ts';
import { eachDocument, eachElement, readObject } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asId, asRecord, asText, asTimeMs, membersExcept, settled, type JsonRecord } from './jsonFields.ts';
import { Irregularities, type JsonCursor } from './jsonSpans.ts';
import { jsonText } from './messageContent.ts';
import type { SpanReading, SpanRole } from './spanReading.ts';
import { spanTraces, type TraceNotes } from './spanTraces.ts';
import type { TraceSpan } from './spanTree.ts';
import { argumentsIn, heardIn, logprobsIn, saidIn, unwrapped, usageIn } from './spanValues.ts';
import { withPairedCalls } from './toolCallPairing.ts';
import { countUnknown } from './unknownRecords.ts';

const ID = 'openai-agents';
const VERSION = 'export';

export const openaiAgentsFormat: TraceFormat = {
  id: ID,
  title: 'OpenAI Agents SDK trace',
  detect(sniff: Sniff): number {
    const [first] = sniff.values;
    const listed = sniff.layout === 'jsonl' ? sniff.values : Array.isArray(first) ? (first as unknown[]) : asArray(asRecord(first)?.['data']);
    const records = [...(listed.length === 0 ? [first] : listed)].slice(0, 20).map(asRecord);
    const known = records.filter((record) => record !== undefined && isRecord(record)).length;
    return known > 0 && known * 2 >= records.length ? 1 : 0;
  },
  parse: parseExport,
};

function isRecord(record: JsonRecord): boolean {
  if (record['object'] === 'trace.span') return asRecord(record['span_data']) !== undefined && 'trace_id' in record;
  return record['object'] === 'trace' && 'workflow_name' in record && 'id' in record;
}

interface Reader {
  readonly spans: TraceSpan[];
  readonly about: Map<string, TraceNotes>;
  readonly unknownRecordCounts: Record<string, number>;
}

function parseExport(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const reader: Reader = { spans: [], about: new Map(), unknownRecordCounts: {} };
  const { brokenLines } = eachDocument(text, irregularities, (cursor, pointer) => {
    if (cursor.isObject()) readRecord(reader, cursor, pointer);
    else eachElement(cursor, (index) => {
      if (cursor.isObject()) readRecord(reader, cursor, `${pointer}/${index}`);
    });
  });
  const traces = spanTraces(reader.spans, { format: ID, formatVersion: VERSION, text, read: withPairedCalls(reader.spans, readSpan), isCut: irregularities.cutAt !== undefined, about: reader.about });
  const [first] = traces;
  if (first !== undefined) traces[0] = { ...first, unknownRecordCounts: reader.unknownRecordCounts };
  return { format: ID, formatVersion: VERSION, traces, warnings: readWarnings(text, irregularities, brokenLines) };
}

/** A trace, a span, or what is posted to the back end: `{data: [...]}` with both. */
function readRecord(reader: Reader, cursor: JsonCursor, pointer: string): void {
  const lists = new Map([['data', (index: number): void => {
    if (cursor.isObject() && !pointer.endsWith(POSTED)) readRecord(reader, cursor, `${pointer}/data/${index}${POSTED}`);
  }]]);
  const { fields, start, end } = readObject(cursor, { lists });
  const id = asId(fields['id']);
  if (fields['object'] === 'trace') {
    if (id !== undefined) reader.about.set(id, { meta: settled({ session: asId(fields['group_id']) }) });
    return;
  }
  if (fields['object'] !== 'trace.span') {
    const kind = asText(fields['object']);
    if (kind !== undefined) countUnknown(reader.unknownRecordCounts, kind);
    return;
  }
  const data = asRecord(fields['span_data']) ?? {};
  const type = asText(data['type']) ?? 'no type';
  if (!KNOWN_TYPES.has(type)) countUnknown(reader.unknownRecordCounts, type);
  const error = asRecord(fields['error']);
  reader.spans.push({
    traceId: asId(fields['trace_id']) ?? '',
    spanId: id ?? '',
    parentId: asId(fields['parent_id']),
    name: asText(data['name']) ?? type,
    startMs: asTimeMs(fields['started_at']),
    endMs: asTimeMs(fields['ended_at']),
    status: error === undefined ? 'unset' : 'error',
    statusMessage: error === undefined ? undefined : errorMessage(error),
    attributes: data,
    events: [],
    resource: {},
    range: { start, end },
    pointer: pointer.endsWith(POSTED) ? pointer.slice(0, -POSTED.length) : pointer,
  });
}

/** Marks the pointer of a record inside `data`, whose own `data` is no list of records. */
const POSTED = '#';

const ROLES: ReadonlyMap<string, SpanRole> = new Map([['generation', 'model'], ['response', 'model'], ['agent', 'agent'], ['function', 'tool'], ['handoff', 'tool']]);
const KNOWN_TYPES: ReadonlySet<string> = new Set([...ROLES.keys(), 'guardrail', 'custom', 'mcp_tools', 'transcription', 'speech', 'speech_group', 'task', 'turn']);
const OUTPUT_KEYS = ['output', 'response'];
const INPUT_KEYS = ['input'];

/** What a span means. A `response` span holds only an id unless the program was told to export more. */
function readSpan(span: TraceSpan): SpanReading {
  const { attributes: data } = span;
  const type = asText(data['type']) ?? '';
  const role = ROLES.get(type) ?? 'other';
  const error: StepError | undefined = span.status === 'error' ? { type: 'error', message: span.statusMessage ?? '' } : undefined;
  const shared = { role, error, outputKeys: OUTPUT_KEYS, inputKeys: INPUT_KEYS };
  if (type === 'handoff') {
    const to = asText(data['to_agent']) ?? '';
    return { ...shared, tool: { name: `transfer_to_${to.toLowerCase().replace(/\s+/g, '_')}`, args: membersExcept(data, new Set(['type'])) } };
  }
  if (type === 'function') {
    const output = data['output'];
    const isEmpty = output === undefined || output === null || (output === '' && error !== undefined);
    return { ...shared, tool: { name: span.name, args: argumentsIn(data['input']) ?? undefined, result: isEmpty ? undefined : typeof output === 'string' ? output : jsonText(output) } };
  }
  if (role !== 'model') return { ...shared, agentName: role === 'agent' ? span.name : undefined };
  const response = asRecord(unwrapped(data['response']));
  const output = data['output'] ?? response;
  return {
    ...shared,
    model: asText(data['model']) ?? asText(response?.['model']),
    heard: heardIn(data['input']),
    said: saidIn(output),
    usage: usageIn(asRecord(data['usage'])) ?? usageIn(asRecord(response?.['usage'])),
    logprobs: logprobsIn(output),
    responseId: asText(data['response_id']),
    attributes: membersExcept({ responseId: data['response_id'], modelConfig: data['model_config'] }, new Set()),
  };
}

/** The message, with what the program added to it. */
function errorMessage(error: JsonRecord): string {
  const message = asText(error['message']) ?? '';
  const data = asRecord(error['data']);
  const details = data === undefined || Object.keys(data).length === 0 ? '' : jsonText(data);
  return details === '' ? message : message === '' ? details : `${message}: ${details}`;
}
