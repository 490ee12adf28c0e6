import { describe, expect, it } from 'vitest';
import { runsOf } from '../../server/src/corpus/runs.ts';
import { compareVariants } from '../../server/src/corpus/variants.ts';
import type { VariantReport } from '../../server/src/corpus/variants.ts';
import { testCorpus } from '../support/corpusRows.ts';
import type { RowTrace } from '../support/corpusRows.ts';

let next = 0;
const run = (planSignature: string, goal: string, over: Partial<RowTrace> = {}): RowTrace => ({ id: `t${next++}`, planSignature, goal, steps: [{ type: 'act', score: 0.5 }], ...over });
const compare = (traces: readonly RowTrace[]): VariantReport => compareVariants(testCorpus(traces), { by: 'planSignature' });

describe('variants of a plan', () => {
  it('are compared goal by goal where they share goals, so that hard goals weigh on both alike', () => {
    // p tried the hard goals twice. By goal: p 0.3 0.5 0.9 0.7, q 0.2 0.3 0.6 0.5, so the differences are 0.1 0.2 0.3 0.2, in the mean 0.2.
    const found = compare([
      run('p', 'hard', { outcome: 0.2 }), run('p', 'hard', { outcome: 0.4 }), run('p', 'less', { outcome: 0.5 }), run('p', 'easy', { outcome: 0.9 }), run('p', 'fair', { outcome: 0.7 }),
      run('q', 'hard', { outcome: 0.2 }), run('q', 'less', { outcome: 0.3 }), run('q', 'easy', { outcome: 0.6 }), run('q', 'fair', { outcome: 0.5 }), run('q', 'only q', { outcome: 1 }),
    ]);
    const [comparison] = found.comparisons;
    expect(found.variants.map((v) => [v.variant, v.traces, v.goals, v.outcome.n])).toEqual([['p', 5, 4, 5], ['q', 5, 5, 5]]);
    expect(comparison).toMatchObject({ a: 'p', b: 'q', basis: 'outcome', isPaired: true, sharedGoals: 4, traces: { a: 5, b: 4 } });
    expect(comparison?.means.a).toBeCloseTo(0.6, 12);
    expect(comparison?.means.b).toBeCloseTo(0.4, 12);
    expect(comparison?.difference).toBeCloseTo(0.2, 12);
    // Every draw of goals gives a mean between the smallest and the largest difference.
    const [low = Number.NaN, high = Number.NaN] = comparison?.interval ?? [];
    expect(low).toBeGreaterThanOrEqual(0.1 - 1e-9);
    expect(low).toBeLessThan(0.2);
    expect(high).toBeGreaterThan(0.2);
    expect(high).toBeLessThanOrEqual(0.3 + 1e-9);
    expect(comparison?.text).toBe(`"p" is 0.20 above "q" by outcome (95 % ${low.toFixed(2)} to ${high.toFixed(2)}), goal by goal over 4 shared goals.`);
  });

  it('have an interval that covers what chance does: four equal differences of both signs', () => {
    const goals = Array.from({ length: 40 }, (_, i) => `goal ${i}`);
    const found = compare(goals.flatMap((goal, i) => [run('p', goal, { outcome: i % 2 === 0 ? 1 : 0 }), run('q', goal, { outcome: i % 2 === 0 ? 0 : 1 })])).comparisons[0];
    // Differences of ±1: the standard error of the mean of 40 is 1/√40 = 0.158, so that the bounds lie near ±0.31.
    expect(found?.difference).toBe(0);
    expect(found?.interval?.[0]).toBeGreaterThan(-0.42);
    expect(found?.interval?.[0]).toBeLessThan(-0.22);
    expect(found?.interval?.[1]).toBeGreaterThan(0.22);
    expect(found?.interval?.[1]).toBeLessThan(0.42);
    expect(found?.text).toContain('do equally well');
  });

  it('say so where they share no goals', () => {
    const found = compare([run('p', 'a', { outcome: 1 }), run('p', 'b', { outcome: 0 }), run('p', 'c', { outcome: 1 }), run('q', 'd', { outcome: 0 }), run('q', 'e', { outcome: 0 }), run('q', 'f', { outcome: 1 })]).comparisons[0];
    expect(found).toMatchObject({ isPaired: false, sharedGoals: 0, basis: 'outcome' });
    expect(found?.difference).toBeCloseTo(1 / 3, 12);
    expect(found?.text).toMatch(/^"p" is 0\.33 above "q" by outcome \(95 % -?\d\.\d\d to \d\.\d\d; this may be chance\)\. They share no goals: goals of different difficulty may be all there is to it\.$/);
  });

  it('have no interval from two goals', () => {
    const found = compare([run('p', 'a', { outcome: 1 }), run('p', 'b', { outcome: 0 }), run('q', 'a', { outcome: 0 }), run('q', 'b', { outcome: 0 })]).comparisons[0];
    expect(found).toMatchObject({ interval: null, isPaired: false, sharedGoals: 2 });
    expect(found?.text).toContain('too few goals for an interval');
  });

  it('never hold an outcome against a score', () => {
    const goals = ['a', 'b', 'c'];
    const known = goals.map((g) => run('p', g, { outcome: 1, score: 0.6 }));
    const found = compare([...known, ...goals.map((g) => run('q', g, { score: 0.5 }))]).comparisons[0];
    expect(found).toMatchObject({ basis: 'score', isPaired: true });
    expect(found?.difference).toBeCloseTo(0.1, 12);
  });

  it('take the lowest step where the run has no score of its own', () => {
    const low = (plan: string, goal: string, score: number): RowTrace => ({ ...run(plan, goal), steps: [{ type: 'act', score: 0.9 }, { type: 'act', score }] });
    const found = compare(['a', 'b', 'c'].flatMap((g) => [low('p', g, 0.4), low('q', g, 0.7)])).comparisons[0];
    expect(found?.means.a).toBeCloseTo(0.4, 12);
    expect(found?.means.b).toBeCloseTo(0.7, 12);
    expect(found?.text).toContain('"q" is 0.30 above "p" by score');
  });

  it('are compared from two runs on', () => {
    expect(compare([run('p', 'a'), run('q', 'a'), run('q', 'b')]).comparisons).toEqual([]);
    expect(compare([run('p', 'a'), run('p', 'b'), run('q', 'a'), run('q', 'b')]).comparisons).toHaveLength(1);
  });
  it('leave out what names no variant', () => expect(compare([run('', 'a'), run('p', 'a')])).toMatchObject({ leftOut: 1, variants: [{ variant: 'p' }], comparisons: [] }));
});

