import { describe, expect, it } from 'vitest';
import { summariseCorpus } from '../../server/src/corpus/corpusSummary.ts';
import { createCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import type { ScoreCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import { median, rankCorrelation, zScores } from '../../server/src/corpus/statistics.ts';
import type { ScorableFacts } from '../../server/src/core/scoreRecord.ts';
import { DIMENSION, scored, step } from '../support/scores.ts';

/** A column a scorer; undefined missing. Steps are t#0, t#1, … */
function columns(scores: Readonly<Record<string, readonly (number | undefined)[]>>, change: (i: number) => Partial<ScorableFacts> = () => ({})): ScoreCorpus {
  const corpus = createCorpus();
  const rows = Math.max(...Object.values(scores).map((c) => c.length));
  for (let i = 0; i < rows; i++) corpus.addScorable(step(`t#${i}`, change(i)));
  for (const [scorer, values] of Object.entries(scores)) {
    for (const [i, value] of values.entries()) if (value !== undefined) corpus.addScore(scored(`t#${i}`, scorer, value));
  }
  return corpus;
}

describe('reliability', () => {
  it('is the correlation with the reference; the reference itself is believed', () => {
    const corpus = columns({ human: [0.1, 0.2, 0.3, 0.4], same: [0.2, 0.4, 0.6, 0.8], opposite: [0.9, 0.8, 0.7, 0.6], constant: [0.1, 0.1, 0.1, 0.1], pair: [0.1, 0.9], consensus: [0.1, 0.2, 0.3, 0.4] });
    expect(corpus.analyzeScorerReliability(DIMENSION, 'human')).toEqual([
      { scorer: 'constant', reliability: null, n: 4, basis: 'reference' }, { scorer: 'human', reliability: 1, n: 4, basis: 'reference' },
      { scorer: 'opposite', reliability: expect.closeTo(-1, 12) as number, n: 4, basis: 'reference' }, { scorer: 'pair', reliability: null, n: 2, basis: 'reference' }, { scorer: 'same', reliability: expect.closeTo(1, 12) as number, n: 4, basis: 'reference' },
    ]);
  });

  it('without a reference is the correlation with the mean of the others', () => {
    // Others of a: .25 .25 .4, from their mean -.05 -.05 .1; a: -.1 0 .1. r = .015 / √(.02 · .015) = √3 / 2.
    const found = columns({ a: [0.1, 0.2, 0.3], b: [0.2, 0.4, 0.6], c: [0.3, 0.1, 0.2] }).analyzeScorerReliability(DIMENSION, 'nobody');
    expect(found[0]).toEqual({ scorer: 'a', reliability: expect.closeTo(Math.sqrt(3) / 2, 12) as number, n: 3, basis: 'leave-one-out' });
    expect(columns({ a: [0.1, 0.2, 0.3] }).analyzeScorerReliability(DIMENSION)).toEqual([{ scorer: 'a', reliability: null, n: 0, basis: 'leave-one-out' }]);
  });
});

describe('disagreement', () => {
  it('lists where the scorers part, widest first, and where one stands alone', () => {
    const corpus = columns({ a: [0.9, 0.8, 0.5, 0.6], b: [0.4, 0.8, undefined, 0.3], c: [undefined, 0.8, undefined, undefined], consensus: [0, 0, 0, 0] });
    // Sample standard deviation of two values: their distance / √2.
    expect(corpus.getHighDisagreementScorables(DIMENSION)).toEqual({
      scorables: [{ scorableId: 't#0', std: expect.closeTo(0.5 / Math.SQRT2, 12) as number, spread: 0.5, high: 'a', low: 'b', scorers: 2 }, { scorableId: 't#3', std: expect.closeTo(0.3 / Math.SQRT2, 12) as number, spread: expect.closeTo(0.3, 12) as number, high: 'a', low: 'b', scorers: 2 }],
      uncompared: ['t#2'],
    });
    expect(corpus.getHighDisagreementScorables(DIMENSION, 0.3).scorables.map((s) => s.scorableId)).toEqual(['t#0']);
  });
});

describe('outliers of a scorer', () => {
  const others = Array.from({ length: 11 }, (_, i) => 0.3 + 0.03 * i);

  it('are none where it only adds a constant: that is its bias', () => {
    const report = columns({ a: others, b: others, c: others.map((x) => x + 0.2) }).getOutlierScorables(DIMENSION, 'c');
    expect(report).toMatchObject({ isBiased: true, n: 11, outliers: [] });
    expect(report.bias).toBeCloseTo(0.2, 12);
  });

  it('are the steps on which it parts from its bias', () => {
    const report = columns({ a: others, c: others.map((x, i) => x + 0.2 + (i === 4 ? -0.6 : i % 2 === 0 ? 0.01 : -0.01)) }).getOutlierScorables(DIMENSION, 'c');
    expect(report.isBiased).toBe(true);
    // Differences: five of .21, five of .19, one of -.4 and so the median .19 or .21; the planted one lies far outside both.
    expect(report.bias).toBeCloseTo(0.19, 12);
    expect(report.outliers).toMatchObject([{ scorableId: 't#4', others: expect.closeTo(0.42, 12) as number }]);
    expect(report.outliers[0]?.z).toBeLessThan(-3.5);
  });

  it('among identical differences are found by the mean deviation', () => {
    // Ten differences of 0 and one of .5: the median distance is 0, the mean one .5 / 11.
    const report = columns({ a: others, c: others.map((x, i) => (i === 7 ? x + 0.5 : x)) }).getOutlierScorables(DIMENSION, 'c');
    expect(report).toMatchObject({ bias: 0, isBiased: false, outliers: [{ scorableId: 't#7' }] });
    expect(report.scale).toBeCloseTo((1.253314 * 0.5) / 11, 12);
    expect(report.outliers[0]?.z).toBeCloseTo(11 / 1.253314, 9);
  });

  it('and its bias are unknown with fewer than three steps', () => {
    expect(columns({ a: [0.1, 0.2], b: [0.3, 0.9] }).getOutlierScorables(DIMENSION, 'a')).toEqual({ bias: null, isBiased: false, scale: null, n: 2, outliers: [] });
    expect(columns({ a: [0.1, 0.2] }).getOutlierScorables(DIMENSION, 'nobody').n).toBe(0);
  });

  it('noise is no bias', () => {
    const noise = [0.08, -0.06, 0.03, -0.09, 0.1, -0.05, 0.02, 0.07, -0.08, -0.01, 0.04];
    expect(columns({ a: others, b: others.map((x, i) => x + (noise[i] ?? 0)) }).getOutlierScorables(DIMENSION, 'b')).toMatchObject({ isBiased: false, outliers: [] });
  });
});

describe('metrics', () => {
  /** In each scorer q falls as u rises, but the second has both far higher: pooled they would rise together. */
  const simpson = (): ScoreCorpus => {
    const corpus = createCorpus();
    for (let i = 0; i < 4; i++) {
      corpus.addScore(scored(`t#${i}`, 'x', null, { q: 4 - i, u: i }));
      corpus.addScore(scored(`t#${i}`, 'y', null, { q: 104 - i, u: 100 + i }));
    }
    corpus.addScore(scored('t#9', 'x', null, { q: 50 }));
    return corpus;
  };

  it('correlate within a scorer', () => {
    expect(simpson().getMetricCorrelations(DIMENSION)).toEqual(['x', 'y'].map((scorer) => ({ a: { scorer, metric: 'q' }, b: { scorer, metric: 'u' }, r: expect.closeTo(-1, 12) as number, rho: expect.closeTo(-1, 12) as number, n: 4 })));
  });

  it('correlate across scorers where they are named, by scorable', () => {
    const [found, ...more] = simpson().getMetricCorrelations(DIMENSION, [{ scorer: 'x', metric: 'q' }, { scorer: 'y', metric: 'q' }]);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ n: 4, r: expect.closeTo(1, 12) as number });
    expect(simpson().getMetricCorrelations(DIMENSION, [{ scorer: 'x', metric: 'q' }, { scorer: 'x', metric: 'gone' }])[0]).toMatchObject({ r: null, rho: null, n: 0 });
  });

  it('stand out within their own scorer', () => {
    const corpus = createCorpus();
    // Nine of 0 and one of 1: mean .1, population deviation .3, so z = 3 and -1/3. On a scale a hundred times as wide, and constant, none.
    for (let i = 0; i < 10; i++) {
      corpus.addScore(scored(`t#${i}`, 'x', null, { m: i === 6 ? 1 : 0 }));
      corpus.addScore(scored(`t#${i}`, 'wide', null, { m: 100 }));
    }
    expect(corpus.findMetricOutliers(DIMENSION, 'm')).toEqual([{ scorableId: 't#6', scorer: 'x', value: 1, z: expect.closeTo(3, 12) as number }]);
    expect(corpus.findMetricOutliers(DIMENSION, 'm', 3.1)).toEqual([]);
  });

  it('have an average by goal', () => {
    const corpus = createCorpus();
    for (const [i, goal] of ['g', 'g', 'h', 'g'].entries()) {
      corpus.addScorable(step(`t#${i}`, { goal }));
      if (i < 3) corpus.addScore(scored(`t#${i}`, 'sicql', 0.5, { q_value: i + 1 }));
    }
    corpus.addScore(scored('t#0', 'sicql', 0.5, { q_value: 9 }, 'clarity'));
    expect(corpus.average('q_value', 'sicql', { goal: 'g', dimension: DIMENSION })).toEqual({ mean: 1.5, n: 2 });
    expect(corpus.average('q_value', 'sicql', { dimension: DIMENSION })).toEqual({ mean: 2, n: 3 });
    expect(corpus.average('q_value', 'sicql', { goal: 'g' })).toEqual({ mean: 4, n: 3 });
    expect(corpus.average('q_value', 'sicql', { goal: 'nobody' })).toEqual({ mean: null, n: 0 });
  });
});

