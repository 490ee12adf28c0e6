/** OpenInference, the conventions of Arize Phoenix: what a span means by its `openinference.span.kind` and its message attributes. */
import type { Usage } from '../core/planTrace.ts';
import { listOf, numberedRecords } from './genAiMessages.ts';
import { spanError } from './genAiReading.ts';
import { asArray, asNumber, asRecord, asString, asText, membersExcept, settled, type JsonRecord } from './jsonFields.ts';
import { flatNumbers, jsonText } from './messageContent.ts';
import { openInferenceScores } from './openInferenceScores.ts';
import { embeddedJson, resultText, spanMessage, spanMessages } from './spanMessages.ts';
import type { SpanMessage, SpanReading, SpanRole, SpanToolUse } from './spanReading.ts';
import type { TraceSpan } from './spanTree.ts';

const ROLES: ReadonlyMap<string, SpanRole> = new Map([['LLM', 'model'], ['TOOL', 'tool'], ['RETRIEVER', 'tool'], ['RERANKER', 'tool'], ['AGENT', 'agent'], ['EVALUATOR', 'judge'], ['CHAIN', 'other'], ['EMBEDDING', 'other'], ['GUARDRAIL', 'other'], ['PROMPT', 'other']]);

/** What a span means by these conventions; undefined when it follows none of them. */
export function readOpenInferenceSpan(span: TraceSpan): SpanReading | undefined {
  const { attributes } = span;
  const kind = asText(attributes['openinference.span.kind'])?.toUpperCase();
  const scores = openInferenceScores(span);
  if (kind === undefined && !MARKS.some((mark) => mark in attributes)) return scores.length === 0 ? undefined : { role: 'other', scores };
  const role = (kind === undefined ? undefined : ROLES.get(kind)) ?? ('llm.model_name' in attributes || 'llm.output_messages.0.message.role' in attributes ? 'model' : 'tool.name' in attributes ? 'tool' : 'other');
  const isTool = role === 'tool';
  const said = role === 'model' || role === 'agent' ? saidMessages(attributes) : undefined;
  return {
    role,
    agentName: asText(attributes['agent.name']) ?? asText(attributes['graph.node.name']) ?? (role === 'agent' ? span.name : undefined),
    model: asText(attributes['llm.model_name']) ?? asText(attributes['embedding.model_name']),
    get heard() {
      return role === 'model' || role === 'agent' ? heardMessages(attributes) : undefined;
    },
    said,
    inputText: isTool ? undefined : valueText(attributes['input.value']),
    outputText: isTool || said !== undefined ? undefined : valueText(attributes['output.value']),
    tool: isTool ? toolUse(span, kind) : undefined,
    usage: usageOf(attributes),
    costUsd: asNumber(attributes['llm.cost.total']),
    logprobs: role === 'model' ? logprobsOf(attributes['output.value']) : undefined,
    finishReason: asText(attributes['llm.finish_reason']) ?? asText(attributes['llm.output_messages.0.message.finish_reason']),
    session: asText(attributes['session.id']),
    error: spanError(span),
    scores,
    attributes: membersExcept(kept(attributes), KNOWN),
    outputKeys: isTool ? TOOL_PLACES : SAID_PLACES,
    inputKeys: HEARD_PLACES,
  };
}

const MARKS = ['llm.model_name', 'llm.input_messages.0.message.role', 'llm.output_messages.0.message.role', 'tool.name', 'retrieval.documents.0.document.content'];
/** Flat names first, then the members of nested attributes. */
const SAID_PLACES = ['llm.output_messages.0.message.content', 'llm.output_messages.0.message.contents.0.message_content.text', 'output_messages', 'output.value', 'output'];
const HEARD_PLACES = ['input.value', 'input', 'llm.input_messages.0.message.content', 'llm.input_messages.1.message.content', 'input_messages'];
const TOOL_PLACES = ['tool.name', 'output.value', 'input.value', 'tool', 'output', 'input'];

/** Messages under `prefix.N.message.…`, with their numbered contents and calls as lists. */
function numberedMessages(attributes: JsonRecord, prefix: string, role: 'user' | 'assistant'): readonly SpanMessage[] {
  return numberedRecords(attributes, prefix).map((record) => {
    const message = asRecord(record['message']) ?? record;
    const contents = asArray(listOf(message['contents'])).map((part) => asRecord(asRecord(part)?.['message_content']) ?? part);
    return spanMessage({ ...message, contents, tool_calls: listOf(message['tool_calls']) }, role);
  });
}

