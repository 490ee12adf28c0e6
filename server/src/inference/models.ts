/** Tokenizer, backbone and heads in memory: loaded on first use, checked, and run in small pieces. */
import { advance, emptyContext, ROW_WIDTH, writeRow } from '../scoring/headInput.ts';
import type { HeadAnswer, HeadRequest, WindowInput } from '../scoring/modelRunner.ts';
import { findScorer } from '../scoring/registry.ts';
import { poolStep } from '../scoring/stepEncoding.ts';
import { CLS, goalHead, SEP, unitTokens } from '../scoring/windows.ts';
import { openBackend } from './backend.ts';
import type { Session } from './backend.ts';
import { InferenceError } from './inferenceError.ts';
import { openModel, openTokenizer } from './modelFiles.ts';
import type { Tokenizer } from './tokenizer.ts';
import { runWindow, unpackWindow } from './windowRun.ts';
import type { LoadReport, WorkerSetup } from './workerMessages.ts';

/** All of them answer undefined when cancelled: `isCancelled` is asked before every text and every run. */
export interface Models {
  tokenize(texts: readonly string[], isCancelled: () => boolean): Promise<readonly Int32Array[] | undefined>;
  /** One run a window: what cancelling waits for is one window. Packed answers, for `unpackWindow`. */
  encode(windows: readonly WindowInput[], isCancelled: () => boolean): Promise<readonly Float32Array[] | undefined>;
  runHeads(request: HeadRequest, isCancelled: () => boolean): Promise<HeadAnswer | undefined>;
  /** Loads the backbone and these heads now. */
  load(scorers: readonly string[]): Promise<LoadReport>;
  release(): Promise<void>;
}

interface Backbone {
  readonly tokenizer: Tokenizer;
  readonly session: Session;
  /** Length every window is filled up to; 0: each runs at its own. */
  readonly paddedTo: number;
}

interface Head {
  readonly session: Session;
  /** Numbers carried from row to row; undefined where each row stands alone. */
  readonly stateWidth: number | undefined;
}

/** Nothing is read until it is needed. A failed load is tried again by the next request. */
export function createModels(setup: WorkerSetup): Models {
  const { manifest, folder } = setup;
  const rules = manifest.backbone.window;
  const backend = onceUntilFailure(() => openBackend(setup.backend));
  const tokenizer = onceUntilFailure(() => openTokenizer(folder, manifest.tokenizer));
  const backbone = onceUntilFailure(loadBackbone);
  const heads = new Map<string, Once<Head>>();

  async function loadBackbone(): Promise<Backbone> {
    const words = await tokenizer();
    if (words.clsId !== CLS || words.sepId !== SEP) throw new InferenceError({ kind: 'bad-manifest', message: `${manifest.tokenizer.file} is of another vocabulary than StepScope lays windows for; install the extension again.` });
    const session = await openModel({ backend: await backend(), folder, entry: manifest.backbone, isSmall: false });
    const isExact = await probeBackbone(session, probeWindow(words), manifest.backbone.file);
    return { tokenizer: words, session, paddedTo: isExact ? 0 : rules.tokens };
  }

  async function loadHead(scorer: string): Promise<Head> {
    const entry = manifest.scorers.find((s) => s.id === scorer);
    if (entry === undefined) throw new InferenceError({ kind: 'missing-file', message: `There is no model for the scorer "${scorer}"; remove it from "stepscope.scorers".` });
    const session = await openModel({ backend: await backend(), folder, entry, isSmall: true });
    const loaded: Head = { session, stateWidth: entry.stateWidth };
    await probeHead(loaded, { rows: await probeRows(), scorer, file: entry.file });
    return loaded;
  }

  function probeWindow(words: Tokenizer): WindowInput {
    const head = goalHead(words.encode(PROBE_GOAL), rules);
    const units = PROBE_STEPS.map((text) => unitTokens(words.encode(text), 0, rules));
    const ends = Int32Array.from(units.reduce<number[]>((all, unit) => [...all, (all.at(-1) ?? 0) + unit.length], [head.length]));
    return { ids: Int32Array.from([head, ...units].flat()), ends, carried: 0 };
  }

  /** Real rows of a short made-up trace: random ones would lie outside everything the heads know. */
  const probeRows = onceUntilFailure(async () => {
    const bones = await backbone();
    const window = unpackWindow(await runWindow(bones.session, probeWindow(bones.tokenizer), bones.paddedTo));
    const rows = new Float32Array(PROBE_STEPS.length * ROW_WIDTH);
    let context = emptyContext(PROBE_GOAL);
    PROBE_STEPS.forEach((text, i) => {
      const encoding = poolStep(window, window.units.slice(i, i + 1));
      writeRow(rows, i, { encoding, context, text });
      context = advance(context, { sentence: encoding.sentence, text });
    });
    return rows;
  });

  const head = (scorer: string): Promise<Head> => {
    const known = heads.get(scorer) ?? onceUntilFailure(() => loadHead(scorer));
    heads.set(scorer, known);
    return known();
  };

  return {
    async tokenize(texts, isCancelled) {
      const words = await tokenizer();
      const ids: Int32Array[] = [];
      for (const text of texts) {
        if (isCancelled()) return undefined;
        ids.push(words.encode(text));
      }
      return ids;
    },
    async encode(windows, isCancelled) {
      const { session, paddedTo } = await backbone();
      const packed: Float32Array[] = [];
      for (const window of windows) {
        if (isCancelled()) return undefined;
        packed.push(await runWindow(session, window, paddedTo));
      }
      return packed;
    },
    async runHeads({ scorers, features, rowCount, states }, isCancelled) {
      if (features.length !== rowCount * ROW_WIDTH) throw new Error(`runHeads was given ${features.length} numbers for ${rowCount} rows of ${ROW_WIDTH}.`);
      const answers: Record<string, Record<string, Float32Array>> = {};
      for (const scorer of scorers) {
        const loaded = await head(scorer);
        const outputs: Record<string, Float32Array> = {};
        let state = states[scorer];
        for (let row = 0; row < rowCount; row++) {
          if (isCancelled()) return undefined;
          // A copy: the runtime reads the whole buffer behind a view.
          const answer = await runRow(loaded, features.slice(row * ROW_WIDTH, (row + 1) * ROW_WIDTH), state);
          state = answer[STATE_OUTPUT];
          for (const [name, values] of Object.entries(answer)) (outputs[name] ??= new Float32Array(values.length * rowCount)).set(values, row * values.length);
        }
        answers[scorer] = outputs;
      }
      return answers;
    },
    async load(scorers) {
      const { paddedTo } = await backbone();
      for (const scorer of scorers) await head(scorer);
      return { backend: (await backend()).kind, paddedTo };
    },
    async release() {
      const opened = [backbone, ...heads.values()].filter((load) => load.isStarted());
      for (const load of opened) await load().then((m) => m.session.release(), () => undefined);
    },
  };
}

