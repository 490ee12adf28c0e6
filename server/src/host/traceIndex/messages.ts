/** What crosses the boundary between the server and its index worker. */
import type { IndexBatch, IndexOutcome, IndexSettings } from '../../core/traceIndex.ts';
import type { SpillFile } from './spill.ts';

export type IndexRequest =
  | { readonly kind: 'read'; readonly readId: number; readonly fileId: number; readonly path: string; readonly settings: IndexSettings }
  | { readonly kind: 'cancel'; readonly readId: number }
  | { readonly kind: 'forget'; readonly fileId: number };

export type IndexReply =
  /** Places of batches that follow are in this file. */
  | { readonly kind: 'spill'; readonly readId: number; readonly spill: SpillFile }
  | { readonly kind: 'batch'; readonly readId: number; readonly batch: IndexBatch }
  | { readonly kind: 'outcome'; readonly readId: number; readonly outcome: IndexOutcome };

/** What the worker is started with. */
export interface IndexWorkerStart {
  readonly spillFolder: string;
  /** Bytes that are read and parsed at a time; the first time, and then. */
  readonly windowBytes: { readonly first: number; readonly next: number };
}
