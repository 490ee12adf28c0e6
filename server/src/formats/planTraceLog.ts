/**
 * The log that the recorder appends to, one event a line (`plan_trace_event`): readable however it ends. The events of a run
 * are put together as one PlanTrace and read by the reader of that format. A step stands where its words are: on the line of
 * its end, or while it runs on that of its beginning; steps are in that order.
 */
import type { ExecutionStep, OffsetRange, PlanTrace } from '../core/planTrace.ts';
import { readLines, readWarnings, type FileRecord } from './documents.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asId, asJson, asRecord, asText, type JsonRecord } from './jsonFields.ts';
import { Irregularities } from './jsonSpans.ts';
import { planTraceFormat } from './planTrace.ts';
import { WRITE_BACK_PRODUCER } from './planTraceWriteBack.ts';
import { countUnknown } from './unknownRecords.ts';
import { findWords } from './wordRanges.ts';

const ID = 'plan-trace-log';
const EVENT = 'plan_trace_event';

export const planTraceLogFormat: TraceFormat = {
  id: ID,
  title: 'PlanTrace log',
  windows: { kind: 'session', keep: ['"pipeline_started"', '"pipeline_ended"'], rewinds: ['"pipeline_scored"'], stepMembers: ['"trace_id":"', '"step_id":"'] },
  detect(sniff: Sniff): number {
    return sniff.values.slice(0, 5).some((value) => asText(asRecord(value)?.[EVENT]) !== undefined) ? 1 : 0;
  },
  parse: parseLog,
};

interface StepEvents {
  readonly stepId: string;
  started: JsonRecord;
  ended: JsonRecord | undefined;
  alarm: string | undefined;
  scores: unknown;
  /** The record that holds its words. */
  at: FileRecord;
}

interface TraceEvents {
  readonly traceId: string | undefined;
  head: JsonRecord;
  tail: JsonRecord;
  scores: JsonRecord;
  readonly steps: StepEvents[];
  readonly stepById: Map<string, StepEvents>;
  readonly first: FileRecord;
  last: FileRecord;
  isEnded: boolean;
  readonly unknown: Record<string, number>;
}

function parseLog({ text }: ParseInput): ParsedFile {
  const irregularities = new Irregularities();
  // A line being written is the next event of a run: the file is whole without it.
  const { records, brokenLines } = readLines(text, irregularities);
  const traces: TraceEvents[] = [];
  const openById = new Map<string | undefined, TraceEvents>();
  const strays: Record<string, number> = {};
  for (const record of records) {
    const event = asRecord(record.value);
    if (asText(event?.[EVENT]) === undefined) countUnknown(strays, 'no event');
    else take(traces, openById, record);
  }
  const folded = JSON.stringify(traces.map(documentOf));
  const read = planTraceFormat.parse({ path: '', text: folded }).traces;
  const placed = read.flatMap((trace, i) => {
    const events = traces[i];
    if (events === undefined) return [];
    const unknownRecordCounts = i === 0 ? { ...events.unknown, ...strays } : events.unknown;
    return [{ ...withPlaces(trace, events, { text, end: traces[i + 1]?.first.start ?? text.length + 1 }), unknownRecordCounts }];
  });
  return { format: ID, formatVersion: placed[0]?.formatVersion ?? '1', traces: placed, warnings: readWarnings(text, irregularities, brokenLines) };
}

function take(traces: TraceEvents[], openById: Map<string | undefined, TraceEvents>, record: FileRecord): void {
  const event = asRecord(record.value) ?? {};
  const kind = asText(event[EVENT]);
  const traceId = asId(event['trace_id']);
  let trace = openById.get(traceId);
  // An id that begins again is another run; one whose beginning is lost is a run all the same.
  if (kind === 'pipeline_started' || trace === undefined) {
    trace = { traceId, head: {}, tail: {}, scores: {}, steps: [], stepById: new Map(), first: record, last: record, isEnded: false, unknown: {} };
    openById.set(traceId, trace);
    traces.push(trace);
  }
  trace.last = record;
  const stepId = asId(event['step_id']);
  switch (kind) {
    case 'pipeline_started': trace.head = event; break;
    case 'stage_started': addStep(trace, stepId, { started: event, record }); break;
    case 'stage_ended': endStep(trace, stepId, { ended: event, record }); break;
    case 'pipeline_ended':
      trace.tail = event;
      trace.isEnded = true;
      break;
    case 'pipeline_scored': trace.scores = event; break;
    case 'alarm': {
      const step = trace.stepById.get(stepId ?? '');
      if (step !== undefined) step.alarm = asText(event['reason']);
      break;
    }
    case 'cut': break;
    default: countUnknown(trace.unknown, kind ?? '');
  }
}

