/** The port through which pure scoring code reaches the models. */
import type { ModelManifest } from './manifest.ts';

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

export interface ModelRunner {
  readonly manifest: ModelManifest;
  /** One vector (384, L2-normalised) a text, in order. Long texts are chunked and pooled, never cut. */
  embed(texts: readonly string[], options?: RunOptions): Promise<readonly Float32Array[]>;
  /** Raw outputs of a head by name for `rowCount` rows; `features` is (rowCount, manifest.headInput.width). */
  runHead(scorer: string, features: Float32Array, rowCount: number): Promise<Readonly<Record<string, Float32Array>>>;
  /** Texts encoded since the start: the proof of incremental work. */
  readonly encodedTextCount: number;
}