describe('groups', () => {
  it('are held against the mean of all, with what is missing', () => {
    const corpus = columns({ x: [0.6, 0.8, 0.2, 0.4, undefined] }, (i) => ({ stepType: i < 2 ? 'load' : i < 4 ? 'think' : 'end', tools: i === 0 ? ['read', 'write', 'read'] : [], ...(i === 1 ? { agent: 'ann' } : {}) }));
    const metric = { dimension: DIMENSION, scorer: 'x', metric: 'score' };
    expect(corpus.groupBy('stepType', metric)).toEqual({
      all: { scorables: 5, n: 4, missing: 1, mean: expect.closeTo(0.5, 12) as number },
      rows: [
        { key: 'load', scorables: 2, n: 2, missing: 0, mean: expect.closeTo(0.7, 12) as number, difference: expect.closeTo(0.2, 12) as number, lift: expect.closeTo(1.4, 12) as number },
        { key: 'think', scorables: 2, n: 2, missing: 0, mean: expect.closeTo(0.3, 12) as number, difference: expect.closeTo(-0.2, 12) as number, lift: expect.closeTo(0.6, 12) as number },
        { key: 'end', scorables: 1, n: 0, missing: 1, mean: null, difference: null, lift: null },
      ],
    });
    expect(corpus.groupBy('tool', metric).rows.map((r) => [r.key, r.scorables])).toEqual([['read', 1], ['write', 1], [null, 4]]);
    expect(corpus.groupBy('agent', metric).rows.map((r) => r.key)).toEqual(['ann', null]);
  });

  it('have no lift where means are not positive', () => {
    const corpus = createCorpus();
    for (const [i, q] of [-1, 3].entries()) {
      corpus.addScorable(step(`t#${i}`, { stepType: `type ${i}` }));
      corpus.addScore(scored(`t#${i}`, 'x', null, { q }));
    }
    expect(corpus.groupBy('stepType', { dimension: DIMENSION, scorer: 'x', metric: 'q' }).rows.map((r) => [r.difference, r.lift])).toEqual([[2, 3], [-2, null]]);
  });
});

