/** The worker with the shipped models: parity with PyTorch, equality bit for bit, cancelling, closing, failures. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createModels, planRuns } from '../../server/src/inference/models.ts';
import { readManifest } from '../../server/src/inference/manifestFile.ts';
import { createWorkerRunner } from '../../server/src/inference/workerRunner.ts';
import type { WorkerRunner } from '../../server/src/inference/workerRunner.ts';
import type { ModelManifest } from '../../server/src/scoring/manifest.ts';

// Real models on a machine that may be busy: these tests are about bits, not about time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const FOLDER = fileURLToPath(new URL('../../models/artifacts', import.meta.url));
const WORKER = new URL('../../server/src/inference/worker.ts', import.meta.url);

interface Parity {
  readonly tolerance: { readonly embeddingCosine: number; readonly embeddingOnnx: number; readonly head: number };
  readonly texts: readonly { readonly text: string; readonly torchFirst16: readonly number[]; readonly cosine: number; readonly onnx: readonly number[] }[];
  readonly headRows: readonly (readonly number[])[];
  readonly heads: Readonly<Record<string, { readonly outputs: Readonly<Record<string, unknown>> }>>;
}

const parity = JSON.parse(readFileSync(join(FOLDER, 'parity.json'), 'utf8')) as Parity;
const manifest = await readShipped();
const never = (): boolean => false;

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

function flat(value: unknown): number[] {
  return Array.isArray(value) ? (value as unknown[]).flatMap(flat) : [Number(value)];
}

function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)));
  return most;
}

function bits(vectors: readonly Float32Array[]): string[] {
  return vectors.map((v) => Buffer.from(v.buffer, v.byteOffset, v.byteLength).toString('base64'));
}

/** Texts of many lengths, several of each, one over a chunk. */
const TEXTS = [
  ...Array.from({ length: 40 }, (_, i) => `Step ${i}: ${'we add the next term and simplify '.repeat(i % 7)}so x = ${i * 37}.`),
  'long '.repeat(900), '', 'Hi', 'hi', 'The answer is 42.',
];

describe('parity with PyTorch', () => {
  it('embeds like the reference, long and empty texts included', async () => {
    const vectors = await runner.embed(parity.texts.map((t) => t.text));
    parity.texts.forEach((expected, i) => {
      const vector = vectors[i] ?? new Float32Array(0);
      expect(worst(vector, expected.onnx), expected.text.slice(0, 40)).toBeLessThanOrEqual(parity.tolerance.embeddingOnnx);
      expect(expected.cosine).toBeGreaterThanOrEqual(parity.tolerance.embeddingCosine);
      // cos >= 0.999 between unit vectors: |a − b| <= sqrt(2 · 0.001) = 0.0447.
      expect(worst(vector.subarray(0, 16), expected.torchFirst16)).toBeLessThanOrEqual(0.0447);
    });
  });

  it.each(manifest.scorers.map((s) => s.id))('%s answers like the reference', async (id) => {
    const rows = Float32Array.from(parity.headRows.flat());
    const outputs = await runner.runHead(id, rows, parity.headRows.length);
    for (const [name, expected] of Object.entries(parity.heads[id]?.outputs ?? {})) {
      expect(worst(outputs[name] ?? [], flat(expected)), name).toBeLessThanOrEqual(parity.tolerance.head);
    }
  });
});

describe('bit for bit', () => {
  it('one text alone = a batch, in any order, one thread = two', async () => {
    const batch = bits(await runner.embed(TEXTS));
    const turned = bits(await runner.embed([...TEXTS].reverse())).reverse();
    expect(turned).toEqual(batch);
    const alone: string[] = [];
    for (const text of TEXTS) alone.push(...bits(await runner.embed([text])));
    expect(alone).toEqual(batch);
    const single = start({ threads: 1 });
    try {
      expect(bits(await single.embed(TEXTS))).toEqual(batch);
    } finally {
      await single.close();
    }
  });

  it('head rows alone = together, one thread = two', async () => {
    const { width } = manifest.headInput;
    const count = 48;
    const rows = Float32Array.from({ length: count * width }, (_, i) => Math.sin(i * 0.37) / 20);
    const single = start({ threads: 1 });
    try {
      for (const { id } of manifest.scorers) {
        const together = await runner.runHead(id, rows, count);
        expect(await single.runHead(id, rows, count)).toEqual(together);
        for (const row of [0, 1, 17, count - 1]) {
          const alone = await runner.runHead(id, rows.slice(row * width, (row + 1) * width), 1);
          for (const [name, values] of Object.entries(alone)) expect(values).toEqual(together[name]?.slice(row * values.length, (row + 1) * values.length));
        }
      }
    } finally {
      await single.close();
    }
  });

  it('counts each different text once', async () => {
    const before = runner.encodedTextCount;
    const [a, b, c] = await runner.embed(['same', 'other', 'same']);
    expect(runner.encodedTextCount - before).toBe(2);
    expect(a).toEqual(c);
    expect(a).not.toEqual(b);
    expect(await runner.embed([])).toEqual([]);
  });
});

