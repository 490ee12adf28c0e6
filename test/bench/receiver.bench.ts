/** A minute of 1,000 spans a second from the real SDK into `stepscope receive`, killed and started again in between: what was acknowledged is in the files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { context, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { TracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { testWorkspace } from '../support/workspace.ts';
import { report } from './report.ts';

const SECONDS = 60;
const BATCHES_A_SECOND = 20;
const SPANS_A_BATCH = 50;
const KILL_EVERY_S = 3;
/** Within this time after a batch was sent it is being received, written or answered. */
const KILL_WITHIN_MS = 8;
const SUCCESS = 0;
const BASELINE_BATCHES = 100;

class Collected implements SpanProcessor {
  spans: ReadableSpan[] = [];
  onStart(): void {}
  onEnd(span: ReadableSpan): void {
    this.spans.push(span);
  }
  forceFlush = async (): Promise<void> => {};
  shutdown = async (): Promise<void> => {};
}

const collected = new Collected();
const tracer = new TracerProvider({ spanProcessors: [collected] }).getTracer('soak');
let root = tracer.startSpan('invoke_agent');

/** Calls of a model with a prompt of some 2,000 characters; every second a trace of its own. */
function batchOf(index: number): readonly ReadableSpan[] {
  if (index % BATCHES_A_SECOND === 0) root = tracer.startSpan('invoke_agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } });
  const within = trace.setSpan(context.active(), root);
  for (let i = 0; i < SPANS_A_BATCH; i++) {
    const text = `Step ${index}.${i}: ${'the goal asks for a figure, which the table gives. '.repeat(40)}`;
    tracer.startSpan('chat small', { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'small', 'gen_ai.usage.input_tokens': i, 'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: text }] }]) } }, within).end();
  }
  const { spans } = collected;
  collected.spans = [];
  return spans;
}

interface Exporter { export(spans: readonly ReadableSpan[], done: (result: { readonly code: number }) => void): void }

function exportersTo(port: number): readonly Exporter[] {
  const url = `http://127.0.0.1:${port}/v1/traces`;
  const options = { url, timeoutMillis: 5_000, concurrencyLimit: 1_000 };
  return [JsonExporter, ProtobufExporter].flatMap((Kind) => [CompressionAlgorithm.NONE, CompressionAlgorithm.GZIP].map((compression) => new Kind({ ...options, compression })));
}

const sent = (exporter: Exporter, spans: readonly ReadableSpan[]): Promise<boolean> => new Promise((resolve) => exporter.export(spans, ({ code }) => resolve(code === SUCCESS)));

async function receive(folder: string, port: number): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = spawn(process.execPath, [join(process.cwd(), 'dist/server/cli.js'), 'receive', '--port', String(port), '--folder', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const [line] = await once(lines, 'line') as [string];
  return { child, port: Number(new URL((JSON.parse(line) as { readonly url: string }).url).port) };
}

/** Peak resident memory of a process, in MB; undefined where the system does not say. */
function peakMb(child: ChildProcess): number | undefined {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return undefined;
  }
}

let state = 20_261_123;
const random = (): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};

const quantile = (values: readonly number[], q: number): number => [...values].sort((a, b) => a - b)[Math.floor(values.length * q)] ?? Number.NaN;

/** The same batches to a server that reads and forgets. */
async function baseline(): Promise<readonly number[]> {
  const server = createServer((request, response) => void request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}')));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const exporters = exportersTo((server.address() as AddressInfo).port);
  const latencies: number[] = [];
  for (let i = 0; i < BASELINE_BATCHES; i++) {
    const spans = batchOf(i);
    const began = performance.now();
    const exporter = exporters[i % exporters.length];
    if (exporter !== undefined && await sent(exporter, spans)) latencies.push(performance.now() - began);
    await pause(1000 / BATCHES_A_SECOND);
  }
  server.close();
  server.closeAllConnections();
  return latencies;
}

async function main(): Promise<void> {
  using workspace = testWorkspace();
  const folder = workspace.path('otlp');
  const bare = await baseline();
  let receiver = await receive(folder, 0);
  const { port } = receiver;
  const exporters = exportersTo(port);
  const acknowledged = new Set<string>();
  const latencies: number[] = [];
  const peaks: number[] = [];
  let failedBatches = 0;
  let kills = 0;
  let underWay = 0;
  let killedUnderWay = 0;
  let isSending = true;
  let onSent = (): void => undefined;

  const killing = (async () => {
    for (;;) {
      await pause(KILL_EVERY_S * 1000);
      if (!isSending) return;
      await new Promise<void>((resolve) => { onSent = resolve; });
      if (!isSending) return;
      await pause(random() * KILL_WITHIN_MS);
      killedUnderWay += underWay;
      peaks.push(peakMb(receiver.child) ?? Number.NaN);
      receiver.child.kill('SIGKILL');
      await once(receiver.child, 'exit');
      kills++;
      receiver = await receive(folder, port);
    }
  })();

  /** Sends until it is acknowledged, as an agent's queue would. */
  const deliver = async (index: number, spans: readonly ReadableSpan[]): Promise<void> => {
    const exporter = exporters[index % exporters.length];
    while (exporter !== undefined) {
      const began = performance.now();
      underWay++;
      onSent();
      const isTaken = await sent(exporter, spans);
      underWay--;
      if (isTaken) {
        latencies.push(performance.now() - began);
        for (const span of spans) acknowledged.add(span.spanContext().spanId);
        return;
      }
      failedBatches++;
      await pause(200);
    }
  };
  const began = performance.now();
  const deliveries: Promise<void>[] = [];
  for (let i = 0; i < SECONDS * BATCHES_A_SECOND; i++) {
    await pause(Math.max(0, began + (i * 1000) / BATCHES_A_SECOND - performance.now()));
    deliveries.push(deliver(i, batchOf(i)));
  }
  const sentIn = (performance.now() - began) / 1000;
  await Promise.all(deliveries);
  isSending = false;
  onSent();
  await killing;
  peaks.push(peakMb(receiver.child) ?? Number.NaN);
  receiver.child.kill('SIGTERM');
  await once(receiver.child, 'exit');

  const found = new Map<string, number>();
  let broken = 0;
  let bytes = 0;
  const files = readdirSync(folder).filter((name) => name.endsWith('.otlp.jsonl'));
  for (const name of files) {
    bytes += statSync(join(folder, name)).size;
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
      if (line === '') continue;
      const id = spanIdIn(line);
      if (id === undefined) broken++;
      else found.set(id, (found.get(id) ?? 0) + 1);
    }
  }
  const lost = [...acknowledged].filter((id) => !found.has(id)).length;
  const total = SECONDS * BATCHES_A_SECOND * SPANS_A_BATCH;
  const twice = [...found.values()].filter((n) => n > 1).length;
  report('Receiver', [
    { what: `spans sent a second by the OpenTelemetry SDK, JSON and protobuf, with and without gzip, for ${SECONDS} s`, value: total / sentIn, unit: 'spans/s', budget: { atLeast: 990 } },
    { what: `spans acknowledged, receiver killed ${kills} times with ${killedUnderWay} batches under way; beside the SDK's own repeats ${failedBatches}`, value: acknowledged.size, unit: 'spans', budget: { atLeast: total } },
    { what: `acknowledged spans missing in the ${files.length} files, ${Math.round(bytes / 1e6)} MB`, value: lost, unit: 'spans', budget: { atMost: 0 } },
    { what: 'lines that are no whole span', value: broken, unit: 'lines', budget: { atMost: 0 } },
    { what: 'spans written twice: on disk, but killed before the answer', value: twice, unit: 'spans' },
    { what: `acknowledgement of ${SPANS_A_BATCH} spans, on disk, median`, value: quantile(latencies, 0.5), unit: 'ms', baseline: `a server that reads and forgets ${quantile(bare, 0.5).toFixed(1)} ms` },
    { what: 'the same, 95th percentile', value: quantile(latencies, 0.95), unit: 'ms', budget: { atMost: 100 }, baseline: `${quantile(bare, 0.95).toFixed(1)} ms` },
    { what: 'peak memory of the receiver', value: Math.max(...peaks), unit: 'MB', budget: { atMost: 250 } },
  ]);
}

function spanIdIn(line: string): string | undefined {
  try {
    return (JSON.parse(line) as { resourceSpans: { scopeSpans: { spans: { spanId: string }[] }[] }[] }).resourceSpans[0]?.scopeSpans[0]?.spans[0]?.spanId;
  } catch {
    return undefined;
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
