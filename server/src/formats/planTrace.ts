/** Stephanie PlanTrace JSON: an object, an array of them, or one a line. Each element of `execution_steps` is one step. */
import type { ImportedScore, OffsetRange, PlanTrace, StepError, TraceMeta } from '../core/planTrace.ts';
import { isJsonLines, readEachLine, readWarnings, type Line } from './documents.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asId, asNumber, asRecord, asString, asText, membersExcept, settled, type JsonRecord } from './jsonFields.ts';
import { insideQuotes, Irregularities, JsonCursor } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import { MODEL_FIELDS, readStepFields, readTraceFields, readUnscaledScores } from './planTraceModelFields.ts';
import { foreignPipelineScore } from './planTraceWriteBack.ts';
import { assembleTrace, UniqueIds, type StepDraft } from './traceAssembly.ts';

const ID = 'plan-trace';
const DEFAULT_VERSION = '1';
/** The format's own scale: scores are 0–100. */
const SCALE: readonly [number, number] = [0, 100];

export const planTraceFormat: TraceFormat = {
  id: ID,
  title: 'PlanTrace',
  windows: { kind: 'record' },
  detect(sniff: Sniff): number {
    let best = 0;
    for (const value of sniff.values.slice(0, 5)) {
      const candidates = Array.isArray(value) ? (value as unknown[]).slice(0, 3) : [value, ...bundled(value)];
      for (const candidate of candidates) best = Math.max(best, confidence(asRecord(candidate)));
    }
    return best;
  },
  parse: parsePlanTraces,
};

function confidence(record: JsonRecord | undefined): number {
  if (record === undefined || !('execution_steps' in record)) return 0;
  if (record['execution_steps'] !== null && typeof record['execution_steps'] !== 'object') return 0;
  const others = ['trace_id', 'goal_text', 'plan_signature', 'final_output_text', 'goal_id'].filter((key) => key in record).length;
  return others >= 2 ? 1 : others === 1 ? 0.9 : 0.4;
}

/** The values of an object that holds traces by name. */
function bundled(value: unknown): readonly unknown[] {
  const record = asRecord(value);
  return record === undefined || 'execution_steps' in record ? [] : Object.values(record).slice(0, 3);
}

function parsePlanTraces(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const reader: Reader = { text, irregularities, traceIds: new UniqueIds(), traces: [], version: undefined };
  let brokenLines: readonly Line[] = [];
  if (isJsonLines(text)) {
    brokenLines = readEachLine(text, irregularities, (cursor, line) => readDocument(reader, cursor, `/${line.index}`));
  } else {
    const cursor = new JsonCursor(text, 0, text.length, irregularities);
    let documents = 0;
    while (cursor.nextDocument()) {
      const before = cursor.pos;
      if (cursor.isObject() || cursor.isArray()) {
        readDocument(reader, cursor, documents === 0 ? '' : `/${documents}`);
        documents++;
      } else {
        cursor.passOver();
        irregularities.note(before, 'text outside the trace');
      }
    }
  }
  return { format: ID, formatVersion: reader.version ?? DEFAULT_VERSION, traces: reader.traces, warnings: readWarnings(text, irregularities, brokenLines) };
}

interface Reader {
  readonly text: string;
  readonly irregularities: Irregularities;
  readonly traceIds: UniqueIds;
  readonly traces: PlanTrace[];
  version: string | undefined;
}

/** A trace, a list of traces, or an object that holds traces by name. */
function readDocument(reader: Reader, cursor: JsonCursor, pointer: string): void {
  if (cursor.isObject()) {
    readObject(reader, cursor, pointer, true);
    return;
  }
  cursor.enter();
  for (let i = 0; cursor.nextElement(); i++) {
    if (cursor.isObject()) readObject(reader, cursor, `${pointer}/${i}`, false);
    else cursor.passOver();
  }
}

