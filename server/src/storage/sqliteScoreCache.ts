/** The score cache on disk: SQLite behind a worker, memory where the file cannot be used. */
import { Worker } from 'node:worker_threads';
import type { ScoreCache } from '../scoring/scoreCache.ts';
import type { StorageReply, StorageRequest, StorageTable } from './messages.ts';

export interface DiskScoreCache extends ScoreCache {
  /** Writes what is under way and closes the file. */
  close(): Promise<void>;
}

type Pending = { readonly resolve: (values: readonly (Float32Array | undefined)[]) => void };
type Body = StorageRequest extends infer R ? (R extends StorageRequest ? Omit<R, 'id'> : never) : never;

/**
 * Opens the cache at `path`. It never fails: with no usable file it answers "nothing stored",
 * and `onNotice` gets one sentence saying what happened and what it means.
 */
export function openSqliteScoreCache(options: { readonly path: string; readonly workerFile: URL; readonly onNotice: (message: string) => void }): DiskScoreCache {
  const worker = new Worker(options.workerFile, { workerData: { path: options.path } });
  worker.unref();
  const pendingById = new Map<number, Pending>();
  let nextId = 1;
  let isBroken = false;
  let isReadOnly = false;
  let hasComplained = false;

  const complain = (message: string): void => {
    if (hasComplained) return;
    hasComplained = true;
    options.onNotice(message);
  };
  const fallBack = (message: string): void => {
    isBroken = true;
    complain(`The score memory ${options.path} cannot be used (${message}). Scores are computed as usual and forgotten afterwards; free the file or name another one.`);
    for (const pending of pendingById.values()) pending.resolve([]);
    pendingById.clear();
  };

  worker.on('message', (reply: StorageReply) => {
    if (reply.kind === 'opened') {
      if (reply.notice !== undefined) complain(reply.notice);
      return;
    }
    if (reply.kind === 'notice') return complain(reply.message);
    if (reply.kind === 'unavailable') return fallBack(reply.message);
    const pending = pendingById.get(reply.id);
    pendingById.delete(reply.id);
    if (reply.kind === 'failed') {
      // Each further attempt would wait for the lock again: once is enough.
      isReadOnly = true;
      complain(`The score memory ${options.path} refused a request (${reply.message}). Scores go on, and those of this session will be computed again next time.`);
    }
    pending?.resolve(reply.kind === 'answer' ? reply.values : []);
  });
  worker.on('error', (error) => fallBack(error.message));

  const ask = (body: Body): Promise<readonly (Float32Array | undefined)[]> => {
    if (isBroken) return Promise.resolve([]);
    const id = nextId++;
    return new Promise((resolve) => {
      pendingById.set(id, { resolve });
      worker.postMessage({ ...body, id });
    });
  };
  const get = async (table: StorageTable, keys: readonly string[]): Promise<readonly (Float32Array | undefined)[]> => {
    if (keys.length === 0) return [];
    const values = await ask({ kind: 'get', table, keys });
    return keys.map((_, i) => values[i]);
  };
  const put = async (table: StorageTable, rows: readonly (readonly [string, Float32Array])[]): Promise<void> => {
    if (rows.length > 0 && !isReadOnly) await ask({ kind: 'put', table, rows });
  };

  return {
    getRaw: (keys) => get('raw_scores', keys),
    putRaw: (rows) => put('raw_scores', rows),
    getVectors: (keys) => get('vectors', keys),
    putVectors: (rows) => put('vectors', rows),
    close: async () => {
      if (!isBroken) await ask({ kind: 'close' });
      // A worker without a file never hears "close", and its listeners would keep the process alive.
      if (isBroken) await worker.terminate();
    },
  };
}