describe('runs', () => {
  it('puts only equal lengths together, at most 512 tokens', () => {
    const chunks = [254, 10, 254, 10, 254, 3].map((length) => ({ ids: { length } }));
    // 254 + 2 = 256 tokens: two a run. 10 + 2 = 12: both in one.
    expect(planRuns(chunks, true)).toEqual([[0, 2], [4], [1, 3], [5]]);
    expect(planRuns(chunks, false)).toEqual([[0], [1], [2], [3], [4], [5]]);
  });
});

describe('stopping', () => {
  it('cancels between runs and goes on with the next request', async () => {
    const controller = new AbortController();
    const long = runner.embed(Array.from({ length: 400 }, (_, i) => `${i} ${'many words here '.repeat(80)}`), { signal: controller.signal });
    const next = runner.embed(['next']);
    controller.abort();
    await expect(long).rejects.toMatchObject({ name: 'AbortError' });
    expect((await next).length).toBe(1);
    await expect(runner.embed(['x'], { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('closes in the middle of a run, twenty times', async () => {
    for (let round = 0; round < 20; round++) {
      const closing = start({ threads: 1 + (round % 2) });
      await closing.embed(['warm']);
      const lost = closing.embed(Array.from({ length: 200 }, (_, i) => `${i} ${'word '.repeat(200)}`));
      const outcome = lost.then(() => 'answered', (error: unknown) => (error instanceof Error ? error.name : ''));
      // Three rounds of four let the message leave first, so that a run is under way; the fourth closes at once.
      if (round % 4 !== 0) await new Promise((resolve) => setImmediate(resolve));
      const [, name] = await Promise.all([closing.close(), outcome]);
      expect(name).toBe('AbortError');
      await closing.close();
      await expect(closing.embed(['late'])).rejects.toMatchObject({ name: 'AbortError' });
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
    writeFileSync(join(folder, 'manifest.json'), '{"manifestVersion": 2}');
    expect(await readManifest(folder)).toMatchObject({ kind: 'failed', failure: { kind: 'bad-manifest' } });
  });

  it('a head of another width', async () => {
    const models = createModels({ manifest: { ...manifest, headInput: { ...manifest.headInput, width: 7 } }, folder: FOLDER, backend: { provider: 'cpu', threads: 1 } });
    await expect(models.runHead(manifest.scorers[0]?.id ?? '', new Float32Array(7), { rowCount: 1, isCancelled: never })).rejects.toMatchObject({ kind: 'bad-manifest' });
    await models.release();
  });
});

describe('WebAssembly', () => {
  it('stands in for the native runtime: alone = batch, and close to it', async () => {
    const wasm = start({ provider: 'wasm' });
    try {
      const texts = ['The answer is 42.', 'We add 3 and 4 to get 7.', 'The answer is 43.'];
      const batch = await wasm.embed(texts);
      expect(bits(await wasm.embed(texts.slice(2)))).toEqual(bits(batch.slice(2)));
      const native = await runner.embed(texts);
      // Another instruction set adds in another order: float32 rounding, 1e-5 of a unit vector.
      batch.forEach((vector, i) => expect(worst(vector, native[i] ?? [])).toBeLessThan(1e-5));
      const rows = Float32Array.from(parity.headRows.flat());
      for (const { id } of manifest.scorers) {
        const outputs = await wasm.runHead(id, rows, parity.headRows.length);
        for (const [name, expected] of Object.entries(parity.heads[id]?.outputs ?? {})) expect(worst(outputs[name] ?? [], flat(expected))).toBeLessThanOrEqual(parity.tolerance.head);
      }
    } finally {
      await wasm.close();
    }
  });
});
