/** Trace files far larger than an editor holds, indexed in a worker: speed beside a bare read, memory, the first steps, steps at random, and growth. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, closeSync, mkdtempSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { createTraceIndexer } from '../../server/src/host/traceIndex/indexer.ts';
import { CLAUDE_START, claudeTurn, writeClaudeSession, writeUntil } from '../support/claudeSession.ts';
import type { IndexedOnce } from './indexOnce.ts';
import { writeSpans } from './longSpans.ts';
import { median, report, type Row } from './report.ts';

const folder = mkdtempSync(join(tmpdir(), 'stepscope-bench-index-'));
const at = (name: string): string => join(folder, name);
const words = 'The agent reads the file, compares both versions line by line, and writes down what differs. '.repeat(12);

interface Case {
  readonly what: string;
  readonly path: string;
  write(path: string): unknown;
  /** Most memory over the start, in MB, less what the main thread keeps of the steps. */
  readonly memory?: number;
}

const CASES: readonly Case[] = [
  { what: 'Claude Code, JSONL', path: 'claude100.jsonl', write: (path) => writeClaudeSession(path, 100e6), memory: 300 },
  { what: 'Claude Code, JSONL', path: 'claude300.jsonl', write: (path) => writeClaudeSession(path, 300e6), memory: 300 },
  { what: 'Claude Code, one line of 50 MB', path: 'line.jsonl', write: (path) => writeUntil(path, 1, { start: CLAUDE_START + claudeTurn(0) + claudeTurn(1, 'word '.repeat(5_000_000)) + claudeTurn(2), end: '', part: (i) => claudeTurn(i + 3) }) },
  { what: 'PlanTrace, one JSON', path: 'plan.trace.json', write: (path) => writeUntil(path, 200e6, { start: '{"trace_id":"t","goal_text":"Find what differs.","plan_signature":"p","execution_steps":[{"step_id":"first","step_type":"action","output_text":"begin"}', end: '],"final_output_text":""}', part: (i) => `,\n${JSON.stringify({ step_id: `s${i}`, step_type: 'action', description: 'read', output_text: `${i}: ${words}` })}` }) },
  { what: 'OTLP, 33,000 spans in one trace', path: 'spans.otlp.jsonl', write: writeSpans },
  { what: 'Inspect, a sample of 340,000 events', path: 'sample.inspect.json', write: writeInspect },
];

async function main(): Promise<void> {
  const rows = [...CASES.flatMap(measured), await growth()];
  rmSync(folder, { recursive: true, force: true });
  report('Index of large files', rows);
}

function measured({ what, path, write, memory }: Case): readonly Row[] {
  write(at(path));
  const megabytes = statSync(at(path)).size / 1e6;
  const bareMs = bareRead(at(path));
  const result = JSON.parse(execFileSync(process.execPath, ['--expose-gc', '--disable-warning=ExperimentalWarning', 'test/bench/indexOnce.ts', at(path)], { encoding: 'utf8', maxBuffer: 1e8 })) as IndexedOnce;
  rmSync(at(path));
  const name = `${what}, ${megabytes.toFixed(0)} MB`;
  return [
    { what: `${name}: index of ${result.steps} steps`, value: megabytes / (result.ms / 1000), unit: 'MB/s', baseline: `bare read ${(megabytes / (bareMs / 1000)).toFixed(0)} MB/s` },
    { what: `${name}: first batch`, value: result.firstBatchMs, unit: 'ms' },
    { what: `${name}: peak memory over the start, less what the main thread keeps`, value: result.peakMegabytes - result.startMegabytes - (result.bytesPerStep * result.steps) / 2 ** 20, unit: 'MB', ...(memory === undefined ? {} : { budget: { atMost: memory } }), baseline: `${(result.bytesPerStep / 1000).toFixed(1)} kB a step on the main thread` },
    { what: `${name}: words of a step at random, p50`, value: result.stepP50Ms, unit: 'ms', baseline: `p95 ${result.stepP95Ms.toFixed(2)} ms` },
  ];
}

/** The file from front to back, with nothing done to it. */
function bareRead(path: string): number {
  const buffer = Buffer.allocUnsafe(8_000_000);
  const began = performance.now();
  const file = openSync(path, 'r');
  while (readSync(file, buffer) > 0);
  closeSync(file);
  return performance.now() - began;
}

/** From a line appended to a session of 20 MB to its step. */
async function growth(): Promise<Row> {
  const path = at('growing.jsonl');
  let turn = writeClaudeSession(path, 20e6);
  const indexer = createTraceIndexer({ workerFile: pathToFileURL(resolve('dist/server/indexWorker.js')) });
  const index = indexer.open(path, { modelsKey: 'models', maxStepCharacters: 20_000 });
  await index.read(() => undefined);
  const times: number[] = [];
  for (let i = 0; i < 40; i++) {
    appendFileSync(path, claudeTurn(turn++));
    const began = performance.now();
    let seenMs = 0;
    await index.read(() => {
      seenMs ||= performance.now() - began;
    });
    times.push(seenMs);
  }
  await indexer.close();
  return { what: 'a turn appended to a session of 20 MB, to its change', value: median(times), unit: 'ms', budget: { atMost: 50 }, baseline: `slowest ${Math.max(...times).toFixed(1)} ms` };
}

function writeInspect(path: string): void {
  const model = (i: number): object => ({
    event: 'model', uuid: `e${i}`, timestamp: '2026-01-01T00:00:00+00:00', model: 'm', input: [], tools: [], tool_choice: 'auto', config: {},
    output: { model: 'm', choices: [{ message: { id: `m${i}`, role: 'assistant', content: `${i} ${words.slice(0, 300)}` }, stop_reason: 'stop' }], usage: { input_tokens: 1, output_tokens: 1 } },
  });
  const state = (i: number): object => ({ event: 'state', uuid: `e${i}`, timestamp: '2026-01-01T00:00:00+00:00', changes: [{ op: 'replace', path: '/x', value: i }] });
  const head = { version: 2, status: 'success', eval: { task: 'long', model: 'm', created: '2026-01-01T00:00:00+00:00', run_id: 'r', task_id: 't', dataset: {}, config: {} } };
  let events = 0;
  writeUntil(path, 340_000 * 178, {
    start: `${JSON.stringify(head).slice(0, -1)},"samples":[{"id":1,"epoch":1,"input":"What differs?","target":"x","messages":[],"events":[${JSON.stringify(state(0))}`, end: ']}]}',
    part: () => `,${JSON.stringify(++events % 10 === 0 ? model(events) : state(events))}`,
  });
}

void main();
