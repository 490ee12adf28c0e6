/** Tokenizer, backbone and heads in memory: loaded on first use, checked, and run in small pieces. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { advance, emptyContext, ROW_WIDTH, writeRow } from '../scoring/headInput.ts';
import { findScorer } from '../scoring/registry.ts';
import { openBackend } from './backend.ts';
import type { Backend, Session } from './backend.ts';
import { InferenceError, messageOf } from './inferenceError.ts';
import { createTokenizer } from './tokenizer.ts';
import type { Tokenizer, TokenizerFile } from './tokenizer.ts';
import type { LoadReport, WorkerSetup } from './workerMessages.ts';

/** Tokens of one run: what cancelling waits for. */
export const RUN_TOKENS = 512;

export interface Embedding {
  /** (texts, width). */
  readonly vectors: Float32Array;
  /** Texts that really went through the backbone: equal ones go once. */
  readonly encodedTexts: number;
}

export interface Models {
  /** Undefined when cancelled: `isCancelled` is asked before every text and every run. */
  embed(texts: readonly string[], isCancelled: () => boolean): Promise<Embedding | undefined>;
  /** Outputs by name, each (rows × values a row); undefined when cancelled. */
  runHead(scorer: string, features: Float32Array, options: { readonly rowCount: number; readonly isCancelled: () => boolean }): Promise<Readonly<Record<string, Float32Array>> | undefined>;
  /** Loads the backbone and these heads now. */
  load(scorers: readonly string[]): Promise<LoadReport>;
  release(): Promise<void>;
}

interface Backbone {
  readonly tokenizer: Tokenizer;
  readonly session: Session;
  readonly isBatchExact: boolean;
}

interface Head {
  readonly session: Session;
  readonly input: string;
}

