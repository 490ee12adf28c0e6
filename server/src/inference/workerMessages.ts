/** What passes between the server and its inference worker. */
import type { ModelManifest } from '../scoring/manifest.ts';
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
  | { readonly kind: 'embed'; readonly id: number; readonly texts: readonly string[]; readonly cancel: CancelFlag }
  | { readonly kind: 'head'; readonly id: number; readonly scorer: string; readonly features: Float32Array; readonly rowCount: number; readonly cancel: CancelFlag }
  | { readonly kind: 'load'; readonly id: number; readonly scorers: readonly string[]; readonly cancel: CancelFlag }
  | { readonly kind: 'close' };

export type WorkerReply =
  | { readonly kind: 'vectors'; readonly id: number; readonly vectors: Float32Array; readonly encodedTexts: number }
  | { readonly kind: 'outputs'; readonly id: number; readonly outputs: Readonly<Record<string, Float32Array>> }
  | { readonly kind: 'loaded'; readonly id: number; readonly report: LoadReport }
  | { readonly kind: 'cancelled'; readonly id: number; readonly encodedTexts: number }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: InferenceFailure };

/** What loading found out about this machine. */
export interface LoadReport {
  readonly backend: 'native' | 'wasm';
  /** Texts of one length may share a run without a bit of difference. */
  readonly isBackboneBatchExact: boolean;
}
