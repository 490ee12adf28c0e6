/** Indexes trace files off the main thread: a worker reads and parses, the words of steps stay in a spill file. */
import { tmpdir } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { HeavyFields, IndexOutcome, TraceIndexer } from '../../core/traceIndex.ts';
import type { IndexReply, IndexRequest, IndexWorkerStart } from './messages.ts';
import { openSpill, sweepSpills, type SpillReader } from './spill.ts';

export interface IndexerOptions {
  readonly workerFile: URL;
  /** Where the words of steps are kept; default: the system's folder for temporary files. */
  readonly spillFolder?: string;
  readonly windowBytes?: IndexWorkerStart['windowBytes'];
}

/** Small first, so that the first steps show at once. */
const WINDOW_BYTES: IndexWorkerStart['windowBytes'] = { first: 1_000_000, next: 4_000_000 };
/** What a window leaves behind is garbage soon: a small nursery keeps the peak low and costs no time. */
const YOUNG_MEGABYTES = 24;
const NO_WORDS: HeavyFields = { description: '', tools: [], attributes: {} };

interface RunningRead {
  readonly onReply: (reply: IndexReply) => void;
  readonly onCrash: (message: string) => void;
}

/** The worker starts with the first file; one that crashed is replaced with the next read. */
export function createTraceIndexer(options: IndexerOptions): TraceIndexer {
  const spillFolder = options.spillFolder ?? tmpdir();
  const running = new Map<number, RunningRead>();
  let worker: Worker | undefined;
  let lastId = 0;
  sweepSpills(spillFolder);

  function startWorker(): Worker {
    const started = new Worker(options.workerFile, { workerData: { spillFolder, windowBytes: options.windowBytes ?? WINDOW_BYTES } satisfies IndexWorkerStart, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES } });
    started.unref();
    started.on('message', (reply: IndexReply) => running.get(reply.readId)?.onReply(reply));
    const crashed = (reason: string): void => {
      if (worker !== started) return;
      worker = undefined;
      const reads = [...running.values()];
      running.clear();
      for (const read of reads) read.onCrash(reason);
    };
    started.on('error', (error) => crashed(error.message));
    started.on('exit', (code) => crashed(`exit code ${code}`));
    return started;
  }

  const post = (request: IndexRequest): void => (worker ??= startWorker()).postMessage(request);

  return {
    open(path, settings) {
      const fileId = ++lastId;
      let spill: SpillReader | undefined;
      let isClosed = false;
      return {
        read(onBatch, signal) {
          const readId = ++lastId;
          if (isClosed || signal?.aborted === true) return Promise.resolve({ kind: 'cancelled' });
          const cancel = (): void => worker?.postMessage({ kind: 'cancel', readId } satisfies IndexRequest);
          signal?.addEventListener('abort', cancel);
          return new Promise<IndexOutcome>((resolve) => {
            let failure: string | undefined;
            const settle = (outcome: IndexOutcome): void => {
              running.delete(readId);
              if (running.size === 0) worker?.unref();
              signal?.removeEventListener('abort', cancel);
              resolve(failure === undefined ? outcome : { kind: 'failed', message: failure });
            };
            running.set(readId, {
              onReply(reply) {
                if (reply.kind === 'outcome') return settle(reply.outcome);
                if (isClosed || failure !== undefined) return;
                try {
                  if (reply.kind === 'batch') return onBatch(reply.batch);
                  spill?.close();
                  spill = openSpill(reply.spill);
                } catch (error) {
                  failure = `${path} cannot be shown (${error instanceof Error ? error.message : String(error)}).`;
                }
              },
              onCrash: (reason) => settle({ kind: 'failed', message: `Reading ${path} ended unexpectedly (${reason}). What was read so far is shown; reading it again begins anew.` }),
            });
            post({ kind: 'read', readId, fileId, path, settings });
            // A read under way keeps the process alive, a worker that waits does not.
            worker?.ref();
          });
        },
        readStep(place) {
          try {
            return spill?.read(place) ?? NO_WORDS;
          } catch {
            return NO_WORDS;
          }
        },
        close() {
          if (isClosed) return;
          isClosed = true;
          spill?.close();
          spill = undefined;
          worker?.postMessage({ kind: 'forget', fileId } satisfies IndexRequest);
        },
      };
    },
    async close() {
      const ending = worker;
      worker = undefined;
      const reads = [...running.values()];
      running.clear();
      for (const read of reads) read.onCrash('it was stopped');
      await ending?.terminate();
    },
  };
}

