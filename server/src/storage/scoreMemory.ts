/** The memory of a workspace, and its score cache, in one file: SQLite behind a worker. */
import { Worker } from 'node:worker_threads';
import { recordsOf } from '../corpus/scoreColumns.ts';
import type { ScoreColumns } from '../corpus/scoreColumns.ts';
import type { Agreement, FoundPattern, Recommendation, ScorableFilter, ScoreDelta, ScoreMemory, Seen } from '../corpus/scoreMemory.ts';
import type { ScoreCache } from '../scoring/scoreCache.ts';
import type { CacheTable } from './cacheStore.ts';
import type { FindingTable } from './findingStore.ts';
import { WRITES } from './messages.ts';
import type { StorageCall, StorageCalls, StorageReply, StorageStart } from './messages.ts';
import { arrivedColumns } from './scoreReader.ts';
import type { StoreLimits } from './store.ts';

export interface WorkspaceMemory extends ScoreMemory, ScoreCache {
  /** As `load`, without an object a score. */
  loadColumns(filter: ScorableFilter): Promise<ScoreColumns>;
  /** Writes what is under way and closes the file. */
  close(): Promise<void>;
}

export interface MemoryOptions {
  readonly path: string;
  readonly workerFile: URL;
  /** At most once: what is wrong with the file and what that means. */
  readonly onNotice: (message: string) => void;
  readonly limits?: StoreLimits;
}

/** Between two such writes other windows have their turn, and so have the reads of this one. */
const EVALUATIONS_AT_ONCE = 200;

const NO_COLUMNS: ScoreColumns = {
  scorables: [], kinds: [], attributeNames: [], scorableOf: new Uint32Array(), kindOf: new Uint32Array(), scores: new Float64Array(), weights: new Float64Array(),
  attributeStarts: new Uint32Array(1), attributeOf: new Uint32Array(), attributeValues: new Float64Array(), otherAttributes: new Map(), rationales: new Map(),
};

/**
 * Opens the memory at `path`. Nothing here rejects: with no usable file, reads answer "nothing stored" and writes
 * are passed over, after `onNotice` had a sentence. A write that settles without one is on disk.
 */
