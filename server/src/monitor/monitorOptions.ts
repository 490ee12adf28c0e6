/** What a monitor is told: how to record, what begins, what came of it. */
import type { PipelineScores, PlanTraceDocument } from './planTraceDocument.ts';

export interface MonitorOptions {
  /** One file a run, `<trace id>.trace.jsonl`, in this folder. Neither folder nor file: runs are kept in memory only. */
  readonly folder?: string;
  /** All runs in this one file, appended to what it holds. */
  readonly file?: string;
  /** False records nothing at all; true by default. */
  readonly isEnabled?: boolean;
  /** Longest text of an input, an output or another value; 20,000 characters by default. */
  readonly maxValueChars?: number;
  /** Most characters of a run; 32 million by default. Texts are left out of a run that is three quarters full, stages of a full one. */
  readonly maxTraceChars?: number;
  /** A run of which nothing is heard for so long is recorded as stuck; five minutes by default. */
  readonly stuckAfterMs?: number;
  /** Gets each sentence about what could not be recorded; by default it goes to stderr. */
  readonly onNotice?: (sentence: string) => void;
}

export interface PipelineStart {
  readonly goalText: string;
  readonly goalId?: string;
  /** Made up where it is left out. */
  readonly traceId?: string;
  /** Names of the stages as planned. */
  readonly stages?: readonly string[];
  readonly input?: unknown;
  /** A snapshot is taken; secrets in it are left out. */
  readonly config?: unknown;
  readonly tags?: readonly string[];
  /** Why the run is made. */
  readonly rationale?: string;
  readonly agentName?: string;
  readonly model?: string;
}

export interface StageStart {
  readonly input?: unknown;
  /** The stage's name by default. */
  readonly stepType?: string;
  readonly agentName?: string;
  readonly description?: string;
  /** Which time this is, from 1; by default how often a stage of the name has begun under the same parent. */
  readonly iteration?: number;
  readonly tags?: readonly string[];
  /** Why the stage is run. */
  readonly rationale?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

export interface StageResult {
  readonly output?: unknown;
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** A number that should move as the run gets on (a loss, a score); a run whose number stands still or swings is recorded as such. */
  readonly progress?: number;
}

/** Judges a finished run; scores on 0–100. What it throws becomes a notice. */
export type PipelineScorer = (trace: PlanTraceDocument) => PipelineScores | Promise<PipelineScores>;

/** Time as the monitor reads it; `monotonicMs` never goes back. */
export interface MonitorClock {
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
}
