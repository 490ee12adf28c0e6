/**
 * Records the runs of a pipeline as they happen: an append-only log, one JSON record a line, that StepScope reads as a PlanTrace.
 * Nothing here throws into the pipeline it records.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { AppendLog } from './appendLog.ts';
import type { MonitorClock, MonitorOptions, PipelineScorer, PipelineStart, StageResult, StageStart } from './monitorOptions.ts';
import type { PipelineRun, PipelineScores, PlanTraceDocument, StageRun, StepError } from './planTraceDocument.ts';
import type { Alarm } from './progressWatcher.ts';
import { MODEL_FIELDS, RunState, SCHEMA_VERSION, StageState } from './runState.ts';
import { boundedString, messageOf, plainOf, textOf } from './serialise.ts';

const SYSTEM_CLOCK: MonitorClock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };
const DEFAULT_VALUE_CHARS = 20_000;
const DEFAULT_TRACE_CHARS = 32_000_000;
const DEFAULT_STUCK_MS = 300_000;
const SCORE_CHARS = 4_000_000;
const MAX_NAME_CHARS = 200;
const MAX_OUTPUT_KEYS = 100;

export class PlanTraceMonitor {
  readonly #options: MonitorOptions;
  readonly #clock: MonitorClock;
  readonly #open = new Set<RunState>();
  #sharedLog: AppendLog | undefined;

  constructor(options: MonitorOptions = {}, clock: MonitorClock = SYSTEM_CLOCK) {
    this.#options = options;
    this.#clock = clock;
  }

  startPipeline(start: PipelineStart): PipelineRun {
    const startedWallMs = this.#clock.wallMs();
    const traceId = this.#safely(() => boundedString(start.traceId ?? '', MAX_NAME_CHARS), '') || `trace_${randomUUID().replaceAll('-', '')}`;
    const isEnabled = this.#options.isEnabled !== false;
    const run = new RunState({
      traceId, log: isEnabled ? this.#logOf(traceId) : undefined, startedMs: this.#clock.monotonicMs(), startedWallMs, maxChars: this.#options.maxTraceChars ?? DEFAULT_TRACE_CHARS,
    });
    run.isRecorded = isEnabled;
    if (!isEnabled) return run;
    this.#open.add(run);
    this.#watch(run);
    this.#safely(() => run.begin({
      schema_version: SCHEMA_VERSION,
      goal_text: this.#text(start.goalText),
      ...(start.goalId === undefined ? {} : { goal_id: boundedString(start.goalId, MAX_NAME_CHARS) }),
      plan_signature: boundedString((start.stages ?? []).join('_'), DEFAULT_VALUE_CHARS),
      input_data: start.input === undefined ? {} : this.#plain(start.input),
      created_at: new Date(startedWallMs).toISOString(),
      extra_data: given({
        agent_name: start.agentName, model: start.model, tags: start.tags, rationale: start.rationale,
        config: start.config === undefined ? undefined : this.#plain(start.config),
      }, this.#maxValueChars * 2),
    }), undefined);
    return run;
  }

  /** Begins a stage of a run, or a stage within a stage. */
  startStage(parent: PipelineRun | StageRun, name: string, start: StageStart = {}): StageRun {
    const at = parent instanceof RunState || parent instanceof StageState ? parent : this.#nowhere();
    const run = at.kind === 'run' ? at : at.run;
    const order = run.nextStep();
    const stage = new StageState(at, { stepId: `step_${order}`, name, startedMs: this.#clock.monotonicMs() });
    stage.isRecorded = run.isRecorded && (at.kind === 'run' || at.isRecorded) && run.room !== 'none';
    if (!stage.isRecorded) {
      if (run.isRecorded && ++run.droppedStages === 1) run.record('cut', { reason: 'The trace is full: further stages are counted, not recorded.' });
      return stage;
    }
    stage.isRecorded = this.#safely(() => {
      const uses = at.uses(name);
      const iteration = start.iteration ?? (uses > 1 ? uses : undefined);
      stage.input = this.#textIn(run, start.input).text;
      stage.started = {
        step_id: stage.stepId, step_order: order, step_type: boundedString(start.stepType ?? name, MAX_NAME_CHARS),
        description: boundedString(start.description ?? `Stage ${order}: ${name}${iteration === undefined ? '' : `, time ${iteration}`}`, MAX_NAME_CHARS * 5),
        agent_name: boundedString(start.agentName ?? name, MAX_NAME_CHARS), ...(start.input === undefined ? {} : { input_text: stage.input }), start_time: run.secondsAt(stage.startedMs),
        attributes: {
          ...given({ ...start.attributes, iteration, tags: start.tags, rationale: start.rationale }, this.#maxValueChars),
          ...(at.kind === 'stage' ? { [MODEL_FIELDS]: { parent_id: at.stepId, depth: stage.depth } } : {}),
        },
      };
      run.stageBegan(stage);
      return true;
    }, false);
    return stage;
  }

  completeStage(handle: StageRun, result: StageResult = {}): void {
    this.#endStage(handle, result, undefined);
  }

  handleStageError(handle: StageRun, error: unknown, result: StageResult = {}): void {
    this.#endStage(handle, result, { error });
  }

  /** Runs `work` as a stage: its answer is recorded as the output, what it throws as the error and thrown on. */
  async recordStage<T>(parent: PipelineRun | StageRun, name: string, work: (stage: StageRun) => T | Promise<T>, start: StageStart = {}): Promise<T> {
    const stage = this.startStage(parent, name, start);
    let output: T;
    try {
      output = await work(stage);
    } catch (error) {
      this.handleStageError(stage, error);
      throw error;
    }
    this.completeStage(stage, { output });
    return output;
  }

  completePipeline(handle: PipelineRun, result: { readonly finalOutput?: unknown } = {}): void {
    this.#endRun(handle, () => ({ final_output_text: textOf(result.finalOutput, this.#maxValueChars).text, extra_data: { status: 'completed' } }));
  }

  handlePipelineError(handle: PipelineRun, error: unknown): void {
    this.#endRun(handle, () => ({ final_output_text: this.#text(`Pipeline failed: ${messageOf(error)}`), extra_data: { status: 'failed', error: this.#error(error) } }));
  }

  /** Writes a scorer's judgement into the trace. Undefined where it failed, which a notice says. */
  async scorePipeline(handle: PipelineRun, scorer: PipelineScorer): Promise<PipelineScores | undefined> {
    const run = handle instanceof RunState ? handle : this.#nowhere();
    if (!run.isRecorded) return undefined;
    try {
      const scores = plainOf(await scorer(run.document()), SCORE_CHARS) as PipelineScores;
      run.scored(scores);
      return scores;
    } catch (error) {
      this.#notice(`The run ${run.traceId} is not scored: ${messageOf(error)}`);
      return undefined;
    } finally {
      if (run.isEnded) this.#release(run);
    }
  }

  /** What is recorded of a run so far, as PlanTrace JSON. */
  traceOf(run: PipelineRun): PlanTraceDocument {
    return (run as RunState).document();
  }

  /** Gives up every run that is open: it is recorded as abandoned, and what is still told of it is not recorded. */
  reset(): void {
    for (const run of [...this.#open]) {
      this.#endRun(run, () => ({ extra_data: { status: 'abandoned' } }));
      run.isRecorded = false;
    }
  }

  #endStage(handle: StageRun, result: StageResult, failure: { readonly error: unknown } | undefined): void {
    const stage = handle instanceof StageState ? handle : undefined;
    if (stage === undefined) return this.#notice('Something that is no stage was ended; your pipeline is not affected.');
    const { run } = stage;
    if (!stage.isRecorded || !run.isRecorded || stage.ended !== undefined) return;
    this.#safely(() => {
      const nowMs = Math.max(stage.startedMs, this.#clock.monotonicMs());
      const { output } = result;
      const { text, fullChars } = this.#textIn(run, output);
      const { progress } = result;
      run.stageEnded(stage, {
        ...(output === undefined ? {} : { output_text: text, ...(fullChars === undefined ? {} : { output_size: fullChars }), ...outputKeys(output) }),
        end_time: run.secondsAt(nowMs), duration: Math.round((nowMs - stage.startedMs) * 1e3) / 1e6,
        ...(failure === undefined ? {} : { error: this.#error(failure.error) }),
        attributes: given({ ...result.attributes, progress }, this.#maxValueChars),
      });
      const answer = failure === undefined ? text : `error: ${messageOf(failure.error)}`;
      const alarm = stage.parent.watcher.ended({ name: stage.name, fingerprint: `${stage.name}\0${stage.input}\0${answer}` }, progress);
      if (alarm !== undefined) this.#alarm(run, alarm, stage);
    }, undefined);
  }

  #endRun(handle: PipelineRun, tailOf: () => { readonly extra_data: Readonly<Record<string, unknown>>; readonly [member: string]: unknown }): void {
    const run = handle instanceof RunState ? handle : this.#nowhere();
    if (!run.isRecorded || run.isEnded) return;
    this.#open.delete(run);
    clearTimeout(run.silence);
    run.silence = undefined;
    this.#safely(() => {
      const nowMs = Math.max(run.startedMs, this.#clock.monotonicMs());
      const tail = tailOf();
      const dropped = run.droppedStages === 0 ? {} : { dropped_stages: run.droppedStages };
      run.end({ ...tail, extra_data: { ...tail.extra_data, completed_at: new Date(run.secondsAt(nowMs) * 1e3).toISOString(), total_time: Math.round((nowMs - run.startedMs) * 1e3) / 1e6, ...dropped } });
    }, undefined);
    this.#release(run);
  }

  #alarm(run: RunState, alarm: Alarm, stage: StageState | undefined): void {
    const members = { ...alarm, ...(stage === undefined ? {} : { step_id: stage.stepId }) };
    run.alarms.push(members);
    if (stage?.ended !== undefined) stage.ended = { ...stage.ended, attributes: { ...(stage.ended['attributes'] as object), alarm: alarm.reason } };
    run.record('alarm', members);
  }

  /** A timer that keeps no process alive; every record starts it anew. */
  #watch(run: RunState): void {
    const afterMs = this.#options.stuckAfterMs ?? DEFAULT_STUCK_MS;
    run.silence = setTimeout(() => {
      if (run.isSilent) return;
      this.#safely(() => this.#alarm(run, { kind: 'stuck', reason: `Nothing was recorded for ${afterMs / 1000} s.`, stages: run.openStages() }, undefined), undefined);
      run.isSilent = true;
    }, afterMs).unref();
  }

  /** For callers without types that hand in no run. */
  #nowhere(): RunState {
    this.#notice('Something that is no run was handed in; your pipeline is not affected.');
    const run = new RunState({ traceId: '', log: undefined, startedMs: 0, startedWallMs: 0, maxChars: 0 });
    run.isRecorded = false;
    return run;
  }

  #logOf(traceId: string): AppendLog | undefined {
    const { folder, file } = this.#options;
    const notice = (sentence: string): void => this.#notice(sentence);
    if (file !== undefined) return this.#sharedLog ??= new AppendLog(file, notice);
    return folder === undefined ? undefined : new AppendLog(join(folder, `${traceId.replace(/[^A-Za-z0-9._-]/g, '_')}.trace.jsonl`), notice);
  }

  /** A shared file stays open while a run needs it. */
  #release(run: RunState): void {
    run.log?.retry();
    if (run.log !== this.#sharedLog || this.#open.size === 0) run.log?.close();
  }

  get #maxValueChars(): number {
    return this.#options.maxValueChars ?? DEFAULT_VALUE_CHARS;
  }

  #text(value: unknown): string {
    return textOf(value, this.#maxValueChars).text;
  }

  #textIn(run: RunState, value: unknown): ReturnType<typeof textOf> {
    if (value === undefined || run.room === 'all') return textOf(value, this.#maxValueChars);
    return { text: '[cut: the trace is nearly full]', fullChars: undefined };
  }

  #plain(value: unknown): unknown {
    return plainOf(value, this.#maxValueChars);
  }

  #error(error: unknown): StepError {
    if (!(error instanceof Error)) return { type: 'Error', message: this.#text(typeof error === 'string' ? error : textOf(error, this.#maxValueChars).text) };
    const text = (value: unknown): string => boundedString(String(value), this.#maxValueChars);
    const cause = error.cause === undefined ? '' : `\nCaused by: ${error.cause instanceof Error ? error.cause.stack ?? error.cause.message : textOf(error.cause, this.#maxValueChars).text}`;
    return { type: boundedString(error.name, MAX_NAME_CHARS), message: text(error.message), ...(error.stack === undefined ? {} : { traceback: text(`${error.stack}${cause}`) }) };
  }

  #safely<T>(work: () => T, otherwise: T): T {
    try {
      return work();
    } catch (error) {
      this.#notice(`A record was left out (${messageOf(error)}); your pipeline is not affected.`);
      return otherwise;
    }
  }

  #notice(sentence: string): void {
    try {
      if (this.#options.onNotice === undefined) process.emitWarning(sentence, 'PlanTraceMonitor');
      else this.#options.onNotice(sentence);
    } catch {
      // Whoever listens must not end the pipeline either.
    }
  }
}

/** The members that were given, each bounded on its own. */
function given(members: Readonly<Record<string, unknown>>, maxChars: number): Readonly<Record<string, unknown>> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? {} : (plainOf(Object.fromEntries(entries), maxChars) as Readonly<Record<string, unknown>>);
}

function outputKeys(output: unknown): { readonly output_keys?: readonly string[] } {
  if (typeof output !== 'object' || output === null || Object.getPrototypeOf(output) !== Object.prototype) return {};
  return { output_keys: Object.keys(output).slice(0, MAX_OUTPUT_KEYS).map((key) => boundedString(key, MAX_NAME_CHARS)) };
}
