/** Scores the steps of a trace in proportion to what changed: texts are encoded once, heads run only where the context moved. */
import { advance, emptyContext, writeRow } from './headInput.ts';
import type { ContextState } from './headInput.ts';
import type { ModelRunner, StopSignal } from './modelRunner.ts';
import type { ScoreCache } from './scoreCache.ts';
import { joinOutputs, packRaw, unpackRaw } from './rawScores.ts';
import type { RawByScorer } from './rawScores.ts';
import type { StepWork, TraceWork } from './traceWork.ts';

/** Steps encoded between two looks at the cancellation signal and two messages to the user. */
const FIRST_BATCH = 12;
const BATCH = 32;
const VECTORS_IN_MEMORY = 40_000;

export interface ScoreRequest {
  readonly work: TraceWork;
  /** Ids of the scorers to run. */
  readonly scorers: readonly string[];
  /** Indices of the steps to score, ascending; steps without work are passed over. */
  readonly pending: readonly number[];
  /** Indices wanted first; the rest follow in order. */
  readonly focus?: readonly number[];
  /** Computes the pending steps again, texts included, whatever is stored. */
  readonly isFresh?: boolean;
  readonly signal?: StopSignal;
  /** Called with the indices just scored, several times; every scored step is reported once. */
  readonly onScored: (scored: readonly { readonly stepIndex: number; readonly raw: RawByScorer }[]) => void;
}

export interface TraceScorer {
  /** Settles when every step was reported; rejects with an AbortError when cancelled. */
  score(request: ScoreRequest): Promise<void>;
  readonly counters: { readonly headRows: number; readonly cacheHits: number; readonly lastEncodedStepIds: readonly string[] };
}

