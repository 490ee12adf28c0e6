/** The recorder for pipelines of one's own: the package export `stepscope/monitor`, built into one file without dependencies. */
export type { MonitorClock, MonitorOptions, PipelineScorer, PipelineStart, StageResult, StageStart } from './monitorOptions.ts';
export type { PipelineRun, PipelineScores, PlanTraceDocument, RecordedScore, RecordedStep, StageRun, StepError } from './planTraceDocument.ts';
export { PlanTraceMonitor } from './planTraceMonitor.ts';
export { stepscopeScorer } from './stepscopeScorer.ts';
export { Supervisor } from './supervisor.ts';
export type { PipelineContext, PipelineGoal, Stage, SupervisorOptions } from './supervisor.ts';
