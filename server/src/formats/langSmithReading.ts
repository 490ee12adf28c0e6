/** What a run of LangSmith means. */
import type { StepError, Usage } from '../core/planTrace.ts';
import { asArray, asId, asNumber, asRecord, asText, membersExcept, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { jsonText } from './messageContent.ts';
import { resultText } from './spanMessages.ts';
import type { SpanReading, SpanRole, SpanScore, SpanToolUse } from './spanReading.ts';
import type { TraceSpan } from './spanTree.ts';
import { argumentsIn, heardIn, logprobsIn, saidIn, shownValue, unwrapped, usageIn, wordsIn } from './spanValues.ts';

const ROLES: ReadonlyMap<string, SpanRole> = new Map([
  ['llm', 'model'], ['tool', 'tool'], ['retriever', 'tool'], ['chain', 'other'], ['prompt', 'other'], ['parser', 'other'], ['embedding', 'other'],
]);

export const RUN_TYPES: ReadonlySet<string> = new Set(ROLES.keys());

const OUTPUT_KEYS = ['outputs', 'error'];
const INPUT_KEYS = ['inputs'];

export function readRun(span: TraceSpan): SpanReading {
  const { attributes: fields } = span;
  const role = ROLES.get(asText(fields['run_type']) ?? '') ?? 'other';
  const metadata = asRecord(asRecord(fields['extra'])?.['metadata']) ?? {};
  const shared = {
    role,
    session: asId(metadata['thread_id']) ?? asId(metadata['conversation_id']) ?? asId(metadata['session_id']),
    error: span.status === 'error' ? runError(span.statusMessage ?? '') : undefined,
    scores: feedback(fields),
    outputKeys: OUTPUT_KEYS,
    inputKeys: INPUT_KEYS,
  };
  const inputs = unwrapped(fields['inputs']);
  const outputs = unwrapped(fields['outputs']);
  if (role === 'tool') return { ...shared, tool: toolUse(span, inputs, outputs) };
  if (role !== 'model') {
    return {
      ...shared,
      request: span.parentId === undefined ? wordsIn(inputs, 'user') : undefined,
      get outputText() {
        return shownValue(outputs);
      },
    };
  }
  const answer = firstGeneration(outputs);
  return {
    ...shared,
    model: asText(metadata['ls_model_name']) ?? asText(asRecord(asRecord(fields['extra'])?.['invocation_params'])?.['model']) ?? asText(asRecord(outputs)?.['model']),
    heard: heardIn(asRecord(inputs)?.['messages'] ?? asRecord(inputs)?.['input'] ?? asRecord(inputs)?.['prompts'] ?? asRecord(inputs)?.['prompt'] ?? inputs),
    said: saidIn(answer ?? outputs),
    usage: usageOf(fields, asRecord(outputs), answer),
    costUsd: asNumber(fields['total_cost']),
    logprobs: logprobsIn(outputs),
    finishReason: asText(generationInfo(answer)?.['finish_reason']) ?? asText(asRecord(answer?.['response_metadata'])?.['finish_reason']),
    attributes: membersExcept({ name: span.name, tags: asArray(fields['tags']).length === 0 ? undefined : fields['tags'] }, NONE),
  };
}

const NONE: ReadonlySet<string> = new Set();

/** The first answer of LangChain's lists of lists; undefined for outputs of another shape. */
function firstGeneration(outputs: unknown): JsonRecord | undefined {
  const [batch] = asArray(asRecord(outputs)?.['generations']);
  return asRecord(Array.isArray(batch) ? (batch as unknown[])[0] : batch);
}

function generationInfo(generation: JsonRecord | undefined): JsonRecord | undefined {
  return asRecord(generation?.['generationInfo']) ?? asRecord(generation?.['generation_info']);
}

/** Counts stand at the answer, at the outputs, or at the run; runs above a model's add up those below and are not asked. */
function usageOf(fields: JsonRecord, outputs: JsonRecord | undefined, answer: JsonRecord | undefined): Usage | undefined {
  const message = asRecord(answer?.['message']) ?? asRecord(outputs?.['message']) ?? asRecord(outputs?.['output']);
  const kwargs = asRecord(message?.['kwargs']) ?? message;
  const llmOutput = asRecord(outputs?.['llm_output']) ?? asRecord(outputs?.['llmOutput']);
  return (
    usageIn(asRecord(outputs?.['usage_metadata'])) ?? usageIn(asRecord(kwargs?.['usage_metadata'])) ?? usageIn(asRecord(outputs?.['usage'])) ??
    usageIn(asRecord(llmOutput?.['token_usage']) ?? asRecord(llmOutput?.['tokenUsage'])) ?? usageIn({ input_tokens: fields['prompt_tokens'], output_tokens: fields['completion_tokens'] })
  );
}

/** A tool's arguments stand in its inputs, often as JSON in `input`; its result in `output`, often as a message that names the call. */
function toolUse(span: TraceSpan, inputs: unknown, outputs: unknown): SpanToolUse {
  const given = argumentsIn(asRecord(inputs)?.['input']);
  const isWrapped = asRecord(inputs) !== undefined && Object.keys(inputs as JsonRecord).length === 1 && asRecord(given) !== undefined;
  const outer = asRecord(outputs);
  const output = unwrapped(outer === undefined ? outputs : (outer['output'] ?? outer['documents'] ?? outer));
  const message = asRecord(asRecord(output)?.['kwargs']) ?? asRecord(output);
  const isMessage = message !== undefined && 'tool_call_id' in message;
  return {
    name: span.name,
    callId: asId(message?.['tool_call_id']) ?? asId(asRecord(inputs)?.['tool_call_id']),
    args: isWrapped ? given : (inputs ?? undefined),
    result: output === undefined || output === null || isEmpty(output) ? undefined : isMessage ? resultText(message['content']) : Array.isArray(output) ? documentsText(output) : resultText(output),
  };
}

function isEmpty(value: unknown): boolean {
  const record = asRecord(value);
  return record !== undefined && Object.keys(record).length === 0;
}

/** Documents by their text; any other list as JSON. */
function documentsText(list: readonly unknown[]): string {
  const texts = list.map((item) => asText(asRecord(item)?.['page_content']) ?? asText(asRecord(asRecord(item)?.['kwargs'])?.['page_content']));
  return texts.length > 0 && texts.every((text) => text !== undefined) ? texts.join('\n\n') : jsonText(list);
}

/** `ToolException("already refunded")Traceback …` in its parts. */
function runError(error: string): StepError {
  const at = error.indexOf('Traceback (most recent call last)');
  const head = (at > 0 ? error.slice(0, at) : error).trim();
  const [, type, message] = /^([A-Za-z_][\w.]*)\(([^]*)\)\s*$/.exec(head) ?? [];
  return settled<StepError>({ type: type ?? 'error', message: (message ?? head).replace(/^(['"])([^]*)\1,?$/, '$2'), traceback: at >= 0 ? error.slice(at) : undefined });
}

/** Feedback on a run: averages by key, or single judgements. No scale is declared. */
function feedback(fields: JsonRecord): readonly SpanScore[] {
  const stats = Object.entries(asRecord(fields['feedback_stats']) ?? {}).map(([key, value]): SpanScore => {
    const stat = asRecord(value);
    const count = asNumber(stat?.['n']);
    const values = Object.keys(asRecord(stat?.['values']) ?? {}).join(', ');
    return settled<SpanScore>({ source: 'feedback', dimension: key, value: asNumber(stat?.['avg']), label: values === '' ? undefined : values, explanation: count !== undefined && count > 1 ? `mean of ${count}` : undefined });
  });
  const single = recordsOf(fields['feedback']).map((record): SpanScore =>
    settled<SpanScore>({
      source: asText(asRecord(record['feedback_source'])?.['type']) ?? 'feedback',
      dimension: asText(record['key']) ?? 'feedback',
      value: asNumber(record['score']),
      scale: typeof record['score'] === 'boolean' ? [0, 1] : undefined,
      label: asText(record['value']),
      explanation: asText(record['comment']),
    }),
  );
  return [...stats, ...single];
}
