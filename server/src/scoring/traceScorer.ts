/** Scores the steps of a trace with as little work as possible: what is known is not computed again. */
import { advance, emptyContext, ROW_WIDTH, writeRow } from './headInput.ts';
import type { ModelRunner, StopSignal } from './modelRunner.ts';
import type { ScoreCache } from './scoreCache.ts';
import { joinOutputs, packRaw, unpackRaw } from './rawScores.ts';
import type { RawByScorer } from './rawScores.ts';
import { createHistoryMemory } from './stepHistory.ts';
import type { HistoryTrace, StepHistory } from './stepHistory.ts';
import { createPieceMemory, createStepReader } from './stepReader.ts';
import type { ReadStep, StepReader } from './stepReader.ts';
import type { StepWork, TraceWork } from './traceWork.ts';

/** Windows run between two messages to the user: few at first, so that something is seen soon. */
const WINDOWS_AT_ONCE = [1, 2, 4] as const;
/** Steps whose turn comes within so many are worth no look ahead. */
const SOON = 64;
/** Steps looked up at once among those scored before. */
const LOOK_UP = 2_048;
/** Steps that a look ahead reads before the first one asked for. */
const AHEAD_BACK = 8;
/** And about so many characters. */
const AHEAD_CHARACTERS = 4_000;

export interface ScoreRequest {
  readonly work: TraceWork;
  /** Ids of the scorers to run. */
  readonly scorers: readonly string[];
  /** Indices of the steps to score, ascending; steps without work are passed over. */
  readonly pending: readonly number[];
  /** Indices wanted first; the rest follow in order. Those whose turn is far off are looked at beforehand. */
  readonly focus?: readonly number[];
  /** Computes the pending steps again, whatever is stored. */
  readonly isFresh?: boolean;
  readonly signal?: StopSignal;
  /**
   * Called with the steps just scored, several times. Every step is reported once with all scorers; a step wanted first
   * may come before that without those that have not read the steps before it.
   */
  readonly onScored: (scored: readonly ScoredRaw[]) => void;
}

export interface ScoredRaw {
  readonly stepIndex: number;
  readonly raw: RawByScorer;
  /** From a look ahead, without most of the steps before it and without the scorers that need them all: its score is still to come. */
  readonly isProvisional?: true;
}

export interface TraceScorer {
  /** Settles when every step was reported; rejects with an AbortError when cancelled. */
  score(request: ScoreRequest): Promise<void>;
  readonly counters: { readonly encodedSteps: number; readonly headRows: number; readonly cacheHits: number; readonly lastEncodedStepIds: readonly string[] };
}