/** Nothing is read until it is needed. A failed load is tried again by the next request. */
export function createModels(setup: WorkerSetup): Models {
  const { manifest, folder } = setup;
  const { width, chunkTokens } = manifest.backbone;
  const backend = onceUntilFailure(() => openBackend(setup.backend));
  const backbone = onceUntilFailure(loadBackbone);
  const heads = new Map<string, Once<Head>>();

  async function loadBackbone(): Promise<Backbone> {
    const tokenizerBytes = await readChecked(folder, manifest.tokenizer);
    const tokenizer = readTokenizer(tokenizerBytes, manifest.tokenizer.file);
    const session = await openModel({ backend: await backend(), folder, entry: manifest.backbone, isSmall: false });
    const exact = await probeBackbone({ tokenizer, session, isBatchExact: false }, width, manifest.backbone.file);
    return { tokenizer, session, isBatchExact: exact };
  }

  async function loadHead(scorer: string): Promise<Head> {
    const entry = manifest.scorers.find((s) => s.id === scorer);
    if (entry === undefined) throw new InferenceError({ kind: 'missing-file', message: `There is no model for the scorer "${scorer}"; remove it from "stepscope.scorers".` });
    const session = await openModel({ backend: await backend(), folder, entry, isSmall: true });
    const input = session.inputNames[0] ?? 'features';
    const loaded: Head = { session, input };
    await probeHead(loaded, { rows: await probeRows(), scorer, file: entry.file, width: manifest.headInput.width });
    return loaded;
  }

  /** Real rows of a short made-up trace: random ones would lie outside everything the heads know. */
  const probeRows = onceUntilFailure(async () => {
    const [goal, ...steps] = await embedAll(PROBE_TEXTS);
    const rows = new Float32Array(steps.length * ROW_WIDTH);
    let context = emptyContext();
    steps.forEach((step, i) => {
      writeRow(rows, i, { goal: goal ?? step, step, context, text: PROBE_TEXTS[i + 1] ?? '' });
      context = advance(context, step);
    });
    return rows;
  });

  async function embedAll(texts: readonly string[]): Promise<readonly Float32Array[]> {
    const embedding = await embed(texts, () => false);
    return texts.map((_, i) => embedding?.vectors.subarray(i * width, (i + 1) * width) ?? new Float32Array(width));
  }

  async function embed(texts: readonly string[], isCancelled: () => boolean): Promise<Embedding | undefined> {
    const bones = await backbone();
    const unique = [...new Set(texts)];
    const chunks: Chunk[] = [];
    for (const [text, content] of unique.entries()) {
      if (isCancelled()) return undefined;
      const ids = bones.tokenizer.encode(content);
      for (let at = 0; at === 0 || at < ids.length; at += chunkTokens) chunks.push({ text, ids: ids.subarray(at, at + chunkTokens) });
    }
    const chunkVectors = new Float32Array(chunks.length * width);
    for (const run of planRuns(chunks, bones.isBatchExact)) {
      if (isCancelled()) return undefined;
      const vectors = await runChunks(bones, run.map((c) => chunks[c]?.ids ?? new Int32Array(0)), width);
      run.forEach((c, row) => chunkVectors.set(vectors.subarray(row * width, (row + 1) * width), c * width));
    }
    const pooled = pool(chunks, chunkVectors, { textCount: unique.length, width });
    const rowOf = new Map(unique.map((text, i) => [text, i]));
    const vectors = new Float32Array(texts.length * width);
    texts.forEach((text, i) => {
      const row = rowOf.get(text) ?? 0;
      vectors.set(pooled.subarray(row * width, (row + 1) * width), i * width);
    });
    return { vectors, encodedTexts: unique.length };
  }

  const head = (scorer: string): Promise<Head> => {
    const known = heads.get(scorer) ?? onceUntilFailure(() => loadHead(scorer));
    heads.set(scorer, known);
    return known();
  };

  return {
    embed,
    async runHead(scorer, features, { rowCount, isCancelled }) {
      const { width: rowWidth } = manifest.headInput;
      if (features.length !== rowCount * rowWidth) throw new Error(`runHead was given ${features.length} numbers for ${rowCount} rows of ${rowWidth}.`);
      const loaded = await head(scorer);
      const outputs: Record<string, Float32Array> = {};
      for (let row = 0; row < rowCount; row++) {
        if (isCancelled()) return undefined;
        // A copy: the runtime reads the whole buffer behind a view.
        const answer = await runRow(loaded, features.slice(row * rowWidth, (row + 1) * rowWidth));
        for (const [name, values] of Object.entries(answer)) (outputs[name] ??= new Float32Array(values.length * rowCount)).set(values, row * values.length);
      }
      return outputs;
    },
    async load(scorers) {
      const { isBatchExact } = await backbone();
      for (const scorer of scorers) await head(scorer);
      return { backend: (await backend()).kind, isBackboneBatchExact: isBatchExact };
    },
    async release() {
      const opened = [backbone, ...heads.values()].filter((load) => load.isStarted());
      for (const load of opened) await load().then((m) => m.session.release(), () => undefined);
    },
  };
}

interface Chunk {
  /** Row of the text it is a part of. */
  readonly text: number;
  readonly ids: Int32Array;
}

/** Chunk numbers run by run. Only chunks of exactly one length share a run: padding changes bits. */
export function planRuns(chunks: readonly { readonly ids: { readonly length: number } }[], isBatchExact: boolean): readonly (readonly number[])[] {
  if (!isBatchExact) return chunks.map((_, i) => [i]);
  const byLength = new Map<number, number[]>();
  chunks.forEach(({ ids }, i) => {
    const same = byLength.get(ids.length);
    if (same === undefined) byLength.set(ids.length, [i]);
    else same.push(i);
  });
  return [...byLength].flatMap(([length, members]) => {
    const size = Math.max(1, Math.floor(RUN_TOKENS / (length + 2)));
    return Array.from({ length: Math.ceil(members.length / size) }, (_, r) => members.slice(r * size, (r + 1) * size));
  });
}

