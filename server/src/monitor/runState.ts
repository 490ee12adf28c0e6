/** What the monitor knows of a run and its stages: their records, their places, and how much has been recorded. */
import type { AppendLog } from './appendLog.ts';
import type { PipelineRun, PipelineScores, PlanTraceDocument, RecordedStep, StageRun } from './planTraceDocument.ts';
import { ProgressWatcher } from './progressWatcher.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** Kinds of record, the value of `plan_trace_event` on each line of a log. */
type EventKind = 'pipeline_started' | 'stage_started' | 'stage_ended' | 'pipeline_ended' | 'pipeline_scored' | 'alarm' | 'cut';

export const SCHEMA_VERSION = '1';
/** The member of a step's attributes for what PlanTrace JSON has no name for: parent and depth. */
export const MODEL_FIELDS = 'stepscope';

export class StageState implements StageRun {
  readonly kind = 'stage';
  readonly run: RunState;
  readonly parent: RunState | StageState;
  readonly stepId: string;
  readonly name: string;
  readonly depth: number;
  /** By the clock that never goes back. */
  readonly startedMs: number;
  readonly watcher = new ProgressWatcher();
  readonly #uses = new Map<string, number>();
  started: JsonObject = {};
  ended: JsonObject | undefined;
  input = '';
  /** False for stages past the limit of the trace, which are only counted. */
  isRecorded = true;

  constructor(parent: RunState | StageState, given: { readonly stepId: string; readonly name: string; readonly startedMs: number }) {
    this.run = parent.kind === 'run' ? parent : parent.run;
    this.parent = parent;
    this.stepId = given.stepId;
    this.name = given.name;
    this.startedMs = given.startedMs;
    this.depth = parent.kind === 'run' ? 0 : parent.depth + 1;
  }

  /** How often a stage of that name has begun here, this time included. */
  uses(name: string): number {
    return count(this.#uses, name);
  }
}

export class RunState implements PipelineRun {
  readonly kind = 'run';
  readonly traceId: string;
  readonly log: AppendLog | undefined;
  readonly startedMs: number;
  readonly startedWallMs: number;
  readonly watcher = new ProgressWatcher();
  readonly #uses = new Map<string, number>();
  readonly #maxChars: number;
  #chars = 0;
  #steps = 0;
  /** In the order of the log: where a stage stands moves to its end when it ends. */
  #order = new Set<StageState>();
  #head: JsonObject = {};
  #tail: JsonObject = {};
  #scores: PipelineScores = {};
  readonly alarms: JsonObject[] = [];
  isEnded = false;
  /** False for runs of a monitor that is switched off, and after a reset. */
  isRecorded = true;
  droppedStages = 0;
  /** Tells a run that nothing is heard of. */
  silence: NodeJS.Timeout | undefined;
  /** Its silence has been told since the last record. */
  isSilent = false;

  constructor(given: { readonly traceId: string; readonly log: AppendLog | undefined; readonly startedMs: number; readonly startedWallMs: number; readonly maxChars: number }) {
    this.traceId = given.traceId;
    this.log = given.log;
    this.startedMs = given.startedMs;
    this.startedWallMs = given.startedWallMs;
    this.#maxChars = given.maxChars;
  }

  get file(): string | undefined {
    return this.log?.path;
  }

  /** Seconds since the epoch of a moment of the clock that never goes back. */
  secondsAt(monotonicMs: number): number {
    return Math.round((this.startedWallMs + (monotonicMs - this.startedMs)) * 1e3) / 1e6;
  }

  uses(name: string): number {
    return count(this.#uses, name);
  }

  nextStep(): number {
    return ++this.#steps;
  }

  /** Texts are left out of a trace that is three quarters full, stages of one that is full. */
  get room(): 'all' | 'no-texts' | 'none' {
    return this.#chars < this.#maxChars * 0.75 ? 'all' : this.#chars < this.#maxChars ? 'no-texts' : 'none';
  }

  /** Appends one record; it is in the file, or waiting for it, when this returns. */
  record(event: EventKind, members: JsonObject): void {
    const line = JSON.stringify({ plan_trace_event: event, trace_id: this.traceId, ...members });
    this.#chars += line.length;
    this.log?.append(line);
    this.isSilent = false;
    this.silence?.refresh();
  }

  begin(head: JsonObject): void {
    this.#head = head;
    this.record('pipeline_started', { ...head, execution_steps: [] });
  }

  stageBegan(stage: StageState): void {
    this.#order.add(stage);
    this.record('stage_started', stage.started);
  }

  stageEnded(stage: StageState, ended: JsonObject): void {
    stage.ended = ended;
    this.#order.delete(stage);
    this.#order.add(stage);
    this.record('stage_ended', { step_id: stage.stepId, ...ended });
  }

  /** Names of the stages that have not ended. */
  openStages(): readonly string[] {
    return [...this.#order].filter((stage) => stage.ended === undefined).map((stage) => stage.name);
  }

  end(tail: JsonObject): void {
    this.isEnded = true;
    this.#tail = tail;
    this.record('pipeline_ended', tail);
  }

  scored(scores: PipelineScores): void {
    this.#scores = scores;
    this.record('pipeline_scored', { ...scores });
  }

  /** What has been recorded so far. */
  document(): PlanTraceDocument {
    const scoresByStepId = new Map((this.#scores.step_scores ?? []).map((s) => [String(s.step_id), s.scores] as const));
    const steps = [...this.#order].map((stage): RecordedStep => {
      const step = mergedStep(stage);
      const scores = scoresByStepId.get(stage.stepId);
      return scores === undefined ? step : { ...step, scores };
    });
    const { extra_data: headExtra, ...head } = this.#head;
    const { extra_data: tailExtra, ...tail } = this.#tail;
    const extra = { ...(headExtra as JsonObject | undefined), ...(tailExtra as JsonObject | undefined), ...(this.alarms.length === 0 ? {} : { alarms: this.alarms }) };
    return { schema_version: SCHEMA_VERSION, trace_id: this.traceId, ...head, execution_steps: steps, ...tail, ...this.#scores, extra_data: extra } as unknown as PlanTraceDocument;
  }
}

function count(uses: Map<string, number>, name: string): number {
  const times = (uses.get(name) ?? 0) + 1;
  uses.set(name, times);
  return times;
}

/** One step of what was recorded at its beginning and at its end. */
function mergedStep({ started, ended }: StageState): RecordedStep {
  const attributes = { ...(started['attributes'] as JsonObject), ...(ended?.['attributes'] as JsonObject | undefined) };
  return { ...started, ...ended, attributes } as unknown as RecordedStep;
}
