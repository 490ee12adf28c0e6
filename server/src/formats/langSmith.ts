/** LangSmith runs: a tree with `child_runs`, lists or JSONL of runs in any order, or what the client posts (`{post, patch}`). */
import type { OffsetRange } from '../core/planTrace.ts';
import { readWarnings } from './documents.ts';
import { eachDocument, eachElement, readObject } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asId, asRecord, asText, asTimeMs, type JsonRecord } from './jsonFields.ts';
import { Irregularities, type JsonCursor } from './jsonSpans.ts';
import { readRun, RUN_TYPES } from './langSmithReading.ts';
import { spanTraces, type TraceNotes } from './spanTraces.ts';
import type { TraceSpan } from './spanTree.ts';
import { wordsIn } from './spanValues.ts';
import { findWords } from './spanWords.ts';
import { withPairedCalls } from './toolCallPairing.ts';
import { countUnknown } from './unknownRecords.ts';

const ID = 'langsmith';
const VERSION = 'run';

export const langSmithFormat: TraceFormat = {
  id: ID,
  title: 'LangSmith runs',
  detect(sniff: Sniff): number {
    let best = 0;
    for (const value of sniff.values.slice(0, 5)) {
      const record = asRecord(value);
      const listed = record === undefined ? asArray(value) : [record, ...['post', 'runs'].flatMap((key) => asArray(record[key]))];
      for (const candidate of listed.slice(0, 4)) best = Math.max(best, confidence(asRecord(candidate)));
    }
    return best;
  },
  parse: parseRuns,
};

function confidence(record: JsonRecord | undefined): number {
  if (record === undefined || !RUN_TYPES.has(asText(record['run_type']) ?? '') || !('inputs' in record || 'outputs' in record)) return 0;
  if ('dotted_order' in record || 'trace_id' in record) return 1;
  return 'start_time' in record && ('child_runs' in record || 'parent_run_id' in record || 'id' in record) ? 0.8 : 0;
}

/** A run as far as it has been read. Clients send the end of a run as a patch of its own. */
interface Run {
  readonly id: string;
  fields: JsonRecord;
  /** Where the record stands that says most. */
  range: OffsetRange;
  pointer: string;
  /** The run it stands in. */
  outer: string | undefined;
  /** Where its beginning stands, for a run whose end is a record of its own. */
  posted?: OffsetRange;
}

interface Reader {
  readonly text: string;
  readonly runs: Run[];
  readonly runsById: Map<string, Run>;
  readonly unknownRecordCounts: Record<string, number>;
}

/** Runs in runs; deeper ones are left out. */
const MAX_DEPTH = 200;

function parseRuns(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const reader: Reader = { text, runs: [], runsById: new Map(), unknownRecordCounts: {} };
  const { brokenLines } = eachDocument(text, irregularities, (cursor, pointer) => {
    if (cursor.isObject()) readRecord(reader, cursor, pointer, 0);
    else eachElement(cursor, (index) => {
      if (cursor.isObject()) readRecord(reader, cursor, `${pointer}/${index}`, 0);
    });
  });
  const spans = spansOf(reader.runs.sort((a, b) => a.range.start - b.range.start));
  const traces = spanTraces(spans, { format: ID, formatVersion: VERSION, text, read: withPairedCalls(spans, readRun), isCut: irregularities.cutAt !== undefined, about: goalsOfPosted(reader, spans) });
  const [first] = traces;
  if (first !== undefined) traces[0] = { ...first, unknownRecordCounts: reader.unknownRecordCounts };
  return { format: ID, formatVersion: VERSION, traces, warnings: readWarnings(text, irregularities, brokenLines) };
}

/** Members that hold runs. Those of `child_runs` belong to the run around them. */
const RUN_LISTS = ['child_runs', 'post', 'patch', 'runs'];

/** Reads a run with its children, or an object that only lists runs; returns the run. */
function readRecord(reader: Reader, cursor: JsonCursor, pointer: string, depth: number): Run | undefined {
  const children: Run[] = [];
  const readList = (key: string) => (index: number): void => {
    if (!cursor.isObject()) return;
    const run = readRecord(reader, cursor, `${pointer}/${key}/${index}`, depth + 1);
    if (run !== undefined && key === 'child_runs') children.push(run);
  };
  const lists = new Map(depth >= MAX_DEPTH ? [] : RUN_LISTS.map((key) => [key, readList(key)] as const));
  const { fields, start, end } = readObject(cursor, { lists });
  if (!('run_type' in fields || 'dotted_order' in fields)) return undefined;
  const id = asId(fields['id']) ?? orderIds(fields).at(-1) ?? `at ${start}`;
  const run = addRun(reader, { id, fields, range: { start, end }, pointer, outer: undefined });
  for (const child of children) child.outer = run.id;
  return run;
}

