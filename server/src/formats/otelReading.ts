/** What any OpenTelemetry span means: by OpenInference and by the GenAI conventions, which some instrumentations mix. */
import { readGenAiSpan } from './genAiReading.ts';
import { readOpenInferenceSpan } from './openInferenceReading.ts';
import type { SpanReading } from './spanReading.ts';
import type { TraceSpan } from './spanTree.ts';

/** The reading by the conventions the span follows; one of role 'other' where it follows none. */
export function readOtelSpan(span: TraceSpan): SpanReading {
  const openInference = readOpenInferenceSpan(span);
  const genAi = readGenAiSpan(span);
  if (openInference === undefined || genAi === undefined) return openInference ?? genAi ?? NOTHING;
  const names = 'openinference.span.kind' in span.attributes ? openInference : genAi;
  const other = names === openInference ? genAi : openInference;
  return merged(names, other);
}

const NOTHING: SpanReading = { role: 'other' };

/** The first reading, with what only the second knows. */
function merged(first: SpanReading, second: SpanReading): SpanReading {
  const isSame = first.role === second.role;
  return {
    role: first.role,
    agentName: first.agentName ?? second.agentName,
    model: first.model ?? second.model,
    get heard() {
      return first.heard ?? (isSame ? second.heard : undefined);
    },
    get latest() {
      return first.latest ?? (isSame && first.heard === undefined ? second.latest : undefined);
    },
    said: first.said ?? (isSame ? second.said : undefined),
    request: first.request ?? second.request,
    inputText: first.inputText ?? second.inputText,
    outputText: first.outputText ?? second.outputText,
    tool: first.tool === undefined ? (isSame ? second.tool : undefined) : { name: first.tool.name, callId: first.tool.callId ?? second.tool?.callId, args: first.tool.args ?? second.tool?.args, result: first.tool.result ?? second.tool?.result },
    usage: first.usage ?? second.usage,
    costUsd: first.costUsd ?? second.costUsd,
    logprobs: first.logprobs ?? second.logprobs,
    finishReason: first.finishReason ?? second.finishReason,
    responseId: first.responseId ?? second.responseId,
    session: first.session ?? second.session,
    error: first.error ?? second.error,
    scores: [...(first.scores ?? []), ...(second.scores ?? [])],
    attributes: first.attributes,
    outputKeys: [...(first.outputKeys ?? []), ...(second.outputKeys ?? [])],
    inputKeys: [...(first.inputKeys ?? []), ...(second.inputKeys ?? [])],
  };
}
