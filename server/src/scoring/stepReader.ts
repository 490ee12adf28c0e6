/** Steps of one trace as the backbone reads them: tokenised, laid into windows, run and pooled, a few windows at a time. */
import type { ModelRunner, StopSignal, WindowInput } from './modelRunner.ts';
import { poolStep } from './stepEncoding.ts';
import type { StepEncoding, UnitEncoding, WindowEncoding } from './stepEncoding.ts';
import type { StepWork, TraceWork } from './traceWork.ts';
import { createLayout, goalHead, unitLengths, unitTokens } from './windows.ts';
import type { Window, WindowLayout } from './windows.ts';

export interface ReadStep {
  /** Among the scorable steps of the trace. */
  readonly position: number;
  readonly encoding: StepEncoding;
}

export interface StepReader {
  /** Runs the next windows that hold a wanted step, at most `windowCount`; the steps that are whole now, in order. Undefined when all were read. */
  next(windowCount: number): Promise<readonly ReadStep[] | undefined>;
}

/** A text to be tokenised; `text` is read only when its pieces are not known. */
export interface KeyedText {
  readonly key: string;
  readonly text: () => string;
}

/** Word pieces of texts seen lately, by text key; their numbers for much longer, so that windows far on in a trace can be laid without its beginning. */
export interface PieceMemory {
  of(texts: readonly KeyedText[], signal: StopSignal | undefined): Promise<readonly Int32Array[]>;
  counts(texts: readonly KeyedText[], signal: StopSignal | undefined): Promise<readonly number[]>;
}

interface Unit {
  readonly position: number;
  /** Number of the chunk within its step. */
  readonly chunk: number;
  readonly isLast: boolean;
}

/** Steps tokenised at once: enough for many windows, few enough not to keep the first one waiting. */
const BLOCK = 64;
const PIECES_IN_MEMORY = 2_000_000;
const COUNTS_IN_MEMORY = 1_000_000;

