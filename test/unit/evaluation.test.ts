/** The measures of an evaluation on cases small enough to count by hand. */
import { describe, expect, it } from 'vitest';
import { createBootstrap, numberProblems, seededRandom } from '../../server/src/scoring/evaluation/bootstrap.ts';
import { labelOn } from '../../server/src/scoring/evaluation/dimensionLabels.ts';
import { evaluate } from '../../server/src/scoring/evaluation/evaluate.ts';
import type { JudgedStep, JudgedTrace } from '../../server/src/scoring/evaluation/evaluate.ts';
import { bestFirstErrorF1, firstBadStep, firstErrorFigure } from '../../server/src/scoring/evaluation/firstError.ts';
import { auprcOfBad, auroc, aurocDraws, calibrationError } from '../../server/src/scoring/evaluation/ranking.ts';
import { riskCoverage } from '../../server/src/scoring/evaluation/riskCoverage.ts';

describe('AUROC', () => {
  it.each([
    // good 3, 4 against bad 1, 2: all four pairs won.
    { score: [1, 2, 3, 4], good: [0, 0, 1, 1], expected: 1 },
    // good 2, 4 against bad 1, 3: 2>1, 4>1, 4>3 of four.
    { score: [1, 2, 3, 4], good: [0, 1, 0, 1], expected: 0.75 },
    // A tie counts half: good 1 against bad 1 and 2: 0.5 and 0 of two.
    { score: [1, 1, 2], good: [1, 0, 0], expected: 0.25 },
    { score: [5, 5, 5, 5], good: [1, 0, 1, 0], expected: 0.5 },
    { score: [1, 2], good: [1, 1], expected: null },
    { score: [], good: [], expected: null },
  ])('of $score', ({ score, good, expected }) => {
    expect(auroc(score, good)).toBe(expected);
  });

  it('under a draw weighs every pair by how often both problems were drawn', () => {
    // Problem 0: good 2, bad 1. Problem 1: good 1, bad 3. Drawn 2 and 0 times: only 2 > 1 counts. Drawn 1 and 1: 2>1, 2<3, 1=1, 1<3.
    const rows = { score: [2, 1, 1, 3], isGood: [1, 0, 1, 0], problem: [0, 0, 1, 1] };
    expect(aurocDraws(rows, [[2, 0], [1, 1], [0, 0]])).toEqual([1, 0.375, Number.NaN]);
    // Drawn 3 and 1 times: pairs 9 (won), 3 (lost), 3 (half), 1 (lost).
    expect(aurocDraws(rows, [[3, 1]])[0]).toBeCloseTo(10.5 / 16, 12);
  });
});

it('AUPRC of bad steps walks from the lowest score up', () => {
  // Bad at ranks 1 and 3: (1/1 + 2/3) / 2.
  expect(auprcOfBad([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])).toBeCloseTo((1 + 2 / 3) / 2, 12);
  expect(auprcOfBad([0.1, 0.2], [1, 1])).toBeNull();
});

it('calibration error is the mean gap over ten bins of equal count', () => {
  // Twelve steps, bins of 2, 2, 1, 1 …: first bin says 0.1 twice and one is good (gap 0.8 in sum), second 0.2 twice and none is (0.4); the rest is right.
  const p = [0.1, 0.1, 0.2, 0.2, 1, 1, 1, 1, 1, 1, 1, 1];
  const good = [1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1];
  expect(calibrationError(p, good)).toBeCloseTo((0.8 + 0.4) / 12, 12);
  expect(calibrationError([], [])).toBeNull();
});

