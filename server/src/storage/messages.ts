/** What crosses the boundary between the server and its storage worker. */
import type { Agreement, Evaluation, ScorableFilter, ScoreDelta, ScoreHistory } from '../corpus/scoreMemory.ts';
import type { CacheTable } from './cacheStore.ts';
import type { Finding, FindingTable, SeenFinding } from './findingStore.ts';
import type { WireColumns } from './scoreReader.ts';
import type { StoreLimits } from './store.ts';

/** Every request by its kind: what is asked, what is answered. */
export interface StorageCalls {
  readonly get: { readonly ask: { readonly table: CacheTable; readonly keys: readonly string[] }; readonly answer: readonly (Float32Array | undefined)[] };
  readonly put: { readonly ask: { readonly table: CacheTable; readonly rows: readonly (readonly [string, Float32Array])[] }; readonly answer: null };
  readonly record: { readonly ask: { readonly evaluations: readonly Evaluation[]; readonly timeMs: number }; readonly answer: readonly ScoreDelta[] };
  readonly retain: { readonly ask: { readonly file: string; readonly keepIds: readonly string[]; readonly state: string }; readonly answer: null };
  readonly fileState: { readonly ask: { readonly file: string }; readonly answer: { readonly state: string } };
  readonly load: { readonly ask: { readonly filter: ScorableFilter }; readonly answer: WireColumns };
  readonly history: { readonly ask: { readonly scorableId: string }; readonly answer: readonly ScoreHistory[] };
  readonly deltas: { readonly ask: { readonly filter: ScorableFilter & { readonly isSignificant?: boolean; readonly limit?: number } }; readonly answer: readonly ScoreDelta[] };
  readonly saveFindings: { readonly ask: { readonly table: FindingTable; readonly findings: readonly Finding[]; readonly timeMs: number }; readonly answer: null };
  readonly saveAgreements: { readonly ask: { readonly agreements: readonly Agreement[]; readonly timeMs: number }; readonly answer: null };
  readonly findings: { readonly ask: { readonly table: FindingTable }; readonly answer: readonly SeenFinding[] };
  readonly close: { readonly ask: object; readonly answer: null };
}

export type StorageCall = keyof StorageCalls;

/** Requests that change the file. */
export const WRITES: ReadonlySet<StorageCall> = new Set<StorageCall>(['put', 'record', 'retain', 'saveFindings', 'saveAgreements']);

export interface StorageRequest<K extends StorageCall = StorageCall> {
  readonly kind: K;
  readonly id: number;
  readonly ask: StorageCalls[K]['ask'];
}

export type StorageReply =
  | { readonly kind: 'opened'; readonly isReadOnly: boolean; readonly notice?: string }
  | { readonly kind: 'unavailable'; readonly message: string }
  | { readonly kind: 'notice'; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: StorageCalls[StorageCall]['answer'] }
  /** `code` is SQLite's name of the failure, '' where it is another's. */
  | { readonly kind: 'failed'; readonly id: number; readonly message: string; readonly code: string };

/** What the worker is started with. */
export interface StorageStart {
  readonly path: string;
  readonly limits: StoreLimits;
}
