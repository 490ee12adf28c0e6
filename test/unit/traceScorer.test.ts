/** How little is computed again: the trace scorer over a runner that counts. */
import { describe, expect, it } from 'vitest';
import type { ModelManifest } from '../../server/src/scoring/manifest.ts';
import { ROW_SCALARS, ROW_WIDTH } from '../../server/src/scoring/headInput.ts';
import type { HeadAnswer, HeadRequest, ModelRunner, WindowInput } from '../../server/src/scoring/modelRunner.ts';
import { splitOutputs } from '../../server/src/scoring/rawScores.ts';
import type { RawByScorer } from '../../server/src/scoring/rawScores.ts';
import { memoryScoreCache } from '../../server/src/scoring/scoreCache.ts';
import type { ScoreCache } from '../../server/src/scoring/scoreCache.ts';
import { STATE_WIDTH } from '../../server/src/scoring/stepEncoding.ts';
import { createTraceScorer } from '../../server/src/scoring/traceScorer.ts';
import type { ScoredRaw, ScoreRequest } from '../../server/src/scoring/traceScorer.ts';
import { traceWork } from '../support/traceWork.ts';

const entry = (id: string, rest: object = {}) => ({ id, version: '1', file: '', sha256: `sha-${id}`, sizeBytes: 0, dimensions: ['reasoning_quality'], enabledByDefault: true, calibration: {}, ...rest });
const manifest = {
  backbone: { sha256: 'b', width: STATE_WIDTH, window: { tokens: 40, goalTokens: 8, goalHead: 5, chunkTokens: 10, carryTokens: 12, stepEnd: 2, chunkEnd: 3 } },
  tokenizer: { sha256: 't' }, headInput: { version: 2, width: ROW_WIDTH, scalars: ROW_SCALARS }, scorers: [entry('svm'), entry('hrm', { stateWidth: 1 })],
} as unknown as ModelManifest;
const BOTH = ['svm', 'hrm'];

interface Fake extends ModelRunner {
  readonly texts: string[];
  readonly windows: WindowInput[];
  readonly heads: { readonly scorers: readonly string[]; readonly rows: number }[];
}

/** Each character is a word piece; a unit's sentence points where its first piece says; hrm adds up the rows it saw. */
function fakeRunner(): Fake {
  const texts: string[] = [];
  const windows: WindowInput[] = [];
  const heads: { scorers: readonly string[]; rows: number }[] = [];
  const vector = (at: number): Float32Array => {
    const v = new Float32Array(STATE_WIDTH);
    v[at % STATE_WIDTH] = 1;
    return v;
  };
  return {
    manifest, texts, windows, heads,
    get windowCount() { return windows.length; },
    tokenize(asked) {
      texts.push(...asked);
      return Promise.resolve(asked.map((text) => Int32Array.from(text, (c) => c.charCodeAt(0))));
    },
    encode(asked, options) {
      if (options?.signal?.aborted === true) return Promise.reject(new DOMException('', 'AbortError'));
      windows.push(...asked);
      return Promise.resolve(asked.map(({ ids, ends, carried }) => ({
        goal: vector(1), goalSentence: vector(1),
        units: Array.from(ends.slice(1 + carried), (end, i) => {
          const start = ends[carried + i] ?? 0;
          const pieces = ids.subarray(start, end - 1);
          const sum = pieces.reduce((a, b) => a + b, 0);
          return { marker: vector(sum), mean: vector(sum + 1), sentence: vector(pieces[0] ?? 0), before: vector(ids[start - 1] ?? 0), quality: sum / 1000, hazard: 1, tokens: pieces.length };
        }),
      })));
    },
    runHeads({ scorers, features, rowCount, states }: HeadRequest): Promise<HeadAnswer> {
      heads.push({ scorers, rows: rowCount });
      const quality = Float32Array.from({ length: rowCount }, (_, row) => features[row * ROW_WIDTH + 4 * STATE_WIDTH] ?? Number.NaN);
      let state = states['hrm']?.[0] ?? 0;
      const folded = quality.map((q) => (state = Math.fround(state * 2 + q)));
      const all: HeadAnswer = {
        svm: { decision: quality, kernel_similarity: quality },
        hrm: { logit: folded, convergence: quality, zl_magnitude: quality, zh_magnitude: quality, run_logit: folded, state_out: folded },
      };
      return Promise.resolve(Object.fromEntries(scorers.map((id) => [id, all[id] ?? {}])));
    },
  };
}

