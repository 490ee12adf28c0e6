/**
 * Prints traces as OTLP JSON by the GenAI conventions: an `invoke_agent` span for each trace, a `chat` span for each step, below it
 * an `execute_tool` span for each call that was answered. Scores are events `gen_ai.evaluation.result`.
 */
import { hashText } from '../core/hash.ts';
import type { ExecutionStep, PlanTrace } from '../core/planTrace.ts';
import type { ScoreRecord } from '../core/scoreRecord.ts';
import { counted, exportLosses } from './exportLosses.ts';
import { asText, asTimeMs } from './jsonFields.ts';
import { otlpFormat } from './otlp.ts';
import { Double, keyValues, SPAN_KINDS, STATUS_CODES, unixNanos } from './otlpValues.ts';
import { endOf, jsonDocument, present, type PrintedIds, type PrintedTraces, type PrintOptions, type TraceScores } from './printedTraces.ts';
import { errorFields, evaluationEvents, printedAttributes, spokenMessages, textMessage, toolSpans, type OtlpSpan } from './printOtlpStep.ts';

const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.41.0';
const SCOPE = { name: 'stepscope' };

export function printOtlp(traces: readonly PlanTrace[], options: PrintOptions = {}): PrintedTraces {
  const printed = traces.map((trace, i) => resourceSpans(trace, options.scores?.[i]));
  const text = jsonDocument({ resourceSpans: printed.map(({ value }) => value) });
  const lost = exportLosses(printed.map(({ ids }) => ids), otlpFormat.parse({ path: '', text }).traces);
  return { text, lost: [...lost, ...lostOfScores(options.scores ?? [])] };
}

/** The conventions know a name, a number, a label and an explanation. */
function lostOfScores(scores: readonly (TraceScores | undefined)[]): readonly string[] {
  const records = scores.flatMap((of) => (of === undefined ? [] : [...of.ofTrace, ...[...of.byStepId.values()].flat()]));
  const described = records.filter((record) => record.score !== null && Object.keys(record.attributes).length > 0).length;
  const unscored = records.filter((record) => record.score === null).length;
  return [...(described === 0 ? [] : [`attributes of ${counted(described, 'added score')}`]), ...(unscored === 0 ? [] : [`${counted(unscored, 'measurement')} without a score`])];
}

function resourceSpans(trace: PlanTrace, scores: TraceScores | undefined): { readonly value: unknown; readonly ids: PrintedIds } {
  const ids = spanIds(trace);
  const { meta } = trace;
  const agent = meta.agent ?? (trace.planSignature === '' ? undefined : trace.planSignature);
  const spans = [rootSpan(trace, { ids, agent, scores: scores?.ofTrace ?? [] })];
  const nested = new Set<string>();
  const stepsById = new Map(trace.steps.map((step) => [step.stepId, step]));
  for (const [i, step] of trace.steps.entries()) {
    const place = { traceId: ids.traceId, spanId: ids.stepIds[i] ?? '', trace, agent };
    const parent = parentOf(step, stepsById);
    let parentSpanId = ids.rootId;
    if (parent !== undefined) {
      parentSpanId = derivedSpanId(trace, `agent\n${parent.stepId}\n${step.agentName ?? ''}`);
      if (!nested.has(parentSpanId)) spans.push(nestedAgent(step, { traceId: ids.traceId, spanId: parentSpanId, parentSpanId: ids.stepIds[parent.stepIndex] ?? ids.rootId }));
      nested.add(parentSpanId);
    }
    spans.push(chatSpan(step, { ...place, parentSpanId, scores: scores?.byStepId.get(step.stepId) ?? [] }));
    spans.push(...toolSpans(step, { traceId: ids.traceId, parentSpanId: place.spanId, spanId: (index) => derivedSpanId(trace, `tool\n${step.stepId}\n${index}`), conversation: meta.session }));
  }
  const value = { resource: { attributes: keyValues({ 'service.name': agent ?? 'unknown_service' }) }, scopeSpans: [{ scope: SCOPE, spans, schemaUrl: SCHEMA_URL }], schemaUrl: SCHEMA_URL };
  return { value, ids: { trace, traceId: ids.traceId, stepIds: ids.stepIds } };
}

interface SpanIds {
  readonly traceId: string;
  readonly rootId: string;
  readonly stepIds: readonly string[];
}

/** Ids that are hexadecimal already stay; others become a hash, always the same. */
function spanIds(trace: PlanTrace): SpanIds {
  return {
    traceId: isHexId(trace.traceId, 32) ? trace.traceId : hashText(`trace\n${trace.traceId}`),
    rootId: derivedSpanId(trace, 'root'),
    stepIds: trace.steps.map((step) => (isHexId(step.stepId, 16) ? step.stepId : derivedSpanId(trace, `step\n${step.stepId}`))),
  };
}

function derivedSpanId(trace: PlanTrace, of: string): string {
  return hashText(`${trace.traceId}\n${of}`).slice(0, 16);
}

