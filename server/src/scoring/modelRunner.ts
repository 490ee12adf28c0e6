/** The port through which pure scoring code reaches the models. */
import type { ModelManifest } from './manifest.ts';
import type { WindowEncoding } from './stepEncoding.ts';

/** What the core needs of an AbortSignal. */
export interface StopSignal {
  readonly aborted: boolean;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface RunOptions {
  /** Stops between runs; the promise then rejects with an `AbortError`. */
  readonly signal?: StopSignal;
}

/** One window as the backbone reads it. */
export interface WindowInput {
  readonly ids: Int32Array;
  /** Where the goal's head ends, then where each unit ends: the last of a unit's tokens is its marker. */
  readonly ends: Int32Array;
  /** Units that stand here only as context, before those that are read. */
  readonly carried: number;
}

export interface HeadRequest {
  readonly scorers: readonly string[];
  /** (rowCount, manifest.headInput.width); for a scorer with a state consecutive steps of one trace. */
  readonly features: Float32Array;
  readonly rowCount: number;
  /** By scorer: what the step before the first row left; zeros where a scorer with a state has none here. */
  readonly states: Readonly<Record<string, Float32Array>>;
}

/** By scorer, then by output: rows one after the other. */
export type HeadAnswer = Readonly<Record<string, Readonly<Record<string, Float32Array>>>>;

export interface ModelRunner {
  readonly manifest: ModelManifest;
  /** Ids of each text's word pieces, never cut. */
  tokenize(texts: readonly string[], options?: RunOptions): Promise<readonly Int32Array[]>;
  /** One encoding a window, in order, each the same bits whatever else is asked for. */
  encode(windows: readonly WindowInput[], options?: RunOptions): Promise<readonly WindowEncoding[]>;
  runHeads(request: HeadRequest, options?: RunOptions): Promise<HeadAnswer>;
  /** Windows run since the start: the proof of incremental work. */
  readonly windowCount: number;
}