function saidMessages(attributes: JsonRecord): readonly SpanMessage[] | undefined {
  const messages = numberedMessages(attributes, 'llm.output_messages.', 'assistant');
  if (messages.length > 0) return messages;
  const value = attributes['output.value'];
  if (value === undefined || value === null) return undefined;
  // A completion as its client returned it; any other structure stays the text it is.
  const parsed = asRecord(embeddedJson(value));
  const hasMessages = parsed !== undefined && COMPLETION_MARKS.some((mark) => mark in parsed);
  return spanMessages(hasMessages ? parsed : valueText(value), 'assistant');
}

const COMPLETION_MARKS = ['choices', 'generations', 'messages', 'role', 'content', 'kwargs'];

function heardMessages(attributes: JsonRecord): readonly SpanMessage[] | undefined {
  const messages = numberedMessages(attributes, 'llm.input_messages.', 'user');
  if (messages.length > 0) return messages;
  const prompts = numberedRecords(attributes, 'llm.prompts.').flatMap((record) => asText(asRecord(record['prompt'])?.['text']) ?? []);
  if (prompts.length > 0) return prompts.map((text) => ({ role: 'user', text, calls: [], results: [] }));
  const parsed = asRecord(embeddedJson(attributes['input.value']));
  return parsed !== undefined && Array.isArray(parsed['messages']) ? spanMessages(parsed, 'user') : undefined;
}

function toolUse(span: TraceSpan, kind: string | undefined): SpanToolUse {
  const { attributes } = span;
  const input = attributes['input.value'];
  if (kind === 'RETRIEVER' || kind === 'RERANKER') {
    const documents = [...numberedRecords(attributes, 'retrieval.documents.'), ...numberedRecords(attributes, 'reranker.output_documents.')];
    const texts = documents.flatMap((record) => asText(asRecord(record['document'])?.['content']) ?? []);
    return { name: span.name === '' ? 'retrieve' : span.name, args: { query: attributes['reranker.query'] ?? valueText(input) ?? null }, result: texts.length === 0 ? valueText(attributes['output.value']) : texts.join('\n\n') };
  }
  const result = attributes['output.value'];
  return {
    name: asText(attributes['tool.name']) ?? asText(attributes['tool_call.function.name']) ?? span.name,
    callId: asText(attributes['tool_call.id']) ?? asText(attributes['tool.id']),
    // `tool.parameters` may be the schema, so what the tool was given comes first.
    args: input ?? attributes['tool_call.function.arguments'] ?? attributes['tool.parameters'],
    result: result === undefined || result === null ? undefined : toolResult(result),
  };
}

/** A tool message wrapped around a result says no more than the result. */
function toolResult(value: unknown): string {
  const parsed = asRecord(embeddedJson(value));
  const content = parsed !== undefined && ('tool_call_id' in parsed || parsed['type'] === 'tool') ? asText(parsed['content']) : undefined;
  return content ?? resultText(value);
}

function usageOf(attributes: JsonRecord): Usage | undefined {
  const usage = settled<Usage>({
    inputTokens: asNumber(attributes['llm.token_count.prompt']),
    outputTokens: asNumber(attributes['llm.token_count.completion']),
    cachedTokens: asNumber(attributes['llm.token_count.prompt_details.cache_read']),
  });
  return Object.keys(usage).length === 0 ? undefined : usage;
}

/** Log-probabilities in a completion that was recorded whole. */
function logprobsOf(value: unknown): readonly number[] | undefined {
  const text = asString(value);
  if (text === undefined || !text.includes('"logprobs"')) return undefined;
  return flatNumbers(asRecord(asArray(asRecord(embeddedJson(text))?.['choices'])[0])?.['logprobs']);
}

function valueText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : typeof value === 'object' ? jsonText(value) : String(value);
}

/** Attributes worth keeping beside the step: short ones that say how it came about. */
function kept(attributes: JsonRecord): JsonRecord {
  const rest: Record<string, unknown> = {};
  for (const key in attributes) {
    const value = attributes[key];
    if (CONTENT.test(key) || (typeof value === 'string' && value.length > MOST_KEPT)) continue;
    rest[key] = value;
  }
  return rest;
}

const MOST_KEPT = 2000;
const CONTENT = /^(?:llm\.(?:input_messages|output_messages|token_count|cost|prompts|tools|choices)\b|(?:in|out)put\.|retrieval\.documents|reranker\.|embedding\.embeddings|tool[._]|(?:(?:trace|session)\.)?(?:annotations|evaluations)\.|gen_ai\.(?:prompt|completion|input|output)\b)/;
const KNOWN: ReadonlySet<string> = new Set(['openinference.span.kind', 'llm.model_name', 'session.id', 'agent.name']);