describe('first error', () => {
  it.each([
    [[1, 1, 1], -1], [[1, 0.5, 0], 2], [[1, 0, null], 1], [[0, null, 0], 0],
    // Not judged to the end, or not up to the bad step.
    [[1, null], undefined], [[null, null, 0], undefined], [[null, 0, 1], undefined],
  ] as const)('of %j is %s', (labels, expected) => {
    expect(firstBadStep(labels)).toBe(expected);
  });

  const traces = [
    { problem: 'a', firstBad: 1, scores: [0.9, 0.2, 0.1] },
    { problem: 'b', firstBad: 1, scores: [0.3, 0.2] },
    { problem: 'c', firstBad: -1, scores: [0.9, undefined, 0.8] },
    { problem: 'c', firstBad: -1, scores: [0.9, 0.45] },
  ];

  it('is named by the first score below the threshold', () => {
    // Below 0.5: right on the first of two erroneous, on the first of two clean traces.
    expect(firstErrorFigure(traces, 0.5, createBootstrap())).toMatchObject({ f1: 0.5, accuracyErroneous: 0.5, accuracyClean: 0.5, erroneous: 2, clean: 2 });
    // Below 0.3 (not at it): both erroneous and both clean ones.
    expect(firstErrorFigure(traces, 0.3, createBootstrap())?.f1).toBe(1);
    expect(firstErrorFigure(traces.slice(0, 2), 0.5, createBootstrap())).toBeNull();
  });

  it('has a best threshold, found without trying one', () => {
    expect(bestFirstErrorF1(traces)).toBe(1);
    // The bad step is never the lowest so far: nothing to find.
    expect(bestFirstErrorF1([{ problem: 'a', firstBad: 1, scores: [0.1, 0.2] }, { problem: 'b', firstBad: -1, scores: [0.5] }])).toBe(0);
    // Thresholds in (0.4, 0.9] find the first, in (0.2, 0.3] the second; above 0.3 the clean trace is no longer quiet: 2·½·1 / 1½.
    expect(bestFirstErrorF1([{ problem: 'a', firstBad: 1, scores: [0.9, 0.4] }, { problem: 'b', firstBad: 1, scores: [0.3, 0.2] }, { problem: 'c', firstBad: -1, scores: [0.3] }])).toBeCloseTo(2 / 3, 12);
  });
});

it('risk grows with coverage where uncertainty means something', () => {
  // Surest first: right, right, wrong, right: running shares wrong 0, 0, 1/3, 1/4.
  const found = riskCoverage([0.9, 0.1, 0.8, 0.6], [0.1, 0.2, 0.3, 0.4], [1, 0, 0, 1]);
  expect(found?.at).toEqual([{ coverage: 0.25, risk: 0 }, { coverage: 0.5, risk: 0 }, { coverage: 0.75, risk: 1 / 3 }, { coverage: 1, risk: 0.25 }]);
  expect(found?.area).toBeCloseTo((1 / 3 + 1 / 4) / 4, 12);
  // At best the wrong one comes last: 0, 0, 0, 1/4. By 1 − |2p − 1| the order is the same as above.
  expect(found?.bestArea).toBeCloseTo(1 / 16, 12);
  expect(found?.marginArea).toBeCloseTo((1 / 3 + 1 / 4) / 4, 12);
});

describe('bootstrap', () => {
  it('draws as many problems as there are, the same with the same seed', () => {
    const [first, second] = [createBootstrap({ draws: 50 }), createBootstrap({ draws: 50 })];
    const draws = first.drawsOf(13);
    expect(draws).toHaveLength(50);
    for (const draw of draws) expect(Array.from(draw).reduce((a, b) => a + b, 0)).toBe(13);
    expect(second.drawsOf(13)).toEqual(draws);
    expect(first.drawsOf(13)).toBe(draws);
    expect(createBootstrap({ draws: 50, seed: 1 }).drawsOf(13)).not.toEqual(draws);
  });

  it('draws every problem about once', () => {
    const totals = Array.from({ length: 5 }, (_, p) => createBootstrap().drawsOf(5).reduce((sum, draw) => sum + (draw[p] ?? 0), 0));
    // 5,000 draws of five: 1,000 each, standard deviation 28.
    for (const total of totals) expect(Math.abs(total - 1000)).toBeLessThan(140);
    const random = seededRandom(3);
    expect(Array.from({ length: 100 }, random).every((v) => v >= 0 && v < 1)).toBe(true);
  });

  it('numbers problems as they come', () => {
    expect(numberProblems(['b', 'a', 'b'])).toEqual({ index: Uint32Array.of(0, 1, 0), count: 2 });
  });
});

