/** What a trace holds and ATIF has no name for: one member of the open dictionaries `extra` of trajectories and steps, printed and read. */
import type { ExecutionStep, ImportedScore, PlanTrace, StepError } from '../core/planTrace.ts';
import type { ScoreRecord } from '../core/scoreRecord.ts';
import { asId, asNumber, asRecord, asString, asText, membersExcept, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { depthOf, MODEL_FIELDS } from './planTraceModelFields.ts';
import { present, unlessEmpty } from './printedTraces.ts';
import { lastOutput, type StepDraft, type TraceDraft } from './traceAssembly.ts';

/** Name our reader gives to what the environment said without having been called. */
export const OBSERVATION = 'observation';

/** The type of a step by what it holds: ATIF has none. */
export function atifStepType({ tools = [], output, reasoning }: Pick<StepDraft, 'tools' | 'output' | 'reasoning'>): string {
  if (tools.some((tool) => tool.name !== OBSERVATION)) return 'tool_call';
  return (output ?? '') !== '' || reasoning === undefined ? 'message' : 'thought';
}

export interface StepToPrint {
  /** Number of the step in the trajectory. */
  readonly stepId: number;
  /** The step came from ATIF: its attributes are named as ATIF names them. */
  readonly isNative: boolean;
  readonly agentName: string | undefined;
  readonly scores: readonly ScoreRecord[];
}

/** Attributes that ATIF has a place for in a step. */
export const NATIVE_FIELDS: ReadonlySet<string> = new Set(['model_name', 'reasoning_effort', 'llm_call_count']);
const MERGED_FIELDS = ['extra', 'metrics'];

/** The `extra` of a step: what it came with, what other programs look for there, and our member. */
export function printStepExtra(step: ExecutionStep, { isNative, agentName, scores, stepId }: StepToPrint): JsonRecord {
  const own = isNative ? (asRecord(step.attributes['extra']) ?? {}) : {};
  const placed = isNative ? new Set([...NATIVE_FIELDS, ...MERGED_FIELDS.filter((field) => asRecord(step.attributes[field]) !== undefined)]) : new Set<string>();
  return present({
    ...own,
    is_sidechain: step.isSidechain || own['is_sidechain'],
    finish_reason: step.finishReason === undefined || step.finishReason === own['stop_reason'] ? own['finish_reason'] : step.finishReason,
    [MODEL_FIELDS]: unlessEmpty(present({
      step_id: step.stepId === String(stepId) ? undefined : step.stepId,
      step_type: step.stepType === atifStepType(step) ? undefined : step.stepType,
      description: step.description === '' ? undefined : step.description,
      agent_name: step.agentName === agentName ? undefined : step.agentName,
      parent_id: step.parentId,
      depth: step.depth === 0 ? undefined : step.depth,
      content_not_captured: step.contentNotCaptured || undefined,
      error: step.error,
      file_scores: step.importedScores.length === 0 ? undefined : step.importedScores,
      scores: printedScores(scores),
      attributes: unlessEmpty(membersExcept(step.attributes, placed)),
    })),
  });
}

/** The draft with what `printStepExtra` printed; a step of another program as it is. */
export function withStepExtra(step: StepDraft, extra: JsonRecord | undefined): StepDraft {
  const ours = asRecord(extra?.[MODEL_FIELDS]);
  if (extra === undefined || ours === undefined) return step;
  const { extra: _extra, ...others } = step.attributes ?? {};
  const own = membersExcept(extra, OURS);
  return {
    ...step,
    ...settled<Partial<StepDraft>>({
      stepId: asId(ours['step_id']),
      stepType: asText(ours['step_type']),
      description: asText(ours['description']),
      agentName: asText(ours['agent_name']),
      parentId: asId(ours['parent_id']),
      depth: depthOf(ours['depth']),
      contentNotCaptured: ours['content_not_captured'] === true || undefined,
      error: stepError(asRecord(ours['error'])),
    }),
    importedScores: readScores(ours),
    attributes: { ...others, ...(Object.keys(own).length === 0 ? {} : { extra: own }), ...membersExcept(asRecord(ours['attributes']) ?? {}, NONE) },
  };
}

/** The `extra` of a trajectory. */
export function printTraceExtra(trace: PlanTrace, scores: readonly ScoreRecord[]): JsonRecord {
  const { meta } = trace;
  return present({
    reward: meta.outcome,
    source_format: trace.format === 'atif' ? undefined : trace.format,
    [MODEL_FIELDS]: unlessEmpty(present({
      plan_signature: trace.planSignature === (meta.agent ?? trace.planSignature) ? undefined : trace.planSignature,
      final_output: trace.finalOutputText === lastOutput(trace.steps) ? undefined : trace.finalOutputText,
      target_epistemic_quality: trace.targetEpistemicQuality,
      target_epistemic_quality_source: trace.targetEpistemicQualitySource,
      file_scores: trace.importedScores.length === 0 ? undefined : trace.importedScores,
      scores: printedScores(scores),
    })),
  });
}

/** What `printTraceExtra` printed; {} for a trajectory of another program. */
export function readTraceExtra(extra: unknown): Partial<TraceDraft> {
  const ours = asRecord(asRecord(extra)?.[MODEL_FIELDS]);
  if (ours === undefined) return {};
  return settled<Partial<TraceDraft>>({
    planSignature: asString(ours['plan_signature']),
    finalOutputText: asString(ours['final_output']),
    targetEpistemicQuality: asNumber(ours['target_epistemic_quality']),
    targetEpistemicQualitySource: asText(ours['target_epistemic_quality_source']),
    importedScores: readScores(ours),
  });
}

const OURS: ReadonlySet<string> = new Set([MODEL_FIELDS]);
const NONE: ReadonlySet<string> = new Set();

function stepError(record: JsonRecord | undefined): StepError | undefined {
  if (record === undefined) return undefined;
  return settled<StepError>({ type: asString(record['type']) ?? 'Error', message: asString(record['message']) ?? '', traceback: asText(record['traceback']) });
}

/** On 0–1, as everything the engine exports beside PlanTrace JSON. */
function printedScores(records: readonly ScoreRecord[]): unknown {
  if (records.length === 0) return undefined;
  return records.map((record) => ({
    dimension: record.dimension, scorer: record.scorer, scorer_version: record.scorerVersion, score: record.score, scale: [0, 1], rationale: record.rationale, weight: record.weight, attributes: record.attributes,
  }));
}

/** The scores the trace came with and those that were added, which in a file are all the file's. */
function readScores(ours: JsonRecord): readonly ImportedScore[] {
  const given = recordsOf(ours['file_scores']).flatMap((record) => importedScore(record, { source: record['source'], value: record['value'] }));
  return [...given, ...recordsOf(ours['scores']).flatMap((record) => importedScore(record, { source: record['scorer'], value: record['score'] }))];
}

function importedScore(record: JsonRecord, of: { readonly source: unknown; readonly value: unknown }): readonly ImportedScore[] {
  const value = asNumber(of.value);
  if (value === undefined) return [];
  const attributes = Object.fromEntries(Object.entries(asRecord(record['attributes']) ?? {}).flatMap(([key, number]) => (typeof number === 'number' ? [[key, number]] : [])));
  return [settled<ImportedScore>({ source: asText(of.source) ?? 'unnamed', dimension: asString(record['dimension']) ?? '', value, scale: scaleOf(record['scale']), rationale: asText(record['rationale']), attributes })];
}

function scaleOf(value: unknown): readonly [lo: number, hi: number] | undefined {
  const [lo, hi] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  return typeof lo === 'number' && typeof hi === 'number' && lo < hi ? [lo, hi] : undefined;
}