const STATE_OUTPUT = 'state_out';

/**
 * One row a run: a batch gives other bits in some rows, whatever its size from 11 on (softplus takes another path at the end of a
 * buffer: measured on sicql, 18 of 256 rows), and a row alone costs 0.1 ms.
 */
function runRow(head: Head, row: Float32Array, state: Float32Array | undefined): Promise<Readonly<Record<string, Float32Array>>> {
  const features = { data: row, dims: [1, row.length] };
  if (head.stateWidth === undefined) return head.session.run({ features });
  return head.session.run({ features, state: { data: state ?? new Float32Array(head.stateWidth), dims: [1, head.stateWidth] } });
}

const PROBE_GOAL = 'Find the value of 2 + 3 * 4.';
const PROBE_STEPS = [
  'First multiply: 3 * 4 = 12.',
  'The weather in Paris is mild in spring, so we book a flight.',
  'Then 2 + 12 = 14, so the answer is 14.',
  'Error: ENOENT: no such file or directory, open /tmp/x',
  '',
];

/**
 * Throws 'bad-output' when the backbone answers nonsense; returns whether the first steps alone give the bits they give before later
 * ones. Native kernels do; WebAssembly adds the ends of rows in another order, so there all windows must have one length.
 */
async function probeBackbone(session: Session, window: WindowInput, file: string): Promise<boolean> {
  const whole = await runWindow(session, window);
  const { units } = unpackWindow(whole);
  const [one, two] = units;
  const isPlain = one === undefined || two === undefined || isSame(one.marker, two.marker) || isSame(one.sentence, two.sentence) || one.quality === two.quality || one.hazard === two.hazard;
  if (isPlain || !whole.every((v) => Number.isFinite(v))) throw badOutput(file);
  for (const count of [1, 2, 4]) {
    const ends = window.ends.subarray(0, count + 1);
    const alone = await runWindow(session, { ids: window.ids.slice(0, ends[count]), ends, carried: 0 });
    if (!isSame(alone, whole.subarray(0, alone.length))) return false;
  }
  return true;
}

/** Throws 'bad-output' when the head answers nonsense about real rows. */
async function probeHead(head: Head, probe: { readonly rows: Float32Array; readonly scorer: string; readonly file: string }): Promise<void> {
  const answers: Readonly<Record<string, Float32Array>>[] = [];
  for (let at = 0; at < probe.rows.length; at += ROW_WIDTH) answers.push(await runRow(head, probe.rows.slice(at, at + ROW_WIDTH), answers.at(-1)?.[STATE_OUTPUT]));
  const [first] = answers;
  const scorer = findScorer(probe.scorer);
  const lost = scorer?.outputs.find((o) => o.isCounted !== true && first?.[o.name] === undefined);
  if (lost !== undefined) throw new InferenceError({ kind: 'bad-manifest', message: `The model ${probe.file} has no output "${lost.name}"; install the extension again.` });
  const isFinite = answers.every((answer) => Object.values(answer).every((values) => values.every((v) => Number.isFinite(v))));
  const main = first?.[scorer?.mainOutput ?? ''];
  if (!isFinite || main === undefined || answers.every((answer) => isSame(answer[scorer?.mainOutput ?? ''] ?? main, main))) throw badOutput(probe.file);
}

function badOutput(file: string): InferenceError {
  return new InferenceError({ kind: 'bad-output', message: `The model ${file} gives constant or undefined numbers on this machine; set "stepscope.executionProvider" to "wasm", or install the extension again.` });
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
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