function isHexId(id: string, digits: number): boolean {
  return id.length === digits && /^[0-9a-f]+$/.test(id) && !/^0+$/.test(id);
}

/** The step that called the agent this one belongs to, where the two stand as our reader would place them again. */
function parentOf(step: ExecutionStep, stepsById: ReadonlyMap<string, ExecutionStep>): ExecutionStep | undefined {
  const parent = step.parentId === undefined || !step.isSidechain ? undefined : stepsById.get(step.parentId);
  return parent !== undefined && parent.stepIndex < step.stepIndex && step.depth === parent.depth + 1 ? parent : undefined;
}

function rootSpan(trace: PlanTrace, of: { readonly ids: SpanIds; readonly agent: string | undefined; readonly scores: readonly ScoreRecord[] }): OtlpSpan {
  const { meta } = trace;
  const starts = trace.steps.flatMap((step) => step.startTimeMs ?? []);
  const ends = trace.steps.flatMap((step) => endOf(step) ?? []);
  const created = asTimeMs(trace.createdAt);
  const start = [...(created === undefined ? [] : [created]), ...starts].reduce<number | undefined>((least, ms) => (least === undefined || ms < least ? ms : least), undefined);
  const end = ends.reduce<number | undefined>((most, ms) => (most === undefined || ms > most ? ms : most), undefined);
  const isEmpty = trace.steps.length === 0;
  const events = evaluationEvents(of.scores, trace.importedScores, unixNanos(end));
  return {
    traceId: of.ids.traceId, spanId: of.ids.rootId, name: of.agent === undefined ? 'invoke_agent' : `invoke_agent ${of.agent}`, kind: SPAN_KINDS.internal,
    startTimeUnixNano: unixNanos(start), endTimeUnixNano: unixNanos(end),
    attributes: keyValues({
      'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': of.agent, 'gen_ai.conversation.id': meta.session, 'gen_ai.request.model': meta.model,
      'gen_ai.input.messages': trace.goalText === '' ? undefined : textMessage('user', trace.goalText),
      // Words without a step would be taken for one.
      'gen_ai.output.messages': trace.finalOutputText === '' || isEmpty ? undefined : textMessage('assistant', trace.finalOutputText),
    }),
    ...(events.length === 0 ? {} : { events }),
  };
}

function nestedAgent(step: ExecutionStep, at: { readonly traceId: string; readonly spanId: string; readonly parentSpanId: string }): OtlpSpan {
  return {
    ...at, name: step.agentName === undefined ? 'invoke_agent' : `invoke_agent ${step.agentName}`, kind: SPAN_KINDS.internal, startTimeUnixNano: unixNanos(step.startTimeMs), endTimeUnixNano: '0',
    attributes: keyValues({ 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': step.agentName }),
  };
}

interface StepPlace {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly trace: PlanTrace;
  readonly agent: string | undefined;
  readonly scores: readonly ScoreRecord[];
}

function chatSpan(step: ExecutionStep, { traceId, spanId, parentSpanId, trace, agent, scores }: StepPlace): OtlpSpan {
  const { usage, error, finishReason } = step;
  const model = asText(step.attributes['model']) ?? trace.meta.model;
  const end = unixNanos(endOf(step));
  const events = [...(error === undefined ? [] : [{ timeUnixNano: end, name: 'exception', attributes: keyValues({ 'exception.type': error.type, 'exception.message': error.message, 'exception.stacktrace': error.traceback }) }]), ...evaluationEvents(scores, step.importedScores, end, step.attributes['judgements'])];
  return {
    traceId, spanId, parentSpanId, name: model === undefined ? 'chat' : `chat ${model}`, kind: SPAN_KINDS.client, startTimeUnixNano: unixNanos(step.startTimeMs), endTimeUnixNano: end,
    attributes: keyValues({
      ...printedAttributes(step),
      ...present({
        'gen_ai.operation.name': 'chat', 'gen_ai.request.model': model, 'gen_ai.agent.name': step.agentName ?? agent, 'gen_ai.conversation.id': trace.meta.session,
        'gen_ai.input.messages': step.input === undefined || step.input === '' ? undefined : textMessage('user', step.input),
        'gen_ai.output.messages': spokenMessages(step),
        'gen_ai.response.finish_reasons': finishReason === undefined ? undefined : [finishReason],
        'gen_ai.usage.input_tokens': usage?.inputTokens, 'gen_ai.usage.output_tokens': usage?.outputTokens, 'gen_ai.usage.cache_read.input_tokens': usage?.cachedTokens,
        'gen_ai.usage.cost': step.costUsd === undefined ? undefined : new Double(step.costUsd),
      }),
      ...(error === undefined ? {} : { 'error.type': error.type }),
    }),
    ...(events.length === 0 ? {} : { events }),
    ...(error === undefined ? {} : { status: errorFields(STATUS_CODES.error, error.message) }),
  };
}