/** Chunks of one length -> (chunks, width). */
async function runChunks(backbone: Backbone, rows: readonly Int32Array[], width: number): Promise<Float32Array> {
  const tokens = (rows[0]?.length ?? 0) + 2;
  const ids = new BigInt64Array(rows.length * tokens);
  // Low halves of the 64-bit numbers; ids are never negative.
  const low = new Int32Array(ids.buffer);
  rows.forEach((row, r) => {
    const at = r * tokens;
    low[at * 2] = backbone.tokenizer.clsId;
    for (let i = 0; i < row.length; i++) low[(at + 1 + i) * 2] = row[i] ?? 0;
    low[(at + tokens - 1) * 2] = backbone.tokenizer.sepId;
  });
  const dims = [rows.length, tokens];
  const { embedding } = await backbone.session.run({
    input_ids: { data: ids, dims },
    attention_mask: { data: new BigInt64Array(ids.length).fill(1n), dims },
    ...(backbone.session.inputNames.includes('token_type_ids') ? { token_type_ids: { data: new BigInt64Array(ids.length), dims } } : {}),
  });
  if (embedding?.length !== rows.length * width) throw new InferenceError({ kind: 'bad-output', message: 'The backbone answers in another shape than the manifest says; install the extension again.' });
  return embedding;
}

/** Mean of a text's chunk vectors weighted by word pieces, L2-normalised; summed in reading order in double precision. */
function pool(chunks: readonly Chunk[], chunkVectors: Float32Array, shape: { readonly textCount: number; readonly width: number }): Float32Array {
  const { textCount, width } = shape;
  const sums = new Float64Array(textCount * width);
  chunks.forEach(({ text, ids }, c) => {
    const weight = Math.max(1, ids.length);
    // Rounded to float32 like the training code does it.
    for (let i = 0; i < width; i++) sums[text * width + i] = (sums[text * width + i] ?? 0) + Math.fround((chunkVectors[c * width + i] ?? 0) * weight);
  });
  const pooled = new Float32Array(textCount * width);
  for (let text = 0; text < textCount; text++) {
    let square = 0;
    for (let i = text * width; i < (text + 1) * width; i++) square += (sums[i] ?? 0) ** 2;
    const norm = Math.sqrt(square);
    for (let i = text * width; i < (text + 1) * width; i++) pooled[i] = norm > 0 ? (sums[i] ?? 0) / norm : 0;
  }
  return pooled;
}

/**
 * One row a run: a batch gives other bits in some rows, whatever its size from 11 on (softplus takes another path at the end of a
 * buffer: measured on sicql, 18 of 256 rows), and a row alone costs 0.1 ms.
 */
function runRow(head: Head, row: Float32Array): Promise<Readonly<Record<string, Float32Array>>> {
  return head.session.run({ [head.input]: { data: row, dims: [1, row.length] } });
}

const PROBE_TEXTS = [
  'Find the value of 2 + 3 * 4.',
  'First multiply: 3 * 4 = 12.',
  'The weather in Paris is mild in spring, so we book a flight.',
  'Then 2 + 12 = 14, so the answer is 14.',
  'Error: ENOENT: no such file or directory, open /tmp/x',
  '',
];

/** Lengths and batch sizes at which a batch is held against its members alone. */
const PROBE_LENGTHS = [5, 9, 18, 35] as const;
const PROBE_BATCH = 5;

