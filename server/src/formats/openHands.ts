/**
 * OpenHands runs: the events of version 0 (`action`, `observation`) or of the version 1 SDK (`kind`), as a list or one a
 * line; and rows of evaluation or resolver output whose `history` is such events, in old files pairs of them.
 */
import type { ImportedScore, PlanTrace, StepError, TraceMeta } from '../core/planTrace.ts';
import { readWarnings, type FileRecord } from './documents.ts';
import { eachDocument, eachElement, readObject, takeRecord, type ObjectRead } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asId, asNumber, asRecord, asText, settled, type JsonRecord } from './jsonFields.ts';
import { insideQuotes, Irregularities, type JsonCursor } from './jsonSpans.ts';
import type { EventReader } from './openHandsEvents.ts';
import { readV0Events } from './openHandsV0.ts';
import { readV1Events } from './openHandsV1.ts';
import { assembleTrace, UniqueIds } from './traceAssembly.ts';

const ID = 'openhands';

export const openHandsFormat: TraceFormat = {
  id: ID,
  title: 'OpenHands run',
  detect(sniff: Sniff): number {
    const first = sniff.values[0];
    const values = Array.isArray(first) ? (first as unknown[]).slice(0, 40) : sniff.values;
    const records = values.flatMap((value): readonly JsonRecord[] => {
      const record = asRecord(value);
      return record === undefined ? [] : [record];
    });
    if (records.length === 0) return 0;
    if (records.some(isRow)) return 1;
    const events = records.filter((record) => isV0Event(record) || isV1Event(record)).length;
    // One event alone is a file of a run kept event by event: a step, but no run.
    if (events === 1 && sniff.layout === 'json' && !Array.isArray(first)) return 0.3;
    return events * 2 >= records.length && events > 0 ? 0.95 : 0;
  },
  parse: parseRuns,
};

function isRow(record: JsonRecord): boolean {
  const first = asArray(record['history'])[0];
  const event = asRecord(Array.isArray(first) ? (first as unknown[])[0] : first);
  if (event === undefined || typeof event['role'] === 'string') return false;
  const isEvent = isV1Event(event) || typeof event['action'] === 'string' || typeof event['observation'] === 'string';
  return isEvent && ['instance_id', 'instruction', 'issue', 'metrics', 'test_result'].some((key) => key in record);
}

function isV0Event(record: JsonRecord): boolean {
  return typeof record['source'] === 'string' && SOURCES.has(record['source']) && (typeof record['action'] === 'string' || typeof record['observation'] === 'string') && ('args' in record || 'extras' in record || 'content' in record);
}

function isV1Event(record: JsonRecord): boolean {
  const kind = asText(record['kind']);
  return kind !== undefined && (/(?:Event|Observation)$/.test(kind) || kind.startsWith('Condensation')) && typeof record['source'] === 'string' && SOURCES.has(record['source']);
}

const SOURCES: ReadonlySet<string> = new Set(['agent', 'user', 'environment', 'hook']);

/** The events of one run; the first tells the version. */
interface Run {
  reader: EventReader | undefined;
  start: number;
  end: number;
}

function parseRuns(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const traceIds = new UniqueIds();
  const traces: PlanTrace[] = [];
  const loose: Run = { reader: undefined, start: -1, end: 0 };
  let hasOpenTail = false;
  const take = (cursor: JsonCursor, pointer: string): void => {
    const history: Run = { reader: undefined, start: 0, end: 0 };
    const readHistory = (index: number): void => {
      if (cursor.isArray()) eachElement(cursor, (half) => readEvent(text, history, takeRecord(cursor, half), `${pointer}/history/${index}/${half}`));
      else readEvent(text, history, takeRecord(cursor, index), `${pointer}/history/${index}`);
    };
    const object = readObject(cursor, { lists: new Map([['history', readHistory]]), unparsed: UNPARSED });
    if (history.reader !== undefined) {
      traces.push(rowTrace(text, history.reader, object, { traceIds, isCut: irregularities.cutAt !== undefined }));
    } else if (irregularities.cutAt !== undefined && cursor.end === text.length && pointer !== '' && loose.reader !== undefined) {
      // A last line that is still being written is no fault.
      irregularities.cutAt = undefined;
      hasOpenTail = true;
    } else if (!('history' in object.fields)) {
      readEvent(text, loose, { value: object.fields, start: object.start, end: object.end, index: Number(/\d+$/.exec(pointer)?.[0] ?? 0) }, pointer);
    }
  };
  const walked = eachDocument(text, irregularities, (cursor, pointer) => {
    if (cursor.isObject()) return take(cursor, pointer);
    eachElement(cursor, (index) => {
      if (cursor.isObject()) take(cursor, `${pointer}/${index}`);
    });
  });
  if (loose.reader !== undefined) traces.push(eventsTrace(loose.reader, loose, { traceIds, isCut: hasOpenTail || irregularities.cutAt !== undefined }));
  const found = traces.filter((trace) => trace.steps.length > 0);
  return { format: ID, formatVersion: found[0]?.formatVersion ?? 'v0', traces: found, warnings: readWarnings(text, irregularities, walked.brokenLines) };
}

