/** Fields of a step and a trace that PlanTrace JSON has no names for: one member of its open dictionaries, printed and read. */
import type { ExecutionStep, ImportedScore, PlanTrace, ToolCall, TraceMeta, Usage } from '../core/planTrace.ts';
import { asId, asNumber, asRecord, asString, asText, asJson, recordsOf, settled } from './jsonFields.ts';
import { flatNumbers } from './messageContent.ts';
import { present, unlessEmpty } from './printedTraces.ts';
import type { StepDraft } from './traceAssembly.ts';

/** The member of `attributes` and `extra_data`. */
export const MODEL_FIELDS = 'stepscope';

/** Undefined where the step has none. */
export function printStepFields(step: ExecutionStep): Readonly<Record<string, unknown>> | undefined {
  const { usage } = step;
  return unlessEmpty(present({
    tool_calls: step.tools.length === 0 ? undefined : step.tools.map((tool) => present({ name: tool.name, arguments: tool.args, arguments_error: tool.argsError, call_id: tool.callId, result: tool.result, is_error: tool.isError })),
    reasoning: step.reasoning,
    usage: usage === undefined ? undefined : present({ input_tokens: usage.inputTokens, output_tokens: usage.outputTokens, cached_tokens: usage.cachedTokens }),
    cost_usd: step.costUsd,
    logprobs: step.logprobs,
    finish_reason: step.finishReason,
    parent_id: step.parentId,
    depth: step.depth === 0 ? undefined : step.depth,
    is_sidechain: step.isSidechain || undefined,
    is_copied_context: step.isCopiedContext || undefined,
    content_not_captured: step.contentNotCaptured || undefined,
    scores_of_unknown_scale: unscaled(step.importedScores),
  }));
}

/** What `printStepFields` printed, for the reader of the format; {} for anything else. */
export function readStepFields(value: unknown): Partial<StepDraft> {
  const record = asRecord(value);
  if (record === undefined) return {};
  const usage = asRecord(record['usage']);
  const tools = recordsOf(record['tool_calls']).map((call) => settled<ToolCall>({
    name: asString(call['name']) ?? 'unnamed', args: asJson(call['arguments']), argsError: asText(call['arguments_error']), callId: asId(call['call_id']), result: asString(call['result']), isError: call['is_error'] === true,
  }));
  return settled<Partial<StepDraft>>({
    tools: tools.length === 0 ? undefined : tools,
    reasoning: asString(record['reasoning']),
    usage: usage === undefined ? undefined : settled<Usage>({ inputTokens: asNumber(usage['input_tokens']), outputTokens: asNumber(usage['output_tokens']), cachedTokens: asNumber(usage['cached_tokens']) }),
    costUsd: asNumber(record['cost_usd']),
    logprobs: flatNumbers(record['logprobs']),
    finishReason: asText(record['finish_reason']),
    parentId: asId(record['parent_id']),
    depth: depthOf(record['depth']),
    isSidechain: record['is_sidechain'] === true || undefined,
    isCopiedContext: record['is_copied_context'] === true || undefined,
    contentNotCaptured: record['content_not_captured'] === true || undefined,
  });
}

const DEEPEST = 1000;

/** How deep a step is nested; undefined for the top, and for what is no depth. */
export function depthOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= DEEPEST ? value : undefined;
}

/** Undefined where the trace has none. */
export function printTraceFields({ meta, importedScores }: PlanTrace): Readonly<Record<string, unknown>> | undefined {
  return unlessEmpty(present({ cwd: meta.cwd, cost_usd: meta.costUsd, outcome: meta.outcome, scores_of_unknown_scale: unscaled(importedScores) }));
}

/** Scores that have no place on the format's 0–100. */
function unscaled(scores: readonly ImportedScore[]): readonly ImportedScore[] | undefined {
  const found = scores.filter((score) => score.scale === undefined);
  return found.length === 0 ? undefined : found;
}

/** The scores of unknown scale that `printStepFields` or `printTraceFields` printed. */
export function readUnscaledScores(value: unknown): readonly ImportedScore[] {
  return recordsOf(asRecord(value)?.['scores_of_unknown_scale']).flatMap((score): readonly ImportedScore[] => {
    const number = asNumber(score['value']);
    if (number === undefined) return [];
    const attributes = Object.fromEntries(Object.entries(asRecord(score['attributes']) ?? {}).flatMap(([key, of]) => (typeof of === 'number' ? [[key, of]] : [])));
    return [settled<ImportedScore>({ source: asString(score['source']) ?? 'unnamed', dimension: asString(score['dimension']) ?? '', value: number, scale: undefined, rationale: asText(score['rationale']), attributes })];
  });
}

/** What `printTraceFields` printed; {} for anything else. */
export function readTraceFields(value: unknown): Partial<TraceMeta> {
  const record = asRecord(value);
  return record === undefined ? {} : settled<Partial<TraceMeta>>({ cwd: asText(record['cwd']), costUsd: asNumber(record['cost_usd']), outcome: asNumber(record['outcome']) });
}