export function openScoreMemory(options: MemoryOptions): WorkspaceMemory {
  const { path } = options;
  const worker = new Worker(options.workerFile, { workerData: { path, limits: options.limits ?? {} } satisfies StorageStart });
  worker.unref();
  const settleById = new Map<number, (answer: unknown) => void>();
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
    complain(`The score memory ${path} cannot be used (${message}). Scores are computed as usual and forgotten afterwards; free the file or name another one.`);
    for (const settle of settleById.values()) settle(undefined);
    settleById.clear();
  };

  worker.on('message', (reply: StorageReply) => {
    switch (reply.kind) {
      case 'opened':
        isReadOnly = reply.isReadOnly;
        if (reply.notice !== undefined) complain(reply.notice);
        return;
      case 'notice': return complain(reply.message);
      case 'unavailable': return fallBack(reply.message);
      case 'failed':
        complain(failureSentence(path, reply.code, reply.message));
        // Room on a disk may come back; for a lock or a missing right each further attempt would only wait again.
        if (reply.code !== 'SQLITE_FULL') isReadOnly = true;
        return settle(reply.id, undefined);
      case 'answer': return settle(reply.id, reply.answer);
    }
  });
  worker.on('error', (error) => fallBack(error.message));

  function settle(id: number, answer: unknown): void {
    settleById.get(id)?.(answer);
    settleById.delete(id);
  }

  /** Undefined where the file gave no answer. */
  const ask = <K extends StorageCall>(kind: K, question: StorageCalls[K]['ask']): Promise<StorageCalls[K]['answer'] | undefined> => {
    if (isBroken || (isReadOnly && WRITES.has(kind))) return Promise.resolve(undefined);
    const id = nextId++;
    return new Promise((resolve) => {
      settleById.set(id, resolve as (answer: unknown) => void);
      worker.postMessage({ kind, id, ask: question });
    });
  };
  const get = async (table: CacheTable, keys: readonly string[]): Promise<readonly (Float32Array | undefined)[]> => {
    if (keys.length === 0) return [];
    const values = await ask('get', { table, keys });
    return keys.map((_, i) => values?.[i]);
  };
  const put = async (table: CacheTable, rows: readonly (readonly [string, Float32Array])[]): Promise<void> => {
    if (rows.length > 0) await ask('put', { table, rows });
  };
  const loadColumns = async (filter: ScorableFilter): Promise<ScoreColumns> => {
    const columns = await ask('load', { filter });
    return columns === undefined ? NO_COLUMNS : arrivedColumns(columns);
  };
  const saveFindings = async (table: FindingTable, found: readonly { readonly id: string }[], timeMs: number): Promise<void> => {
    if (found.length > 0) await ask('saveFindings', { table, findings: found.map(({ id, ...content }) => ({ id, content })), timeMs });
  };
  const findings = async <T>(table: FindingTable): Promise<readonly (T & Seen)[]> =>
    (await ask('findings', { table }) ?? []).map(({ id, content, firstSeenMs, lastSeenMs }) => ({ id, ...content as T, firstSeenMs, lastSeenMs }));

  return {
    getRaw: (keys) => get('raw_scores', keys),
    putRaw: (rows) => put('raw_scores', rows),
    getVectors: (keys) => get('vectors', keys),
    putVectors: (rows) => put('vectors', rows),
    record: async (evaluations, timeMs) => {
      const deltas: ScoreDelta[] = [];
      for (let from = 0; from < evaluations.length; from += EVALUATIONS_AT_ONCE) deltas.push(...await ask('record', { evaluations: evaluations.slice(from, from + EVALUATIONS_AT_ONCE), timeMs }) ?? []);
      return deltas;
    },
    retain: async (file, keepIds, state = '') => void await ask('retain', { file, keepIds, state }),
    fileState: async (file) => (await ask('fileState', { file }))?.state ?? '',
    load: async (filter) => {
      const columns = await loadColumns(filter);
      return { scorables: columns.scorables, records: recordsOf(columns) };
    },
    loadColumns,
    history: async (scorableId) => await ask('history', { scorableId }) ?? [],
    deltas: async (filter) => await ask('deltas', { filter }) ?? [],
    saveRecommendations: (recommendations, timeMs) => saveFindings('recommendations', recommendations, timeMs),
    recommendations: () => findings<Recommendation>('recommendations'),
    saveAgreements: async (agreements, timeMs) => {
      if (agreements.length > 0) await ask('saveAgreements', { agreements, timeMs });
    },
    agreements: () => findings<Agreement>('mars_results'),
    savePatterns: (patterns, timeMs) => saveFindings('patterns', patterns, timeMs),
    patterns: () => findings<FoundPattern>('patterns'),
    close: async () => {
      if (!isBroken) await ask('close', {});
      // A worker without a file never hears "close", and its listeners would keep the process alive.
      if (isBroken) await worker.terminate();
    },
  };
}

function failureSentence(path: string, code: string, message: string): string {
  if (code === 'SQLITE_FULL') return `The disk of the score memory ${path} is full. Scores go on; those of this session are remembered again once there is room.`;
  if (code.startsWith('SQLITE_BUSY')) return `The score memory ${path} is held by another program. Scores go on, and those of this session will be computed again next time.`;
  if (code.startsWith('SQLITE_READONLY')) return `The score memory ${path} may not be written. Scores go on, and those of this session will be computed again next time.`;
  return `The score memory ${path} refused a request (${message}). Scores go on, and those of this session will be computed again next time.`;
}

/** For a process that is to remember nothing: every read is empty. */
export function forgetfulMemory(): ScoreMemory {
  const nothing = (): Promise<readonly never[]> => Promise.resolve([]);
  const passedOver = (): Promise<void> => Promise.resolve();
  return {
    record: nothing, retain: passedOver, fileState: () => Promise.resolve(''), load: () => Promise.resolve({ scorables: [], records: [] }), history: nothing, deltas: nothing,
    saveRecommendations: passedOver, recommendations: nothing, saveAgreements: passedOver, agreements: nothing, savePatterns: passedOver, patterns: nothing,
  };
}
