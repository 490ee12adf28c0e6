/** What crosses the boundary between the server and its storage worker. */

export type StorageTable = 'raw_scores' | 'vectors';

export type StorageRequest =
  | { readonly kind: 'get'; readonly id: number; readonly table: StorageTable; readonly keys: readonly string[] }
  | { readonly kind: 'put'; readonly id: number; readonly table: StorageTable; readonly rows: readonly (readonly [string, Float32Array])[] }
  | { readonly kind: 'close'; readonly id: number };

export type StorageReply =
  | { readonly kind: 'opened'; readonly notice?: string }
  | { readonly kind: 'unavailable'; readonly message: string }
  | { readonly kind: 'notice'; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly values: readonly (Float32Array | undefined)[] }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