/** `scorable` are the indices of the steps that are scored, `wanted` positions in it. */
export function createStepReader(options: {
  readonly work: TraceWork;
  readonly scorable: readonly number[];
  readonly wanted: ReadonlySet<number>;
  readonly runner: ModelRunner;
  readonly pieces: PieceMemory;
  readonly signal: StopSignal | undefined;
}): StepReader {
  const { work, scorable, wanted, runner, signal } = options;
  const rules = runner.manifest.backbone.window;
  const needed = [...wanted].reduce((last, position) => Math.max(last, position + 1), 0);
  const units: Unit[] = [];
  const pieces = new Map<number, Int32Array>();
  const begun = new Map<number, { readonly goal: WindowEncoding; readonly units: UnitEncoding[] }>();
  let head: readonly number[] = [];
  let layout: WindowLayout | undefined;
  let laid = 0;
  let cursor = 0;

  async function begin(): Promise<WindowLayout> {
    const [goal] = await options.pieces.of([{ key: work.goalKey, text: () => work.trace.goalText }], signal);
    head = goalHead(goal ?? [], rules);
    return createLayout(rules, head.length);
  }

  async function layBlock(into: WindowLayout): Promise<void> {
    const block = scorable.slice(laid, Math.min(laid + BLOCK, needed)).flatMap((index) => work.steps[index] ?? []);
    for (const count of await options.pieces.counts(block.map(keyedText), signal)) {
      const lengths = unitLengths(count, rules);
      lengths.forEach((length, chunk) => {
        into.add(length);
        units.push({ position: laid, chunk, isLast: chunk === lengths.length - 1 });
      });
      laid++;
    }
  }

  /** Fetches the pieces of every unit in the windows. */
  async function fetchPieces(windows: readonly Window[]): Promise<void> {
    const missing = [...new Set(windows.flatMap((w) => units.slice(w.firstCarried, w.end).map((u) => u.position)))].filter((position) => !pieces.has(position));
    const found = await options.pieces.of(missing.flatMap((position) => work.steps[scorable[position] ?? -1] ?? []).map(keyedText), signal);
    missing.forEach((position, i) => pieces.set(position, found[i] ?? new Int32Array(0)));
  }

  const readIn = (window: Window): readonly Unit[] => units.slice(window.firstRead, window.end);

  /** The next windows with something wanted. The last one laid may still grow, so it waits for the end. */
  async function take(count: number): Promise<readonly Window[]> {
    layout ??= await begin();
    const taken: Window[] = [];
    while (taken.length < count) {
      const isEnd = laid >= needed;
      const complete = layout.windows.length - (isEnd ? 0 : 1);
      if (cursor >= complete) {
        if (isEnd) break;
        await layBlock(layout);
        continue;
      }
      const window = layout.windows[cursor++];
      if (window !== undefined && readIn(window).some((u) => wanted.has(u.position))) taken.push(window);
    }
    return taken;
  }

  function inputOf(window: Window): WindowInput {
    const placed = units.slice(window.firstCarried, window.end);
    const ids = new Int32Array(window.length);
    const ends = new Int32Array(placed.length + 1);
    ids.set(head);
    let at = head.length;
    ends[0] = at;
    placed.forEach((unit, i) => {
      const tokens = unitTokens(pieces.get(unit.position) ?? [], unit.chunk, rules);
      ids.set(tokens, at);
      at += tokens.length;
      ends[i + 1] = at;
    });
    return { ids, ends, carried: window.firstRead - window.firstCarried };
  }

  /** What no window to come can carry. */
  function forgetRead(): void {
    const oldest = units[layout?.windows[cursor]?.firstCarried ?? layout?.windows.at(-1)?.firstCarried ?? 0]?.position ?? 0;
    for (const position of pieces.keys()) {
      if (position >= oldest) break;
      pieces.delete(position);
    }
  }

  return {
    async next(windowCount) {
      const windows = await take(windowCount);
      if (windows.length === 0) return undefined;
      await fetchPieces(windows);
      const inputs = windows.map(inputOf);
      forgetRead();
      const encoded = await runner.encode(inputs, signal === undefined ? {} : { signal });
      return windows.flatMap((window, w) => {
        const encoding = encoded[w];
        if (encoding === undefined) throw new Error('The backbone answered fewer windows than it was asked for.');
        return readIn(window).flatMap((unit, i): ReadStep[] => {
          const read = encoding.units[i];
          if (!wanted.has(unit.position) || read === undefined) return [];
          const step = begun.get(unit.position) ?? { goal: encoding, units: [] };
          step.units.push(read);
          begun.set(unit.position, step);
          if (!unit.isLast) return [];
          begun.delete(unit.position);
          return [{ position: unit.position, encoding: poolStep(step.goal, step.units) }];
        });
      });
    },
  };
}

const keyedText = (step: StepWork): KeyedText => ({ key: step.textKey, text: () => step.text });

export function createPieceMemory(runner: ModelRunner): PieceMemory {
  const known = new Map<string, Int32Array>();
  const counted = new Map<string, number>();
  let held = 0;
  const remember = (key: string, ids: Int32Array): void => {
    held += ids.length - (known.get(key)?.length ?? 0);
    known.delete(key);
    known.set(key, ids);
    counted.set(key, ids.length);
    if (counted.size > COUNTS_IN_MEMORY) counted.delete(counted.keys().next().value ?? '');
    for (const [oldest, old] of known) {
      if (held <= PIECES_IN_MEMORY || oldest === key) break;
      held -= old.length;
      known.delete(oldest);
    }
  };
  const of = async (texts: readonly KeyedText[], signal: StopSignal | undefined): Promise<readonly Int32Array[]> => {
    const unknown = new Map(texts.flatMap((t) => (known.has(t.key) ? [] : [[t.key, t.text] as const])));
    const fresh = unknown.size === 0 ? [] : await runner.tokenize([...unknown.values()].map((text) => text()), signal === undefined ? {} : { signal });
    const found = new Map([...unknown.keys()].map((key, i) => [key, fresh[i] ?? new Int32Array(0)] as const));
    const answer = texts.map((t) => found.get(t.key) ?? known.get(t.key) ?? new Int32Array(0));
    for (const [key, ids] of found) remember(key, ids);
    return answer;
  };
  return {
    of,
    async counts(texts, signal) {
      const uncounted = texts.filter((t) => !counted.has(t.key));
      const lengths = new Map((await of(uncounted, signal)).map((ids, i) => [uncounted[i]?.key ?? '', ids.length] as const));
      return texts.map((t) => lengths.get(t.key) ?? counted.get(t.key) ?? 0);
    },
  };
}
