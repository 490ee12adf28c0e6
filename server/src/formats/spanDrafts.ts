/** A decision found among spans, as a step of a trace. */
import type { ImportedScore, JsonValue, OffsetRange, ToolCall } from '../core/planTrace.ts';
import { settled } from './jsonFields.ts';
import { toolArguments } from './messageContent.ts';
import type { SpanStep, StepCall } from './spanSteps.ts';
import { findWords } from './spanWords.ts';
import type { StepDraft } from './traceAssembly.ts';

/** Judgements of one step or trace. */
export interface Judgements {
  readonly scores: readonly ImportedScore[];
  /** Judgements without a number. */
  readonly labels: readonly Readonly<Record<string, JsonValue>>[];
}

export interface StepPlace {
  /** The file's text. */
  readonly text: string;
  readonly range: OffsetRange;
  readonly isProvisional: boolean;
  readonly judgements: Judgements;
  /** Judgements of the whole trace without a number, which the trace has no place for: its first step keeps them. */
  readonly traceLabels: Judgements['labels'];
}

/** The step with its words, its tools and the place of its words in the file. */
export function stepDraft(step: SpanStep, place: StepPlace): StepDraft {
  const { node, reading, turn, calls } = step;
  const { span } = node;
  const isTool = reading.role === 'tool';
  const output = turn?.text;
  const reasoning = turn?.reasoning;
  const hasWords = (output ?? '') !== '' || (reasoning ?? '') !== '';
  const isEmptied = calls.every((call) => call.args === undefined && call.result === undefined);
  return {
    stepId: span.spanId === '' ? undefined : span.spanId,
    stepType: calls.length > 0 ? 'tool_call' : (output ?? '') !== '' || (reasoning ?? '') === '' ? 'message' : 'thought',
    agentName: step.agentName,
    parentId: step.parent?.node.span.spanId === '' ? undefined : step.parent?.node.span.spanId,
    depth: step.depth,
    input: step.input === '' ? undefined : step.input,
    output,
    reasoning,
    tools: calls.map(toolCall),
    startTimeMs: span.startMs,
    endTimeMs: step.endMs,
    durationMs: span.startMs === undefined || step.endMs === undefined || step.endMs < span.startMs ? undefined : Math.round((step.endMs - span.startMs) * 1000) / 1000,
    usage: step.usage,
    costUsd: reading.costUsd,
    logprobs: reading.logprobs,
    error: isTool ? undefined : reading.error,
    finishReason: turn?.finishReason ?? reading.finishReason,
    attributes: stepAttributes(step, place),
    importedScores: place.judgements.scores,
    range: place.range,
    textRange: rangeWithin(wordsRange(step, place), place.range),
    jsonPointer: span.pointer,
    isSidechain: step.isSidechain,
    isProvisional: place.isProvisional,
    contentNotCaptured: turn === undefined && !hasWords && isEmptied && (isTool || reading.error === undefined),
  };
}

function toolCall(call: StepCall): ToolCall {
  return settled<ToolCall>({ name: call.name, ...toolArguments(call.args), callId: call.id, result: call.result, isError: call.isError });
}

/** The model, what the convention adds, how tools failed, and judgements in words alone. */
function stepAttributes(step: SpanStep, { judgements, traceLabels }: StepPlace): Readonly<Record<string, JsonValue>> {
  const { model, attributes } = step.reading;
  const failures = step.calls.flatMap(({ name, id, error }) => (error === undefined ? [] : [settled<Record<string, string>>({ name, callId: id, ...error })]));
  return {
    ...(model === undefined ? {} : { model }),
    ...attributes,
    ...(failures.length === 0 ? {} : { tool_errors: failures }),
    ...(judgements.labels.length === 0 ? {} : { judgements: judgements.labels }),
    ...(traceLabels.length === 0 ? {} : { trace_judgements: traceLabels }),
  };
}

/** The step's own words; without any, what it calls a tool with, or the span's name. */
function wordsRange(step: SpanStep, place: StepPlace): OffsetRange | undefined {
  const { reading, turn, node } = step;
  const range = reading.wordsRange ?? node.span.range;
  const words = [turn?.text, turn?.reasoning].find((text) => text !== undefined && text.trim() !== '') ?? turn?.calls[0]?.name;
  if (words !== undefined || reading.role === 'tool') return findWords(place.text, { range, keys: reading.outputKeys ?? [] }, words ?? step.calls[0]?.name ?? '') ?? nameRange(node, place);
  const ran = step.calls[0]?.node;
  return ran !== undefined && isWithin(ran.span.range, place.range) ? nameRange(ran, place) : nameRange(node, place);
}

function nameRange({ span }: SpanStep['node'], place: StepPlace): OffsetRange | undefined {
  return findWords(place.text, { range: span.range, keys: ['name'] }, span.name);
}

/** The range where it lies within the step, which may be a log record away from its span. */
function rangeWithin(range: OffsetRange | undefined, step: OffsetRange): OffsetRange | undefined {
  return range !== undefined && isWithin(range, step) ? range : undefined;
}

function isWithin(inner: OffsetRange, outer: OffsetRange): boolean {
  return inner.start >= outer.start && inner.end <= outer.end;
}
