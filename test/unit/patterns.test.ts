import { describe, expect, it } from 'vitest';
import { recommendPatterns } from '../../server/src/corpus/patternRecommendations.ts';
import { wilson } from '../../server/src/corpus/patternStats.ts';
import { findPatterns } from '../../server/src/corpus/patterns.ts';
import type { Pattern, PatternReport } from '../../server/src/corpus/patterns.ts';
import { testCorpus } from '../support/corpusRows.ts';
import type { RowStep, RowTrace } from '../support/corpusRows.ts';

const agreed = (type: string, score: number, over: Partial<RowStep> = {}): RowStep => ({ type, witnesses: { ebt: score, sicql: score }, score, uncertainty: 0.1, ...over });
const runs = (count: number, steps: (run: number) => readonly RowStep[]): readonly RowTrace[] => Array.from({ length: count }, (_, i) => ({ id: `t${i}`, steps: steps(i) }));
const report = (traces: readonly RowTrace[]): PatternReport => findPatterns(testCorpus(traces), { firstErrorBelow: 0.5 });
const pattern = (found: PatternReport, id: string): Pattern | undefined => found.patterns.find((p) => p.id === id);

describe('Wilson bounds', () => {
  const check = (count: number, of: number, [low, high]: readonly [number, number]): void => {
    const found = wilson(count, of);
    expect(found[0]).toBeCloseTo(low, 4);
    expect(found[1]).toBeCloseTo(high, 4);
  };
  it('are those of the books', () => {
    check(8, 10, [0.4902, 0.9433]);
    check(0, 10, [0, 0.2775]);
    // All of n: the lower bound is n / (n + z²), here 3 / (3 + 3.8415).
    check(3, 3, [0.4385, 1]);
    check(0, 0, [0, 1]);
  });
});

describe('bottleneck', () => {
  // Loading is the third of the steps with six times the doubt: the mean is (0.1 + 0.6 + 0.1) / 3, the lift 0.6 / 0.2667 = 2.25.
  const found = report(runs(4, () => [agreed('plan', 0.9), agreed('load', 0.9, { uncertainty: 0.6 }), agreed('answer', 0.9)]));

  it('is named first, with its lift', () => {
    expect(found.bad[0]?.id).toBe('step_type:load');
    expect(found.bad[0]?.faults).toEqual(['uncertain']);
    expect(found.bad[0]?.stats.uncertainty?.mean).toBeCloseTo(0.6, 12);
    expect(found.bad[0]?.stats.uncertainty?.lift).toBeCloseTo(2.25, 12);
    expect(found.bad[0]?.stats.support).toEqual({ steps: 4, traces: 4 });
  });
  it('speaks once: what is made of the same steps points to it', () => {
    expect(pattern(found, 'previous:plan')?.sameAs).toBe('step_type:load');
    expect(pattern(found, 'key:["load","","plan","answer"]')?.sameAs).toBe('step_type:load');
    const advice = recommendPatterns(found).filter((r) => r.kind === 'bottleneck');
    expect(advice.map((r) => r.id)).toEqual(['bottleneck:reasoning_quality:step_type:load']);
    expect(advice[0]).toMatchObject({ severity: 'warning', target: 'load steps', text: 'Look at load steps: uncertainty 0.60, 2.25 times the usual (4 steps of 4 traces).', evidence: { n: 4, ids: ['t0#s1', 't1#s1', 't2#s1', 't3#s1'] } });
    expect(advice[0]?.evidence.numbers['uncertainty_lift']).toBeCloseTo(2.25, 12);
  });
  it('needs support', () => {
    expect(report(runs(2, () => [agreed('plan', 0.9), agreed('load', 0.9, { uncertainty: 0.6 }), agreed('answer', 0.9)])).patterns).toEqual([]);
  });
});

