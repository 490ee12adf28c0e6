/** What the steps up to one leave behind for the next: sentence vectors, surface state, states of recurrent scorers. */
import { emptyContext, LOOK_BACK } from './headInput.ts';
import type { RowContext } from './headInput.ts';
import type { ScorerManifest } from './manifest.ts';
import { splitOutputs, unpackRaw } from './rawScores.ts';
import type { RawByScorer } from './rawScores.ts';
import type { ScoreCache } from './scoreCache.ts';
import { advanceSurface, emptySurface } from './surfaceFeatures.ts';
import type { SurfaceState } from './surfaceFeatures.ts';
import type { StepWork, TraceWork } from './traceWork.ts';

export interface StepHistory {
  readonly context: RowContext;
  /** By scorer that carries one; missing where that scorer has not read the steps before. */
  readonly states: Readonly<Record<string, Float32Array>>;
}

export interface HistoryMemory {
  /** What stands before a step of the trace, as far as it is in memory. */
  known(trace: HistoryTrace, position: number): StepHistory | undefined;
  /** The same, read from the cache where it is not in memory; undefined where the steps before must be read again. */
  recall(trace: HistoryTrace, position: number): Promise<StepHistory | undefined>;
  /** Keeps what stands after a step: the context then, and the states in its raw scores. */
  keep(trace: HistoryTrace, position: number, after: { readonly context: RowContext; readonly raw: RawByScorer }): StepHistory;
}

export interface HistoryTrace {
  readonly work: TraceWork;
  /** Indices of the steps that are scored. */
  readonly scorable: readonly number[];
  readonly scorers: readonly string[];
  /** Name of a step's stored raw scores. */
  readonly rawKeyOf: (step: StepWork) => string;
}

/** Enough for a long trace that is being edited, and its neighbours. */
const STEPS_IN_MEMORY = 4_096;

export function createHistoryMemory(options: { readonly cache: ScoreCache; readonly scorers: readonly ScorerManifest[] }): HistoryMemory {
  const { cache } = options;
  const recurrent = options.scorers.filter((s) => s.stateWidth !== undefined);
  /** By the chain key of the step last folded in. */
  const after = new Map<string, StepHistory>();
  const remember = (step: StepWork, history: StepHistory): void => {
    after.delete(step.chainKey);
    after.set(step.chainKey, history);
    for (const oldest of after.keys()) {
      if (after.size <= STEPS_IN_MEMORY) break;
      after.delete(oldest);
    }
  };
  const statesIn = (raw: RawByScorer): Readonly<Record<string, Float32Array>> => Object.fromEntries(recurrent.flatMap((entry) => {
    const values = raw.get(entry.id);
    const state = values === undefined ? undefined : splitOutputs(entry, values)['state_out'];
    return state === undefined ? [] : [[entry.id, Float32Array.from(state)] as const];
  }));

  /** Surface state before a step: from the nearest earlier one in memory on. */
  function surfaceBefore(trace: HistoryTrace, position: number): SurfaceState {
    let from = position;
    let surface: SurfaceState | undefined;
    while (from > 0 && surface === undefined) surface = after.get(stepAt(trace, --from).chainKey)?.context.surface;
    if (surface === undefined) surface = emptySurface(trace.work.trace.goalText);
    else from++;
    for (; from < position; from++) surface = advanceSurface(surface, stepAt(trace, from).text);
    return surface;
  }

  const isComplete = (trace: HistoryTrace, history: StepHistory): boolean => recurrent.every((s) => !trace.scorers.includes(s.id) || history.states[s.id] !== undefined);

  return {
    known(trace, position) {
      if (position === 0) return { context: emptyContext(trace.work.trace.goalText), states: zeroStates(recurrent) };
      return after.get(stepAt(trace, position - 1).chainKey);
    },
    async recall(trace, position) {
      const inMemory = this.known(trace, position);
      if (inMemory !== undefined && isComplete(trace, inMemory)) return inMemory;
      const previous = stepAt(trace, position - 1);
      const first = Math.max(0, position - LOOK_BACK);
      const needed = Array.from({ length: position - first }, (_, i) => stepAt(trace, first + i).chainKey);
      const [vectors, [packed]] = await Promise.all([inMemory === undefined ? cache.getVectors(needed) : [], cache.getRaw([trace.rawKeyOf(previous)])]);
      const raw = packed === undefined ? undefined : unpackRaw(packed, trace.scorers);
      const earlier = vectors.flatMap((v) => v ?? []);
      if (raw === undefined || (inMemory === undefined && earlier.length < needed.length)) return undefined;
      const history = { context: inMemory?.context ?? { earlier, surface: surfaceBefore(trace, position) }, states: { ...inMemory?.states, ...statesIn(raw) } };
      remember(previous, history);
      return isComplete(trace, history) ? history : undefined;
    },
    keep(trace, position, { context, raw }) {
      const history = { context, states: statesIn(raw) };
      remember(stepAt(trace, position), history);
      return history;
    },
  };
}

function zeroStates(recurrent: readonly ScorerManifest[]): Readonly<Record<string, Float32Array>> {
  return Object.fromEntries(recurrent.map((s) => [s.id, new Float32Array(s.stateWidth ?? 0)]));
}

function stepAt({ work, scorable }: HistoryTrace, position: number): StepWork {
  const step = work.steps[scorable[position] ?? -1];
  if (step === undefined) throw new Error(`There is no step to score at place ${position}.`);
  return step;
}
