/** The index worker: reads and parses trace files, so that no file, however large, holds up an editor request. */
import { parentPort, workerData } from 'node:worker_threads';
import { createIndexedFile, type IndexedFile } from './indexedFile.ts';
import type { IndexReply, IndexRequest, IndexWorkerStart } from './messages.ts';

const port = parentPort;
if (port === null) throw new Error('traceIndex/worker.ts runs only as a worker thread');
const start = workerData as IndexWorkerStart;
const send = (reply: IndexReply, transfer: ArrayBuffer[] = []): void => port.postMessage(reply, transfer);

const files = new Map<number, IndexedFile>();
const cancelled = new Set<number>();
let queue = Promise.resolve();

port.on('message', (request: IndexRequest) => {
  if (request.kind === 'cancel') cancelled.add(request.readId);
  else if (request.kind === 'forget') queue = queue.then(() => forget(request.fileId));
  else queue = queue.then(() => read(request));
});

async function read({ readId, fileId, path, settings }: Extract<IndexRequest, { kind: 'read' }>): Promise<void> {
  let file = files.get(fileId);
  if (file === undefined) files.set(fileId, file = createIndexedFile(path, start));
  const isStopped = (): boolean => cancelled.has(readId);
  const outcome = isStopped() ? { kind: 'cancelled' as const } : await file.read(settings, {
    onSpill: ({ path: spillPath, base }) => send({ kind: 'spill', readId, spill: { path: spillPath, base } }),
    onBatch: (batch) => send({ kind: 'batch', readId, batch }, [batch.lineStarts.buffer as ArrayBuffer]),
    isCancelled: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return isStopped();
    },
  });
  cancelled.delete(readId);
  send({ kind: 'outcome', readId, outcome });
}

function forget(fileId: number): void {
  files.get(fileId)?.close();
  files.delete(fileId);
}