describe('faults', () => {
  it('are not uncertain below one and a half times the usual', () => {
    // Mean (0.1 + 0.25) / 2 = 0.175; 0.25 / 0.175 = 1.43.
    expect(report(runs(5, () => [agreed('a', 0.9), agreed('b', 0.9, { uncertainty: 0.25 })])).bad).toEqual([]);
  });
  it('are errors beyond chance', () => {
    const ten = (errors: number): PatternReport => report(runs(10, (i) => [agreed('a', 0.9), agreed('b', 0.9, { isError: i < errors })]));
    // 8 of 10: lower bound 0.49 above the usual 8 of 20. 1 of 10: lower bound 0.018 is not above 1 of 20.
    expect(pattern(ten(8), 'step_type:b')?.faults).toEqual(['errors']);
    expect(pattern(ten(8), 'step_type:b')?.stats.errors).toMatchObject({ count: 8, of: 10, rate: 0.8 });
    expect(pattern(ten(1), 'step_type:b')?.faults).toEqual([]);
  });
  it('are low scores beyond chance', () => {
    const ten = (bad: number): PatternReport => report(runs(10, (i) => [agreed('a', 0.9), agreed('b', i < bad ? 0.2 : 0.9)]));
    // 2 of 10 not bad: upper bound 0.51 below the usual 12 of 20. 9 of 10: upper bound 0.98 is not below 19 of 20.
    expect(pattern(ten(8), 'step_type:b')?.faults).toEqual(['low_score']);
    expect(pattern(ten(1), 'step_type:b')?.faults).toEqual([]);
    expect(pattern(ten(8), 'step_type:b')?.exampleIds).toEqual(['t0#s1', 't1#s1', 't2#s1', 't3#s1', 't4#s1']);
  });
  it('are long durations', () => {
    const found = report(runs(3, () => [agreed('a', 0.9, { durationMs: 100 }), agreed('b', 0.9, { durationMs: 900 })]));
    expect(pattern(found, 'step_type:b')).toMatchObject({ faults: ['slow'], stats: { durationMs: { n: 3, mean: 900, lift: 1.8 } } });
  });
});

describe('good patterns', () => {
  const good = (step: RowStep): readonly string[] => report(runs(3, () => [step])).good.map((p) => p.id).filter((id) => id.startsWith('step_type'));
  it('are agreed on, certain and high', () => expect(good(agreed('a', 0.9))).toEqual(['step_type:a']));
  it('are not what all agree to be bad', () => expect(good(agreed('a', 0.3))).toEqual([]));
  it('are not what one scorer alone says', () => expect(good({ type: 'a', witnesses: { ebt: 0.9 }, score: 0.9, uncertainty: 0.1 })).toEqual([]));
  // Sample deviation of 0.65 and 0.95 is 0.3 / √2 = 0.212; of 0.7 and 0.95 it is 0.177.
  it('are not what the witnesses disagree on', () => {
    expect(good(agreed('a', 0.9, { witnesses: { ebt: 0.65, sicql: 0.95 } }))).toEqual([]);
    expect(good(agreed('a', 0.9, { witnesses: { ebt: 0.7, sicql: 0.95 } }))).toEqual(['step_type:a']);
  });
  it('are not uncertain', () => expect(good(agreed('a', 0.9, { uncertainty: 0.3 }))).toEqual([]));
  it('are not of unknown uncertainty', () => expect(good({ type: 'a', witnesses: { ebt: 0.9, sicql: 0.9 }, score: 0.9 })).toEqual([]));
  it('are recommended where they are surely better than the rest', () => {
    const advice = recommendPatterns(report(runs(20, () => [agreed('check', 0.9), agreed('guess', 0.2)])));
    // 20 of 20: lower bound 20 / (20 + 3.84) = 0.84 above the usual 0.5.
    expect(advice.find((r) => r.kind === 'reuse')).toMatchObject({
      id: 'reuse:reasoning_quality:step_type:check', severity: 'information',
      text: 'Consider more of check steps: mean score 0.90, uncertainty 0.10, agreement 1.00, 84 % or more of its steps are not bad (20 steps of 20 traces).',
    });
    expect(recommendPatterns(report(runs(20, () => [agreed('check', 0.9)])))).toEqual([]);
  });
});

