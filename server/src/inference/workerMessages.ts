/** What passes between the server and its inference worker. */
import type { ModelManifest } from '../scoring/manifest.ts';
import type { HeadAnswer, HeadRequest, WindowInput } from '../scoring/modelRunner.ts';
import type { BackendOptions } from './backend.ts';
import type { InferenceFailure } from './inferenceError.ts';

export interface WorkerSetup {
  readonly folder: string;
  readonly manifest: ModelManifest;
  readonly backend: BackendOptions;
}

/** A flag of one Int32; anything but 0 stops the request at the next run. */
export type CancelFlag = SharedArrayBuffer;

export type WorkerRequest =
  | { readonly kind: 'tokenize'; readonly id: number; readonly texts: readonly string[]; readonly cancel: CancelFlag }
  | { readonly kind: 'encode'; readonly id: number; readonly windows: readonly WindowInput[]; readonly cancel: CancelFlag }
  | { readonly kind: 'heads'; readonly id: number; readonly heads: HeadRequest; readonly cancel: CancelFlag }
  | { readonly kind: 'load'; readonly id: number; readonly scorers: readonly string[]; readonly cancel: CancelFlag }
  | { readonly kind: 'close' };

export type WorkerReply =
  | { readonly kind: 'tokens'; readonly id: number; readonly ids: readonly Int32Array[] }
  /** Packed as in windowRun.ts. */
  | { readonly kind: 'windows'; readonly id: number; readonly packed: readonly Float32Array[] }
  | { readonly kind: 'outputs'; readonly id: number; readonly outputs: HeadAnswer }
  | { readonly kind: 'loaded'; readonly id: number; readonly report: LoadReport }
  | { readonly kind: 'cancelled'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: InferenceFailure };

/** What loading found out about this machine. */
export interface LoadReport {
  readonly backend: 'native' | 'wasm';
  /** Tokens every window is filled up to, where its length would change the last bits of a step; 0 where it does not. */
  readonly paddedTo: number;
}