const STEPS = Array.from({ length: 20 }, (_, i) => `${String.fromCharCode(97 + i)} step ${i % 4 === 0 ? 'that is longer than a chunk' : ''}`);

interface Run {
  readonly runner: Fake;
  readonly cache: ScoreCache;
  /** Scores steps of a trace, those after `from` unless named; answers what was reported, in order. */
  score(texts: readonly string[], request?: Partial<Pick<ScoreRequest, 'pending' | 'focus' | 'scorers' | 'isFresh' | 'signal' | 'onScored'>>): Promise<readonly ScoredRaw[]>;
  readonly counters: ReturnType<typeof createTraceScorer>['counters'];
}

function newRun(cache = memoryScoreCache()): Run {
  const runner = fakeRunner();
  const scorer = createTraceScorer({ runner, warmUp: () => Promise.resolve(), cache, sha256: (text) => text });
  return {
    runner, cache, counters: scorer.counters,
    async score(texts, request = {}) {
      const work = traceWork('a goal', texts, manifest);
      const found: ScoredRaw[] = [];
      await scorer.score({
        work, scorers: BOTH, pending: work.steps.map((_, i) => i), ...request,
        onScored: (scored) => {
          found.push(...scored);
          request.onScored?.(scored);
        },
      });
      return found;
    },
  };
}

const byStep = (found: readonly { readonly stepIndex: number; readonly raw: RawByScorer }[]): ReadonlyMap<number, RawByScorer> => new Map(found.map((f) => [f.stepIndex, f.raw]));
const stepsOf = (found: readonly { readonly stepIndex: number }[]): readonly number[] => found.map((f) => f.stepIndex);
const foldedSteps = (raw: RawByScorer | undefined): number | undefined => splitOutputs(manifest.scorers[1] ?? entry('hrm'), raw?.get('hrm') ?? new Float32Array(0))['steps']?.[0];