/** A record of a run that is known already adds to it what it says. */
function addRun(reader: Reader, run: Run): Run {
  const known = reader.runsById.get(run.id);
  if (known === undefined) {
    reader.runsById.set(run.id, run);
    reader.runs.push(run);
    const type = asText(run.fields['run_type']);
    if (type !== undefined && !RUN_TYPES.has(type)) countUnknown(reader.unknownRecordCounts, type);
    return run;
  }
  const isFuller = isFilled(run.fields['outputs']) || !isFilled(known.fields['outputs']);
  const told = Object.entries(run.fields).filter(([, value]) => value !== null && value !== undefined);
  known.fields = { ...known.fields, ...Object.fromEntries(isFuller ? told : told.filter(([key]) => known.fields[key] === undefined || known.fields[key] === null)) };
  known.posted ??= isFuller ? known.range : run.range;
  if (!isFuller) return known;
  known.range = run.range;
  known.pointer = run.pointer;
  return known;
}

function isFilled(value: unknown): boolean {
  const record = asRecord(value);
  return record === undefined ? value !== undefined && value !== null : Object.keys(record).length > 0;
}

/** The ids in a `dotted_order`, from the root inwards: each part is a time followed by the id. */
function orderIds(fields: JsonRecord): readonly string[] {
  return (asText(fields['dotted_order']) ?? '').split('.').flatMap((part) => /^\d{8}T\d+Z(.+)$/.exec(part)?.[1] ?? []);
}

function spansOf(runs: readonly Run[]): readonly TraceSpan[] {
  const parents = new Map(runs.map((run) => [run.id, asId(run.fields['parent_run_id']) ?? orderIds(run.fields).at(-2) ?? run.outer]));
  const named = new Map(runs.map((run) => [run.id, asId(run.fields['trace_id']) ?? orderIds(run.fields)[0]]));
  return runs.map((run): TraceSpan => {
    const { fields } = run;
    const error = asText(fields['error']);
    return {
      traceId: named.get(run.id) ?? rootOf(run.id, parents, named),
      spanId: run.id,
      parentId: parents.get(run.id),
      name: asText(fields['name']) ?? asText(fields['run_type']) ?? '',
      ...timesOf(fields),
      status: error !== undefined || fields['status'] === 'error' ? 'error' : 'unset',
      statusMessage: error,
      attributes: fields,
      events: [],
      resource: {},
      range: run.range,
      pointer: run.pointer,
    };
  });
}

/** What was asked of a run stands with its beginning, its steps with its end. */
function goalsOfPosted({ text, runsById }: Reader, spans: readonly TraceSpan[]): ReadonlyMap<string, TraceNotes> {
  const about = new Map<string, TraceNotes>();
  for (const { spanId, traceId, parentId, attributes, range } of spans) {
    const posted = parentId === undefined ? runsById.get(spanId)?.posted : undefined;
    const goal = posted === undefined ? undefined : wordsIn(attributes['inputs'], 'user');
    if (posted === undefined || goal === undefined || about.has(traceId)) continue;
    const { start, end } = posted;
    about.set(traceId, { goal: { text: goal, range: findWords(text, { range: posted, keys: ['inputs'] }, goal) ?? null }, range: { start: Math.min(start, range.start), end: Math.max(end, range.end) } });
  }
  return about;
}

/** The trace of the nearest run above that names one, else the id of the outermost run. */
function rootOf(id: string, parents: ReadonlyMap<string, string | undefined>, named: Map<string, string | undefined>): string {
  const path: string[] = [];
  const seen = new Set<string>();
  let at: string | undefined = id;
  let root = id;
  while (at !== undefined && !seen.has(at)) {
    const trace = named.get(at);
    if (trace !== undefined) {
      root = trace;
      break;
    }
    seen.add(at);
    path.push(at);
    root = at;
    at = parents.get(at);
  }
  for (const passed of path) named.set(passed, root);
  return root;
}

/** Start and end. `dotted_order` has the start to the microsecond, which tells runs of one millisecond apart. */
function timesOf(fields: JsonRecord): { readonly startMs: number | undefined; readonly endMs: number | undefined } {
  const start = asTimeMs(fields['start_time']);
  const end = asTimeMs(fields['end_time']);
  const last = (asText(fields['dotted_order']) ?? '').split('.').at(-1) ?? '';
  const exact = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})(\d{3})Z/.exec(last);
  if (exact === null) return { startMs: start, endMs: end };
  const [, year, month, day, hour, minute, second, ms, us] = exact;
  const ordered = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`) + Number(us) / 1000;
  if (!Number.isFinite(ordered) || (start !== undefined && Math.abs(ordered - start) >= 1.5)) return { startMs: start, endMs: end };
  return { startMs: ordered, endMs: end === undefined || end < ordered - 1.5 ? end : Math.max(end, ordered) };
}
