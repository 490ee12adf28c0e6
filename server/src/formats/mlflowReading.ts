/** What a span of MLflow means. */
import type { StepError, Usage } from '../core/planTrace.ts';
import { asId, asNumber, asRecord, asText, membersExcept, settled, type JsonRecord } from './jsonFields.ts';
import { resultText } from './spanMessages.ts';
import type { SpanReading, SpanRole, SpanScore } from './spanReading.ts';
import type { TraceSpan } from './spanTree.ts';
import { heardIn, logprobsIn, saidIn, shownValue, unwrapped, usageIn, wordsIn } from './spanValues.ts';

const ROLES: ReadonlyMap<string, SpanRole> = new Map([
  ['LLM', 'model'], ['CHAT_MODEL', 'model'], ['AGENT', 'agent'], ['TOOL', 'tool'], ['RETRIEVER', 'tool'], ['RERANKER', 'tool'], ['EVALUATOR', 'judge'],
]);

const OUTPUT_KEYS = ['mlflow.spanOutputs'];
const INPUT_KEYS = ['mlflow.spanInputs'];
const NONE: ReadonlySet<string> = new Set();

/** `scores` are judgements of this span that stand elsewhere in the file. */
export function readMlflowSpan(span: TraceSpan, scores: readonly SpanScore[] | undefined): SpanReading {
  const { attributes } = span;
  const role = ROLES.get(asText(decoded(attributes['mlflow.spanType'])) ?? '') ?? 'other';
  const inputs = decoded(attributes['mlflow.spanInputs']);
  const outputs = decoded(attributes['mlflow.spanOutputs']);
  const shared = { role, scores, error: spanError(span), session: asId(decoded(attributes['mlflow.trace.session'])), outputKeys: OUTPUT_KEYS, inputKeys: INPUT_KEYS };
  if (role === 'tool') {
    const message = asRecord(asRecord(outputs)?.['kwargs']) ?? asRecord(outputs);
    const isMessage = message !== undefined && 'tool_call_id' in message;
    return { ...shared, tool: { name: span.name, callId: asId(message?.['tool_call_id']), args: inputs ?? undefined, result: outputs === undefined || outputs === null ? undefined : resultText(isMessage ? message['content'] : outputs) } };
  }
  if (role !== 'model') {
    return { ...shared, agentName: role === 'agent' ? span.name : undefined, request: span.parentId === undefined ? wordsIn(inputs, 'user') : undefined, inputText: span.parentId === undefined ? shownValue(inputs) : undefined, outputText: role === 'judge' ? undefined : shownValue(outputs) };
  }
  const output = asRecord(outputs);
  return {
    ...shared,
    model: asText(decoded(attributes['mlflow.llm.model'])) ?? asText(asRecord(inputs)?.['model']) ?? asText(output?.['model']),
    heard: heardIn(asRecord(inputs)?.['messages'] ?? inputs),
    said: saidIn(outputs),
    usage: usageOf(attributes, output),
    costUsd: asNumber(asRecord(decoded(attributes['mlflow.llm.cost']))?.['total_cost']),
    logprobs: logprobsIn(outputs),
    attributes: membersExcept({ name: span.name }, NONE),
  };
}

/** The value of an attribute, which is JSON in a string; one that is no JSON is taken as it stands. */
export function decoded(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return unwrapped(JSON.parse(value));
  } catch {
    return unwrapped(value);
  }
}

function usageOf(attributes: JsonRecord, output: JsonRecord | undefined): Usage | undefined {
  return usageIn(asRecord(decoded(attributes['mlflow.chat.tokenUsage']))) ?? usageIn(asRecord(output?.['usage'])) ?? usageIn(asRecord(output?.['usage_metadata']));
}

/** The exception a span met, else its status. */
function spanError(span: TraceSpan): StepError | undefined {
  if (span.status !== 'error') return undefined;
  const exception = span.events.findLast((event) => event.name === 'exception')?.attributes ?? {};
  const given = (name: string): string | undefined => asText(unwrapped(exception[name]));
  return settled<StepError>({ type: given('exception.type') ?? 'error', message: given('exception.message') ?? span.statusMessage ?? '', traceback: given('exception.stacktrace') });
}