function addStep(trace: TraceEvents, stepId: string | undefined, { started, record }: { readonly started: JsonRecord; readonly record: FileRecord }): StepEvents {
  const step: StepEvents = { stepId: stepId ?? `line_${record.index + 1}`, started, ended: undefined, alarm: undefined, scores: undefined, at: record };
  trace.steps.push(step);
  trace.stepById.set(step.stepId, step);
  return step;
}

function endStep(trace: TraceEvents, stepId: string | undefined, { ended, record }: { readonly ended: JsonRecord; readonly record: FileRecord }): void {
  const known = trace.stepById.get(stepId ?? '');
  const step = known === undefined || known.ended !== undefined ? addStep(trace, stepId, { started: {}, record }) : known;
  step.ended = ended;
  step.at = record;
}

/** The run as one PlanTrace object. */
function documentOf(trace: TraceEvents): JsonRecord {
  trace.steps.sort((a, b) => a.at.start - b.at.start);
  // Ours are computed anew; those of other scorers are findings of the file.
  const isOurs = asRecord(asRecord(trace.scores['pipeline_score'])?.['_meta'])?.['producer'] === WRITE_BACK_PRODUCER;
  for (const entry of isOurs ? [] : asArray(trace.scores['step_scores'])) {
    const scored = asRecord(entry);
    const step = trace.stepById.get(asId(scored?.['step_id']) ?? '');
    if (step !== undefined) step.scores = scored?.['scores'];
  }
  const { step_scores: _steps, mars_analysis: _mars, ...scores } = trace.scores;
  const extra = { ...asRecord(trace.head['extra_data']), ...asRecord(trace.tail['extra_data']) };
  return { ...printable(trace.head), ...printable(trace.tail), ...printable(scores), ...(trace.traceId === undefined ? {} : { trace_id: trace.traceId }), extra_data: asJson(extra), execution_steps: trace.steps.map(stepOf) };
}

function stepOf(step: StepEvents): JsonRecord {
  const attributes = { ...asRecord(step.started['attributes']), ...asRecord(step.ended?.['attributes']), ...(step.alarm === undefined ? {} : { alarm: step.alarm }) };
  return { ...printable(step.started), ...printable(step.ended ?? {}), step_id: step.stepId, attributes: asJson(attributes), ...(step.scores === undefined ? {} : { scores: asJson(step.scores) }) };
}

/** Members that are an event's own, not the trace's. */
const EVENT_FIELDS: ReadonlySet<string> = new Set([EVENT, 'trace_id', 'execution_steps', 'attributes', 'extra_data']);

/** Without what would be nested too deep to print. */
function printable(event: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(event).filter(([key]) => !EVENT_FIELDS.has(key) && key !== '__proto__').map(([key, value]) => [key, asJson(value)]));
}

const STEP_WORDS = [['output_text'], ['input_text']];

/** The trace with places in the log instead of those in what was put together of it. `end`: where the next run begins. */
function withPlaces(trace: PlanTrace, events: TraceEvents, { text, end }: { readonly text: string; readonly end: number }): PlanTrace {
  const rangeOf = ({ start, end: until }: FileRecord): OffsetRange => ({ start, end: until });
  const steps = trace.steps.map((step, i): ExecutionStep => {
    const found = events.steps[i];
    if (found === undefined) return step;
    const range = rangeOf(found.at);
    return { ...step, range, textRange: findWords(text, range, STEP_WORDS) ?? range, jsonPointer: `/${found.at.index}`, isProvisional: found.ended === undefined && !events.isEnded };
  });
  const last = Math.max(events.first.end, Math.min(events.last.end, end - 1));
  return {
    ...trace, format: ID, steps, goalRange: findWords(text, rangeOf(events.first), [['goal_text']]) ?? null, range: { start: events.first.start, end: last },
    warnings: trace.warnings.map((warning) => ({ ...warning, range: rangeOf(events.first) })),
  };
}
