/** The trace as StepScope sees it: one goal, the agent's decisions in order, whatever file it came from. */

/** Half-open range of UTF-16 offsets into the file's text. */
export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

/** A value that survives JSON. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** One tool call of a step, paired with its result where the file holds one. */
export interface ToolCall {
  readonly name: string;
  /** Arguments as the file has them: parsed JSON, the raw string where it does not parse, or a placeholder (`isRedacted`) where they were not recorded. */
  readonly args: JsonValue;
  /** Set when `args` was a string that should have been JSON and is not. */
  readonly argsError?: string;
  readonly callId?: string;
  readonly result?: string;
  readonly isError: boolean;
}

/** Token counts of one step, counted once however often the file repeats them. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cachedTokens?: number;
}

export interface StepError {
  readonly type: string;
  readonly message: string;
  readonly traceback?: string;
}

/** A score found in the file. `scale` is undefined where the format does not declare one. */
export interface ImportedScore {
  /** Name of the judge as the file gives it; shown as scorer `file:<source>`. */
  readonly source: string;
  readonly dimension: string;
  /** Value on the file's own scale. */
  readonly value: number;
  readonly scale?: readonly [lo: number, hi: number];
  readonly rationale?: string;
  readonly attributes: Readonly<Record<string, number>>;
}

/** One decision of the agent with its observation. */
export interface ExecutionStep {
  /** Unique within the trace: the native id, else a hash of parent id, kind and normalised text. */
  readonly stepId: string;
  /** Position from 0 among the trace's steps. */
  readonly stepIndex: number;
  readonly stepType: string;
  readonly description: string;
  readonly agentName?: string;
  readonly parentId?: string;
  readonly depth: number;
  readonly input?: string;
  readonly output?: string;
  readonly reasoning?: string;
  /** Every tool call of the step, in order; empty when it made none. */
  readonly tools: readonly ToolCall[];
  /** Milliseconds since the Unix epoch. */
  readonly startTimeMs?: number;
  readonly endTimeMs?: number;
  readonly durationMs?: number;
  readonly usage?: Usage;
  readonly costUsd?: number;
  /** Natural-log probabilities of the generated tokens. */
  readonly logprobs?: readonly number[];
  readonly error?: StepError;
  readonly finishReason?: string;
  /** Fields of the step this model has no name for; kept for a lossless round trip. */
  readonly attributes: Readonly<Record<string, JsonValue>>;
  readonly importedScores: readonly ImportedScore[];
  /** Where the step stands in the file's text; null for formats without text. */
  readonly range: OffsetRange | null;
  /** Where the step's own words stand (narrower than `range`), for Problems and the tint. */
  readonly textRange: OffsetRange | null;
  readonly jsonPointer: string;
  readonly isCopiedContext: boolean;
  readonly isSidechain: boolean;
  /** Last step of a file that is still being written. */
  readonly isProvisional: boolean;
  /** The text exists but the producer did not record it (redacted, encrypted, capture off). */
  readonly contentNotCaptured: boolean;
}

/** What the reader should know about a file that was read only in part. */
export interface TraceWarning {
  readonly code: 'file-not-strict-json' | 'unknown-records' | 'truncated-file' | 'broken-record' | 'duplicate-step-id' | 'step-shortened' | 'bad-encoding';
  /** One sentence: what, where, what to do. */
  readonly message: string;
  readonly range: OffsetRange | null;
}

export interface TraceMeta {
  readonly model?: string;
  readonly agent?: string;
  readonly session?: string;
  readonly cwd?: string;
  readonly costUsd?: number;
  readonly outcome?: number;
}

/** One run of an agent. */
export interface PlanTrace {
  /** Unique within the file. */
  readonly traceId: string;
  readonly format: string;
  readonly formatVersion: string;
  readonly goalText: string;
  readonly goalRange: OffsetRange | null;
  readonly planSignature: string;
  readonly steps: readonly ExecutionStep[];
  readonly finalOutputText: string;
  readonly importedScores: readonly ImportedScore[];
  readonly targetEpistemicQuality?: number;
  readonly targetEpistemicQualitySource?: string;
  readonly createdAt?: string;
  readonly meta: TraceMeta;
  readonly warnings: readonly TraceWarning[];
  /** How many records of each kind the reader did not understand. */
  readonly unknownRecordCounts: Readonly<Record<string, number>>;
  readonly range: OffsetRange | null;
}
