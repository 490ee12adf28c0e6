/** Puts traces together for every format: unique ids, positions, defaults and the warnings that come of them. */
import { hashText } from '../core/hash.ts';
import type { ExecutionStep, ImportedScore, JsonValue, PlanTrace, ToolCall, TraceMeta, TraceWarning } from '../core/planTrace.ts';
import { isRedacted } from '../core/redacted.ts';
import { settled } from './jsonFields.ts';

type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** A step as a format found it; what it leaves out gets the default. `stepId` may repeat or be missing. */
export type StepDraft = Loose<Omit<ExecutionStep, 'stepIndex'>> & Pick<ExecutionStep, 'stepType' | 'range' | 'jsonPointer'>;

export type TraceDraft = Loose<Omit<PlanTrace, 'steps'>> & Pick<PlanTrace, 'format' | 'formatVersion' | 'range'> & { readonly steps: readonly StepDraft[] };

const NO_SCORES: readonly ImportedScore[] = [];
const HASHED_CHARACTERS = 500;

/** Numbers the steps, makes their ids unique and fills in defaults. `traceIds` holds the ids the file has used so far. */
export function assembleTrace(draft: TraceDraft, traceIds: UniqueIds): PlanTrace {
  const stepIds = new UniqueIds();
  const warnings: TraceWarning[] = [...(draft.warnings ?? [])];
  let duplicates = 0;
  let firstDuplicate: StepDraft | undefined;
  let previousId = '';
  const steps = draft.steps.map((step, stepIndex): ExecutionStep => {
    const wanted = step.stepId ?? derivedId(step, previousId);
    const stepId = stepIds.take(wanted);
    if (stepId !== wanted && step.stepId !== undefined) {
      duplicates++;
      firstDuplicate ??= step;
    }
    previousId = stepId;
    return numberedStep(step, stepId, stepIndex);
  });
  if (firstDuplicate !== undefined) {
    warnings.push(duplicateWarning(duplicates, firstDuplicate));
  }
  return settled<PlanTrace>({
    traceId: traceIds.take(draft.traceId ?? derivedTraceId(draft)),
    format: draft.format,
    formatVersion: draft.formatVersion,
    goalText: draft.goalText ?? '',
    goalRange: draft.goalRange ?? null,
    planSignature: draft.planSignature ?? '',
    steps,
    finalOutputText: draft.finalOutputText ?? lastOutput(steps),
    importedScores: draft.importedScores ?? NO_SCORES,
    targetEpistemicQuality: draft.targetEpistemicQuality,
    targetEpistemicQualitySource: draft.targetEpistemicQualitySource,
    createdAt: draft.createdAt,
    meta: draft.meta ?? NO_META,
    warnings,
    unknownRecordCounts: draft.unknownRecordCounts ?? {},
    range: draft.range,
  });
}

/** Says that steps share an id; `first` is the first that repeats one. */
export function duplicateWarning(duplicates: number, first: Pick<StepDraft, 'stepId' | 'range'>): TraceWarning {
  return {
    code: 'duplicate-step-id',
    message: `${duplicates} ${duplicates === 1 ? 'step repeats' : 'steps repeat'} an id, the first being "${first.stepId ?? ''}". They are told apart as "#2", "#3"…`,
    range: first.range,
  };
}

