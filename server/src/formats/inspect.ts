/**
 * Inspect AI logs: `.json` files, single samples taken out of an archive, and `.eval` archives laid out as lines
 * `{"member", "value"}` (host/containers/inspectArchive.ts), where a large sample comes in parts. One sample is one trace.
 */
import type { OffsetRange, PlanTrace } from '../core/planTrace.ts';
import { readWarnings } from './documents.ts';
import { eachDocument, eachElement, readObject, takeRecord } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import type { Part } from './inspectParts.ts';
import { sampleTrace, type LogHeader } from './inspectSample.ts';
import { asId, asRecord, asText, type JsonRecord } from './jsonFields.ts';
import { Irregularities, JsonCursor } from './jsonSpans.ts';
import { UniqueIds } from './traceAssembly.ts';

const ID = 'inspect';
const NO_HEADER: LogHeader = { version: 'unknown', task: undefined, model: undefined, agent: undefined, run: undefined, created: undefined };

export const inspectFormat: TraceFormat = {
  id: ID,
  title: 'Inspect AI log',
  detect(sniff: Sniff): number {
    const first = asRecord(sniff.values[0]);
    if (first === undefined) return 0;
    if (isHeader(first)) return 1;
    if (asText(first['member']) !== undefined) {
      const value = asRecord(first['value']);
      return value !== undefined && (isHeader(value) || isSample(value)) ? 1 : 0;
    }
    return isSample(first) ? 0.9 : 0;
  },
  parse: parseLog,
};

function isHeader(record: JsonRecord): boolean {
  const run = asRecord(record['eval']);
  return run !== undefined && ('task' in run || 'run_id' in run) && 'model' in run && ['version', 'status', 'plan', 'results', 'samples'].some((key) => key in record);
}

function isSample(record: JsonRecord): boolean {
  return typeof record['epoch'] === 'number' && 'id' in record && 'input' in record && 'target' in record && (Array.isArray(record['messages']) || 'message_refs' in record);
}

/** Python writes them, and Inspect with it. */
const PYTHON_NUMBERS = /^-?(?:NaN|Infinity)$/;

/** What strict JSON forbids and this format allows is no irregularity. */
class LogIrregularities extends Irregularities {
  override note(offset: number, what: string): void {
    if (!PYTHON_NUMBERS.test(what)) super.note(offset, what);
  }
}

interface Reader {
  readonly text: string;
  readonly irregularities: Irregularities;
  readonly traceIds: UniqueIds;
  readonly traces: PlanTrace[];
  header: LogHeader;
  /** The sample whose parts are being read. */
  open: OpenSample | undefined;
}

function parseLog(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new LogIrregularities();
  const reader: Reader = { text, irregularities, traceIds: new UniqueIds(), traces: [], header: NO_HEADER, open: undefined };
  const { brokenLines } = eachDocument(text, irregularities, (cursor, pointer) => {
    if (cursor.isObject()) readRecord(reader, cursor, pointer);
    else eachElement(cursor, (index) => {
      if (cursor.isObject()) readRecord(reader, cursor, `${pointer}/${index}`);
    });
  });
  closeSample(reader);
  return { format: ID, formatVersion: reader.header.version, traces: reader.traces, warnings: readWarnings(text, irregularities, brokenLines) };
}

/** The parts of a sample that are read piece by piece, or not at all. */
const SAMPLE_LISTS: ReadonlySet<string> = new Set(['messages', 'events', 'events_data', 'message_pool', 'call_pool', 'transcript', 'attachments', 'store', 'metadata', 'timelines', 'value', 'reductions', 'files']);

/** A log, a sample, or a line of an archive. */
function readRecord(reader: Reader, cursor: JsonCursor, pointer: string): void {
  const readSample = (index: number): void => {
    if (cursor.isObject()) readRecord(reader, cursor, `${pointer}/samples/${index}`);
  };
  // Samples do not hold samples, and lines do not hold lines.
  const mayHoldSamples = !pointer.includes('/samples/');
  const mayBeLine = mayHoldSamples && !pointer.endsWith('/value');
  // The head of a log stands before its samples, which are read on the way.
  if (mayHoldSamples) reader.header = headerAhead(reader, cursor) ?? reader.header;
  const { fields, ranges, start, end } = readObject(cursor, { unparsed: SAMPLE_LISTS, ...(mayHoldSamples ? { lists: new Map([['samples', readSample]]) } : {}) });
  const member = asText(fields['member']);
  const value = ranges.get('value');
  if (mayBeLine && member !== undefined && value !== undefined) {
    readMember(reader, member, { range: value, pointer: `${pointer}/value` });
  } else if ('epoch' in fields && (ranges.has('messages') || 'message_refs' in fields)) {
    addSample(reader, { fields, ranges, range: { start, end }, pointer, messages: [], events: [], pool: [], attachments: [] });
  }
}

