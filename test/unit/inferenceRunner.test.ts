/** The worker with the shipped models: parity with PyTorch, equality bit for bit, cancelling, closing, failures. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readManifest } from '../../server/src/inference/manifestFile.ts';
import { createWorkerRunner } from '../../server/src/inference/workerRunner.ts';
import type { WorkerRunner } from '../../server/src/inference/workerRunner.ts';
import { advance, emptyContext, ROW_WIDTH, writeRow } from '../../server/src/scoring/headInput.ts';
import type { ModelManifest } from '../../server/src/scoring/manifest.ts';
import type { HeadAnswer, WindowInput } from '../../server/src/scoring/modelRunner.ts';
import { createPieceMemory, createStepReader } from '../../server/src/scoring/stepReader.ts';
import type { ReadStep } from '../../server/src/scoring/stepReader.ts';
import { memoryScoreCache } from '../../server/src/scoring/scoreCache.ts';
import { createTraceScorer } from '../../server/src/scoring/traceScorer.ts';
import type { TraceWork } from '../../server/src/scoring/traceWork.ts';
import { packRaw } from '../../server/src/scoring/rawScores.ts';
import { traceWork } from '../support/traceWork.ts';

// Real models on a machine that may be busy: these tests are about bits, not about time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const FOLDER = process.env['STEPSCOPE_MODELS'] ?? fileURLToPath(new URL('../../models/artifacts', import.meta.url));
const WORKER = new URL('../../server/src/inference/worker.ts', import.meta.url);

interface Parity {
  readonly tolerance: { readonly row: number; readonly head: number };
  readonly traces: readonly {
    readonly goal: string;
    readonly steps: readonly string[];
    readonly rows: readonly (readonly number[])[];
    readonly outputs: Readonly<Record<string, Readonly<Record<string, readonly (readonly number[])[]>>>>;
  }[];
}

const parity = JSON.parse(readFileSync(join(FOLDER, 'parity.json'), 'utf8')) as Parity;
const manifest = await readShipped();
const scorerIds = manifest.scorers.map((s) => s.id);

let runner: WorkerRunner;
beforeAll(() => {
  runner = start();
});
afterAll(() => runner.close());

function start(options: { readonly threads?: number; readonly provider?: 'cpu' | 'wasm'; readonly manifest?: ModelManifest; readonly folder?: string } = {}): WorkerRunner {
  return createWorkerRunner({ manifest, folder: FOLDER, workerScript: WORKER, ...options });
}

async function readShipped(): Promise<ModelManifest> {
  const reading = await readManifest(FOLDER);
  if (reading.kind === 'failed') throw new Error(reading.failure.message);
  return reading.manifest;
}

/** The largest difference, relative where numbers are large. */
function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)) / Math.max(1, Math.abs(b[i] ?? 0)));
  return most;
}

async function readAll(work: TraceWork, by: WorkerRunner, windowsAtOnce = 3): Promise<readonly ReadStep[]> {
  const positions = work.steps.map((_, i) => i);
  const reader = createStepReader({ work, scorable: positions, wanted: new Set(positions), runner: by, pieces: createPieceMemory(by), signal: undefined });
  const found: ReadStep[] = [];
  for (let read = await reader.next(windowsAtOnce); read !== undefined; read = await reader.next(windowsAtOnce)) found.push(...read);
  return found;
}

/** Head input rows of a whole trace. */
async function rowsOf(trace: { readonly goal: string; readonly steps: readonly string[] }, by = runner): Promise<Float32Array> {
  const work = traceWork(trace.goal, trace.steps, manifest);
  const rows = new Float32Array(trace.steps.length * ROW_WIDTH);
  let context = emptyContext(trace.goal);
  for (const { position, encoding } of await readAll(work, by)) {
    const text = trace.steps[position] ?? '';
    writeRow(rows, position, { encoding, context, text });
    context = advance(context, { sentence: encoding.sentence, text });
  }
  return rows;
}

const runAll = (by: WorkerRunner, rows: Float32Array): Promise<HeadAnswer> => by.runHeads({ scorers: scorerIds, features: rows, rowCount: rows.length / ROW_WIDTH, states: {} });