it('models and agents are told by most of the steps where the run does not say', () => {
  const found = compareVariants(testCorpus([{ id: 'x', goal: 'g', steps: [{ type: 'a', score: 0.5, agent: 'Bo' }, { type: 'a', score: 0.5, agent: 'Ada' }, { type: 'a', score: 0.5, agent: 'Ada' }] }]), { by: 'agent' });
  expect(found.variants.map((v) => v.variant)).toEqual(['Ada']);
});

it('runs stand in the order of time, with what is known of them', () => {
  const rows = runsOf(testCorpus([
    { id: 'late', timeMs: 20, outcome: 1, score: 0.7, steps: [{ type: 'a', score: 0.8, uncertainty: 0.2, isError: true, witnesses: { ebt: 0.6, svm: 0.6 } }, { type: 'a', score: 0.4, uncertainty: 0.4 }] },
    { id: 'early', steps: [{ type: 'a', timeMs: 10 }] },
    { id: 'never', steps: [{ type: 'a', score: 0.3 }] },
  ]));
  expect(rows.map((r) => [r.traceId, r.timeMs])).toEqual([['early', 10], ['late', 20], ['never', null]]);
  expect(rows[0]).toMatchObject({ steps: 1, outcome: null, score: null, quality: null, lowest: null, uncertainty: null, deviation: null, errors: 0 });
  expect(rows[1]).toMatchObject({ steps: 2, outcome: 1, score: 0.7, lowest: 0.4, deviation: 0, errors: 1 });
  expect(rows[1]?.quality).toBeCloseTo(0.6, 12);
  expect(rows[1]?.uncertainty).toBeCloseTo(0.3, 12);
  expect(rows[2]?.score).toBe(0.3);
});
