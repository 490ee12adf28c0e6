/** Puts exchanges and items of OpenAI's Responses API together to runs: one step a response, with the outputs its calls got later. */
import type { OffsetRange, PlanTrace, TraceMeta } from '../core/planTrace.ts';
import { callItem, callOutput, outcomeOf, reasoningText } from './codexItems.ts';
import { asId, asRecord, asText, asTimeMs, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { contentText, flatNumbers, jsonText, toolArguments } from './messageContent.ts';
import { joined, OpenSteps, type OpenCall, type OpenStep } from './openSteps.ts';
import { usageIn } from './spanValues.ts';
import { assembleTrace, type UniqueIds } from './traceAssembly.ts';
import { countUnknown } from './unknownRecords.ts';
import { EACH, findWords, type WordPath } from './wordRanges.ts';

/** One item with where it stands; `words` where it was made of a string. */
export interface Item extends OffsetRange {
  readonly value: JsonRecord;
  readonly pointer: string;
  readonly words?: OffsetRange;
}

/** A request and its answer, as far as the file has them. Place and pointer are the answer's. */
export interface Exchange extends OffsetRange {
  readonly fields: JsonRecord;
  readonly input: readonly Item[];
  readonly output: readonly Item[];
  /** Items of a list object (`{object: "list", data}`). */
  readonly list: readonly Item[];
  readonly hasAnswer: boolean;
  readonly pointer: string;
}

interface Run {
  readonly steps: OpenSteps;
  readonly fields: JsonRecord;
  readonly unknown: Record<string, number>;
  /** How often each item stands in the run. */
  readonly seen: Map<string, number>;
  goal: { readonly text: string; readonly range: OffsetRange | undefined } | undefined;
  start: number;
  end: number;
  /** Whether the next item of the model begins a step. */
  isClosed: boolean;
  /** How good the text range of the last step is: words beat thoughts beat arguments. */
  rank: number;
  /** Of the last step. */
  logprobs: number[];
}

const RANK_ARGUMENTS = 1;
const RANK_THOUGHT = 2;
const RANK_WORDS = 3;

/** The runs of one file, in the order they begin. */
export class ResponseRuns {
  private readonly text: string;
  private readonly runs: Run[] = [];
  private readonly runByResponse = new Map<string, Run>();
  private readonly runByConversation = new Map<string, Run>();
  private readonly runByCall = new Map<string, Run>();

  constructor(text: string) {
    this.text = text;
  }

  /** A conversation given as its items. */
  addItems(items: readonly Item[]): void {
    const [first] = items;
    const last = items.at(-1);
    if (first === undefined || last === undefined) return;
    const run = this.begin({}, { start: first.start, end: last.end });
    for (const item of items) this.read(run, item, item.end);
  }

  addExchange(exchange: Exchange): void {
    const { fields, input, output } = exchange;
    const known = this.continued(exchange);
    const run = known?.run ?? this.begin(fields, exchange);
    run.start = Math.min(run.start, exchange.start, input[0]?.start ?? exchange.start);
    run.end = Math.max(run.end, exchange.end, input.at(-1)?.end ?? exchange.end);
    // A request that states the conversation again adds only what the run does not have.
    const told = new Map<string, number>();
    for (const item of input) {
      const key = keyOf(item.value);
      const count = (told.get(key) ?? 0) + 1;
      told.set(key, count);
      if (known?.isRetold === true && count <= (run.seen.get(key) ?? 0)) continue;
      // What stands in the next request is outside the step it answers.
      this.read(run, item, 0);
    }
    run.isClosed = true;
    const before = run.steps.steps.length;
    for (const item of output) this.read(run, item, item.end);
    if (run.steps.steps.length === before && isOver(fields)) this.beginStep(run, exchange);
    this.complete(run, exchange, before);
    run.isClosed = true;
    const id = asId(fields['id']);
    if (id !== undefined) this.runByResponse.set(id, run);
    const conversation = conversationOf(fields);
    if (conversation !== undefined) this.runByConversation.set(conversation, run);
  }

  traces(about: { readonly format: string; readonly formatVersion: string; readonly isCut: boolean }, traceIds: UniqueIds): readonly PlanTrace[] {
    const filled = this.runs.filter((run) => run.steps.steps.length > 0);
    return filled.map((run, i) => traceOf(run, { ...about, isGrowing: about.isCut && i === filled.length - 1 }, traceIds));
  }

  private begin(fields: JsonRecord, { start, end }: OffsetRange): Run {
    const run: Run = { steps: new OpenSteps(), fields, unknown: {}, seen: new Map(), goal: undefined, start, end, isClosed: true, rank: 0, logprobs: [] };
    this.runs.push(run);
    return run;
  }

  /** The run an exchange goes on with: by what it names, or because its input answers a call of that run. */
  private continued({ fields, input }: Exchange): { readonly run: Run; readonly isRetold: boolean } | undefined {
    const named = this.runByResponse.get(asId(fields['previous_response_id']) ?? '') ?? this.runByConversation.get(conversationOf(fields) ?? '');
    if (named !== undefined) return { run: named, isRetold: false };
    for (const { value } of input) {
      const run = this.runByCall.get(asId(value['call_id']) ?? '');
      if (run !== undefined) return { run, isRetold: true };
    }
    return undefined;
  }

  private read(run: Run, item: Item, resultEnd: number): void {
    const { value } = item;
    const key = keyOf(value);
    run.seen.set(key, (run.seen.get(key) ?? 0) + 1);
    const role = asText(value['role']);
    const type = asText(value['type']) ?? (role === undefined ? 'no type' : 'message');
    if (type === 'message') {
      if (role === 'assistant') return this.said(run, item);
      run.isClosed = true;
      if (role !== 'user') return;
      const words = contentText(value['content']) ?? '';
      run.steps.hear(words);
      if (words.trim() !== '') run.goal ??= { text: words, range: item.words ?? findWords(this.text, item, [['content', EACH, 'text'], ['content']]) };
      return;
    }
    if (type === 'reasoning') return this.thought(run, item);
    const outcome = outputOf(type, value);
    if (outcome !== undefined) {
      if (!run.steps.answer(outcome.callId, { ...outcome, end: resultEnd })) countUnknown(run.unknown, `${type} without its call`);
      run.isClosed = true;
      return;
    }
    const call = callOf(type, value);
    if (call !== undefined) return this.called(run, item, call);
    if (!SILENT.has(type)) countUnknown(run.unknown, type);
  }

  private stepFor(run: Run, item: Item): OpenStep {
    const { last } = run.steps;
    if (last === undefined || run.isClosed) return this.beginStep(run, item);
    last.range.end = Math.max(last.range.end, item.end);
    return last;
  }

  private beginStep(run: Run, place: OffsetRange & { readonly pointer: string }): OpenStep {
    run.isClosed = false;
    run.rank = 0;
    run.logprobs = [];
    return run.steps.begin(place, place.pointer);
  }

  private said(run: Run, item: Item): void {
    const { value } = item;
    const step = this.stepFor(run, item);
    step.stepId ??= asId(value['id']);
    step.output = joined(step.output, contentText(value['content']));
    const logprobs = recordsOf(value['content']).flatMap((part) => flatNumbers(part['logprobs']) ?? []);
    for (const logprob of logprobs) run.logprobs.push(logprob);
    if (run.logprobs.length > 0) step.logprobs = run.logprobs;
    this.pointAt(run, step, item, RANK_WORDS, [['content', EACH, 'text'], ['content', EACH, 'refusal'], ['content']]);
  }

  private thought(run: Run, item: Item): void {
    const { value } = item;
    const step = this.stepFor(run, item);
    const words = reasoningText(value);
    step.reasoning = joined(step.reasoning, words) || undefined;
    if (words === '') step.attributes = { ...step.attributes, reasoningNotRecorded: asText(value['encrypted_content']) === undefined ? 'left out' : 'encrypted' };
    this.pointAt(run, step, item, RANK_THOUGHT, [['summary', EACH, 'text'], ['content', EACH, 'text']]);
  }

  private called(run: Run, item: Item, { call, argsPaths }: { readonly call: OpenCall; readonly argsPaths: readonly WordPath[] }): void {
    const step = this.stepFor(run, item);
    step.stepId ??= asId(item.value['id']) ?? call.callId;
    run.steps.addCall(step, call);
    if (call.callId !== undefined) this.runByCall.set(call.callId, run);
    this.pointAt(run, step, item, RANK_ARGUMENTS, [...argsPaths, ['name']]);
  }

  private pointAt(run: Run, step: OpenStep, item: Item, rank: number, paths: readonly WordPath[]): void {
    if (rank <= run.rank) return;
    const range = item.words ?? findWords(this.text, item, paths);
    if (range === undefined) return;
    step.textRange = range;
    run.rank = rank;
  }

  /** What the response says about all it holds: id, counts, how it ended. */
  private complete(run: Run, { fields }: Exchange, firstStep: number): void {
    const first = run.steps.steps[firstStep];
    const { last } = run.steps;
    if (first === undefined || last === undefined) return;
    first.stepId = asId(fields['id']) ?? first.stepId;
    first.startTimeMs = asTimeMs(fields['created_at']);
    last.endTimeMs = asTimeMs(fields['completed_at']);
    last.usage = usageIn(asRecord(fields['usage']));
    const status = asText(fields['status']);
    last.finishReason = asText(asRecord(fields['incomplete_details'])?.['reason']) ?? (status === 'completed' ? undefined : status);
    const error = asRecord(fields['error']);
    if (error !== undefined) last.error = { type: asText(error['code']) ?? asText(error['type']) ?? 'error', message: asText(error['message']) ?? '' };
  }
}

/** Items that say nothing about the agent's work. */
const SILENT: ReadonlySet<string> = new Set(['item_reference', 'compaction', 'mcp_list_tools', 'mcp_approval_response']);

/** Whether a response without any item is one that ended. */
function isOver(fields: JsonRecord): boolean {
  return asRecord(fields['error']) !== undefined || ['completed', 'incomplete', 'failed'].includes(asText(fields['status']) ?? '');
}

function conversationOf(fields: JsonRecord): string | undefined {
  return asId(asRecord(fields['conversation'])?.['id'] ?? fields['conversation']);
}

/** By what an item is known again in a later request, which may leave its id and status out. */
function keyOf(item: JsonRecord): string {
  const type = asText(item['type']) ?? 'message';
  const callId = asId(item['call_id']);
  if (callId !== undefined) return `${type} ${callId}`;
  if (type === 'message') return `${asText(item['role']) ?? ''} ${contentText(item['content']) ?? ''}`;
  return asId(item['id']) ?? `${type} ${reasoningText(item)}`;
}

/** The call an item makes. Tools that OpenAI runs itself bring their result in the same item. */
function callOf(type: string, item: JsonRecord): { readonly call: OpenCall; readonly argsPaths: readonly WordPath[] } | undefined {
  const made = callItem(type, item);
  if (made !== undefined) return { call: made.call, argsPaths: [made.argsPath] };
  const isApproval = type === 'mcp_approval_request';
  if (!type.endsWith('_call') && !isApproval) return undefined;
  const [argsKey, given] = ARGUMENTS.flatMap((key) => (item[key] === undefined || item[key] === null ? [] : [[key, item[key]] as const]))[0] ?? ['arguments', {}];
  const server = asText(item['server_label']);
  const name = asText(item['name']) ?? type.slice(0, -'_call'.length);
  const failure = item['error'];
  const hasFailed = (failure !== undefined && failure !== null) || item['status'] === 'failed';
  const found = hasFailed && failure !== undefined && failure !== null ? failure : (item['output'] ?? item['outputs'] ?? item['results']);
  const outcome = found === undefined || found === null ? undefined : outcomeOf(hostedOutput(found));
  return {
    call: {
      name: server === undefined ? name : `${server}.${name}`,
      ...(argsKey === 'code' ? { args: { code: asText(given) ?? '' } } : toolArguments(given)),
      callId: asId(item['call_id']) ?? (isApproval ? asId(item['id']) : undefined),
      ...(outcome === undefined ? {} : { result: outcome.text }),
      isError: hasFailed || outcome?.isError === true,
    },
    argsPaths: [[argsKey]],
  };
}

const ARGUMENTS = ['arguments', 'action', 'input', 'code', 'queries', 'operation'];

/** Logs and pictures of the code interpreter, files found: as text where each part has some. */
function hostedOutput(value: unknown): unknown {
  if (!Array.isArray(value)) return typeof value === 'string' ? value : jsonText(value);
  const parts = recordsOf(value).flatMap((part) => asText(part['logs']) ?? asText(part['text']) ?? []);
  return parts.length === value.length && parts.length > 0 ? parts.join('\n') : jsonText(value);
}

function outputOf(type: string, item: JsonRecord): { readonly callId: string; readonly text: string; readonly isError: boolean } | undefined {
  if (!type.endsWith('_call_output')) return undefined;
  const found = callOutput(type, item) ?? { callId: asId(item['call_id']) ?? asId(item['id']), ...outcomeOf(typeof item['output'] === 'string' ? item['output'] : hostedOutput(item['output'] ?? '')) };
  return { ...found, callId: found.callId ?? '', isError: found.isError || item['status'] === 'failed' };
}

function traceOf(run: Run, about: { readonly format: string; readonly formatVersion: string; readonly isGrowing: boolean }, traceIds: UniqueIds): PlanTrace {
  const { fields, goal } = run;
  const steps = run.steps.drafts(about.isGrowing).map((step) => {
    const isBare = (step.output ?? '') === '' && step.reasoning === undefined && (step.tools ?? []).length === 0;
    return isBare && step.attributes?.['reasoningNotRecorded'] !== undefined ? { ...step, contentNotCaptured: true } : step;
  });
  const created = asTimeMs(fields['created_at']);
  return assembleTrace(
    {
      format: about.format,
      formatVersion: about.formatVersion,
      traceId: asId(fields['custom_id']) ?? conversationOf(fields) ?? asId(fields['id']),
      goalText: goal?.text,
      goalRange: goal?.range ?? null,
      planSignature: about.format,
      steps,
      createdAt: created === undefined ? undefined : new Date(created).toISOString(),
      meta: settled<TraceMeta>({ model: asText(fields['model']), agent: undefined, session: conversationOf(fields), cwd: undefined, costUsd: undefined, outcome: undefined }),
      unknownRecordCounts: run.unknown,
      range: { start: run.start, end: run.end },
    },
    traceIds,
  );
}
