/** ATIF trajectories (Harbor, v1.0–1.8). A step of the agent with its observation is one step; user and system steps are context. */
import type { JsonValue, OffsetRange, PlanTrace, TraceMeta, Usage } from '../core/planTrace.ts';
import { atifStepType, readTraceExtra, withStepExtra } from './atifExtra.ts';
import { toolCalls } from './atifTools.ts';
import { isJsonLines, readEachLine, readWarnings, type Line } from './documents.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asId, asNumber, asRecord, asText, asTimeMs, membersExcept, settled, type JsonRecord } from './jsonFields.ts';
import { insideQuotes, Irregularities, JsonCursor } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import { contentText, flatNumbers } from './messageContent.ts';
import { assembleTrace, UniqueIds, type StepDraft } from './traceAssembly.ts';

const ID = 'atif';
const UNKNOWN_VERSION = '1';
/** Subagents of subagents; deeper ones are left out. */
const MAX_DEPTH = 32;

export const atifFormat: TraceFormat = {
  id: ID,
  title: 'ATIF trajectory',
  detect(sniff: Sniff): number {
    let best = 0;
    for (const value of sniff.values.slice(0, 5)) {
      const record = asRecord(value);
      const candidates = Array.isArray(value) ? (value as unknown[]).slice(0, 3) : [value, ...(record === undefined ? [] : Object.values(record).slice(0, 3))];
      for (const candidate of candidates) best = Math.max(best, confidence(asRecord(candidate)));
    }
    return best;
  },
  parse: parseTrajectories,
};

function confidence(record: JsonRecord | undefined): number {
  if (record === undefined) return 0;
  const version = asText(record['schema_version']);
  if (version !== undefined) return /^ATIF/i.test(version) ? 1 : 0;
  const steps = asArray(record['steps']).slice(0, 5);
  const isStep = (step: unknown): boolean => ['user', 'agent', 'system'].includes(asText(asRecord(step)?.['source']) ?? '') && asRecord(step)?.['message'] !== undefined;
  return steps.length > 0 && steps.every(isStep) ? (asRecord(record['agent']) === undefined ? 0.6 : 0.9) : 0;
}

interface Reader {
  readonly text: string;
  readonly irregularities: Irregularities;
  readonly traceIds: UniqueIds;
  readonly traces: PlanTrace[];
  version: string | undefined;
}

function parseTrajectories(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const reader: Reader = { text, irregularities, traceIds: new UniqueIds(), traces: [], version: undefined };
  let brokenLines: readonly Line[] = [];
  if (isJsonLines(text)) {
    brokenLines = readEachLine(text, irregularities, (cursor, line) => {
      if (cursor.isObject()) readTrajectory(reader, cursor, { pointer: `/${line.index}`, depth: 0, mayBundle: true });
      else readList(reader, cursor, { pointer: `/${line.index}`, depth: 0 });
    });
  } else {
    const cursor = new JsonCursor(text, 0, text.length, irregularities);
    for (let documents = 0; cursor.nextDocument(); documents++) {
      const pointer = documents === 0 ? '' : `/${documents}`;
      if (cursor.isObject()) readTrajectory(reader, cursor, { pointer, depth: 0, mayBundle: true });
      else if (cursor.isArray()) readList(reader, cursor, { pointer, depth: 0 });
      else cursor.passOver();
    }
  }
  return { format: ID, formatVersion: reader.version ?? UNKNOWN_VERSION, traces: reader.traces, warnings: readWarnings(text, irregularities, brokenLines) };
}

interface Place {
  readonly pointer: string;
  readonly depth: number;
  /** Whether an object that is no trajectory may hold some by name. */
  readonly mayBundle?: boolean;
}

function readList(reader: Reader, cursor: JsonCursor, place: Place): void {
  cursor.enter();
  for (let i = 0; cursor.nextElement(); i++) {
    if (cursor.isObject() && place.depth < MAX_DEPTH) readTrajectory(reader, cursor, { pointer: `${place.pointer}/${i}`, depth: place.depth });
    else cursor.passOver();
  }
}