describe('trace scorer', () => {
  it('reports every step once, in order, hrm counting', async () => {
    const run = newRun();
    const found = await run.score(STEPS);
    expect(stepsOf(found)).toEqual(STEPS.map((_, i) => i));
    expect(found.map((f) => foldedSteps(f.raw))).toEqual(STEPS.map((_, i) => i + 1));
    expect(run.runner.texts).toEqual(['a goal', ...STEPS]);
    expect(run.counters).toMatchObject({ encodedSteps: 20, headRows: 40, cacheHits: 0 });
  });

  it('scores a prefix as the whole', async () => {
    const whole = byStep(await newRun().score(STEPS));
    for (const length of [1, 5, 13]) expect(byStep(await newRun().score(STEPS.slice(0, length)))).toEqual(new Map([...whole].filter(([i]) => i < length)));
  });

  it('an appended step costs one window, its text and its heads', async () => {
    const run = newRun();
    await run.score(STEPS.slice(0, 19));
    const before = { windows: run.runner.windowCount, texts: run.runner.texts.length, heads: run.runner.heads.length };
    const found = await run.score(STEPS, { pending: [19], focus: [19] });
    expect(run.runner.windowCount - before.windows).toBe(1);
    expect(run.runner.texts.slice(before.texts)).toEqual([STEPS[19]]);
    expect(run.runner.heads.slice(before.heads)).toEqual([{ scorers: BOTH, rows: 1 }]);
    expect(found).toEqual([...(await newRun().score(STEPS))].slice(19));
    expect(run.counters.lastEncodedStepIds).toEqual(['s20']);
  });

  it('an appended step of another session starts from what was stored', async () => {
    const cache = memoryScoreCache();
    await newRun(cache).score(STEPS.slice(0, 19));
    const later = newRun(cache);
    const found = await later.score(STEPS);
    expect(later.counters).toMatchObject({ cacheHits: 19, encodedSteps: 1 });
    expect(later.runner.windowCount).toBe(1);
    expect(byStep(found)).toEqual(byStep(await newRun().score(STEPS)));
  });

  it('an edited step comes first and alone, then what follows it; nothing before it is read again', async () => {
    const run = newRun();
    await run.score(STEPS);
    const before = { windows: run.runner.windowCount, steps: run.counters.encodedSteps };
    const edited = STEPS.with(10, 'another text');
    const found = await run.score(edited, { pending: Array.from({ length: 10 }, (_, i) => i + 10), focus: [10] });
    expect(stepsOf(found)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(run.counters.encodedSteps - before.steps).toBe(10);
    expect(run.runner.windows.slice(before.windows).every((w) => w.carried > 0)).toBe(true);
    expect(byStep(found)).toEqual(new Map([...byStep(await newRun().score(edited))].filter(([i]) => i >= 10)));
    const again = await run.score(STEPS, { pending: Array.from({ length: 10 }, (_, i) => i + 10) });
    expect(again).toHaveLength(10);
    expect(run.counters).toMatchObject({ cacheHits: 10 });
  });

  it('looks ahead at wanted steps far from their turn, keeps nothing of it and scores them in their turn as ever', async () => {
    const long = Array.from({ length: 200 }, (_, i) => `${String.fromCharCode(97 + (i % 26))} step ${i}`);
    const run = newRun();
    const found = await run.score(long, { focus: [150, 151, 40] });
    expect(found.slice(0, 3).map((f) => [f.stepIndex, [...f.raw.keys()], f.isProvisional])).toEqual([[150, ['svm'], true], [151, ['svm'], true], [0, BOTH, undefined]]);
    expect(found.slice(2).every((f) => f.isProvisional === undefined)).toBe(true);
    expect(found.slice(2)).toEqual(await newRun().score(long));
    expect(await newRun(run.cache).score(long)).toEqual(found.slice(2));
  });

  it('shows a wanted step without hrm while the steps before it have not been read by hrm', async () => {
    const run = newRun();
    await run.score(STEPS.slice(0, 12), { scorers: ['svm'] });
    const found = await run.score(STEPS.slice(0, 12), { pending: [11], focus: [11] });
    expect(found.map((f) => [f.stepIndex, [...f.raw.keys()]])).toEqual([[11, ['svm']], [11, BOTH]]);
    expect(found.at(-1)).toEqual((await newRun().score(STEPS.slice(0, 12))).at(-1));
  });

  it('reads the steps before again where the memory lost them', async () => {
    const cache = memoryScoreCache();
    await newRun(cache).score(STEPS);
    const forgetful: ScoreCache = { ...cache, getVectors: (keys) => Promise.resolve(keys.map(() => undefined)) };
    const found = await newRun(forgetful).score([...STEPS, 'one more']);
    expect(byStep(found)).toEqual(byStep(await newRun().score([...STEPS, 'one more'])));
  });

  it('re-scores one step past the cache without touching the others', async () => {
    const run = newRun();
    const first = await run.score(STEPS);
    const before = run.counters.encodedSteps;
    expect(await run.score(STEPS, { pending: [7], isFresh: true })).toEqual([first[7]]);
    expect(run.counters.encodedSteps - before).toBe(1);
  });

  it('stops when told to, and goes on where it stopped', async () => {
    const run = newRun();
    const abort = new AbortController();
    const first: number[] = [];
    await expect(run.score(STEPS, { signal: abort.signal, onScored: (scored) => {
      first.push(...stepsOf(scored));
      abort.abort();
    } })).rejects.toMatchObject({ name: 'AbortError' });
    expect(first.length).toBeLessThan(20);
    const rest = await run.score(STEPS);
    expect([...byStep(rest).keys()].sort((a, b) => a - b)).toEqual(STEPS.map((_, i) => i));
    expect(byStep(rest)).toEqual(byStep(await newRun().score(STEPS)));
  });

  it('passes over steps without words', async () => {
    const found = await newRun().score([STEPS[0] ?? '', '  ', STEPS[1] ?? '']);
    expect(stepsOf(found)).toEqual([0, 2]);
    expect(found.map((f) => foldedSteps(f.raw))).toEqual([1, 2]);
  });
});