/** Members of a row that are large and say nothing about the steps. */
const UNPARSED: ReadonlySet<string> = new Set(['git_patch', 'instance', 'instruction_images']);

function readEvent(text: string, run: Run, record: FileRecord, pointer: string): void {
  const fields = asRecord(record.value);
  if (fields === undefined) return;
  run.reader ??= typeof fields['kind'] === 'string' ? readV1Events(text) : readV0Events(text);
  if (run.start < 0) run.start = record.start;
  run.end = record.end;
  run.reader.read(record, fields, pointer);
}

interface RunPlace {
  readonly traceIds: UniqueIds;
  readonly isCut: boolean;
}

function eventsTrace(reader: EventReader, range: { readonly start: number; readonly end: number }, place: RunPlace): PlanTrace {
  return assembleTrace(
    {
      format: ID,
      formatVersion: reader.version,
      goalText: reader.goal?.text,
      goalRange: reader.goal?.range,
      planSignature: ID,
      steps: reader.steps.drafts(place.isCut),
      createdAt: reader.createdAt,
      meta: settled<TraceMeta>({ model: reader.model, agent: ID, session: undefined, cwd: undefined, costUsd: reader.costUsd, outcome: undefined }),
      unknownRecordCounts: reader.unknown,
      range: { start: range.start, end: range.end },
    },
    place.traceIds,
  );
}

function rowTrace(text: string, reader: EventReader, row: ObjectRead, place: RunPlace): PlanTrace {
  const { fields, ranges } = row;
  const metadata = asRecord(fields['metadata']) ?? {};
  const instruction = asText(fields['instruction']);
  const at = ranges.get('instruction');
  const failure = asText(fields['error']);
  const { last } = reader.steps;
  if (failure !== undefined && last !== undefined) last.error ??= { type: 'run', message: failure } satisfies StepError;
  return assembleTrace(
    {
      format: ID,
      formatVersion: reader.version,
      traceId: asId(fields['instance_id']) ?? issueId(asRecord(fields['issue'])),
      goalText: reader.goal?.text ?? instruction,
      goalRange: reader.goal?.range ?? (at === undefined ? undefined : insideQuotes(text, at.start, at.end)),
      planSignature: ID,
      steps: reader.steps.drafts(place.isCut),
      importedScores: verdicts(fields),
      createdAt: reader.createdAt,
      meta: settled<TraceMeta>({
        model: asText(asRecord(metadata['llm_config'])?.['model']) ?? asText(asRecord(metadata['llm'])?.['model']) ?? reader.model,
        agent: asText(metadata['agent_class']) ?? ID,
        session: undefined,
        cwd: undefined,
        costUsd: asNumber(asRecord(fields['metrics'])?.['accumulated_cost']) ?? reader.costUsd,
        outcome: outcomeOf(fields),
      }),
      unknownRecordCounts: reader.unknown,
      range: { start: row.start, end: row.end },
    },
    place.traceIds,
  );
}

function issueId(issue: JsonRecord | undefined): string | undefined {
  const number = asId(issue?.['number']);
  return number === undefined ? undefined : `${asText(issue?.['owner']) ?? ''}/${asText(issue?.['repo']) ?? ''}#${number}`;
}

/** Whether the evaluation found the task solved; undefined where it was not evaluated. */
function outcomeOf(fields: JsonRecord): number | undefined {
  const result = asRecord(fields['test_result']);
  for (const report of [asRecord(result?.['report']), result, asRecord(fields['report'])]) {
    const resolved = report?.['resolved'];
    if (typeof resolved === 'boolean') return resolved ? 1 : 0;
  }
  return undefined;
}

/** The resolver asks a model whether the issue was solved. */
function verdicts(fields: JsonRecord): readonly ImportedScore[] {
  const success = fields['success'];
  if (typeof success !== 'boolean') return [];
  const score: ImportedScore = { source: 'openhands-resolver', dimension: 'success', value: success ? 1 : 0, scale: [0, 1], attributes: {} };
  const explanation = asText(fields['result_explanation']);
  return [explanation === undefined ? score : { ...score, rationale: explanation }];
}
