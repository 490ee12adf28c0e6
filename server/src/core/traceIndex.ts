/** A trace file as an index: what is small of every step in memory, what is long on disk, brought up to date as the file grows. */
import type { ExecutionStep, PlanTrace, TraceWarning } from './planTrace.ts';
import type { Finding } from './problems.ts';
import type { UnscoredReason } from './scoreResult.ts';

/** The members of a step that may be long; they stand in the spill file. */
export interface HeavyFields extends Pick<ExecutionStep, 'description' | 'tools' | 'attributes'> {
  readonly input?: string;
  readonly output?: string;
  readonly reasoning?: string;
  readonly logprobs?: readonly number[];
  /** Whole, with its traceback. */
  readonly error?: NonNullable<ExecutionStep['error']>;
}

/**
 * A step without its words. Ranges are UTF-16 offsets into the whole text of the file. `error` has no traceback and a
 * message of at most 200 characters. The keys are those of `prepareTrace`; without models they are '' and `unscored` is 'no-model'.
 */
export interface LeanStep extends Omit<ExecutionStep, keyof HeavyFields> {
  readonly error?: { readonly type: string; readonly message: string };
  /** Names of the step's calls, in order. */
  readonly toolNames: readonly string[];
  /** Whether the step holds log-probabilities: few do, and asking must not cost a read. */
  readonly hasLogprobs: boolean;
  /** Place of the heavy fields in the spill file; `bytes` long. */
  readonly at: number;
  readonly bytes: number;
  readonly textKey: string;
  readonly contextKey: string;
  readonly chainKey: string;
  readonly isShortened: boolean;
  readonly unscored?: UnscoredReason;
}

export type TraceHeader = Omit<PlanTrace, 'steps'>;

/** From step `from` on, the trace's steps are replaced by `steps`, and so are the findings that stand on them or on no step. */
export interface TraceChange {
  readonly traceIndex: number;
  readonly header: TraceHeader;
  readonly goalKey: string;
  readonly from: number;
  readonly steps: readonly LeanStep[];
  /** Those of steps from `from` on, and all that stand on no step. */
  readonly findings: readonly Finding[];
}

/** What one piece of reading brought. A read that finds anything sends at least one. */
export interface IndexBatch {
  /** All that was known of the file is void: this batch begins it anew. True for the first batch of the first read too. */
  readonly isReset: boolean;
  readonly changes: readonly TraceChange[];
  /** How many traces the file has so far; with fewer than before, those beyond are gone. */
  readonly traceCount: number;
  /** UTF-16 offsets at which lines begin that no earlier batch told of; after a reset the first is 0. */
  readonly lineStarts: Uint32Array;
  /** UTF-16 length of the text so far. */
  readonly textLength: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export type IndexOutcome =
  | {
      readonly kind: 'read';
      readonly format: string;
      readonly formatVersion: string;
      /** Whether growth is read from where the last read ended, and not from the start. */
      readonly isWindowed: boolean;
      readonly sizeBytes: number;
      readonly modifiedMs: number;
      readonly textLength: number;
      /** Whether this read began the file anew. */
      readonly isReset: boolean;
      /** Whether anything differs from what the last read left. */
      readonly hasChanged: boolean;
      /** The text was unpacked and stands in no file: every range is null. */
      readonly isVirtual: boolean;
      /** The last step may still change: read again once the file has been quiet for a while. */
      readonly isProvisional: boolean;
      /** Of the file as a whole. */
      readonly warnings: readonly TraceWarning[];
      readonly unknownRecordCounts: Readonly<Record<string, number>>;
    }
  /** No format takes the file. */
  | { readonly kind: 'no-trace'; readonly sizeBytes: number; readonly modifiedMs: number }
  | { readonly kind: 'missing' }
  /** The signal said stop; what was reported stays true, and the next read goes on from there. */
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'too-large'; readonly sizeBytes: number; readonly message: string };

/** An `AbortSignal`. */
export interface CancelSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface IndexSettings {
  /** `modelsKeyOf(manifest)`; undefined where there are no models. */
  readonly modelsKey?: string;
  readonly maxStepCharacters: number;
  /** The format a user chose; undefined: the surest. Where it finds nothing, the surest after all. */
  readonly format?: string;
  /** Least confidence of detection, 0–1; default 0. */
  readonly minConfidence?: number;
  /** Larger files are not read; default: no limit. */
  readonly maxBytes?: number;
  /** Milliseconds after which a last step that nobody went on writing counts as finished; default 5,000. */
  readonly quietMs?: number;
}

/** The index of one file. */
export interface TraceIndex {
  /** Reads what is on disk and not yet known; one call at a time. Never rejects. */
  read(onBatch: (batch: IndexBatch) => void, signal?: CancelSignal): Promise<IndexOutcome>;
  /** The words of a step. Empty ones for a step of a reading that was begun anew since, or after `close`. */
  readStep(step: Pick<LeanStep, 'at' | 'bytes'>): HeavyFields;
  close(): void;
}

/** Indexes files one after another, off the main thread. */
export interface TraceIndexer {
  open(path: string, settings: IndexSettings): TraceIndex;
  close(): Promise<void>;
}