function readTrajectory(reader: Reader, cursor: JsonCursor, place: Place): void {
  const { text, irregularities } = reader;
  const start = cursor.pos;
  const fields: Record<string, unknown> = {};
  const nested: { readonly key: string; readonly range: OffsetRange }[] = [];
  let steps: readonly StepDraft[] | undefined;
  let goal: Goal = { text: '', range: null };
  let subagents: OffsetRange | undefined;
  const traceStart = reader.traces.length;
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    const valueStart = cursor.pos;
    if (key === 'steps' && cursor.isArray()) {
      const read = readSteps(reader, cursor, `${place.pointer}/steps`);
      steps = read.steps;
      goal = read.goal;
      continue;
    }
    const isObject = cursor.isObject();
    const isArray = cursor.isArray();
    const end = cursor.skip();
    if (key === 'subagent_trajectories' && isArray) subagents = { start: valueStart, end };
    else if (TRACE_FIELDS.has(key)) fields[key] = parseSlice(text, valueStart, end, irregularities);
    else if (isObject && place.mayBundle === true) nested.push({ key, range: { start: valueStart, end } });
  }
  const end = cursor.pos;
  if (steps === undefined) {
    if (fields['schema_version'] !== undefined) return;
    for (const { key, range } of nested) readTrajectory(reader, new JsonCursor(text, range.start, range.end, irregularities), { pointer: `${place.pointer}/${key}`, depth: place.depth });
    return;
  }
  const version = asText(fields['schema_version'])?.replace(/^ATIF-?v?/i, '') ?? UNKNOWN_VERSION;
  reader.version ??= version;
  const agent = asRecord(fields['agent']) ?? {};
  const agentName = asText(agent['name']);
  const metrics = asRecord(fields['final_metrics']) ?? {};
  const isCut = irregularities.cutAt !== undefined;
  const last = steps.length - 1;
  const trace = assembleTrace(
    {
      format: ID,
      formatVersion: version,
      traceId: asId(fields['trajectory_id']) ?? asId(fields['session_id']),
      goalText: goal.text,
      goalRange: goal.range,
      planSignature: agentName ?? ID,
      steps: steps.map((step, i) => (isCut && i === last ? { ...step, agentName: step.agentName ?? agentName, isProvisional: true } : { ...step, agentName: step.agentName ?? agentName })),
      createdAt: goal.timestamp,
      meta: settled<TraceMeta>({
        model: asText(agent['model_name']),
        agent: agentName,
        session: asId(fields['session_id']),
        cwd: asText(asArray(asRecord(agent['extra'])?.['cwds'])[0]),
        costUsd: asNumber(metrics['total_cost_usd']),
        outcome: asNumber(asRecord(fields['extra'])?.['reward']),
      }),
      range: { start, end },
      ...readTraceExtra(fields['extra']),
    },
    reader.traceIds,
  );
  reader.traces.splice(traceStart, 0, trace);
  if (subagents !== undefined) readList(reader, new JsonCursor(text, subagents.start, subagents.end, irregularities), { pointer: `${place.pointer}/subagent_trajectories`, depth: place.depth + 1 });
}

const TRACE_FIELDS: ReadonlySet<string> = new Set(['schema_version', 'session_id', 'trajectory_id', 'agent', 'final_metrics', 'extra']);

interface Goal {
  readonly text: string;
  readonly range: OffsetRange | null;
  readonly timestamp?: string | undefined;
}

function readSteps(reader: Reader, cursor: JsonCursor, pointer: string): { readonly steps: readonly StepDraft[]; readonly goal: Goal } {
  const { text, irregularities } = reader;
  const steps: StepDraft[] = [];
  let goal: Goal | undefined;
  let copiedGoal: Goal | undefined;
  let heard: string[] = [];
  cursor.enter();
  for (let i = 0; cursor.nextElement(); i++) {
    const start = cursor.pos;
    if (!cursor.isObject()) {
      if (cursor.skip() === start) cursor.pos++;
      irregularities.note(start, 'something in "steps" that is no step');
      continue;
    }
    const spans = readStepSpans(cursor);
    const range = { start, end: cursor.pos };
    const record = asRecord(parseSlice(text, start, cursor.pos, irregularities)) ?? {};
    const source = asText(record['source']);
    if (source === 'agent' || (source !== 'user' && source !== 'system')) {
      steps.push(agentStep(record, { range, textRange: spans.message ?? spans.reasoning ?? spans.calls, pointer: `${pointer}/${i}`, input: heard.join('\n\n') }));
      heard = [];
      continue;
    }
    const message = contentText(record['message']) ?? '';
    if (source !== 'user') continue;
    if (message !== '') heard.push(message);
    const candidate: Goal = { text: message, range: spans.message ?? null, timestamp: asText(record['timestamp']) };
    if (record['is_copied_context'] === true) copiedGoal ??= candidate;
    else goal ??= candidate;
  }
  return { steps, goal: goal ?? copiedGoal ?? { text: '', range: null } };
}

