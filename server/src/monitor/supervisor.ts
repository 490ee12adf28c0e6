/** Runs named stages one after another under a monitor: each gets the context, and what it made of it is recorded. */
import type { PipelineScorer, StageStart } from './monitorOptions.ts';
import type { PipelineRun, StageRun } from './planTraceDocument.ts';
import type { PlanTraceMonitor } from './planTraceMonitor.ts';

/** What the stages hand on. */
export type PipelineContext = Readonly<Record<string, unknown>>;

export interface Stage {
  readonly name: string;
  /** Gets a copy of the context and answers the next one; `stage` takes stages within it. */
  readonly run: (context: PipelineContext, stage: StageRun) => PipelineContext | Promise<PipelineContext>;
  /** How often it runs, each time on what the time before left; once by default. */
  readonly iterations?: number;
  readonly isEnabled?: boolean;
  /** What is recorded of it; by default what it was given and what it changed. */
  readonly describe?: (before: PipelineContext, after: PipelineContext) => { readonly input?: unknown; readonly output?: unknown };
  readonly start?: Omit<StageStart, 'input' | 'iteration'>;
}

export interface SupervisorOptions {
  readonly monitor: PlanTraceMonitor;
  readonly stages: readonly Stage[];
  /** Chooses the stages of a run from those that are switched on. */
  readonly adjustPipeline?: (stages: readonly Stage[], context: PipelineContext) => readonly Stage[] | Promise<readonly Stage[]>;
  /** Judges every run that ended, also one that failed. */
  readonly scorer?: PipelineScorer;
  readonly config?: unknown;
}

export interface PipelineGoal {
  readonly goalText: string;
  readonly goalId?: string;
  readonly runId?: string;
  readonly tags?: readonly string[];
  readonly rationale?: string;
}

export class Supervisor {
  readonly #options: SupervisorOptions;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** The context after the last stage. What a stage throws ends the run, is recorded and thrown on. Runs may overlap. */
  async run(goal: PipelineGoal, context: PipelineContext = {}): Promise<PipelineContext> {
    const { monitor, scorer, config, adjustPipeline } = this.#options;
    const enabled = this.#options.stages.filter((stage) => stage.isEnabled !== false);
    // First, so that the signature names the stages that run.
    const stages = adjustPipeline === undefined ? enabled : await adjustPipeline(enabled, context);
    const { runId, ...start } = goal;
    const run = monitor.startPipeline({ ...start, ...(runId === undefined ? {} : { traceId: runId }), stages: stages.map((stage) => stage.name), input: context, config });
    let current = context;
    let changed: PipelineContext = {};
    try {
      for (const stage of stages) {
        const before = current;
        current = await this.#runStage(run, stage, before);
        changed = changes(before, current);
      }
      monitor.completePipeline(run, { finalOutput: current['finalOutput'] ?? changed });
    } catch (error) {
      monitor.handlePipelineError(run, error);
      throw error;
    } finally {
      if (scorer !== undefined) await monitor.scorePipeline(run, scorer);
    }
    return current;
  }

  /** Several times are stages within the stage. */
  async #runStage(run: PipelineRun, stage: Stage, before: PipelineContext): Promise<PipelineContext> {
    const { monitor } = this.#options;
    const times = stage.iterations ?? 1;
    if (times === 1) return await this.#runOnce(run, stage, { before });
    const outer = monitor.startStage(run, stage.name, { ...stage.start, input: before });
    let current = before;
    try {
      for (let iteration = 1; iteration <= times; iteration++) current = await this.#runOnce(outer, stage, { before: current, iteration });
    } catch (error) {
      monitor.handleStageError(outer, error);
      throw error;
    }
    monitor.completeStage(outer, { output: stage.describe?.(before, current).output ?? changes(before, current) });
    return current;
  }

  async #runOnce(parent: PipelineRun | StageRun, stage: Stage, { before, iteration }: { readonly before: PipelineContext; readonly iteration?: number }): Promise<PipelineContext> {
    const { monitor } = this.#options;
    const input = stage.describe?.(before, before).input ?? before;
    const handle = monitor.startStage(parent, stage.name, { ...stage.start, input, ...(iteration === undefined ? {} : { iteration }) });
    let after: PipelineContext;
    try {
      after = await stage.run({ ...before }, handle);
    } catch (error) {
      monitor.handleStageError(handle, error);
      throw error;
    }
    monitor.completeStage(handle, { output: stage.describe?.(before, after).output ?? changes(before, after) });
    return after;
  }
}

/** The members that are new or another value; what was taken out is null. */
function changes(before: PipelineContext, after: PipelineContext): PipelineContext {
  const changed = Object.entries(after).filter(([key, value]) => !Object.is(before[key], value));
  const gone = Object.keys(before).filter((key) => !(key in after)).map((key) => [key, null] as const);
  return Object.fromEntries([...changed, ...gone]);
}