describe('sequences', () => {
  it('count every step of an occurrence once', () => {
    const found = report([{ id: 't', steps: ['a', 'b', 'a', 'b', 'a', 'b', 'a'].map((type) => agreed(type, 0.9)) }]);
    // "a b" stands at 0, 2, 4: steps 0-5; "b a" at 1, 3, 5: steps 1-6; "a b a" at 0, 2, 4: all seven; "b a b" only twice.
    expect(found.patterns.filter((p) => p.kind === 'ngram').map((p) => [p.title, p.occurrences, p.stats.support])).toEqual([
      ['a → b', 3, { steps: 6, traces: 1 }], ['b → a', 3, { steps: 6, traces: 1 }], ['a → b → a', 3, { steps: 7, traces: 1 }],
    ]);
  });
  it('do not reach over a step that the corpus lacks', () => {
    const found = report(runs(3, () => [agreed('a', 0.9, { index: 0 }), agreed('b', 0.9, { index: 2 })]));
    expect(found.patterns.filter((p) => p.kind === 'ngram')).toEqual([]);
  });
  it('are told by agent, tool and neighbours too', () => {
    const found = report(runs(3, () => [agreed('a', 0.9, { agent: 'Ada', tools: ['grep', 'grep'] }), agreed('b', 0.9, { agent: 'Ada' })]));
    expect(Object.fromEntries(found.patterns.map((p) => [p.id, [p.title, p.stats.support.steps]]))).toEqual({
      'step_type:a': ['a steps', 3], 'step_type:b': ['b steps', 3], 'tool:grep': ['steps that call grep', 3], 'agent:Ada': ['steps of Ada', 6],
      'previous:': ['first steps', 3], 'previous:a': ['steps after a', 3], 'next:': ['last steps', 3], 'next:b': ['steps before b', 3],
      'key:["a","Ada","","b"]': ['a of Ada, at the start, before b', 3], 'key:["b","Ada","a",""]': ['b of Ada, after a, at the end', 3],
      'ngram:["a","b"]': ['a → b', 6],
    });
  });
});

describe('where failures start', () => {
  const found = report([
    // By label, though an earlier step scores low.
    { id: 'a', steps: [agreed('plan', 0.2), agreed('act', 0.9, { label: 'first-bad' }), agreed('act', 0.1)] },
    // By the first score under the threshold of a run that failed.
    { id: 'b', outcome: 0, steps: [agreed('plan', 0.9), agreed('act', 0.3), agreed('plan', 0.1)] },
    // Failed, and nothing stands out.
    { id: 'c', outcome: 0.2, steps: [agreed('plan', 0.9)] },
    // Went well, whatever its scores.
    { id: 'd', outcome: 1, steps: [agreed('plan', 0.1)] },
    // Nothing known of it but that its steps are good.
    { id: 'e', steps: [agreed('plan', 0.9)] },
    { id: 'f', outcome: 0, steps: [agreed('plan', 0.4)] },
  ]).failures;
  it('is the first bad step by label, else by score', () => {
    expect(found).toMatchObject({ failed: 4, basis: { label: 1, score: 2, unknown: 1 } });
    // act: 2 of 3 starts, 3 of 10 steps.
    expect(found.byStepType.map((s) => [s.stepType, s.share.count, s.share.of, s.exampleIds])).toEqual([['act', 2, 3, ['a#s1', 'b#s1']], ['plan', 1, 3, ['f#s0']]]);
    expect(found.byStepType[0]?.lift).toBeCloseTo((2 / 3) / (3 / 10), 12);
  });
  it('has a threshold of its own, apart from what is a bad step', () => {
    const found = findPatterns(testCorpus(runs(3, () => [agreed('plan', 0.7)])), { firstErrorBelow: 0.8 });
    expect(found.failures).toMatchObject({ failed: 3, basis: { score: 3 } });
    expect(found.whole.success).toMatchObject({ count: 3, of: 3 });
  });
});

it('has nothing to say of nothing', () => {
  const found = report([]);
  expect(found).toMatchObject({ patterns: [], good: [], bad: [], failures: { failed: 0, byStepType: [] }, whole: { support: { steps: 0, traces: 0 }, uncertainty: null, agreement: null, success: { rate: null, low: 0, high: 1 } } });
  expect(recommendPatterns(found)).toEqual([]);
});