export function createTraceScorer(options: { readonly runner: ModelRunner; readonly warmUp: () => Promise<void>; readonly cache: ScoreCache; readonly sha256: (text: string) => string }): TraceScorer {
  const { runner, cache, sha256 } = options;
  const entries = runner.manifest.scorers;
  const histories = createHistoryMemory({ cache, scorers: entries });
  const pieces = createPieceMemory(runner);
  const counters = { encodedSteps: 0, headRows: 0, cacheHits: 0, lastEncodedStepIds: [] as readonly string[] };

  async function fromCache(request: ScoreRequest, trace: HistoryTrace, pending: readonly number[]): Promise<readonly number[]> {
    const values = await cache.getRaw(pending.map((i) => trace.rawKeyOf(stepAt(request.work, i))));
    const found: ScoredRaw[] = [];
    const missing: number[] = [];
    pending.forEach((stepIndex, at) => {
      const packed = values[at];
      const raw = packed === undefined ? undefined : unpackRaw(packed, request.scorers);
      if (raw === undefined) missing.push(stepIndex);
      else found.push({ stepIndex, raw });
    });
    counters.cacheHits += found.length;
    if (found.length > 0) request.onScored(found);
    return missing;
  }

  /** Runs the heads on steps that follow each other, `first` the history before the first of them; answers their raw scores and the history after them. */
  async function runHeads(trace: HistoryTrace, steps: readonly ReadStep[], first: StepHistory, { signal, isKept = true }: { readonly signal: StopSignal | undefined; readonly isKept?: boolean }): Promise<{ readonly scored: readonly ScoredRaw[]; readonly after: StepHistory }> {
    const [start] = steps;
    if (start === undefined) return { scored: [], after: first };
    const scorers = trace.scorers.filter((id) => entries.find((s) => s.id === id)?.stateWidth === undefined || first.states[id] !== undefined);
    const features = new Float32Array(steps.length * ROW_WIDTH);
    // Contexts of the later rows need no scores of the earlier ones, so all heads run in one request.
    let { context } = first;
    const contexts = steps.map(({ position, encoding }, row) => {
      const { text } = scorableStep(trace, position);
      writeRow(features, row, { encoding, context, text });
      context = advance(context, { sentence: encoding.sentence, text });
      return context;
    });
    const outputs = await runner.runHeads({ scorers, features, rowCount: steps.length, states: first.states }, signal === undefined ? {} : { signal });
    const raws = steps.map(() => new Map<string, Float32Array>());
    for (const entry of entries) {
      const answer = outputs[entry.id];
      if (answer === undefined) continue;
      joinOutputs(entry, answer, { count: steps.length, firstCount: start.position + 1 }).forEach((values, row) => raws[row]?.set(entry.id, values));
    }
    counters.headRows += steps.length * scorers.length;
    let after: StepHistory = { context, states: first.states };
    if (isKept) steps.forEach(({ position }, row) => {
      after = histories.keep(trace, position, { context: contexts[row] ?? context, raw: raws[row] ?? new Map() });
    });
    return { scored: steps.map(({ position }, row) => ({ stepIndex: trace.scorable[position] ?? -1, raw: raws[row] ?? new Map<string, Float32Array>() })), after };
  }

  async function store(trace: HistoryTrace, steps: readonly ReadStep[], scored: readonly ScoredRaw[]): Promise<void> {
    const whole = scored.filter(({ raw }) => trace.scorers.every((id) => raw.has(id)));
    await Promise.all([
      cache.putRaw(whole.map(({ stepIndex, raw }) => [trace.rawKeyOf(stepAt(trace.work, stepIndex)), packRaw(raw, trace.scorers)] as const)),
      cache.putVectors(steps.map(({ position, encoding }) => [scorableStep(trace, position).chainKey, encoding.sentence] as const)),
    ]);
  }

  const readerOf = (trace: HistoryTrace, wanted: ReadonlySet<number>, signal: StopSignal | undefined): StepReader =>
    createStepReader({ work: trace.work, scorable: trace.scorable, wanted, runner, pieces, signal });

  function count(trace: HistoryTrace, steps: readonly ReadStep[]): void {
    counters.encodedSteps += steps.length;
    counters.lastEncodedStepIds = steps.map(({ position }) => scorableStep(trace, position).step.stepId);
  }

  /** An edited step among known ones: its own score, before what follows is even looked up. Answers whether it is done. */
  async function scoreFirst(request: ScoreRequest, trace: HistoryTrace, position: number): Promise<boolean> {
    const history = histories.known(trace, position);
    if (history === undefined) return false;
    await options.warmUp();
    const reader = readerOf(trace, new Set([position]), request.signal);
    const steps: ReadStep[] = [];
    for (let read = await reader.next(1); read !== undefined; read = await reader.next(1)) steps.push(...read);
    count(trace, steps);
    const { scored } = await runHeads(trace, steps, history, { signal: request.signal });
    request.onScored(scored);
    await store(trace, steps, scored);
    return scored.every(({ raw }) => trace.scorers.every((id) => raw.has(id)));
  }

  /** Reads steps of a long trace long before their turn, as if it had begun shortly before them. Nothing of it is kept. */
  async function lookAhead(request: ScoreRequest, trace: HistoryTrace, positions: readonly number[]): Promise<void> {
    for (const [first, last] of stretches(positions)) {
      let from = first;
      for (let characters = 0; from > 0 && first - from < AHEAD_BACK && characters < AHEAD_CHARACTERS; from--) characters += scorableStep(trace, from - 1).text.length;
      const indices = trace.scorable.slice(from, last + 1);
      const work = { ...trace.work, steps: indices.map((i) => stepAt(trace.work, i)) };
      const part: HistoryTrace = { ...trace, work, scorable: indices.map((_, i) => i) };
      const reader = readerOf(part, new Set(part.scorable), request.signal);
      let history: StepHistory = { context: emptyContext(trace.work.trace.goalText), states: {} };
      for (let steps = await reader.next(1); steps !== undefined; steps = await reader.next(1)) {
        count(part, steps);
        const { scored, after } = await runHeads(part, steps, history, { signal: request.signal, isKept: false });
        history = after;
        const wanted = scored.flatMap(({ stepIndex, raw }) => (from + stepIndex < first ? [] : [{ stepIndex: indices[stepIndex] ?? -1, raw, isProvisional: true as const }]));
        if (wanted.length > 0) request.onScored(wanted);
      }
    }
  }

  /** Histories before each run of wanted steps; steps whose history is lost become wanted too. */
  async function startsOf(trace: HistoryTrace, wanted: Set<number>): Promise<ReadonlyMap<number, StepHistory>> {
    const starts = new Map<number, StepHistory>();
    const heads = [...wanted].filter((p) => !wanted.has(p - 1));
    for (const head of heads) {
      let at = head;
      let history = await histories.recall(trace, at);
      while (history === undefined && at > 0 && !wanted.has(at - 1)) {
        wanted.add(--at);
        // What was lost seldom ends nearby: each look costs a query, so most are spared.
        history = at === 0 || (head - at) % 64 === 0 ? await histories.recall(trace, at) : undefined;
      }
      if (history !== undefined) starts.set(at, history);
    }
    return starts;
  }

  async function scoreRest(request: ScoreRequest, trace: HistoryTrace, rest: readonly number[]): Promise<void> {
    const { signal } = request;
    const asked = new Set(rest);
    const wanted = new Set(trace.scorable.flatMap((index, position) => (asked.has(index) ? [position] : [])));
    const starts = await startsOf(trace, wanted);
    const reader = readerOf(trace, wanted, signal);
    let round = 0;
    const read = (): Promise<readonly ReadStep[] | undefined> => {
      const next = reader.next(WINDOWS_AT_ONCE[Math.min(round++, WINDOWS_AT_ONCE.length - 1)] ?? 1);
      // Awaited later: until then a failure has to wait too.
      next.catch(() => undefined);
      return next;
    };
    let history: StepHistory | undefined;
    let stored = Promise.resolve();
    for (let steps = await read(); steps !== undefined;) {
      signal?.throwIfAborted();
      count(trace, steps);
      // The first steps are shown at once; from then on the backbone reads on while rows are laid.
      const ahead = round > 1 ? read() : undefined;
      for (const run of consecutive(steps, starts)) {
        const [first] = run;
        history = starts.get(first?.position ?? -1) ?? history;
        if (history === undefined) throw new Error('A step was scored before the steps before it.');
        const { scored, after } = await runHeads(trace, run, history, { signal });
        history = after;
        request.onScored(scored.filter((s) => asked.has(s.stepIndex)));
        await stored;
        stored = store(trace, run, scored);
      }
      steps = await (ahead ?? read());
    }
    await stored;
  }

  return {
    counters,
    async score(request) {
      const { work, scorers, signal } = request;
      const pending = request.pending.filter((i) => work.steps[i]?.unscored === undefined);
      if (pending.length === 0 || scorers.length === 0) return;
      const models = scorers.map((id) => entries.find((s) => s.id === id)?.sha256 ?? id).join();
      const trace: HistoryTrace = {
        work, scorers, scorable: work.steps.flatMap((s, i) => (s.unscored === undefined ? [i] : [])),
        // Names a step's raw scores: its whole input, and the models that read it.
        rawKeyOf: (step) => sha256(`${step.chainKey}|${models}`),
      };
      const focus = new Set(request.focus);
      const first = pending.find((i) => focus.has(i));
      const isFirstDone = first !== undefined && await scoreFirst(request, trace, trace.scorable.indexOf(first));
      signal?.throwIfAborted();
      const others = isFirstDone ? pending.filter((i) => i !== first) : pending;
      const lookUp = (indices: readonly number[]): Promise<readonly number[]> => (request.isFresh === true ? Promise.resolve(indices) : fromCache(request, trace, indices));
      const missed = new Set(await lookUp(others.filter((i) => focus.has(i))));
      const rest = others.filter((i) => !focus.has(i) || missed.has(i));
      signal?.throwIfAborted();
      const far = request.isFresh === true ? [] : rest.flatMap((index, turn) => (turn > SOON && missed.has(index) ? [trace.scorable.indexOf(index)] : []));
      if (far.length > 0) {
        await options.warmUp();
        await lookAhead(request, trace, far);
      }
      for (let from = 0; from < rest.length; from += LOOK_UP) {
        const next = rest.slice(from, from + LOOK_UP);
        const unknown = new Set(await lookUp(next.filter((i) => !missed.has(i))));
        const block = next.filter((i) => missed.has(i) || unknown.has(i));
        signal?.throwIfAborted();
        if (block.length === 0) continue;
        await options.warmUp();
        await scoreRest(request, trace, block);
      }
    },
  };
}

/** Cuts steps into runs without gaps, each begun anew where a history starts. */
function consecutive(steps: readonly ReadStep[], starts: ReadonlyMap<number, StepHistory>): readonly (readonly ReadStep[])[] {
  const runs: ReadStep[][] = [];
  for (const step of steps) {
    const last = runs.at(-1);
    if (last === undefined || starts.has(step.position) || last.at(-1)?.position !== step.position - 1) runs.push([step]);
    else last.push(step);
  }
  return runs;
}

/** First and last of the numbers that follow each other; `positions` ascend. */
function stretches(positions: readonly number[]): readonly (readonly [first: number, last: number])[] {
  const found: [number, number][] = [];
  for (const position of positions) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === position - 1) last[1] = position;
    else found.push([position, position]);
  }
  return found;
}

function scorableStep({ work, scorable }: HistoryTrace, position: number): StepWork {
  return stepAt(work, scorable[position] ?? -1);
}

function stepAt(work: TraceWork, index: number): StepWork {
  const step = work.steps[index];
  if (step === undefined) throw new Error(`Step ${index} is outside the trace.`);
  return step;
}
