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
  const cancelled: WorkerReply = { kind: 'cancelled', id };
  if (isCancelled()) return cancelled;
  switch (request.kind) {
    case 'load':
      return { kind: 'loaded', id, report: await models.load(request.scorers) };
    case 'tokenize': {
      const ids = await models.tokenize(request.texts, isCancelled);
      return ids === undefined ? cancelled : { kind: 'tokens', id, ids };
    }
    case 'encode': {
      const packed = await models.encode(request.windows, isCancelled);
      return packed === undefined ? cancelled : { kind: 'windows', id, packed };
    }
    case 'heads': {
      const outputs = await models.runHeads(request.heads, isCancelled);
      return outputs === undefined ? cancelled : { kind: 'outputs', id, outputs };
    }
  }
}

/** Moved to the other side, not copied. */
function buffersOf(reply: WorkerReply): ArrayBuffer[] {
  const arrays = reply.kind === 'tokens' ? reply.ids : reply.kind === 'windows' ? reply.packed : reply.kind === 'outputs' ? Object.values(reply.outputs).flatMap((o) => Object.values(o)) : [];
  return arrays.flatMap((a) => (a.buffer instanceof ArrayBuffer ? [a.buffer] : []));
}
