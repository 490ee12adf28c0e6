/** A prediction of DSPy's ReAct: `trajectory{thought_0, tool_name_0, tool_args_0, observation_0, …}`, an object or the same as marked text. */
import type { OffsetRange, PlanTrace, TraceMeta } from '../core/planTrace.ts';
import { readObject, type ObjectRead } from './fileRecords.ts';
import { asArray, asId, asJson, asRecord, asString, asText, settled, type JsonRecord } from './jsonFields.ts';
import { insideQuotes, Irregularities, JsonCursor } from './jsonSpans.ts';
import { markedFields, markedRanges } from './markedFields.ts';
import { contentText, jsonText, looksLikeFailure, toolArguments } from './messageContent.ts';
import { OpenSteps, type OpenCall, type OpenStep } from './openSteps.ts';
import { assembleTrace, type UniqueIds } from './traceAssembly.ts';

/** Whether a value is a trajectory in either shape. */
export function isTrajectory(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('[[ ## thought_0 ## ]]');
  const record = asRecord(value);
  return record !== undefined && 'thought_0' in record && ('tool_name_0' in record || 'tool_calls_0' in record || 'observation_0' in record);
}

interface Place {
  readonly pointer: string;
  readonly traceIds: UniqueIds;
  readonly isCut: boolean;
}

/** The trace of an object that holds a trajectory, or is one; undefined for any other object. */
export function predictionTrace(text: string, object: ObjectRead, place: Place): PlanTrace | undefined {
  const isBare = isTrajectory(object.fields);
  const at = object.ranges.get('trajectory');
  if (!isBare && (at === undefined || !isTrajectory(object.fields['trajectory']))) return undefined;
  const trajectory = isBare || at === undefined ? { fields: object.fields, ranges: object.ranges } : membersOf(text, object.fields['trajectory'], at);
  const steps = new OpenSteps();
  for (let i = 0; `thought_${i}` in trajectory.fields || `tool_name_${i}` in trajectory.fields || `observation_${i}` in trajectory.fields; i++) {
    addTurn(text, steps, trajectory, { suffix: `_${i}`, prefix: '', pointer: `${place.pointer}${isBare ? '' : '/trajectory'}/thought_${i}` });
  }
  if (!isBare && at !== undefined) {
    if ('next_thought' in object.fields) addTurn(text, steps, object, { suffix: '', prefix: 'next_', pointer: `${place.pointer}/next_thought` });
    addAnswer(text, steps, object, { after: at.end, pointer: place.pointer });
  }
  if (steps.steps.length === 0) return undefined;
  const goal = isBare ? undefined : goalOf(text, object, at);
  return assembleTrace(
    {
      format: 'dspy',
      formatVersion: 'react',
      traceId: asId(object.fields['dspy_uuid']) ?? asId(object.fields['uuid']),
      goalText: goal?.text,
      goalRange: goal?.range,
      planSignature: 'dspy.ReAct',
      steps: steps.drafts(place.isCut),
      meta: settled<TraceMeta>({ model: undefined, agent: 'dspy.ReAct', session: undefined, cwd: undefined, costUsd: undefined, outcome: undefined }),
      range: { start: object.start, end: object.end },
    },
    place.traceIds,
  );
}

interface Members {
  readonly fields: JsonRecord;
  readonly ranges: ReadonlyMap<string, OffsetRange>;
}

function membersOf(text: string, value: unknown, at: OffsetRange): Members {
  if (typeof value !== 'string') return readObject(new JsonCursor(text, at.start, at.end, new Irregularities()));
  const inside = insideQuotes(text, at.start, at.end) ?? at;
  return { fields: Object.fromEntries(markedFields(value)), ranges: markedRanges(text, inside) };
}

interface Turn {
  readonly suffix: string;
  readonly prefix: string;
  readonly pointer: string;
}

