/** The models behind a worker: the server's and the command line's ModelRunner. */
import { Worker } from 'node:worker_threads';
import type { ModelManifest } from '../scoring/manifest.ts';
import type { ModelRunner, StopSignal } from '../scoring/modelRunner.ts';
import type { ExecutionProvider } from './backend.ts';
import { InferenceError } from './inferenceError.ts';
import { unpackWindow } from './windowRun.ts';
import type { LoadReport, WorkerReply, WorkerRequest, WorkerSetup } from './workerMessages.ts';

export interface WorkerRunnerOptions {
  readonly manifest: ModelManifest;
  /** Folder the manifest's files lie in. */
  readonly folder: string;
  /** The worker's script: dist/server/inferenceWorker.js, or worker.ts itself under a Node that strips types. */
  readonly workerScript: URL | string;
  /** Default 2. */
  readonly threads?: number;
  /** Default 'cpu'. */
  readonly provider?: ExecutionProvider;
  readonly wasmFolder?: string;
}

export interface WorkerRunner extends ModelRunner {
  /** Loads backbone and heads now instead of on first use; rejects with an InferenceError that says what to do. */
  load(scorers?: readonly string[]): Promise<LoadReport>;
  /** Cancels what waits, lets the run in flight finish and the worker end by itself. Never terminates it. Safe to call twice. */
  close(): Promise<void>;
}

interface Pending {
  readonly cancel: Int32Array;
  resolve(reply: WorkerReply): void;
  reject(error: unknown): void;
}

/** No thread starts before the first request. */
export function createWorkerRunner(options: WorkerRunnerOptions): WorkerRunner {
  const { manifest } = options;
  const pending = new Map<number, Pending>();
  let worker: Worker | undefined;
  let exited: Promise<void> = Promise.resolve();
  let isClosed = false;
  let nextId = 1;
  let windowCount = 0;

  function start(): Worker {
    // onnxruntime reports usage unless told not to, and reads that from the process, which a worker's own copy does not reach.
    process.env['ORT_DISABLE_TELEMETRY'] = '1';
    const setup: WorkerSetup = {
      manifest, folder: options.folder,
      backend: { provider: options.provider ?? 'cpu', threads: options.threads ?? 2, ...(options.wasmFolder === undefined ? {} : { wasmFolder: options.wasmFolder }) },
    };
    const started = new Worker(options.workerScript, { workerData: setup, name: 'stepscope-inference' });
    let cause: unknown;
    started.on('message', (reply: WorkerReply) => settle(reply));
    started.on('error', (error) => { cause = error; });
    exited = new Promise((resolve) => {
      started.on('exit', () => {
        if (worker === started) worker = undefined;
        const detail = cause instanceof Error ? ` (${cause.message})` : '';
        const lost = isClosed ? aborted() : new InferenceError({ kind: 'native-failed', message: `The model process ended unexpectedly${detail}; it starts again with the next request.` });
        for (const entry of pending.values()) entry.reject(lost);
        pending.clear();
        resolve();
      });
    });
    return started;
  }

  function settle(reply: WorkerReply): void {
    const entry = pending.get(reply.id);
    pending.delete(reply.id);
    if (reply.kind === 'windows') windowCount += reply.packed.length;
    if (reply.kind === 'failed') entry?.reject(new InferenceError(reply.failure));
    else if (reply.kind === 'cancelled') entry?.reject(aborted());
    else entry?.resolve(reply);
  }

  function send<T>(make: (id: number, cancel: SharedArrayBuffer) => WorkerRequest, read: (reply: WorkerReply) => T, signal?: StopSignal): Promise<T> {
    if (isClosed || signal?.aborted === true) return Promise.reject(aborted());
    const port = (worker ??= start());
    const id = nextId++;
    const cancel = new SharedArrayBuffer(4);
    const flag = new Int32Array(cancel);
    const onAbort = (): void => {
      Atomics.store(flag, 0, 1);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    return new Promise<WorkerReply>((resolve, reject) => {
      pending.set(id, { cancel: flag, resolve, reject });
      port.postMessage(make(id, cancel));
    }).then((reply) => {
      // An abort that came after the last run still counts: the caller no longer wants it.
      if (signal?.aborted === true) throw aborted();
      return read(reply);
    }).finally(() => signal?.removeEventListener('abort', onAbort));
  }

  return {
    manifest,
    get windowCount() {
      return windowCount;
    },
    tokenize(texts, runOptions) {
      if (texts.length === 0) return Promise.resolve([]);
      return send((id, cancel) => ({ kind: 'tokenize', id, texts, cancel }), (reply) => {
        if (reply.kind !== 'tokens') throw unexpected(reply);
        return reply.ids;
      }, runOptions?.signal);
    },
    encode(windows, runOptions) {
      if (windows.length === 0) return Promise.resolve([]);
      return send((id, cancel) => ({ kind: 'encode', id, windows, cancel }), (reply) => {
        if (reply.kind !== 'windows') throw unexpected(reply);
        return reply.packed.map(unpackWindow);
      }, runOptions?.signal);
    },
    runHeads(heads, runOptions) {
      return send((id, cancel) => ({ kind: 'heads', id, heads, cancel }), (reply) => {
        if (reply.kind !== 'outputs') throw unexpected(reply);
        return reply.outputs;
      }, runOptions?.signal);
    },
    load(scorers = manifest.scorers.map((s) => s.id)) {
      return send((id, cancel) => ({ kind: 'load', id, scorers, cancel }), (reply) => {
        if (reply.kind !== 'loaded') throw unexpected(reply);
        return reply.report;
      });
    },
    async close() {
      if (!isClosed) {
        isClosed = true;
        for (const entry of pending.values()) Atomics.store(entry.cancel, 0, 1);
        worker?.postMessage({ kind: 'close' } satisfies WorkerRequest);
      }
      await exited;
    },
  };
}

function aborted(): DOMException {
  return new DOMException('Scoring was cancelled.', 'AbortError');
}

function unexpected(reply: WorkerReply): Error {
  return new Error(`The inference worker answered "${reply.kind}" to another question.`);
}
