/** What is remembered of scores from session to session, and the port through which it is written and asked. */
import type { ScorableFacts, ScoreRecord } from '../core/scoreRecord.ts';

/** Hashes of everything a score hangs on, each alone, so that a changed score can be told by its cause. */
export interface ScoreInputs {
  /** The step's own words. */
  readonly text: string;
  /** Goal and the words of the steps before it. */
  readonly context: string;
  /** Backbone, tokenizer, windows and heads. */
  readonly model: string;
  /** Calibrations, consensus and rule table. */
  readonly calibration: string;
}

/** One scoring of one scorable by all scorers. */
export interface Evaluation {
  readonly scorable: ScorableFacts;
  readonly inputs: ScoreInputs;
  readonly records: readonly ScoreRecord[];
}

export type DeltaCause = 'text' | 'context' | 'model' | 'calibration' | 'unknown';

/** How one score changed from one evaluation to the next. */
export interface ScoreDelta {
  readonly id: number;
  readonly scorable: Pick<ScorableFacts, 'id' | 'file' | 'traceId' | 'stepId' | 'stepIndex' | 'stepType' | 'goal' | 'title'>;
  readonly dimension: string;
  readonly scorer: string;
  readonly scorerVersion: string;
  readonly previousScore: number;
  readonly score: number;
  /** score - previousScore. */
  readonly delta: number;
  /** The first of text, context, model, calibration that changed; all that did are in `changed`. */
  readonly cause: DeltaCause;
  readonly changed: readonly DeltaCause[];
  /** |delta| above 0.1 and above twice the noise. */
  readonly isSignificant: boolean;
  /** Standard deviation of the earlier changes of this score; null with fewer than three. */
  readonly noise: number | null;
  /** The attribute that moved most against its usual movement; undefined without common attributes. */
  readonly movedMost?: { readonly attribute: string; readonly previous: number; readonly value: number };
  readonly timeMs: number;
}

/** One point of a score's history. */
export interface HistoryPoint {
  readonly evaluationId: number;
  readonly timeMs: number;
  readonly score: number;
  readonly scorerVersion: string;
  readonly inputs: ScoreInputs;
  readonly attributes: Readonly<Record<string, number>>;
}

export interface ScoreHistory {
  readonly dimension: string;
  readonly scorer: string;
  /** Oldest first. */
  readonly points: readonly HistoryPoint[];
}

/** Which scorables; every field given must hold. Strings compare exactly. */
export interface ScorableFilter {
  readonly file?: string;
  readonly traceId?: string;
  readonly goal?: string;
  readonly stepType?: string;
  readonly tool?: string;
  readonly agent?: string;
  readonly model?: string;
  readonly isError?: boolean;
  /** Bounds, both ends included. */
  readonly outcome?: readonly [lo: number, hi: number];
  readonly timeMs?: readonly [from: number, to: number];
}

/** Everything current of the memory: the newest evaluation of each scorable. */
export interface RememberedScores {
  readonly scorables: readonly ScorableFacts[];
  readonly records: readonly ScoreRecord[];
}

/** A finding of MARS or of the patterns that asks for something. */
export interface Recommendation {
  /** Stable: the same finding has the same id. */
  readonly id: string;
  readonly kind: 'agreement' | 'conflict' | 'retrain' | 'proxy' | 'bottleneck' | 'reuse' | 'human_review';
  readonly severity: 'warning' | 'information';
  /** What it is about: a dimension, a scorer, a step type. */
  readonly target: string;
  /** One sentence with its numbers. */
  readonly text: string;
  readonly evidence: { readonly numbers: Readonly<Record<string, number>>; readonly ids: readonly string[]; readonly n: number };
}

/** How far the scorers of a dimension agreed over the whole memory; the names are those of MARS. */
export interface Agreement {
  readonly dimension: string;
  readonly agreement_score: number;
  /** Steps with two or more scores. */
  readonly co_scored: number;
  /** How many scorers. */
  readonly scorers: number;
}

/** A pattern that was worth telling. */
export interface FoundPattern {
  /** Stable: the same pattern of the same dimension has the same id. */
  readonly id: string;
  readonly title: string;
  readonly isGood: boolean;
}

/** When a finding was first made, and last made again. */
export interface Seen {
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

/**
 * The memory of a workspace. Every method settles; a write that resolved is on disk. A memory that cannot be
 * used answers reads with nothing, and says so once through the notice it was opened with.
 */
export interface ScoreMemory {
  /** Adds evaluations whose inputs or scores differ from the newest known of their scorable; answers the deltas that makes. */
  record(evaluations: readonly Evaluation[], timeMs: number): Promise<readonly ScoreDelta[]>;
  /** Scorables of a file that are not in `keepIds` any more are forgotten with all that hangs on them. `state` names what was recorded, for `fileState`. */
  retain(file: string, keepIds: readonly string[], state?: string): Promise<void>;
  /** The state a file had when all of it was last recorded; '' where none is known. */
  fileState(file: string): Promise<string>;
  load(filter: ScorableFilter): Promise<RememberedScores>;
  history(scorableId: string): Promise<readonly ScoreHistory[]>;
  /** Newest first. */
  deltas(filter: ScorableFilter & { readonly isSignificant?: boolean; readonly limit?: number }): Promise<readonly ScoreDelta[]>;
  saveRecommendations(recommendations: readonly Recommendation[], timeMs: number): Promise<void>;
  recommendations(): Promise<readonly (Recommendation & Seen)[]>;
  /** One that says what the latest of its dimension says only renews that; of each dimension the newest are kept. */
  saveAgreements(agreements: readonly Agreement[], timeMs: number): Promise<void>;
  /** Newest first. */
  agreements(): Promise<readonly (Agreement & Seen)[]>;
  savePatterns(patterns: readonly FoundPattern[], timeMs: number): Promise<void>;
  patterns(): Promise<readonly (FoundPattern & Seen)[]>;
}