export function createTraceScorer(options: { readonly runner: ModelRunner; readonly warmUp: () => Promise<void>; readonly cache: ScoreCache; readonly sha256: (text: string) => string }): TraceScorer {
  const { runner, cache, sha256 } = options;
  const { width: headWidth } = runner.manifest.headInput;
  const vectors = new Map<string, Float32Array>();
  const counters = { headRows: 0, cacheHits: 0, lastEncodedStepIds: [] as string[] };

  const remember = (key: string, vector: Float32Array): void => {
    if (vectors.size >= VECTORS_IN_MEMORY) for (const oldest of vectors.keys()) {
      vectors.delete(oldest);
      if (vectors.size < VECTORS_IN_MEMORY * 0.9) break;
    }
    vectors.set(key, vector);
  };

  /** Names a step's raw scores: its whole input, and the models that read it. */
  const rawKey = (step: StepWork, models: string): string => sha256(`${step.chainKey}|${models}`);
  const modelsOf = (scorers: readonly string[]): string => scorers.map((id) => runner.manifest.scorers.find((s) => s.id === id)?.sha256 ?? id).join();

  async function fromCache(request: ScoreRequest, pending: readonly number[]): Promise<readonly number[]> {
    const { work, scorers } = request;
    const models = modelsOf(scorers);
    const values = await cache.getRaw(pending.map((i) => rawKey(stepAt(work, i), models)));
    const found: { stepIndex: number; raw: RawByScorer }[] = [];
    const missing: number[] = [];
    pending.forEach((stepIndex, at) => {
      const packed = values[at];
      const raw = packed === undefined ? undefined : unpackRaw(packed, scorers);
      if (raw === undefined) missing.push(stepIndex);
      else found.push({ stepIndex, raw });
    });
    counters.cacheHits += found.length;
    if (found.length > 0) request.onScored(found);
    return missing;
  }

  /** Makes the vectors of these texts known; `names` labels them for the counter. */
  async function encode(texts: readonly { readonly key: string; readonly text: string; readonly name: string }[], request: ScoreRequest): Promise<void> {
    const unknown = texts.filter((t, i) => !vectors.has(t.key) && texts.findIndex((o) => o.key === t.key) === i);
    if (unknown.length === 0) return;
    const stored = request.isFresh === true ? [] : await cache.getVectors(unknown.map((t) => t.key));
    const toRun = unknown.filter((t, i) => {
      const vector = stored[i];
      if (vector !== undefined) remember(t.key, vector);
      return vector === undefined;
    });
    if (toRun.length === 0) return;
    await options.warmUp();
    const fresh = await runner.embed(toRun.map((t) => t.text), request.signal === undefined ? {} : { signal: request.signal });
    const rows = toRun.map((t, i) => [t.key, vectorAt(fresh, i)] as const);
    for (const [key, vector] of rows) remember(key, vector);
    counters.lastEncodedStepIds = toRun.map((t) => t.name);
    await cache.putVectors(rows);
  }

  /** Runs every head on these steps, whose vectors and whose context's vectors are known. */
  async function runHeads(request: ScoreRequest, indices: readonly number[], contextOf: (stepIndex: number) => ContextState): Promise<void> {
    const { work, scorers } = request;
    const goal = knownVector(work.goalKey);
    const features = new Float32Array(indices.length * headWidth);
    indices.forEach((stepIndex, row) => {
      const step = stepAt(work, stepIndex);
      writeRow(features, row, { goal, step: knownVector(step.textKey), context: contextOf(stepIndex), text: step.text });
    });
    const raws = indices.map(() => new Map<string, Float32Array>());
    for (const scorer of scorers) {
      const outputs = await runner.runHead(scorer, features, indices.length);
      joinOutputs(scorer, outputs, indices.length).forEach((values, row) => raws[row]?.set(scorer, values));
    }
    counters.headRows += indices.length * scorers.length;
    const scored = indices.map((stepIndex, row) => ({ stepIndex, raw: raws[row] ?? new Map<string, Float32Array>() }));
    request.onScored(scored);
    const models = modelsOf(scorers);
    await cache.putRaw(scored.map(({ stepIndex, raw }) => [rawKey(stepAt(work, stepIndex), models), packRaw(raw, scorers)] as const));
  }

  const knownVector = (key: string): Float32Array => {
    const vector = vectors.get(key);
    if (vector === undefined) throw new Error('A step was scored before its text was encoded.');
    return vector;
  };

  return {
    counters,
    async score(request) {
      const { work, signal } = request;
      const scorable = work.steps.flatMap((s, i) => (s.unscored === undefined ? [i] : []));
      const pending = request.pending.filter((i) => work.steps[i]?.unscored === undefined);
      if (request.isFresh === true) for (const i of pending) vectors.delete(stepAt(work, i).textKey);
      if (pending.length === 0 || request.scorers.length === 0) return;
      // An edited step among known ones: its own text, its own score, then what follows.
      const isReady = (i: number): boolean => vectors.has(work.goalKey) && scorable.every((j) => j >= i || vectors.has(stepAt(work, j).textKey));
      const first = pending.find((i) => request.focus?.includes(i) === true);
      const isFirstDone = first !== undefined && isReady(first);
      if (isFirstDone) {
        await encode([named(work, first)], request);
        await runHeads(request, [first], contextBuilder(work, knownVector));
        signal?.throwIfAborted();
      }

      const others = isFirstDone ? pending.filter((i) => i !== first) : pending;
      const rest = request.isFresh === true ? others : await fromCache(request, others);
      if (rest.length === 0) return;
      signal?.throwIfAborted();
      await encode([{ key: work.goalKey, text: work.trace.goalText, name: 'goal' }], request);
      const lastNeeded = rest.at(-1);
      if (lastNeeded === undefined) return;
      const needed = scorable.filter((i) => i <= lastNeeded);
      const wanted = new Set(rest);
      const contextOf = contextBuilder(work, knownVector);
      for (let at = 0, size = FIRST_BATCH; at < needed.length; at += size, size = BATCH) {
        signal?.throwIfAborted();
        const batch = needed.slice(at, at + size);
        await encode(batch.map((i) => named(work, i)), request);
        const rows = batch.filter((i) => wanted.has(i));
        if (rows.length > 0) await runHeads(request, rows, contextOf);
      }
    },
  };
}

/** Context states in ascending order, each step of the trace folded in once. */
function contextBuilder(work: TraceWork, vectorOf: (key: string) => Float32Array): (stepIndex: number) => ContextState {
  let context = emptyContext();
  let folded = 0;
  return (stepIndex) => {
    for (; folded < stepIndex; folded++) {
      const step = stepAt(work, folded);
      if (step.unscored === undefined) context = advance(context, vectorOf(step.textKey));
    }
    return context;
  };
}

function named(work: TraceWork, stepIndex: number): { readonly key: string; readonly text: string; readonly name: string } {
  const { textKey, text, step } = stepAt(work, stepIndex);
  return { key: textKey, text, name: step.stepId };
}

function stepAt(work: TraceWork, index: number): StepWork {
  const step = work.steps[index];
  if (step === undefined) throw new Error(`Step ${index} is outside the trace.`);
  return step;
}

function vectorAt(vectors: readonly Float32Array[], index: number): Float32Array {
  const vector = vectors[index];
  if (vector === undefined) throw new Error('The encoder answered fewer vectors than it was asked for.');
  return vector;
}
