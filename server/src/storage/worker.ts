/** The storage worker: owns the SQLite handle, so that no query blocks an editor request. */
import { parentPort, workerData } from 'node:worker_threads';
import { cached, keepInCache } from './cacheStore.ts';
import { codeOf, fileIdentity, isCorruption, openDatabase, openForReading, startAfresh } from './database.ts';
import type { OpenedDatabase } from './database.ts';
import { deltas } from './deltaStore.ts';
import { fileState, history, record, retain } from './evaluationStore.ts';
import { findings, saveAgreements, saveFindings } from './findingStore.ts';
import { WRITES } from './messages.ts';
import type { StorageCall, StorageCalls, StorageReply, StorageRequest, StorageStart } from './messages.ts';
import { buffersOf, readColumns } from './scoreReader.ts';
import { storeOf } from './store.ts';
import type { Store } from './store.ts';
import { importMemory } from './transfer.ts';
import { keepWithinLimit } from './upkeep.ts';

const UPKEEP_EVERY_WRITES = 64;

const HANDLERS: { readonly [K in StorageCall]: (store: Store, ask: StorageCalls[K]['ask']) => StorageCalls[K]['answer'] } = {
  get: (store, { table, keys }) => cached(store, table, keys),
  put: (store, { table, rows }) => done(keepInCache(store, table, rows, Date.now())),
  record: (store, { evaluations, timeMs }) => record(store, evaluations, timeMs),
  retain: (store, { file, keepIds, state }) => done(retain(store, file, { keepIds, state })),
  fileState: (store, { file }) => ({ state: fileState(store, file) }),
  load: (store, { filter }) => readColumns(store, filter),
  history: (store, { scorableId }) => history(store, scorableId),
  deltas: (store, { filter }) => deltas(store, filter),
  saveFindings: (store, { table, findings: found, timeMs }) => done(saveFindings(store, table, found, timeMs)),
  saveAgreements: (store, { agreements, timeMs }) => done(saveAgreements(store, agreements, timeMs)),
  findings: (store, { table }) => findings(store, table),
  close: (store) => done(store.db.close()),
};

const port = parentPort;
if (port === null) throw new Error('storage/worker.ts runs only as a worker thread');
const { path, limits } = workerData as StorageStart;
const send = (reply: StorageReply, transfer: ArrayBuffer[] = []): void => port.postMessage(reply, transfer);

let store: Store | undefined;
let identity = '';
let isReadOnly = false;
let writes = 0;

try {
  const opened = openDatabase(path);
  send({ kind: 'opened', ...takeUp(opened) });
} catch (error) {
  send({ kind: 'unavailable', message: messageOf(error) });
}

port.on('message', (request: StorageRequest) => {
  try {
    const answer = answerOrRepair(request);
    send({ kind: 'answer', id: request.id, answer }, answer !== null && 'goalOf' in answer ? buffersOf(answer) : []);
    if (WRITES.has(request.kind) && ++writes % UPKEEP_EVERY_WRITES === 0) keepUp();
  } catch (error) {
    send({ kind: 'failed', id: request.id, message: messageOf(error), code: codeOf(error) });
  }
  if (request.kind === 'close') port.close();
});

/** Damage can lie deep in the file and show only now: the file is set aside, what it still gives is taken over, and the request tried again. */
function answerOrRepair(request: StorageRequest): StorageCalls[StorageCall]['answer'] {
  if (store === undefined) throw new Error('the file is not open');
  try {
    return handle(store, request);
  } catch (error) {
    if (!isCorruption(error) || isReadOnly) throw error;
    store.db.close();
    store = undefined;
    // Another process may have set it aside already.
    const { notice } = takeUp(identity === fileIdentity(path) ? startAfresh(path) : openDatabase(path));
    if (notice !== undefined) send({ kind: 'notice', message: notice });
    return answerOrRepair(request);
  }
}

function handle<K extends StorageCall>(open: Store, { kind, ask }: StorageRequest<K>): StorageCalls[K]['answer'] {
  return HANDLERS[kind](open, ask);
}

function takeUp(opened: OpenedDatabase): { readonly isReadOnly: boolean; readonly notice?: string } {
  store = storeOf(opened.db, limits);
  identity = fileIdentity(path);
  isReadOnly = opened.isReadOnly;
  const rescued = opened.damaged === undefined ? 0 : rescue(store, opened.damaged);
  const notice = opened.notice === undefined || rescued === 0 ? opened.notice : `${opened.notice} ${rescued} evaluations could be read and were taken over.`;
  return { isReadOnly, ...(notice === undefined ? {} : { notice }) };
}

/** Answers how many evaluations a damaged file still gave. */
function rescue(into: Store, damaged: string): number {
  try {
    const source = openForReading(damaged);
    try {
      return importMemory(into, source).added;
    } finally {
      source.close();
    }
  } catch {
    return 0;
  }
}

/** Runs after the answer; a file that is too large is better than a request that fails. */
function keepUp(): void {
  try {
    if (store !== undefined) keepWithinLimit(store);
  } catch (error) {
    if (isCorruption(error)) return;
    send({ kind: 'notice', message: `The score memory ${path} could not be kept within its size (${messageOf(error)}).` });
  }
}

function done(_: unknown): null {
  return null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