/** Throws 'bad-output' when the backbone answers nonsense; returns whether equal lengths may share a run bit for bit. */
async function probeBackbone(backbone: Backbone, width: number, file: string): Promise<boolean> {
  let isExact = true;
  for (const length of PROBE_LENGTHS) {
    const rows = Array.from({ length: PROBE_BATCH }, (_, r) => Int32Array.from({ length }, (_, i) => 1000 + ((r * 7919 + i * 104_729) % 20_000)));
    const alone: Float32Array[] = [];
    for (const row of rows) alone.push(await runChunks(backbone, [row], width));
    for (const vector of alone) {
      const norm = Math.sqrt(vector.reduce((sum, v) => sum + v * v, 0));
      if (!(Math.abs(norm - 1) < 1e-3)) throw badOutput(file);
    }
    const [one, two] = alone;
    if (one === undefined || two === undefined || isSame(one, two)) throw badOutput(file);
    const batch = await runChunks(backbone, rows, width);
    isExact &&= alone.every((vector, r) => isSame(vector, batch.subarray(r * width, (r + 1) * width)));
  }
  return isExact;
}

/** Throws 'bad-output' when the head answers nonsense about real rows. */
async function probeHead(head: Head, probe: { readonly rows: Float32Array; readonly scorer: string; readonly file: string; readonly width: number }): Promise<void> {
  const { rows, scorer, file, width } = probe;
  if (width !== ROW_WIDTH) throw new InferenceError({ kind: 'bad-manifest', message: `The models expect rows of ${width} numbers, this version of StepScope builds ${ROW_WIDTH}; install the extension again.` });
  const answers: Readonly<Record<string, Float32Array>>[] = [];
  for (let at = 0; at < rows.length; at += width) answers.push(await runRow(head, rows.slice(at, at + width)));
  const main = findScorer(scorer)?.mainOutput ?? Object.keys(answers[0] ?? {})[0] ?? '';
  const isFinite = answers.every((answer) => Object.values(answer).every((values) => values.every((v) => Number.isFinite(v))));
  const first = answers[0]?.[main];
  if (!isFinite || first === undefined || answers.every((answer) => isSame(answer[main] ?? first, first))) throw badOutput(file);
}

function badOutput(file: string): InferenceError {
  return new InferenceError({ kind: 'bad-output', message: `The model ${file} gives constant or undefined numbers on this machine; set "stepscope.executionProvider" to "wasm", or install the extension again.` });
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
}

function readTokenizer(bytes: Uint8Array, file: string): Tokenizer {
  try {
    return createTokenizer(JSON.parse(new TextDecoder().decode(bytes)) as TokenizerFile);
  } catch (error) {
    throw new InferenceError({ kind: 'bad-manifest', message: `${file} is no tokenizer StepScope can read (${messageOf(error)}); install the extension again.` });
  }
}

interface ModelFile {
  readonly file: string;
  readonly sha256: string;
}

async function openModel(options: { readonly backend: Backend; readonly folder: string; readonly entry: ModelFile; readonly isSmall: boolean }): Promise<Session> {
  const { backend, folder, entry, isSmall } = options;
  const bytes = await readChecked(folder, entry);
  try {
    return await backend.open(bytes, { isSmall });
  } catch (error) {
    throw new InferenceError({ kind: 'native-failed', message: `The model ${entry.file} does not load here (${messageOf(error)}); set "stepscope.executionProvider" to "wasm", or install the extension again.` });
  }
}

/** The file's bytes, which are what the manifest says they are. */
async function readChecked(folder: string, entry: ModelFile): Promise<Uint8Array> {
  const path = join(folder, entry.file);
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new InferenceError({ kind: 'missing-file', message: `The model file ${path} cannot be read (${messageOf(error)}); install the extension again.` });
  }
  if (createHash('sha256').update(bytes).digest('hex') !== entry.sha256) {
    throw new InferenceError({ kind: 'bad-hash', message: `The model file ${path} is not the one that was shipped: it is damaged or was changed; install the extension again.` });
  }
  return bytes;
}

interface Once<T> {
  (): Promise<T>;
  /** Whether it was ever asked for. */
  isStarted(): boolean;
}

function onceUntilFailure<T>(make: () => Promise<T>): Once<T> {
  let made: Promise<T> | undefined;
  const once = (): Promise<T> => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
  return Object.assign(once, { isStarted: () => made !== undefined });
}