/** The head of the log at the cursor, which stays where it is; undefined where it has none among its first members. */
function headerAhead(reader: Reader, cursor: JsonCursor): LogHeader | undefined {
  const ahead = new JsonCursor(reader.text, cursor.pos, cursor.end);
  let version = NO_HEADER.version;
  ahead.enter();
  for (let members = 0; members < HEAD_MEMBERS; members++) {
    const key = ahead.nextMember();
    if (key === undefined || BODY_MEMBERS.has(key)) return undefined;
    if (key === 'eval' && ahead.isObject()) {
      const run = readObject(ahead).fields;
      return { version, task: asText(run['task']), model: asText(run['model']), agent: asText(run['solver']), run: asId(run['run_id']), created: asText(run['created']) };
    }
    if (key === 'version') version = asId(takeRecord(ahead, 0).value) ?? version;
    else ahead.skip();
  }
  return undefined;
}

/** The head comes among the first members of a log. */
const HEAD_MEMBERS = 6;
const BODY_MEMBERS: ReadonlySet<string> = new Set(['samples', 'member', 'messages', 'input', 'results', 'plan']);

interface OpenSample {
  readonly name: string;
  readonly shell: { readonly fields: JsonRecord; readonly ranges: ReadonlyMap<string, OffsetRange>; readonly range: OffsetRange; readonly pointer: string } | undefined;
  readonly parts: Readonly<Record<SamplePart, Part[]>>;
}

type SamplePart = 'messages' | 'events' | 'attachments';

const PART_NAME = /^(samples\/.+_epoch_\d+)\/(sample|messages|events|attachments)(?:\/\d+)?\.json$/;

/** One line of an archive: its head, a sample, or a part of one. */
function readMember(reader: Reader, member: string, part: Part): void {
  const { text, irregularities } = reader;
  const cursor = new JsonCursor(text, part.range.start, part.range.end, irregularities);
  const [, name, kind] = PART_NAME.exec(member) ?? [];
  if (name === undefined || kind === undefined) {
    closeSample(reader);
    if (cursor.isObject()) readRecord(reader, cursor, part.pointer);
    return;
  }
  if (reader.open?.name !== name) closeSample(reader);
  if (kind === 'sample') {
    if (!cursor.isObject()) return;
    closeSample(reader);
    const { fields, ranges } = readObject(cursor, { unparsed: SAMPLE_LISTS });
    reader.open = { name, shell: { fields, ranges, range: part.range, pointer: part.pointer }, parts: { messages: [], events: [], attachments: [] } };
    return;
  }
  reader.open ??= { name, shell: undefined, parts: { messages: [], events: [], attachments: [] } };
  reader.open.parts[kind as SamplePart].push(part);
}

/** The sample whose last part has been read becomes a trace. */
function closeSample(reader: Reader): void {
  const { open } = reader;
  reader.open = undefined;
  if (open?.shell === undefined) return;
  const { messages, events, attachments } = open.parts;
  const end = [...messages, ...events, ...attachments].reduce((last, part) => Math.max(last, part.range.end), open.shell.range.end);
  addSample(reader, { ...open.shell, range: { start: open.shell.range.start, end }, messages: [], events, pool: messages, attachments: attachments.map((part) => part.range) });
}

type GivenSample = Parameters<typeof sampleTrace>[1];

/** A sample in one piece has its lists among its members; older ones keep events and attachments in `transcript`. */
function addSample(reader: Reader, given: GivenSample): void {
  const { text, irregularities } = reader;
  const { ranges, pointer } = given;
  const members = (key: string): ReadonlyMap<string, OffsetRange> => {
    const range = ranges.get(key);
    if (range === undefined || text.charAt(range.start) !== '{') return new Map();
    return readObject(new JsonCursor(text, range.start, range.end, irregularities), { unparsed: SAMPLE_LISTS_INSIDE }).ranges;
  };
  const transcript = members('transcript');
  const eventsData = members('events_data');
  const part = (range: OffsetRange | undefined, path: string): Part[] => (range === undefined ? [] : [{ range, pointer: `${pointer}/${path}` }]);
  const attachments = [ranges.get('attachments'), transcript.get('content')].flatMap((range) => range ?? []);
  const trace = sampleTrace(
    { text, irregularities, traceIds: reader.traceIds },
    {
      ...given,
      messages: part(ranges.get('messages'), 'messages'),
      events: [...given.events, ...part(ranges.get('events'), 'events'), ...part(transcript.get('events'), 'transcript/events')],
      pool: [...given.pool, ...part(eventsData.get('messages'), 'events_data/messages'), ...part(ranges.get('message_pool'), 'message_pool')],
      attachments: [...given.attachments, ...attachments],
    },
    reader.header,
  );
  reader.traces.push(trace);
}

const SAMPLE_LISTS_INSIDE: ReadonlySet<string> = new Set(['events', 'content', 'messages', 'calls']);
