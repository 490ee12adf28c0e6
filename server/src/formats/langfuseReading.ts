/** What an observation of Langfuse means. */
import type { StepError } from '../core/planTrace.ts';
import { asId, asNumber, asRecord, asText, membersExcept, type JsonRecord } from './jsonFields.ts';
import { resultText } from './spanMessages.ts';
import type { SpanReader, SpanReading, SpanRole, SpanScore, SpanToolUse } from './spanReading.ts';
import type { TraceSpan } from './spanTree.ts';
import { argumentsIn, heardIn, logprobsIn, saidIn, shownValue, unwrapped, usageIn, wordsIn } from './spanValues.ts';

const ROLES: ReadonlyMap<string, SpanRole> = new Map([
  ['GENERATION', 'model'], ['AGENT', 'agent'], ['TOOL', 'tool'], ['RETRIEVER', 'tool'], ['EVALUATOR', 'judge'],
  ['SPAN', 'other'], ['CHAIN', 'other'], ['EVENT', 'other'], ['EMBEDDING', 'other'], ['GUARDRAIL', 'other'],
]);

export const OBSERVATION_TYPES: ReadonlySet<string> = new Set(ROLES.keys());

/** How an observation is understood. `scores` are those of single observations, by their ids. */
export function langfuseReader(scores: ReadonlyMap<string, readonly SpanScore[]>): SpanReader {
  return (span) => readObservation(observationOf(span), scores.get(span.spanId));
}

/** An observation with what its metadata say of it. */
interface Observation {
  readonly span: TraceSpan;
  readonly role: SpanRole;
  readonly fields: JsonRecord;
  /** Attributes the client gave the span, where it came by OpenTelemetry. */
  readonly given: JsonRecord;
}

function observationOf(span: TraceSpan): Observation {
  const { attributes: fields } = span;
  const type = asText(fields['type']) ?? '';
  const isOpen = type === 'SPAN' || type === 'TOOL';
  const given = isOpen ? (asRecord(unwrapped(asRecord(unwrapped(fields['metadata']))?.['attributes'])) ?? NO_FIELDS) : NO_FIELDS;
  return { span, fields, given, role: type === 'SPAN' ? spanRole(fields, given) : (ROLES.get(type) ?? 'other') };
}

/** Older exports keep tools and agents as spans that only their attributes, or the answer of a tool in their output, tell apart. */
function spanRole(fields: JsonRecord, given: JsonRecord): SpanRole {
  if (typeof fields['output'] === 'string' && fields['output'].includes('"tool_call_id"') && asRecord(unwrapped(fields['output']))?.['type'] === 'tool') return 'tool';
  const kind = (asText(given['openinference.span.kind']) ?? asText(given['langsmith.span.kind']) ?? asText(given['gen_ai.operation.name']) ?? '').toLowerCase();
  if (kind === 'tool' || kind === 'execute_tool' || 'ai.toolCall.id' in given) return 'tool';
  return kind === 'agent' || kind === 'invoke_agent' ? 'agent' : 'other';
}

const OUTPUT_KEYS = ['output', 'statusMessage'];
const INPUT_KEYS = ['input'];
const NO_FIELDS: JsonRecord = {};

function readObservation(observation: Observation, scores: readonly SpanScore[] | undefined): SpanReading {
  const { span, fields, role } = observation;
  const error: StepError | undefined = span.status === 'error' ? { type: 'error', message: span.statusMessage ?? '' } : undefined;
  const shared = { role, error, scores, outputKeys: OUTPUT_KEYS, inputKeys: INPUT_KEYS };
  if (role === 'tool') return { ...shared, tool: toolUse(observation) };
  if (role !== 'model') {
    return {
      ...shared,
      agentName: role === 'agent' ? span.name : undefined,
      request: span.parentId === undefined ? wordsIn(fields['input'], 'user') : undefined,
      get outputText() {
        return role === 'judge' ? undefined : shownValue(fields['output']);
      },
    };
  }
  const output = unwrapped(fields['output']);
  return {
    ...shared,
    model: asText(fields['model']) ?? asText(fields['providedModelName']),
    heard: heardIn(fields['input']),
    said: saidIn(output),
    usage: usageOf(fields),
    costUsd: costOf(fields),
    logprobs: logprobsIn(output),
    attributes: membersExcept({ name: span.name, timeToFirstToken: fields['timeToFirstToken'], promptName: fields['promptName'], modelParameters: notEmpty(fields['modelParameters']) }, NONE),
  };
}

const NONE: ReadonlySet<string> = new Set();

function notEmpty(value: unknown): unknown {
  const record = asRecord(unwrapped(value));
  return record === undefined || Object.keys(record).length === 0 ? undefined : record;
}

function toolUse(observation: Observation): SpanToolUse {
  const { fields, given, span } = observation;
  const output = unwrapped(fields['output']);
  const answer = asRecord(output);
  return {
    name: asText(given['ai.toolCall.name']) ?? asText(given['gen_ai.tool.name']) ?? span.name,
    callId: asId(given['ai.toolCall.id']) ?? asId(given['gen_ai.tool.call.id']) ?? asId(answer?.['tool_call_id']),
    args: toolArguments(fields),
    result: output === undefined || output === null ? undefined : resultText(answer?.['content'] ?? output),
  };
}

/** What a tool was called with, without the `input` that some clients put around it. */
function toolArguments(fields: JsonRecord): unknown {
  const input = argumentsIn(fields['input']);
  const record = asRecord(input);
  if (typeof input === 'string') return { input };
  return record !== undefined && Object.keys(record).length === 1 && asRecord(record['input']) !== undefined ? record['input'] : (input ?? undefined);
}

function usageOf(fields: JsonRecord): SpanReading['usage'] {
  const counted = usageIn(asRecord(unwrapped(fields['usageDetails']))) ?? usageIn(asRecord(unwrapped(fields['usage'])));
  return counted ?? usageIn({ input: fields['inputUsage'] ?? fields['promptTokens'], output: fields['outputUsage'] ?? fields['completionTokens'] });
}

/** Langfuse writes 0 where it does not know a model's price. */
function costOf(fields: JsonRecord): number | undefined {
  const details = asRecord(unwrapped(fields['costDetails']));
  const total = asNumber(details?.['total']) ?? asNumber(fields['totalCost']) ?? asNumber(fields['calculatedTotalCost']);
  return total === 0 ? undefined : total;
}