/** Raw scores of every step of a trace, as bits, by a scorer that knows nothing yet. */
async function scoresOf(goal: string, steps: readonly string[], by = runner): Promise<readonly string[]> {
  const work = traceWork(goal, steps, manifest);
  const scorer = createTraceScorer({ runner: by, warmUp: () => Promise.resolve(), cache: memoryScoreCache(), sha256: (text) => text });
  const found: string[] = [];
  await scorer.score({
    work, scorers: scorerIds, pending: work.steps.map((_, i) => i),
    onScored: (scored) => scored.forEach(({ stepIndex, raw }) => {
      found[stepIndex] = Buffer.from(packRaw(raw, scorerIds).buffer).toString('base64');
    }),
  });
  return found;
}

const GOAL = 'Find how many rolls the baker sells.';
/** Steps of many lengths, one over several windows. */
const STEPS = [
  ...Array.from({ length: 9 }, (_, i) => `Step ${i}: ${'we add the next term and simplify '.repeat(i % 7)}so x = ${i * 37}.`),
  'long '.repeat(500), 'Hi', 'The answer is 42.',
];

function window(words: number): WindowInput {
  return { ids: Int32Array.from({ length: words + 3 }, (_, i) => (i === 0 ? 101 : i === 1 ? 102 : i === words + 2 ? 2 : 1000 + i * 7)), ends: Int32Array.from([2, words + 3]), carried: 0 };
}

describe('parity with Python', () => {
  it.each(parity.traces.map((t, i) => [i, t] as const))('trace %i: rows, then every head', async (_, trace) => {
    const rows = await rowsOf(trace);
    trace.rows.forEach((expected, row) => expect(worst(rows.subarray(row * ROW_WIDTH, (row + 1) * ROW_WIDTH), expected), `row ${row}`).toBeLessThanOrEqual(parity.tolerance.row));
    const answer = await runAll(runner, Float32Array.from(trace.rows.flat()));
    for (const [scorer, outputs] of Object.entries(trace.outputs)) {
      for (const [name, expected] of Object.entries(outputs)) expect(worst(answer[scorer]?.[name] ?? [], expected.flat()), `${scorer}.${name}`).toBeLessThanOrEqual(parity.tolerance.head);
    }
  });
});

describe('bit for bit', () => {
  it('a prefix scores as the whole does, one thread as two', async () => {
    const whole = await scoresOf(GOAL, STEPS);
    expect(whole).toHaveLength(STEPS.length);
    for (const length of [1, 4, 10, 11]) expect(await scoresOf(GOAL, STEPS.slice(0, length))).toEqual(whole.slice(0, length));
    const single = start({ threads: 1 });
    try {
      expect(await scoresOf(GOAL, STEPS, single)).toEqual(whole);
    } finally {
      await single.close();
    }
  });

  it('windows one by one are what they are together', async () => {
    const work = traceWork(GOAL, STEPS, manifest);
    expect(await readAll(work, runner, 1)).toEqual(await readAll(work, runner, 50));
  });

  it('head rows alone are what they are together, a recurrent one from the state before', async () => {
    const rows = await rowsOf({ goal: GOAL, steps: STEPS });
    const together = await runAll(runner, rows);
    for (const { id, stateWidth } of manifest.scorers) {
      for (const row of [0, 1, STEPS.length - 1]) {
        const state = stateWidth === undefined || row === 0 ? undefined : together[id]?.['state_out']?.slice((row - 1) * stateWidth, row * stateWidth);
        const alone = await runner.runHeads({ scorers: [id], features: rows.slice(row * ROW_WIDTH, (row + 1) * ROW_WIDTH), rowCount: 1, states: state === undefined ? {} : { [id]: state } });
        for (const [name, values] of Object.entries(alone[id] ?? {})) expect(values, `${id}.${name}`).toEqual(together[id]?.[name]?.slice(row * values.length, (row + 1) * values.length));
      }
    }
  });

  it('needs no padding on the native runtime', async () => {
    expect(await runner.load()).toEqual({ backend: 'native', paddedTo: 0 });
  });
});