/** Where the words of the step stand; passes over the step. */
function readStepSpans(cursor: JsonCursor): { readonly message: OffsetRange | undefined; readonly reasoning: OffsetRange | undefined; readonly calls: OffsetRange | undefined } {
  let message: OffsetRange | undefined;
  let reasoning: OffsetRange | undefined;
  let calls: OffsetRange | undefined;
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    const start = cursor.pos;
    const isString = cursor.isString();
    const end = cursor.skip();
    if (end - start <= 2) continue;
    if (key === 'message') message = isString ? insideQuotes(cursor.text, start, end) : { start, end };
    else if (key === 'reasoning_content' && isString) reasoning = insideQuotes(cursor.text, start, end);
    else if (key === 'tool_calls') calls = { start, end };
  }
  return { message, reasoning, calls };
}

interface StepPlace {
  readonly range: OffsetRange;
  readonly textRange: OffsetRange | undefined;
  readonly pointer: string;
  readonly input: string;
}

function agentStep(record: JsonRecord, place: StepPlace): StepDraft {
  const metrics = asRecord(record['metrics']) ?? {};
  const extra = asRecord(record['extra']);
  const tools = toolCalls(record, extra);
  const message = contentText(record['message']);
  const reasoning = saidText(record['reasoning_content']);
  const usage = settled<Usage>({
    inputTokens: asNumber(metrics['prompt_tokens']),
    outputTokens: asNumber(metrics['completion_tokens']),
    cachedTokens: asNumber(metrics['cached_tokens']),
  });
  const metricsExtra = asRecord(metrics['extra']);
  return withStepExtra({
    stepId: asId(record['step_id']),
    stepType: atifStepType({ tools, output: message, reasoning }),
    input: place.input === '' ? undefined : place.input,
    output: message,
    reasoning,
    tools,
    startTimeMs: asTimeMs(record['timestamp']),
    durationMs: asNumber(metricsExtra?.['duration_ms']),
    usage: Object.keys(usage).length === 0 ? undefined : usage,
    costUsd: asNumber(metrics['cost_usd']),
    logprobs: flatNumbers(metrics['logprobs']),
    finishReason: asText(extra?.['stop_reason']) ?? asText(extra?.['finish_reason']),
    attributes: stepAttributes(record, metrics),
    range: place.range,
    textRange: place.textRange,
    jsonPointer: place.pointer,
    isCopiedContext: record['is_copied_context'] === true,
    isSidechain: extra?.['is_sidechain'] === true,
  }, extra);
}

/** What has no name in the model; what the metrics hold beside it stays under `metrics`. */
function stepAttributes(record: JsonRecord, metrics: JsonRecord): Readonly<Record<string, JsonValue>> {
  const own = membersExcept(record, STEP_FIELDS);
  const measured = membersExcept(metrics, METRIC_FIELDS);
  return Object.keys(measured).length === 0 ? own : { ...own, metrics: measured };
}

/** Text that says something: exporters written in Python leave the word "None" where there was nothing. */
function saidText(value: unknown): string | undefined {
  const text = asText(value);
  return text?.trim() === 'None' ? undefined : text;
}

const STEP_FIELDS: ReadonlySet<string> = new Set(['step_id', 'timestamp', 'source', 'message', 'reasoning_content', 'tool_calls', 'observation', 'metrics', 'is_copied_context']);
const METRIC_FIELDS: ReadonlySet<string> = new Set(['prompt_tokens', 'completion_tokens', 'cached_tokens', 'cost_usd', 'logprobs', 'prompt_token_ids', 'completion_token_ids']);
