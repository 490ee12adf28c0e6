/** SWE-agent runs: `.traj` files with a `trajectory`, or demonstrations that hold a `history` only. An element of the trajectory is a step. */
import type { OffsetRange, PlanTrace, TraceMeta } from '../core/planTrace.ts';
import { readWarnings } from './documents.ts';
import { eachDocument, eachElement, readObject, takeRecord } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asNumber, asRecord, asText, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { Irregularities, JsonCursor } from './jsonSpans.ts';
import { contentText } from './messageContent.ts';
import { OpenSteps } from './openSteps.ts';
import { historyTurn, trajectoryStep } from './sweAgentSteps.ts';
import { assembleTrace, UniqueIds } from './traceAssembly.ts';
import { EACH, findWords } from './wordRanges.ts';

const ID = 'swe-agent';
const WITH_TRAJECTORY = 'trajectory';
const HISTORY_ONLY = 'history';

export const sweAgentFormat: TraceFormat = {
  id: ID,
  title: 'SWE-agent trajectory',
  detect(sniff: Sniff): number {
    const record = asRecord(sniff.values[0]);
    return record === undefined || sniff.values.length > 1 ? 0 : confidence(record, /\.traj$/i.test(sniff.path));
  },
  parse: parseRuns,
};

function confidence(record: JsonRecord, isNamed: boolean): number {
  const step = asRecord(asArray(record['trajectory'])[0]);
  if (step !== undefined) return 'action' in step && ('observation' in step || 'response' in step || 'thought' in step) ? 1 : 0;
  const history = recordsOf(record['history']).slice(0, 20);
  if (!history.some((message) => asText(message['role']) !== undefined && 'content' in message)) return 0;
  const hasMarks = history.some((message) => 'is_demo' in message || 'message_type' in message || ('agent' in message && 'action' in message));
  if (hasMarks) return 'environment' in record || isNamed ? 1 : 0.9;
  return isNamed ? 0.6 : 0;
}

function parseRuns(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const traceIds = new UniqueIds();
  const traces: PlanTrace[] = [];
  const walked = eachDocument(text, irregularities, (cursor) => {
    if (cursor.isObject()) traces.push(readRun(text, cursor, traceIds));
    else eachElement(cursor, () => {
      if (cursor.isObject()) traces.push(readRun(text, cursor, traceIds));
    });
  });
  const found = traces.filter((trace) => trace.steps.length > 0);
  return { format: ID, formatVersion: found[0]?.formatVersion ?? WITH_TRAJECTORY, traces: found, warnings: readWarnings(text, irregularities, walked.brokenLines) };
}

function readRun(text: string, cursor: JsonCursor, traceIds: UniqueIds): PlanTrace {
  const steps = new OpenSteps();
  const run = readObject(cursor, {
    lists: new Map([['trajectory', (index: number): void => trajectoryStep(text, steps, takeRecord(cursor, index), `/trajectory/${index}`)]]),
    unparsed: UNPARSED,
  });
  const { fields, ranges } = run;
  const isCut = cursor.irregularities.cutAt !== undefined;
  const hasTrajectory = steps.steps.length > 0;
  const goal = readHistory(text, ranges.get('history'), { steps: hasTrajectory ? undefined : steps, irregularities: cursor.irregularities });
  const info = asRecord(fields['info']) ?? {};
  const statement = problemStatement(fields['replay_config']);
  const exitStatus = asText(info['exit_status']);
  const { last } = steps;
  if (last !== undefined && exitStatus !== undefined) last.finishReason ??= exitStatus;
  const replayRange = ranges.get('replay_config');
  const statementRange = statement === undefined || replayRange === undefined ? undefined : (findWords(text, replayRange, [['problem_statement', 'text']]) ?? rangeInString(text, replayRange, statement.text));
  return assembleTrace(
    {
      format: ID,
      formatVersion: hasTrajectory ? WITH_TRAJECTORY : HISTORY_ONLY,
      goalText: statement?.text ?? goal?.text,
      goalRange: statement === undefined ? goal?.range : statementRange,
      planSignature: ID,
      steps: steps.drafts(isCut),
      finalOutputText: asText(info['submission']),
      meta: settled<TraceMeta>({
        model: modelOf(fields['replay_config']),
        agent: ID,
        session: statement?.id,
        cwd: undefined,
        costUsd: asNumber(asRecord(info['model_stats'])?.['instance_cost']),
        outcome: undefined,
      }),
      range: { start: run.start, end: run.end },
    },
    traceIds,
  );
}

/** `history` is read from its place; attempts that were not chosen and trees of them are left out. */
const UNPARSED: ReadonlySet<string> = new Set(['history', 'attempts', 'query']);

interface Goal {
  readonly text: string;
  readonly range: OffsetRange | null;
}

/** The first message of the user that is no demonstration; with `steps` given, also the turns of the agent. */
function readHistory(text: string, range: OffsetRange | undefined, into: { readonly steps: OpenSteps | undefined; readonly irregularities: Irregularities }): Goal | undefined {
  let goal: Goal | undefined;
  if (range === undefined) return undefined;
  const cursor = new JsonCursor(text, range.start, range.end, into.irregularities);
  if (!cursor.isArray()) return undefined;
  eachElement(cursor, (index) => {
    // With a trajectory, what follows the goal only repeats it.
    if (into.steps === undefined && goal !== undefined) return;
    const record = takeRecord(cursor, index);
    const message = asRecord(record.value);
    if (message === undefined || message['is_demo'] === true) return;
    const words = contentText(message['content']) ?? '';
    if (goal === undefined && message['role'] === 'user' && words !== '') {
      goal = { text: words, range: findWords(text, record, [['content', EACH, 'text'], ['content']]) ?? null };
      into.steps?.hear(words);
    } else if (into.steps !== undefined) {
      historyTurn(text, into.steps, record, `/history/${index}`);
    }
  });
  return goal;
}

/** The task as the run was given it; `replay_config` is an object, in early files JSON in a string. */
function problemStatement(replayConfig: unknown): { readonly text: string; readonly id: string | undefined } | undefined {
  const statement = asRecord(asRecord(configOf(replayConfig))?.['problem_statement']);
  const text = asText(statement?.['text']);
  return text === undefined ? undefined : { text, id: asText(statement?.['id']) };
}

/** Where the task stands in a `replay_config` that is JSON in a string: its words are escaped twice, non-ASCII ones as Python does or as they are. */
function rangeInString(text: string, range: OffsetRange, statement: string): OffsetRange | undefined {
  const raw = text.slice(range.start, range.end);
  const once = JSON.stringify(statement).slice(1, -1);
  for (const inner of [once, once.replace(/[^\0-\u007f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)]) {
    const written = JSON.stringify(inner).slice(1, -1);
    const at = raw.indexOf(written);
    if (at >= 0) return { start: range.start + at, end: range.start + at + written.length };
  }
  return undefined;
}

function modelOf(replayConfig: unknown): string | undefined {
  const agent = asRecord(asRecord(configOf(replayConfig))?.['agent']);
  return asText(asRecord(agent?.['model'])?.['name']);
}

function configOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