function readObject(reader: Reader, cursor: JsonCursor, pointer: string, mayBundle: boolean): void {
  const { text, irregularities } = reader;
  const start = cursor.pos;
  const fields: Record<string, unknown> = {};
  let steps: StepDraft[] | undefined;
  let goalRange: OffsetRange | undefined;
  const nested: { readonly key: string; readonly start: number; readonly end: number }[] = [];
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    const valueStart = cursor.pos;
    if (key === 'execution_steps' && cursor.isArray()) {
      steps = readSteps(reader, cursor, `${pointer}/execution_steps`);
      continue;
    }
    const isObject = cursor.isObject();
    const end = cursor.skip();
    if (isObject && mayBundle) nested.push({ key, start: valueStart, end });
    if (TRACE_FIELDS.has(key)) fields[key] = parseSlice(text, valueStart, end, irregularities);
    else if (key === 'execution_steps') steps = [];
    if (key === 'goal_text') goalRange = insideQuotes(text, valueStart, end);
  }
  if (steps === undefined) {
    for (const member of nested) {
      const inner = new JsonCursor(text, member.start, member.end, irregularities);
      readObject(reader, inner, `${pointer}/${member.key}`, false);
    }
    return;
  }
  const version = asId(fields['schema_version']);
  reader.version ??= version;
  const cut = irregularities.cutAt;
  const last = steps.at(-1);
  if (cut !== undefined && last !== undefined) steps[steps.length - 1] = { ...last, isProvisional: true };
  reader.traces.push(
    assembleTrace(
      {
        format: ID,
        formatVersion: version ?? DEFAULT_VERSION,
        traceId: asId(fields['trace_id']),
        goalText: asString(fields['goal_text']) ?? asString(asRecord(fields['input_data'])?.['goal']),
        goalRange,
        planSignature: asString(fields['plan_signature']),
        steps,
        finalOutputText: asString(fields['final_output_text']),
        importedScores: [...importedScores(fields['final_scores']), ...importedScores(foreignPipelineScore(fields['pipeline_score'])), ...readUnscaledScores(asRecord(fields['extra_data'])?.[MODEL_FIELDS])],
        targetEpistemicQuality: asNumber(fields['target_epistemic_quality']),
        targetEpistemicQualitySource: asText(fields['target_epistemic_quality_source']),
        createdAt: asText(fields['created_at']),
        meta: traceMeta(fields),
        range: { start, end: cursor.pos },
      },
      reader.traceIds,
    ),
  );
}

const TRACE_FIELDS: ReadonlySet<string> = new Set([
  'schema_version', 'trace_id', 'goal_text', 'goal_id', 'plan_signature', 'final_output_text', 'final_scores', 'pipeline_score', 'target_epistemic_quality',
  'target_epistemic_quality_source', 'created_at', 'input_data', 'meta', 'extra_data', 'pipeline_run_id',
]);

function traceMeta(fields: JsonRecord): TraceMeta {
  const extra = asRecord(fields['meta']) ?? asRecord(fields['extra_data']) ?? {};
  return settled<TraceMeta>({
    model: asText(extra['model']),
    agent: asText(extra['agent_name']),
    session: asId(fields['pipeline_run_id']),
    cwd: undefined,
    costUsd: undefined,
    outcome: undefined,
    ...readTraceFields(extra[MODEL_FIELDS]),
  });
}

function readSteps(reader: Reader, cursor: JsonCursor, pointer: string): StepDraft[] {
  const steps: StepDraft[] = [];
  cursor.enter();
  for (let i = 0; cursor.nextElement(); i++) {
    const start = cursor.pos;
    if (cursor.isObject()) {
      steps.push(readStep(reader, cursor, `${pointer}/${i}`));
    } else {
      if (cursor.skip() === start) cursor.pos++;
      reader.irregularities.note(start, 'something in "execution_steps" that is no step');
    }
  }
  return steps;
}

function readStep(reader: Reader, cursor: JsonCursor, pointer: string): StepDraft {
  const { text } = reader;
  const start = cursor.pos;
  let words: OffsetRange | undefined;
  let input: OffsetRange | undefined;
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    const valueStart = cursor.pos;
    const isString = cursor.isString();
    const end = cursor.skip();
    if (!isString) continue;
    if (key === 'output_text') words = insideQuotes(text, valueStart, end);
    else if (key === 'input_text') input = insideQuotes(text, valueStart, end);
  }
  const range = { start, end: cursor.pos };
  const record = asRecord(parseSlice(text, start, cursor.pos, reader.irregularities)) ?? {};
  return stepOf(record, { range, textRange: words ?? input, pointer });
}