describe('stopping', () => {
  it('cancels between runs and goes on with the next request', async () => {
    const controller = new AbortController();
    const long = runner.encode(Array.from({ length: 400 }, () => window(300)), { signal: controller.signal });
    const next = runner.encode([window(5)]);
    controller.abort();
    await expect(long).rejects.toMatchObject({ name: 'AbortError' });
    expect((await next).length).toBe(1);
    await expect(runner.encode([window(5)], { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('closes in the middle of a run, twenty times', async () => {
    for (let round = 0; round < 20; round++) {
      const closing = start({ threads: 1 + (round % 2) });
      await closing.encode([window(5)]);
      const lost = closing.encode(Array.from({ length: 200 }, () => window(200)));
      const outcome = lost.then(() => 'answered', (error: unknown) => (error instanceof Error ? error.name : ''));
      // Three rounds of four let the message leave first, so that a run is under way; the fourth closes at once.
      if (round % 4 !== 0) await new Promise((resolve) => setImmediate(resolve));
      const [, name] = await Promise.all([closing.close(), outcome]);
      expect(name).toBe('AbortError');
      await closing.close();
      await expect(closing.encode([window(5)])).rejects.toMatchObject({ name: 'AbortError' });
    }
  });

  it('closes without ever having started', async () => {
    await start().close();
  });
});

describe('failures say what to do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stepscope-models-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  async function failureKind(broken: ModelManifest): Promise<string> {
    const failing = start({ manifest: broken, folder });
    try {
      await failing.load();
      return 'loaded';
    } catch (error) {
      expect((error as Error).message).toMatch(/; (install|set) .*\.$/);
      return (error as Error & { kind?: string }).kind ?? '';
    } finally {
      await failing.close();
    }
  }

  it('a missing file, a changed file, a file that is no model', async () => {
    expect(await failureKind(manifest)).toBe('missing-file');
    copyFileSync(join(FOLDER, manifest.tokenizer.file), join(folder, manifest.tokenizer.file));
    writeFileSync(join(folder, manifest.backbone.file), 'not a model');
    expect(await failureKind(manifest)).toBe('bad-hash');
    // SHA-256 of the twelve bytes above, so that the hash is right and the content is not.
    const { createHash } = await import('node:crypto');
    const sha256 = createHash('sha256').update('not a model').digest('hex');
    expect(await failureKind({ ...manifest, backbone: { ...manifest.backbone, sha256 } })).toBe('native-failed');
  });

  it('a manifest that is missing or says nothing', async () => {
    expect(await readManifest(join(folder, 'nowhere'))).toMatchObject({ kind: 'failed', failure: { kind: 'missing-file' } });
    writeFileSync(join(folder, 'manifest.json'), '{"manifestVersion": 1}');
    expect(await readManifest(folder)).toMatchObject({ kind: 'failed', failure: { kind: 'bad-manifest' } });
  });

  it('a manifest for other step features', async () => {
    const scalars = manifest.headInput.scalars.with(0, 'weather');
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, headInput: { ...manifest.headInput, scalars } }));
    const reading = await readManifest(folder);
    expect(reading).toMatchObject({ kind: 'failed', failure: { kind: 'bad-manifest' } });
    expect(reading.kind === 'failed' ? reading.failure.message : '').toMatch(/other step features/);
  });
});

describe('WebAssembly', () => {
  it('stands in for the native runtime: a prefix as the whole, and close to it', async () => {
    const wasm = start({ provider: 'wasm' });
    try {
      const trace = { goal: GOAL, steps: ['The answer is 42.', 'We add 3 and 4 to get 7.', 'The answer is 43.'] };
      expect(await scoresOf(trace.goal, trace.steps.slice(0, 2), wasm)).toEqual((await scoresOf(trace.goal, trace.steps, wasm)).slice(0, 2));
      // Another instruction set adds in another order.
      expect(worst(await rowsOf(trace, wasm), await rowsOf(trace))).toBeLessThanOrEqual(parity.tolerance.row);
    } finally {
      await wasm.close();
    }
  });
});
