/** Prints traces as ATIF trajectories (v1.7): an object, or an array of them. What ATIF has no name for stands in `extra`. */
import type { ExecutionStep, PlanTrace, ToolCall } from '../core/planTrace.ts';
import { atifFormat } from './atif.ts';
import { NATIVE_FIELDS, OBSERVATION, printStepExtra, printTraceExtra, type StepToPrint } from './atifExtra.ts';
import { exportLosses } from './exportLosses.ts';
import { asRecord, asText, type JsonRecord } from './jsonFields.ts';
import { durationOf, isoTime, jsonDocument, oneOrList, present, unlessEmpty, type PrintedIds, type PrintedTraces, type PrintOptions, type TraceScores } from './printedTraces.ts';

const VERSION = 'ATIF-v1.7';
const UNKNOWN = 'unknown';

export function printAtif(traces: readonly PlanTrace[], options: PrintOptions = {}): PrintedTraces {
  const printed = traces.map((trace, i) => trajectory(trace, options.scores?.[i]));
  const text = jsonDocument(oneOrList(printed.map(({ value }) => value)));
  return { text, lost: exportLosses(printed.map(({ ids }) => ids), atifFormat.parse({ path: '', text }).traces) };
}

function trajectory(trace: PlanTrace, scores: TraceScores | undefined): { readonly value: unknown; readonly ids: PrintedIds } {
  const { meta } = trace;
  const { records, stepIds } = stepRecords(trace, scores);
  const sum = (of: (step: ExecutionStep) => number | undefined): number | undefined => {
    const known = trace.steps.flatMap((step) => of(step) ?? []);
    return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0);
  };
  const value = present({
    schema_version: VERSION,
    session_id: meta.session ?? trace.traceId,
    trajectory_id: trace.traceId,
    agent: present({ name: meta.agent ?? (trace.planSignature === '' ? UNKNOWN : trace.planSignature), version: UNKNOWN, model_name: meta.model, extra: meta.cwd === undefined ? undefined : { cwds: [meta.cwd] } }),
    steps: records,
    final_metrics: present({
      total_prompt_tokens: sum((step) => step.usage?.inputTokens), total_completion_tokens: sum((step) => step.usage?.outputTokens), total_cached_tokens: sum((step) => step.usage?.cachedTokens),
      total_cost_usd: meta.costUsd ?? sum((step) => step.costUsd), total_steps: records.length,
    }),
    extra: unlessEmpty(printTraceExtra(trace, scores?.ofTrace ?? [])),
  });
  return { value, ids: { trace, traceId: trace.traceId, stepIds } };
}

/** The agent's steps with the user's words before them, numbered from 1. */
function stepRecords(trace: PlanTrace, scores: TraceScores | undefined): { readonly records: readonly unknown[]; readonly stepIds: readonly string[] } {
  const records: unknown[] = [];
  const stepIds: string[] = [];
  const hear = (message: string, timestamp?: string): void => void records.push(present({ step_id: records.length + 1, timestamp, source: 'user', message }));
  const { goalText: goal } = trace;
  if (goal !== '') hear(goal, trace.createdAt !== undefined && Number.isFinite(Date.parse(trace.createdAt)) ? trace.createdAt : undefined);
  for (const step of trace.steps) {
    const input = step.input ?? '';
    if (step.stepIndex > 0 || goal === '') {
      if (input !== '') hear(input);
    } else if (input.startsWith(`${goal}\n\n`)) hear(input.slice(goal.length + 2));
    else if (input !== '' && input !== goal) hear(input);
    const stepId = records.length + 1;
    stepIds.push(step.stepId);
    records.push(agentStep(step, { stepId, isNative: trace.format === 'atif', agentName: trace.meta.agent, scores: scores?.byStepId.get(step.stepId) ?? [] }));
  }
  return { records, stepIds };
}

function agentStep(step: ExecutionStep, context: StepToPrint): unknown {
  const { isNative } = context;
  const { calls, results } = toolRecords(step.tools, context.stepId);
  const native: JsonRecord = isNative ? step.attributes : {};
  return present({
    step_id: context.stepId,
    timestamp: isoTime(step.startTimeMs),
    source: 'agent',
    model_name: asText(step.attributes['model']),
    ...Object.fromEntries(Object.entries(native).filter(([key]) => NATIVE_FIELDS.has(key))),
    message: step.output ?? '',
    reasoning_content: step.reasoning,
    tool_calls: calls.length === 0 ? undefined : calls,
    observation: results.length === 0 ? undefined : { results },
    metrics: unlessEmpty(metrics(step, asRecord(native['metrics']) ?? {})),
    is_copied_context: step.isCopiedContext || undefined,
    extra: unlessEmpty(printStepExtra(step, context)),
  });
}

function metrics(step: ExecutionStep, native: JsonRecord): JsonRecord {
  const duration = durationOf(step);
  return present({
    ...native,
    prompt_tokens: step.usage?.inputTokens, completion_tokens: step.usage?.outputTokens, cached_tokens: step.usage?.cachedTokens, cost_usd: step.costUsd, logprobs: step.logprobs,
    extra: unlessEmpty({ ...asRecord(native['extra']), ...(duration === undefined ? {} : { duration_ms: duration }) }),
  });
}

/** Calls, each with an id as ATIF wants it, and their results; failures are marked on both sides, so that nobody guesses. */
function toolRecords(tools: readonly ToolCall[], stepId: number): { readonly calls: readonly unknown[]; readonly results: readonly unknown[] } {
  const calls: unknown[] = [];
  const results: unknown[] = [];
  const loose: unknown[] = [];
  const taken = new Set<string>();
  for (const [i, tool] of tools.entries()) {
    const flag = { extra: { is_error: tool.isError } };
    if (tool.name === OBSERVATION && tool.callId === undefined && tool.args === null && tool.result !== undefined) {
      loose.push({ content: tool.result, ...flag });
      continue;
    }
    let id = tool.callId ?? `call_${stepId}_${i + 1}`;
    for (let n = 2; taken.has(id); n++) id = `${tool.callId ?? ''}#${n}`;
    taken.add(id);
    calls.push({ tool_call_id: id, function_name: tool.name, arguments: callArguments(tool) });
    // Also without a result: what was observed beside the calls would be taken for it.
    results.push({ source_call_id: id, content: tool.result ?? null, ...flag });
  }
  const isSaid = loose.length > 0 || tools.some((tool) => tool.result !== undefined || tool.isError);
  return { calls, results: isSaid ? [...results, ...loose] : [] };
}

/** ATIF holds objects only. */
function callArguments({ args }: ToolCall): unknown {
  if (args === null) return {};
  return asRecord(args) ?? { input: args };
}
