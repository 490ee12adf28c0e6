/** MARS at the size of a team's memory: points, intervals, alpha alone, and one step scored again. */
import { performance } from 'node:perf_hooks';
import { accumulateDraws, intervalsOf } from '../../server/src/corpus/bootstrap.ts';
import { mars, marsDimension } from '../../server/src/corpus/mars.ts';
import type { MarsInput } from '../../server/src/corpus/mars.ts';
import { createMarsBlocks } from '../../server/src/corpus/marsBlocks.ts';
import { median, report } from './report.ts';

const ROWS = 100_000;
const SCORERS = ['contrastive_ranker', 'ebt', 'hrm', 'mrq', 'sicql', 'svm'];
const DIMENSIONS = ['alignment', 'clarity', 'novelty', 'reasoning_quality', 'relevance'];

let state = 20_261_123;
const random = (): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};

/** A common quality, a bias a scorer, noise, and one cell in twenty missing. */
function makeInput(dimension: string, rows: number): MarsInput {
  const quality = Float64Array.from({ length: rows }, random);
  const columns = SCORERS.map((scorer, s) => ({
    scorer, range: [0, 1] as const, metrics: new Map<string, Float64Array>(),
    scores: quality.map((q) => (random() < 0.05 ? Number.NaN : Math.min(1, Math.max(0, 0.8 * q + 0.02 * s + 0.2 * random())))),
  }));
  return { dimension, rowIds: Array.from({ length: rows }, (_, i) => `trace${i >> 4}#step${i & 15}`), columns };
}

function timed(work: () => unknown, times: number): number {
  work();
  return median(Array.from({ length: times }, () => {
    const began = performance.now();
    work();
    return performance.now() - began;
  }));
}

const inputs = DIMENSIONS.map((d) => makeInput(d, ROWS));
const points = timed(() => mars(inputs), 7);
const [first] = inputs;
const intervalMs = first === undefined ? Number.NaN : timed(() => intervalsOf(accumulateDraws(first, { pair: ['svm', 'contrastive_ranker'] })), 1);

const ratings = makeInput('clarity', 50_000 / SCORERS.length);
const alphaMs = timed(() => marsDimension(ratings).krippendorff_alpha, 7);

const noPause = (): Promise<void> => Promise.resolve();
const rescore = (input: MarsInput): MarsInput => ({ ...input, columns: input.columns.map((c, i) => (i === 2 ? { ...c, scores: c.scores.with(77_777, random()) } : c)) });
const blocks = inputs.map((input) => ({ input, kept: createMarsBlocks() }));
blocks.forEach(({ input, kept }) => kept.update(input));
const changed = Array.from({ length: 16 }, () => inputs.map(rescore));
const rescored = timed(() => {
  const next = changed.pop() ?? [];
  return blocks.map(({ input, kept }, i) => kept.update(next[i] ?? input));
}, 15);

async function main(): Promise<void> {
  const [live] = blocks;
  await live?.kept.updateWithIntervals(live.input, noPause);
  const drawnAgain: number[] = [];
  for (let i = 0; i < 7; i++) {
    if (live === undefined) break;
    const next = rescore(live.input);
    const began = performance.now();
    await live.kept.updateWithIntervals(next, noPause);
    drawnAgain.push(performance.now() - began);
  }

  report('MARS', [
    { what: '100,000 scorables × 6 scorers × 5 dimensions, points', value: points, unit: 'ms', budget: { atMost: 200 }, baseline: 'against pandas: scripts/pandas-mars.py' },
    { what: 'Krippendorff alpha of 50,000 ratings, with all else of the dimension', value: alphaMs, unit: 'ms', budget: { atMost: 100 } },
    { what: 'one step of them scored again in 5 dimensions', value: rescored, unit: 'ms', budget: { atMost: 5 } },
    { what: '95 % intervals of one dimension, 1,000 draws (in the background)', value: intervalMs, unit: 'ms' },
    { what: 'the same, one step scored again', value: median(drawnAgain), unit: 'ms' },
  ]);
}

void main();
