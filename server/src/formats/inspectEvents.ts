/** Reads the events of an Inspect sample: the calls of the model, what tools gave back, scores given on the way. */
import type { ImportedScore, OffsetRange, StepError, Usage } from '../core/planTrace.ts';
import { eachElement, readObject, type ObjectRead } from './fileRecords.ts';
import { Lanes, laneInside, MAIN_LANE, type Lane } from './inspectLanes.ts';
import { toolResult, type Resolve } from './inspectMessages.ts';
import type { Part } from './inspectParts.ts';
import { asArray, asId, asNumber, asRecord, asText, asTimeMs, settled, type JsonRecord } from './jsonFields.ts';
import { JsonCursor, type Irregularities } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import { flatNumbers } from './messageContent.ts';
import { scoreOf } from './inspectScores.ts';
import { countUnknown } from './unknownRecords.ts';
import { EACH, findWords } from './wordRanges.ts';

/** One call of the model. */
export interface ModelCall {
  /** Position among the calls. */
  readonly order: number;
  /** What it answered; undefined where the call failed. */
  readonly message: JsonRecord | undefined;
  /** The answer, or where there is none the event. */
  readonly range: OffsetRange;
  readonly pointer: string;
  readonly lane: Lane;
  readonly model: string | undefined;
  readonly startTimeMs: number | undefined;
  readonly endTimeMs: number | undefined;
  readonly usage: Usage | undefined;
  readonly costUsd: number | undefined;
  readonly logprobs: readonly number[] | undefined;
  readonly finishReason: string | undefined;
  readonly error: StepError | undefined;
  /** The messages it was given: a list in the file, or ranges of the sample's pool of messages. */
  readonly input: OffsetRange | undefined;
  readonly inputRefs: unknown;
}

/** What a tool's event says of its call. */
export interface ToolOutcomeEvent {
  readonly text: string;
  readonly isError: boolean;
  readonly endTimeMs: number | undefined;
}

export interface EventsRead {
  readonly calls: readonly ModelCall[];
  readonly toolsByCallId: ReadonlyMap<string, ToolOutcomeEvent>;
  /** Scores given during the run, with the number of calls made until then. */
  readonly scoresOnTheWay: readonly { readonly afterCalls: number; readonly scores: readonly ImportedScore[] }[];
  readonly unknownRecordCounts: Readonly<Record<string, number>>;
}

export interface EventSource {
  readonly text: string;
  readonly irregularities: Irregularities;
  readonly resolve: Resolve;
}

/** The events of a sample in order, those nested in the events of tools and subtasks among them. */
export function readEvents(source: EventSource, parts: readonly Part[]): EventsRead {
  const state: State = { source, calls: [], toolsByCallId: new Map(), scoresOnTheWay: [], unknownRecordCounts: {} };
  const lanes = new Lanes(MAIN_LANE);
  for (const part of parts) readList(state, lanes, part, 0);
  return state;
}

interface State {
  readonly source: EventSource;
  readonly calls: ModelCall[];
  readonly toolsByCallId: Map<string, ToolOutcomeEvent>;
  readonly scoresOnTheWay: { readonly afterCalls: number; readonly scores: readonly ImportedScore[] }[];
  readonly unknownRecordCounts: Record<string, number>;
}

/** Events in events in events; deeper ones are left out. */
const MAX_DEPTH = 24;

/** What no step needs, and what only some events need. */
const UNPARSED: ReadonlySet<string> = new Set(['input', 'call', 'tools', 'config', 'changes', 'state', 'sample', 'view', 'events', 'output', 'data', 'timeline']);

const KNOWN_EVENTS: ReadonlySet<string> = new Set([
  'sample_init', 'sample_limit', 'sandbox', 'state', 'store', 'approval', 'review', 'input', 'score_edit', 'error', 'logger', 'info', 'span_end', 'compaction', 'checkpoint', 'interrupt', 'branch', 'anchor',
]);

function readList(state: State, lanes: Lanes, part: Part, depth: number): void {
  const { text, irregularities } = state.source;
  const cursor = new JsonCursor(text, part.range.start, part.range.end, irregularities);
  if (!cursor.isArray()) return;
  eachElement(cursor, (index) => {
    if (cursor.isObject()) readEvent(state, lanes, { event: readObject(cursor, { unparsed: UNPARSED }), pointer: `${part.pointer}/${index}`, depth });
  });
}

