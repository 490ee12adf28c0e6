/** Entry of the inference worker: one request after the other, in the order they came. */
import { parentPort, workerData } from 'node:worker_threads';
import { failureOf } from './inferenceError.ts';
import { createModels } from './models.ts';
import type { Models } from './models.ts';
import type { WorkerReply, WorkerRequest, WorkerSetup } from './workerMessages.ts';

if (parentPort !== null) serve(parentPort, createModels(workerData as WorkerSetup));

function serve(port: NonNullable<typeof parentPort>, models: Models): void {
  let queue: Promise<void> = Promise.resolve();
  port.on('message', (request: WorkerRequest) => {
    queue = queue.then(async () => {
      if (request.kind === 'close') {
        await models.release();
        // Nothing is running here any more; without its port the worker ends by itself.
        port.close();
        return;
      }
      const reply = await answer(models, request).catch((error: unknown): WorkerReply => ({ kind: 'failed', id: request.id, failure: failureOf(error) }));
      port.postMessage(reply, buffersOf(reply));
    });
  });
}

async function answer(models: Models, request: Exclude<WorkerRequest, { readonly kind: 'close' }>): Promise<WorkerReply> {
  const { id } = request;
  const flag = new Int32Array(request.cancel);
  const isCancelled = (): boolean => Atomics.load(flag, 0) !== 0;
  if (isCancelled()) return { kind: 'cancelled', id, encodedTexts: 0 };
  if (request.kind === 'load') return { kind: 'loaded', id, report: await models.load(request.scorers) };
  if (request.kind === 'embed') {
    const embedding = await models.embed(request.texts, isCancelled);
    return embedding === undefined ? { kind: 'cancelled', id, encodedTexts: 0 } : { kind: 'vectors', id, ...embedding };
  }
  const outputs = await models.runHead(request.scorer, request.features, { rowCount: request.rowCount, isCancelled });
  return outputs === undefined ? { kind: 'cancelled', id, encodedTexts: 0 } : { kind: 'outputs', id, outputs };
}

/** Moved to the other side, not copied. */
function buffersOf(reply: WorkerReply): ArrayBuffer[] {
  const arrays = reply.kind === 'vectors' ? [reply.vectors] : reply.kind === 'outputs' ? Object.values(reply.outputs) : [];
  return arrays.flatMap((a) => (a.buffer instanceof ArrayBuffer ? [a.buffer] : []));
}
