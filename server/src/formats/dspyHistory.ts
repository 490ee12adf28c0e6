/**
 * The history of a DSPy language model: each entry is one call and one step. Calls about the same question are one trace;
 * of ReAct's calls the observation stands in the prompt of the call after.
 */
import type { OffsetRange, PlanTrace, TraceMeta, Usage } from '../core/planTrace.ts';
import type { ObjectRead } from './fileRecords.ts';
import { asArray, asId, asJson, asNumber, asRecord, asString, asText, asTimeMs, membersExcept, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { markedFields, markedRanges } from './markedFields.ts';
import { contentText, flatNumbers, jsonText, looksLikeFailure, toolArguments } from './messageContent.ts';
import { OpenSteps, type OpenCall, type OpenStep } from './openSteps.ts';
import { assembleTrace, type UniqueIds } from './traceAssembly.ts';
import { EACH, findWords } from './wordRanges.ts';

/** Whether a record is a call as the history keeps it. */
export function isHistoryEntry(record: JsonRecord): boolean {
  if (!Array.isArray(record['outputs']) || !('messages' in record || 'prompt' in record) || !('kwargs' in record)) return false;
  return ['uuid', 'timestamp', 'usage', 'model', 'response', 'model_type'].filter((key) => key in record).length >= 2;
}

export interface HistoryReader {
  read(entry: ObjectRead, pointer: string): void;
  traces(traceIds: UniqueIds, isGrowing: boolean): readonly PlanTrace[];
}

interface Episode {
  readonly goal: { readonly text: string; readonly range: OffsetRange | null };
  readonly steps: OpenSteps;
  readonly models: string[];
  readonly createdAt: string | undefined;
  readonly start: number;
  end: number;
  costUsd: number;
  /** The call whose observation the next prompt holds, and under which name. */
  waiting: { readonly call: OpenCall; readonly name: string } | undefined;
}

/** Begins to read a history; `text` is the whole file. */
export function dspyHistory(text: string): HistoryReader {
  const episodes: Episode[] = [];
  return {
    read(entry, pointer) {
      const asked = askedOf(entry.fields);
      const inputs = markedFields(asked);
      const last = episodes.at(-1);
      const isSame = last !== undefined && (inputs.size === 0 ? last.goal.text === asked.trim() : [...inputs.values()].includes(last.goal.text));
      const episode = isSame ? last : begin(text, entry, { asked, inputs });
      if (!isSame) episodes.push(episode);
      addCall(text, episode, entry, { asked, inputs, pointer });
    },
    traces: (traceIds, isGrowing) => episodes.map((episode, i) => traceOf(episode, traceIds, isGrowing && i === episodes.length - 1)),
  };
}

/** What the call was asked last; before it come instructions and demonstrations. */
function askedOf(fields: JsonRecord): string {
  const asked = recordsOf(fields['messages']).findLast((message) => message['role'] === 'user');
  return asked === undefined ? (asString(fields['prompt']) ?? '') : (contentText(asked['content']) ?? '');
}

interface Asked {
  readonly asked: string;
  readonly inputs: ReadonlyMap<string, string>;
}

function begin(text: string, entry: ObjectRead, from: Asked): Episode {
  const first = [...from.inputs].find(([name, value]) => value !== '' && !/^(?:trajectory|thought_\d+|tool_|observation_|demos$|tools$)/.test(name));
  const position = String(asArray(entry.fields['messages']).findLastIndex((message) => asRecord(message)?.['role'] === 'user'));
  const whole = findWords(text, entry, [['messages', position, 'content'], ['messages', position, 'content', EACH, 'text'], ['prompt']]);
  const range = whole === undefined || first === undefined ? whole : (markedRanges(text, whole).get(first[0]) ?? whole);
  return {
    goal: { text: first?.[1] ?? from.asked.trim(), range: range ?? null },
    steps: new OpenSteps(), models: [], createdAt: asText(entry.fields['timestamp']), start: entry.start, end: entry.end, costUsd: 0, waiting: undefined,
  };
}

function addCall(text: string, episode: Episode, entry: ObjectRead, from: Asked & { readonly pointer: string }): void {
  const { fields } = entry;
  const { waiting } = episode;
  const observation = waiting === undefined ? undefined : from.inputs.get(waiting.name);
  if (waiting !== undefined && observation !== undefined) {
    waiting.call.result = observation;
    waiting.call.isError = looksLikeFailure(observation) || /^\s*(?:Execution error in|Failed to execute)\b/.test(observation);
  }
  episode.waiting = undefined;
  episode.end = entry.end;
  const output = asArray(fields['outputs'])[0];
  const answer = asRecord(output);
  const words = asString(output) ?? contentText(answer?.['text']) ?? '';
  const step = episode.steps.begin(entry, from.pointer);
  if (from.asked !== '') step.input = from.asked;
  const model = asText(fields['model']) ?? asText(fields['response_model']);
  if (model !== undefined) episode.models.push(model);
  const response = asRecord(fields['response']);
  const choice = recordsOf(response?.['choices'])[0];
  step.stepId = asId(fields['uuid']);
  step.startTimeMs = asTimeMs(fields['timestamp']);
  step.usage = usageOf(asRecord(fields['usage']));
  step.costUsd = asNumber(fields['cost']);
  step.logprobs = flatNumbers(answer?.['logprobs'] ?? choice?.['logprobs']);
  step.finishReason = asText(choice?.['finish_reason']);
  step.attributes = membersExcept(fields, ENTRY_FIELDS);
  episode.costUsd += step.costUsd ?? 0;
  said(text, step, entry, { words, reasoning: asText(answer?.['reasoning_content']) });
  for (const call of callsIn(words, answer)) {
    episode.steps.addCall(step, call);
    episode.waiting ??= { call, name: `observation_${[...from.inputs.keys()].filter((name) => name.startsWith('thought_')).length}` };
  }
}

const ENTRY_FIELDS: ReadonlySet<string> = new Set(['prompt', 'messages', 'outputs', 'response', 'usage', 'cost', 'timestamp', 'uuid', 'kwargs']);

function usageOf(record: JsonRecord | undefined): Usage | undefined {
  const usage = settled<Usage>({ inputTokens: asNumber(record?.['prompt_tokens']), outputTokens: asNumber(record?.['completion_tokens']), cachedTokens: asNumber(asRecord(record?.['prompt_tokens_details'])?.['cached_tokens']) });
  return Object.keys(usage).length === 0 ? undefined : usage;
}

/** The fields of an answer, marked or as JSON; none where it is plain text. */
function answerFields(words: string): ReadonlyMap<string, string> {
  const marked = markedFields(words);
  if (marked.size > 0 || !words.trimStart().startsWith('{')) return marked;
  const record = asRecord(toolArguments(words).args);
  return new Map(Object.entries(record ?? {}).map(([name, value]) => [name, typeof value === 'string' ? value : jsonText(value)]));
}

function said(text: string, step: OpenStep, entry: ObjectRead, from: { readonly words: string; readonly reasoning: string | undefined }): void {
  const fields = answerFields(from.words);
  const thought = fields.get('next_thought');
  const reasoning = fields.get('reasoning') ?? fields.get('rationale');
  const rest = [...fields].filter(([name, value]) => value !== '' && !NOT_WORDS.has(name));
  const plain = fields.size === 0 ? from.words.trim() : rest.map(([name, value]) => (rest.length === 1 ? value : `${name}: ${value}`)).join('\n');
  step.output = (thought ?? plain) || undefined;
  step.reasoning = [from.reasoning, reasoning].filter((part) => part !== undefined && part !== '').join('\n\n') || undefined;
  const whole = findWords(text, entry, [['outputs', EACH], ['outputs', EACH, 'text']]);
  const wholeText = whole === undefined || text.charAt(whole.start) !== '{' ? whole : (findWords(text, entry, [['outputs', EACH, 'text']]) ?? whole);
  const narrow = wholeText === undefined ? undefined : markedRanges(text, wholeText);
  step.textRange = narrow?.get(thought !== undefined ? 'next_thought' : (rest[0]?.[0] ?? 'reasoning')) ?? wholeText;
}

const NOT_WORDS: ReadonlySet<string> = new Set(['next_thought', 'next_tool_name', 'next_tool_args', 'next_tool_calls', 'reasoning', 'rationale', 'completed']);

/** The calls an answer asks for: the model's own, else the tool ReAct has it name. */
function callsIn(words: string, answer: JsonRecord | undefined): readonly OpenCall[] {
  const native = recordsOf(answer?.['tool_calls']).map((call): OpenCall => {
    const called = asRecord(call['function']) ?? call;
    return { name: asText(called['name']) ?? 'unnamed', ...toolArguments(called['arguments']), callId: asId(call['id']) ?? asId(call['call_id']), isError: false };
  });
  if (native.length > 0) return native;
  const fields = answerFields(words);
  const name = fields.get('next_tool_name');
  if (name !== undefined && name !== '') return [{ name, ...toolArguments(fields.get('next_tool_args') ?? null), isError: false }];
  const listed = asRecord(toolArguments(fields.get('next_tool_calls') ?? null).args);
  return recordsOf(listed?.['tool_calls']).map((call) => ({ name: asText(call['name']) ?? 'unnamed', args: asJson(call['args']), isError: false }));
}

function traceOf(episode: Episode, traceIds: UniqueIds, isGrowing: boolean): PlanTrace {
  return assembleTrace(
    {
      format: 'dspy',
      formatVersion: 'history',
      goalText: episode.goal.text,
      goalRange: episode.goal.range,
      planSignature: 'dspy',
      steps: episode.steps.drafts(isGrowing),
      createdAt: episode.createdAt,
      meta: settled<TraceMeta>({ model: episode.models[0], agent: 'dspy', session: undefined, cwd: undefined, costUsd: episode.costUsd > 0 ? episode.costUsd : undefined, outcome: undefined }),
      range: { start: episode.start, end: episode.end },
    },
    traceIds,
  );
}