/** One thought with its call and what came back. */
function addTurn(text: string, steps: OpenSteps, members: Members, turn: Turn): void {
  const { fields, ranges } = members;
  const key = (name: string): string => `${turn.prefix}${name}${turn.suffix}`;
  const places = ['thought', 'tool_name', 'tool_args', 'tool_calls', 'observation'].flatMap((name) => ranges.get(key(name)) ?? []).filter((place) => place.end > place.start);
  const start = Math.min(...places.map((place) => place.start));
  if (!Number.isFinite(start)) return;
  const step = steps.begin({ start, end: Math.max(...places.map((place) => place.end)) }, turn.pointer);
  const thought = textOf(fields[key('thought')]);
  step.output = thought === '' ? undefined : thought;
  step.textRange = unquoted(text, thought === '' ? undefined : ranges.get(key('thought'))) ?? unquoted(text, ranges.get(key('tool_args'))) ?? places[0];
  const observation = fields[key('observation')];
  const calls = callsOf(fields[key('tool_name')], fields[key('tool_args')], fields[key('tool_calls')]);
  const results = Array.isArray(observation) && calls.length > 1 ? (observation as unknown[]) : [observation];
  calls.forEach((call, i) => {
    const result = results[i];
    if (result !== undefined) settleWith(call, textOf(result));
    steps.addCall(step, call);
  });
}

/** What stands between the quotes of a value, in marked text bare already; undefined when the end of the file cut it off. */
function unquoted(text: string, range: OffsetRange | undefined): OffsetRange | undefined {
  if (range === undefined || range.end <= range.start) return undefined;
  return text.charAt(range.start) === '"' ? insideQuotes(text, range.start, range.end) : range;
}

function settleWith(call: OpenCall, result: string): void {
  call.result = result;
  call.isError = looksLikeFailure(result) || /^\s*(?:Execution error in|Failed to execute)\b/.test(result);
}

function callsOf(name: unknown, args: unknown, calls: unknown): OpenCall[] {
  const text = asText(name);
  if (text !== undefined) return [{ name: text, ...toolArguments(args ?? null), isError: false }];
  const listed = asArray(asRecord(calls)?.['tool_calls'] ?? calls);
  if (listed.length > 0) return listed.map((call) => ({ name: asText(asRecord(call)?.['name']) ?? 'unnamed', args: asJson(asRecord(call)?.['args']), isError: false }));
  // Later versions write the calls as Python prints them.
  const printed = asString(calls) ?? '';
  return [...printed.matchAll(/name='([^']{1,200})'/g)].map((found) => ({ name: found[1] ?? 'unnamed', args: printed, isError: false }));
}

function textOf(value: unknown): string {
  return (contentText(value) ?? (value === undefined || value === null ? '' : jsonText(value))).trim();
}

/** What a prediction holds that no part of its answer is. */
const NOT_ANSWERS: ReadonlySet<string> = new Set(['trajectory', 'augmented', 'dspy_uuid', 'dspy_split', 'uuid', 'next_thought', 'next_tool_name', 'next_tool_args', 'next_tool_calls', 'history']);

/** The members after the trajectory are what was drawn from it: a decision of its own. */
function addAnswer(text: string, steps: OpenSteps, object: ObjectRead, at: { readonly after: number; readonly pointer: string }): void {
  const answers = [...object.ranges].filter(([name, range]) => range.start >= at.after && range.end > range.start && !NOT_ANSWERS.has(name) && textOf(object.fields[name]) !== '');
  const first = answers[0];
  const last = answers.at(-1);
  if (first === undefined || last === undefined) return;
  const step: OpenStep = steps.begin({ start: first[1].start, end: last[1].end }, `${at.pointer}/${first[0]}`);
  const words = answers.filter(([name]) => name !== 'reasoning');
  const reasoning = textOf(object.fields['reasoning']);
  step.reasoning = reasoning === '' ? undefined : reasoning;
  step.output = words.map(([name]) => (words.length === 1 ? textOf(object.fields[name]) : `${name}: ${textOf(object.fields[name])}`)).join('\n') || undefined;
  const range = (words[0] ?? first)[1];
  step.textRange = insideQuotes(text, range.start, range.end) ?? range;
}

function goalOf(text: string, object: ObjectRead, at: OffsetRange | undefined): { readonly text: string; readonly range: OffsetRange | null } | undefined {
  const inputs = asRecord(object.fields['inputs']);
  const given = inputs === undefined ? undefined : Object.values(inputs).find((value) => asText(value) !== undefined);
  if (typeof given === 'string') return { text: given, range: object.ranges.get('inputs') ?? null };
  for (const [name, range] of object.ranges) {
    const value = asText(object.fields[name]);
    if (value === undefined || NOT_ANSWERS.has(name) || (at !== undefined && range.start > at.start)) continue;
    return { text: value, range: insideQuotes(text, range.start, range.end) ?? range };
  }
  return undefined;
}
