/** A recorded run as PlanTrace JSON has it, and the handles of what is being recorded. Scores are on the format's 0–100. */

/** A score of one dimension. */
export interface RecordedScore {
  readonly score: number | null;
  readonly source?: string;
  readonly rationale?: string;
  readonly weight?: number;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** What a scorer finds; everything it leaves out stays unscored. */
export interface PipelineScores {
  /** By dimension or `dimension::scorer`. */
  readonly step_scores?: readonly { readonly step_id: string | number; readonly scores: Readonly<Record<string, RecordedScore | number>> }[];
  readonly pipeline_score?: Readonly<Record<string, unknown>>;
  readonly mars_analysis?: unknown;
}

export interface StepError {
  readonly type: string;
  readonly message: string;
  readonly traceback?: string;
}

export interface RecordedStep {
  readonly step_id: string;
  /** Position from 1 in the order the stages began. */
  readonly step_order: number;
  readonly step_type: string;
  readonly description: string;
  readonly agent_name?: string;
  readonly input_text?: string;
  readonly output_text?: string;
  /** Top-level members of the output; undefined where it is no record. */
  readonly output_keys?: readonly string[];
  /** Characters of the whole output, also where it was cut; undefined where that is unknown. */
  readonly output_size?: number;
  /** Seconds since the Unix epoch. */
  readonly start_time: number;
  readonly end_time?: number;
  /** Seconds by a clock that never goes back. */
  readonly duration?: number;
  readonly error?: StepError;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly scores?: Readonly<Record<string, RecordedScore | number>>;
}

/** Steps stand in the order their words came to be: by their end, or by their beginning while they run. */
export interface PlanTraceDocument extends PipelineScores {
  readonly schema_version: string;
  readonly trace_id: string;
  readonly goal_text: string;
  readonly goal_id?: string;
  readonly plan_signature: string;
  readonly input_data: unknown;
  readonly created_at: string;
  readonly execution_steps: readonly RecordedStep[];
  readonly final_output_text?: string;
  readonly extra_data: Readonly<Record<string, unknown>>;
}

/** A run that is being recorded. Hand it to the monitor; several may be open at once. */
export interface PipelineRun {
  readonly kind: 'run';
  readonly traceId: string;
  /** Where it is recorded; undefined for a run that is kept in memory only. */
  readonly file: string | undefined;
}

/** A stage of a run that is being recorded. */
export interface StageRun {
  readonly kind: 'stage';
  readonly stepId: string;
  readonly name: string;
}