const NO_META: TraceMeta = {};
const NO_TOOLS: readonly ToolCall[] = [];
const NO_ATTRIBUTES: Readonly<Record<string, JsonValue>> = {};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The step with its defaults. Written out member by member: building it in a loop took a third of all parsing time. */
function numberedStep(draft: StepDraft, stepId: string, stepIndex: number): ExecutionStep {
  const step: Mutable<ExecutionStep> = {
    stepId,
    stepIndex,
    stepType: draft.stepType,
    description: draft.description ?? '',
    depth: draft.depth ?? 0,
    tools: draft.tools ?? NO_TOOLS,
    attributes: draft.attributes ?? NO_ATTRIBUTES,
    importedScores: draft.importedScores ?? NO_SCORES,
    range: draft.range,
    textRange: draft.textRange ?? draft.range,
    jsonPointer: draft.jsonPointer,
    isCopiedContext: draft.isCopiedContext ?? false,
    isSidechain: draft.isSidechain ?? false,
    isProvisional: draft.isProvisional ?? false,
    contentNotCaptured: draft.contentNotCaptured === true || isTakenOut(draft),
  };
  if (draft.agentName !== undefined) step.agentName = draft.agentName;
  if (draft.parentId !== undefined) step.parentId = draft.parentId;
  if (draft.input !== undefined) step.input = draft.input;
  if (draft.output !== undefined) step.output = draft.output;
  if (draft.reasoning !== undefined) step.reasoning = draft.reasoning;
  if (draft.startTimeMs !== undefined) step.startTimeMs = draft.startTimeMs;
  if (draft.endTimeMs !== undefined) step.endTimeMs = draft.endTimeMs;
  if (draft.durationMs !== undefined) step.durationMs = draft.durationMs;
  if (draft.usage !== undefined) step.usage = draft.usage;
  if (draft.costUsd !== undefined) step.costUsd = draft.costUsd;
  if (draft.logprobs !== undefined) step.logprobs = draft.logprobs;
  if (draft.error !== undefined) step.error = draft.error;
  if (draft.finishReason !== undefined) step.finishReason = draft.finishReason;
  return step;
}

/** Whether placeholders stand where the step's words and calls were, and nothing beside them. */
function isTakenOut({ output, reasoning, tools }: StepDraft): boolean {
  let isTaken = false;
  for (const text of [output, reasoning]) {
    if (text === undefined || text === '') continue;
    if (!isRedacted(text)) return false;
    isTaken = true;
  }
  for (const { args, result } of tools ?? NO_TOOLS) {
    if (typeof args !== 'string' || !isRedacted(args) || (result !== undefined && result !== '' && !isRedacted(result))) return false;
    isTaken = true;
  }
  return isTaken;
}

/** Hands out ids, the second time an id is asked for with "#2" after it, and so on. */
export class UniqueIds {
  private readonly uses = new Map<string, number>();

  take(id: string): string {
    let uses = this.uses.get(id);
    if (uses === undefined) {
      this.uses.set(id, 1);
      return id;
    }
    let unique: string;
    do unique = `${id}#${++uses}`;
    while (this.uses.has(unique));
    this.uses.set(id, uses);
    this.uses.set(unique, 1);
    return unique;
  }
}

/** An id from the step before, the kind and the words, so that adding steps changes no earlier id. */
export function derivedId(step: StepDraft, previousId: string): string {
  const words = step.output ?? step.reasoning ?? '';
  let calls = '';
  for (const tool of step.tools ?? NO_TOOLS) calls += `${tool.name} ${tool.callId ?? ''}\n`;
  // Long texts are known by their beginning, end and length: hashing all of it would cost more than parsing it.
  const part = words.length <= 2 * HASHED_CHARACTERS ? words : `${words.slice(0, HASHED_CHARACTERS)}${words.slice(-HASHED_CHARACTERS)}${words.length}`;
  return hashText(`${previousId}\n${step.stepType}\n${part.replace(/\s+/g, ' ').trim()}\n${calls}`).slice(0, 16);
}

function derivedTraceId(draft: TraceDraft): string {
  const first = draft.steps[0];
  return hashText(`${draft.format}\n${(draft.goalText ?? '').slice(0, HASHED_CHARACTERS)}\n${(first?.output ?? '').slice(0, HASHED_CHARACTERS)}`).slice(0, 16);
}

/** What a run says at its end, where its file names no final output. */
export function lastOutput(steps: readonly ExecutionStep[]): string {
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i];
    if (step !== undefined && !step.isSidechain && step.output !== undefined && step.output !== '') return step.output;
  }
  return '';
}