describe('summary', () => {
  it('is of the steps', () => {
    const corpus = createCorpus();
    const uncertainties = [0.5, 0.3, 0.1];
    for (const [i, uncertainty] of uncertainties.entries()) {
      corpus.addScorable(step(`t#${i}`, { stepType: i === 0 ? 'load' : 'think', isError: i === 1 }));
      corpus.addScore(scored(`t#${i}`, 'consensus', 0.6, { uncertainty }));
      corpus.addScore(scored(`t#${i}`, 'a', 0.5));
      if (i > 0) corpus.addScore(scored(`t#${i}`, 'b', i === 1 ? 0.5 : 0.9));
    }
    corpus.addScore(scored('t', 'consensus', 0));
    const summary = summariseCorpus(corpus);
    expect(summary).toMatchObject({ steps: 3, traces: 1, goals: 2, records: 9, scorers: ['a', 'b', 'consensus'] });
    expect(summary.scores).toContainEqual({ dimension: DIMENSION, scorer: 'b', n: 2, mean: 0.7, std: expect.closeTo(0.4 / Math.SQRT2, 12) as number, min: 0.5, max: 0.9 });
    expect(summary.uncertainty).toMatchObject([{ dimension: DIMENSION, n: 3, mean: expect.closeTo(0.3, 12) as number, aboveHigh: 1 }]);
    // Two steps with two scorers: deviations 0 and .4 / √2.
    const std = 0.2 / Math.SQRT2;
    expect(summary.agreement).toEqual([{ dimension: DIMENSION, compared: 2, uncompared: 1, std: expect.closeTo(std, 12) as number, agreement: expect.closeTo(1 - std, 12) as number, strong: 1 }]);
    expect(summary.stepTypes).toEqual([
      { stepType: 'load', steps: 1, score: 0.6, scoreLift: expect.closeTo(1, 12) as number, uncertainty: 0.5, uncertaintyLift: expect.closeTo(5 / 3, 12) as number, errorRate: 0 },
      { stepType: 'think', steps: 2, score: 0.6, scoreLift: expect.closeTo(1, 12) as number, uncertainty: 0.2, uncertaintyLift: expect.closeTo(2 / 3, 12) as number, errorRate: 0.5 },
    ]);
  });

  it('of nothing has no figures', () => {
    expect(summariseCorpus(createCorpus())).toEqual({ steps: 0, traces: 0, goals: 0, records: 0, dimensions: [], scorers: [], metrics: ['score'], scores: [], uncertainty: [], agreement: [], stepTypes: [] });
  });
});

describe('figures', () => {
  it('leave out what is missing', () => {
    expect(median(Float64Array.of(3, Number.NaN, 1, 2))).toBe(2);
    expect(median(Float64Array.of(4, 1, 10, 2))).toBe(3);
    expect(median(new Float64Array(0))).toBeNaN();
    expect(zScores(Float64Array.of(1, 2))).toBeUndefined();
    expect(zScores(Float64Array.of(0.1, 0.1, 0.1))).toBeUndefined();
    // Ranks 1 2.5 2.5 4 against 1 2 3 4: cross 4.5, squares 4.5 and 5, so rho = 4.5 / √22.5.
    expect(rankCorrelation(Float64Array.of(1, 5, 5, 9, Number.NaN), Float64Array.of(10, 20, 30, 4000, 1))).toEqual({ r: expect.closeTo(4.5 / Math.sqrt(22.5), 12) as number, n: 4 });
  });
});