function stepOf(record: JsonRecord, where: { readonly range: OffsetRange; readonly textRange: OffsetRange | undefined; readonly pointer: string }): StepDraft {
  const given = asRecord(record['attributes']);
  const ours = given?.[MODEL_FIELDS];
  return {
    ...readStepFields(ours),
    stepId: asId(record['step_id']),
    stepType: asText(record['step_type']) ?? 'action',
    description: asString(record['description']),
    agentName: asText(record['agent_name']),
    input: asString(record['input_text']),
    output: outputText(record['output_text']),
    startTimeMs: secondsToMs(record['start_time']),
    endTimeMs: secondsToMs(record['end_time']),
    durationMs: secondsToMs(record['duration']),
    error: stepError(record['error']),
    importedScores: [...importedScores(record['scores']), ...readUnscaledScores(ours)],
    attributes: given === undefined ? membersExcept(record, STEP_FIELDS) : membersExcept(given, OURS, membersExcept(record, STEP_FIELDS)),
    range: where.range,
    textRange: where.textRange,
    jsonPointer: where.pointer,
  };
}

const OURS: ReadonlySet<string> = new Set([MODEL_FIELDS]);
const STEP_FIELDS: ReadonlySet<string> = new Set([
  'step_id', 'step_type', 'description', 'agent_name', 'input_text', 'output_text', 'start_time', 'end_time', 'duration', 'error', 'scores', 'attributes',
]);

/** Some producers write an object where a text belongs. */
function outputText(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function secondsToMs(value: unknown): number | undefined {
  const seconds = asNumber(value);
  return seconds === undefined ? undefined : Math.round(seconds * 1e6) / 1e3;
}

function stepError(value: unknown): StepError | undefined {
  const text = asText(value);
  if (text !== undefined) return { type: 'Error', message: text };
  const record = asRecord(value);
  if (record === undefined) return undefined;
  return settled<StepError>({ type: asText(record['type']) ?? 'Error', message: asString(record['message']) ?? '', traceback: asText(record['traceback']) });
}

/**
 * Scores in any of the shapes found: `{dim: {score, source, …}}`, `{"dim::scorer": {…}}`, `{dim: number}`, or a list of
 * results. `_meta` is no score. Results that are no number are left out.
 */
function importedScores(value: unknown): readonly ImportedScore[] {
  if (value === null || value === undefined || typeof value !== 'object') return [];
  const scores: ImportedScore[] = [];
  if (Array.isArray(value)) {
    for (const entry of value as unknown[]) addScore(scores, '', entry);
    return scores;
  }
  const record = value as JsonRecord;
  const results = asRecord(record['results']) ?? record;
  for (const key of Object.keys(results)) if (key !== '_meta' && key !== 'meta') addScore(scores, key, results[key]);
  return scores;
}

function addScore(scores: ImportedScore[], key: string, entry: unknown): void {
  const split = key.indexOf('::');
  const keyDimension = split < 0 ? key : key.slice(0, split);
  const keySource = split < 0 ? '' : key.slice(split + 2);
  if (typeof entry === 'number') {
    scores.push({ source: keySource || 'unnamed', dimension: keyDimension, value: entry, scale: SCALE, attributes: {} });
    return;
  }
  const record = asRecord(entry);
  const score = asNumber(record?.['score']);
  if (record === undefined || score === undefined) return;
  const imported = {
    source: asText(record['source']) ?? (keySource || 'unnamed'),
    dimension: asText(record['dimension']) ?? keyDimension,
    value: score,
    scale: SCALE,
    attributes: scoreAttributes(record),
  };
  const rationale = asText(record['rationale']);
  scores.push(rationale === undefined ? imported : { ...imported, rationale });
}

function scoreAttributes(record: JsonRecord): Readonly<Record<string, number>> {
  let attributes: Record<string, number> | undefined;
  for (const source of [record, asRecord(record['attributes'])]) {
    if (source === undefined) continue;
    for (const key in source) {
      const value = source[key];
      if (typeof value !== 'number' || !Number.isFinite(value) || (source === record && SCORE_FIELDS.has(key)) || (key === 'weight' && value === 1)) continue;
      attributes ??= {};
      attributes[key] = value;
    }
  }
  return attributes ?? NO_ATTRIBUTES;
}

const NO_ATTRIBUTES: Readonly<Record<string, number>> = {};
const SCORE_FIELDS: ReadonlySet<string> = new Set(['dimension', 'score', 'source', 'rationale', 'attributes']);
