/** Run as a process of its own by the index bench: indexes one file and prints what that took as one line of JSON. */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { createTraceIndexer } from '../../server/src/host/traceIndex/indexer.ts';
import { nothingSeen, see } from '../support/indexedTrace.ts';

export interface IndexedOnce {
  readonly ms: number;
  readonly firstBatchMs: number;
  readonly steps: number;
  readonly peakMegabytes: number;
  readonly startMegabytes: number;
  /** Of what the main thread holds in the end, per step. */
  readonly bytesPerStep: number;
  readonly stepP50Ms: number;
  readonly stepP95Ms: number;
}

const [path = ''] = process.argv.slice(2);
const indexer = createTraceIndexer({ workerFile: pathToFileURL(resolve('dist/server/indexWorker.js')) });
const index = indexer.open(path, { modelsKey: 'models', maxStepCharacters: 20_000 });
// The worker has started and loaded its code.
await indexer.open('nowhere', { maxStepCharacters: 1 }).read(() => undefined);
const startMegabytes = peak();
const heapBefore = process.memoryUsage().heapUsed;
const seen = nothingSeen();
let firstBatchMs = 0;
const began = performance.now();
const outcome = await index.read((batch) => {
  firstBatchMs ||= performance.now() - began;
  see(seen, batch);
});
const ms = performance.now() - began;
if (outcome.kind !== 'read') throw new Error(JSON.stringify(outcome));
const steps = seen.traces.flatMap((trace) => trace.lean);
const peakMegabytes = peak();
globalThis.gc?.();
const bytesPerStep = (process.memoryUsage().heapUsed - heapBefore) / Math.max(1, steps.length);
const reads = Array.from({ length: 1000 }, (_, i) => {
  const step = steps[(i * 7919) % steps.length];
  const from = performance.now();
  if (step !== undefined) index.readStep(step);
  return performance.now() - from;
}).sort((a, b) => a - b);
const result: IndexedOnce = { ms, firstBatchMs, steps: steps.length, peakMegabytes, startMegabytes, bytesPerStep, stepP50Ms: reads[500] ?? 0, stepP95Ms: reads[950] ?? 0 };
console.log(JSON.stringify(result));
await indexer.close();

/** Most memory the process has held so far, in MB. */
function peak(): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024;
}
