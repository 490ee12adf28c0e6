/** Prints traces as Stephanie PlanTrace JSON: an object, or an array of them. Scores stand on the format's 0–100. */
import type { ExecutionStep, ImportedScore, PlanTrace } from '../core/planTrace.ts';
import { CONSENSUS_SCORER, type ScoreRecord } from '../core/scoreRecord.ts';
import { exportLosses, shareOf } from './exportLosses.ts';
import { planTraceFormat } from './planTrace.ts';
import { MODEL_FIELDS, printStepFields, printTraceFields } from './planTraceModelFields.ts';
import { jsonDocument, oneOrList, present, type PrintedTraces, type PrintOptions, type TraceScores } from './printedTraces.ts';

const PERCENT = 100;

export function printPlanTraces(traces: readonly PlanTrace[], options: PrintOptions = {}): PrintedTraces {
  const text = jsonDocument(oneOrList(traces.map((trace, i) => traceObject(trace, options.scores?.[i]))));
  const ids = traces.map((trace) => ({ trace, traceId: trace.traceId, stepIds: trace.steps.map((step) => step.stepId) }));
  return { text, lost: exportLosses(ids, planTraceFormat.parse({ path: '', text }).traces) };
}

/** Members that readers of the format insist on are there even where they are empty. */
function traceObject(trace: PlanTrace, scores: TraceScores | undefined): unknown {
  const { meta } = trace;
  const fields = printTraceFields(trace);
  return {
    trace_id: trace.traceId,
    pipeline_run_id: meta.session ?? null,
    goal_text: trace.goalText,
    goal_id: null,
    input_data: {},
    plan_signature: trace.planSignature,
    execution_steps: trace.steps.map((step) => stepObject(step, scores?.byStepId.get(step.stepId) ?? [])),
    final_output_text: trace.finalOutputText,
    final_scores: scoreBundle(trace.importedScores, scores?.ofTrace ?? []),
    target_epistemic_quality: trace.targetEpistemicQuality ?? null,
    target_epistemic_quality_source: trace.targetEpistemicQualitySource ?? null,
    created_at: trace.createdAt ?? '',
    extra_data: present({ model: meta.model, agent_name: meta.agent, source_format: trace.format, [MODEL_FIELDS]: fields }),
  };
}

/** Members of a step that the format names and the model keeps as attributes. */
const DECLARED: ReadonlySet<string> = new Set([
  'pipeline_run_id', 'plan_trace_id', 'step_order', 'extra_data', 'agent_config', 'agent_role', 'input_type', 'output_type', 'output_keys', 'output_size', 'policy_logits', 'uncertainty', 'entropy', 'zsa', 'meta',
]);

function stepObject(step: ExecutionStep, scores: readonly ScoreRecord[]): unknown {
  const entries = Object.entries(step.attributes);
  return {
    step_id: step.stepId,
    pipeline_run_id: null,
    step_order: step.stepIndex + 1,
    step_type: step.stepType,
    description: step.description,
    input_text: step.input ?? '',
    output_text: step.output ?? '',
    agent_name: step.agentName ?? null,
    start_time: seconds(step.startTimeMs),
    end_time: seconds(step.endTimeMs),
    duration: seconds(step.durationMs),
    error: step.error === undefined ? null : present({ ...step.error }),
    ...Object.fromEntries(entries.filter(([key]) => DECLARED.has(key))),
    scores: scoreBundle(step.importedScores, scores),
    attributes: { ...Object.fromEntries(entries.filter(([key]) => !DECLARED.has(key))), ...present({ [MODEL_FIELDS]: printStepFields(step) }) },
  };
}

/** To the microsecond, like the reader. */
function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 1e3) / 1e6;
}

/** By `dimension::scorer`; the consensus by its dimension alone, which is where readers with one score a dimension look. */
function scoreBundle(imported: readonly ImportedScore[], records: readonly ScoreRecord[]): Readonly<Record<string, unknown>> {
  const results = new Map<string, unknown>();
  const add = (key: string, result: unknown): void => {
    let unique = key;
    for (let n = 2; results.has(unique); n++) unique = `${key}#${n}`;
    results.set(unique, result);
  };
  for (const record of records) add(record.scorer === CONSENSUS_SCORER ? record.dimension : `${record.dimension}::${record.scorer}`, resultOfRecord(record));
  for (const score of imported) {
    if (score.scale === undefined) continue;
    add(`${score.dimension}::${score.source}`, present({
      dimension: score.dimension, score: percent(shareOf(score.value, score.scale)), source: score.source, rationale: score.rationale, attributes: score.attributes,
    }));
  }
  return Object.fromEntries(results);
}

function resultOfRecord(record: ScoreRecord): unknown {
  return {
    dimension: record.dimension, score: record.score === null ? null : percent(record.score), source: record.scorer, rationale: record.rationale, weight: record.weight,
    ...(record.scorerVersion === '' ? {} : { scorer_version: record.scorerVersion }), attributes: record.attributes,
  };
}

/** Without the noise of the last binary digits. */
function percent(share: number): number {
  return Number((share * PERCENT).toPrecision(12));
}