interface EventPlace {
  readonly event: ObjectRead;
  readonly pointer: string;
  readonly depth: number;
}

function readEvent(state: State, lanes: Lanes, place: EventPlace): void {
  const { fields, ranges } = place.event;
  const type = asText(fields['event']) ?? 'no event';
  const lane = lanes.laneOf(asText(fields['span_id']));
  switch (type) {
    case 'model':
      readModelCall(state, lane, place);
      return;
    case 'tool':
    case 'subtask': {
      const id = asId(fields['id']) ?? place.pointer;
      if (type === 'tool') state.toolsByCallId.set(id, { ...toolResult(fields, fields['result'], state.source.resolve), endTimeMs: asTimeMs(fields['completed']) });
      const nested = ranges.get('events');
      if (nested === undefined || place.depth >= MAX_DEPTH) return;
      const inside = laneInside(lane, { type: asText(fields['type']) === 'fork' ? 'fork' : type, name: asText(fields['name']), id });
      readList(state, new Lanes(inside), { range: nested, pointer: `${place.pointer}/events` }, place.depth + 1);
      return;
    }
    case 'span_begin': {
      const id = asId(fields['id']);
      if (id !== undefined) lanes.beginSpan({ id, type: asText(fields['type']) ?? '', name: asText(fields['name']) }, asText(fields['parent_id']));
      return;
    }
    case 'step':
      if (fields['action'] === 'begin') lanes.beginStep({ id: place.pointer, type: asText(fields['type']) ?? '', name: asText(fields['name']) });
      else lanes.endStep();
      return;
    case 'score':
      if (fields['intermediate'] === true) state.scoresOnTheWay.push({ afterCalls: state.calls.length, scores: scoreOf(asText(fields['scorer']) ?? 'intermediate', asRecord(fields['score'])) });
      return;
    default:
      if (!KNOWN_EVENTS.has(type)) countUnknown(state.unknownRecordCounts, type);
  }
}

function readModelCall(state: State, lane: Lane, { event, pointer }: EventPlace): void {
  const { text, irregularities } = state.source;
  const { fields, ranges } = event;
  const range = { start: event.start, end: event.end };
  const outputRange = ranges.get('output');
  const output = outputRange === undefined ? undefined : asRecord(parseSlice(text, outputRange.start, outputRange.end, irregularities));
  const choice = asRecord(asArray(output?.['choices'])[0]);
  const message = asRecord(choice?.['message']);
  const failure = asText(fields['error']) ?? asText(output?.['error']);
  // A judge's call is no step; one still under way has nothing to show.
  if (lane.isJudge || fields['role'] === 'grader' || (message === undefined && failure === undefined)) return;
  const startTimeMs = asTimeMs(fields['timestamp']);
  const workedMs = secondsToMs(fields['working_time']) ?? secondsToMs(output?.['time']);
  const usage = asRecord(output?.['usage']);
  const messageRange = message === undefined ? undefined : findWords(text, range, [['output', 'choices', EACH, 'message']]);
  state.calls.push({
    order: state.calls.length,
    message,
    range: messageRange ?? range,
    pointer: messageRange === undefined ? pointer : `${pointer}/output/choices/0/message`,
    lane,
    model: asText(output?.['model']) ?? asText(fields['model']),
    startTimeMs,
    endTimeMs: asTimeMs(fields['completed']) ?? (startTimeMs === undefined || workedMs === undefined ? undefined : startTimeMs + workedMs),
    usage: inspectUsage(usage),
    costUsd: asNumber(usage?.['total_cost']),
    logprobs: flatNumbers(choice?.['logprobs']),
    finishReason: asText(choice?.['stop_reason']),
    error: failure === undefined ? undefined : { type: 'model', message: failure },
    input: ranges.get('input'),
    inputRefs: fields['input_refs'],
  });
}

/** Token counts as Inspect writes them; undefined for none. */
export function inspectUsage(record: JsonRecord | undefined): Usage | undefined {
  if (record === undefined) return undefined;
  const usage = settled<Usage>({ inputTokens: asNumber(record['input_tokens']), outputTokens: asNumber(record['output_tokens']), cachedTokens: asNumber(record['input_tokens_cache_read']) });
  return Object.keys(usage).length === 0 ? undefined : usage;
}

function secondsToMs(value: unknown): number | undefined {
  const seconds = asNumber(value);
  return seconds === undefined ? undefined : seconds * 1000;
}