it('labels of other dimensions come from neutral steps and from kinds of injected errors', () => {
  expect([labelOn('relevance', 'prm800k', 0.5), labelOn('relevance', 'prm800k', 1), labelOn('relevance', 'prm800k', 0)]).toEqual([0, 1, null]);
  expect([labelOn('novelty', 'prmbench/circular', 0), labelOn('novelty', 'prmbench/deception', 0), labelOn('coherence', 'gsm8k', 1)]).toEqual([0, null, null]);
});

describe('a whole evaluation', () => {
  const step = (label: number | null, score: number | undefined, length = 10): JudgedStep => ({
    label, length, voices: score === undefined ? {} : { svm: { raw: score * 2 - 1, probability: score } },
    consensus: score === undefined ? {} : { reasoning_quality: { score, uncertainty: 1 - Math.abs(2 * score - 1) }, relevance: { score: 1 - score, uncertainty: 0.5 } },
  });
  const bootstrap = createBootstrap({ draws: 20 });
  const options = { scorers: ['svm', 'hrm'], dimensions: ['reasoning_quality', 'relevance'], firstErrorThreshold: 0.5, bootstrap };
  const traces: readonly JudgedTrace[] = [
    { dataset: 'x', problem: 'p', steps: [step(1, 0.9), step(0, 0.2, 99)] },
    { dataset: 'y', problem: 'q', steps: [step(1, 0.8), step(1, 0.7), step(0.5, 0.95)] },
  ];

  it('counts, ranks and sets trivial baselines beside', () => {
    const found = evaluate(traces, options);
    expect(found).toMatchObject({
      traces: 2, problems: 2, steps: { good: 3, bad: 1, neutral: 1, unscored: 0 }, badShare: 0.25, consensus: { n: 4, auroc: 1 },
      scorers: [{ scorer: 'svm', n: 4, auroc: 1 }, { scorer: 'hrm', n: 0, auroc: null, interval: null, ece: null }],
      // The long step is the bad one. It is second: later than two good ones and level with the third.
      baselines: [{ baseline: 'length', auroc: 1 }, { baseline: 'position', auroc: 2.5 / 3 }],
      firstError: { f1: 1, threshold: 0.5, best: { length: 1 } }, runs: null,
      // Good steps 0.1, 0.2, 0.3 over the neutral one's 0.05.
      dimensions: [{ dimension: 'relevance', n: 4, auroc: 1, reasoningQualityAuroc: 0 }],
    });
    expect(found.parts.map((p) => [p.dataset, p.n, p.auroc])).toEqual([['x', 2, 1], ['y', 2, null]]);
  });

  it('says how many labelled steps could not be scored, and judges the others', () => {
    const found = evaluate([...traces, { dataset: 'x', problem: 'p', steps: [step(0, undefined)] }], options);
    expect(found.steps).toEqual({ good: 3, bad: 2, neutral: 1, unscored: 1 });
    expect(found.consensus.n).toBe(4);
  });

  it('leaves first errors out where most traces do not tell theirs', () => {
    const context = (label: number): JudgedTrace => ({ dataset: 'x', problem: 'p', steps: [step(null, undefined), step(label, 0.5)] });
    expect(evaluate([...traces, context(0), context(1)], options).firstError).toBeNull();
  });

  it('measures runs beside what the steps alone would say', () => {
    const run = (outcome: number, logit: number, scores: readonly number[]): JudgedTrace => ({ dataset: 'r', problem: String(logit), outcome, run: { logit, probability: 0.5 }, steps: scores.map((s) => step(null, s)) });
    const { runs, consensus } = evaluate([run(1, 2, [0.9]), run(0.2, 1, [0.8, 0.6]), run(0.5, 0, [0.9, 0.5, 0.9])], options);
    expect(consensus).toMatchObject({ n: 0, auroc: null });
    // Successes 2 and 0 against 1; means of logits ln 9 = 2.20, (1.39 + 0.41) / 2 = 0.90, (2.20 + 0 + 2.20) / 3 = 1.46; lowest 0.9, 0.6, 0.5; 1, 2, 3 steps.
    expect(runs?.figures.map((f) => [f.score, f.auroc])).toEqual([['hrm', 0.5], ['mean of steps', 1], ['lowest step', 0.5], ['fewer steps', 0.5], ['shorter', 0.5]]);
    expect(runs).toMatchObject({ n: 3, successShare: 2 / 3 });
  });
});
