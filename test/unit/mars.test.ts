/** The parts of MARS, against values derived by hand. */
import { describe, expect, it } from 'vitest';
import { accumulateDraws, intervalsOf, marsIntervals } from '../../server/src/corpus/bootstrap.ts';
import { mars, marsDimension, printResult, withIntervals } from '../../server/src/corpus/mars.ts';
import type { MarsInput, MarsResult } from '../../server/src/corpus/mars.ts';
import { createMarsBlocks } from '../../server/src/corpus/marsBlocks.ts';
import { configOf, readMarsSettings } from '../../server/src/corpus/marsConfig.ts';
import { createLiveMars, marsOfCorpus } from '../../server/src/corpus/marsOfCorpus.ts';
import { coMomentsOf, mergeMoments, momentsOf, pearson, populationStd } from '../../server/src/corpus/moments.ts';
import { createCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import { stepAgreement } from '../../server/src/corpus/stepAgreement.ts';
import { differences } from '../support/differences.ts';

const NO = Number.NaN;

/** Scores 0–1, one list a scorer. */
function inputOf(scores: Readonly<Record<string, readonly number[]>>, config: MarsInput['config'] = {}): MarsInput {
  const [first = []] = Object.values(scores);
  return { dimension: 'clarity', rowIds: first.map((_, i) => `r${i + 1}`), config, columns: Object.entries(scores).map(([scorer, values]) => ({ scorer, range: [0, 1], scores: Float64Array.from(values), metrics: new Map() })) };
}

const repeated = <T>(times: number, values: readonly T[]): readonly T[] => Array.from({ length: times }, () => values).flat();

describe('moments', () => {
  it('of a few numbers, and of two shards together', () => {
    // 1, 2, 6: mean 3, squares 4 + 1 + 9.
    const whole = momentsOf(Float64Array.of(1, NO, 2, 6));
    expect(whole).toEqual({ n: 3, mean: 3, m2: 14, min: 1, max: 6 });
    const merged = mergeMoments(momentsOf(Float64Array.of(1, NO)), momentsOf(Float64Array.of(2, 6)));
    expect(merged.mean).toBeCloseTo(3, 14);
    expect(merged.m2).toBeCloseTo(14, 12);
    expect(populationStd(momentsOf(Float64Array.of(NO)))).toBeNull();
  });

  it('correlate what both have, and nothing that does not vary there', () => {
    // Common rows (1, 2) (2, 1) (3, 3): cross (-1)(0) + 0(-1) + 1·1 = 1, squares 2 and 2.
    const co = coMomentsOf(Float64Array.of(1, 2, 9, 3), Float64Array.of(2, 1, NO, 3), 0, 0);
    expect([co.n, co.gap]).toEqual([3, 2]);
    expect(pearson(co)).toBeCloseTo(0.5, 14);
    // 0.1 three times is constant, however its mean rounds, and far from the mean of all rows.
    expect(pearson(coMomentsOf(Float64Array.of(0.1, 0.1, 0.1, 1e6), Float64Array.of(1, 2, 3, NO), 250_000, 2))).toBeNull();
    expect(pearson(coMomentsOf(Float64Array.of(1, 2), Float64Array.of(1, 2), 0, 0))).toBeNull();
  });
});

describe('agreement of one step', () => {
  const agreement = (scores: Readonly<Record<string, number>>): ReturnType<typeof stepAgreement> => stepAgreement(new Map(Object.entries(scores)));

  it('spread, deviation and the pair in conflict', () => {
    const found = agreement({ a: 0.2, b: 0.8, c: 0.5 });
    expect(found.spread).toBeCloseTo(0.6, 14);
    expect(found.std).toBeCloseTo(0.3, 14);
    expect([found.pair, found.standsApart]).toEqual([{ high: 'b', low: 'a' }, undefined]);
    // On ties the first in the alphabet.
    expect(agreement({ d: 0.1, c: 0.9, b: 0.1, a: 0.9 }).pair).toEqual({ high: 'a', low: 'b' });
  });

  it('nothing to say of one score, of none, or of equal ones', () => {
    expect(agreement({ a: 0.4, b: NO })).toEqual({ spread: 0, std: null, pair: undefined, standsApart: undefined });
    expect(agreement({})).toEqual({ spread: 0, std: null, pair: undefined, standsApart: undefined });
    expect(agreement({ a: 0.4, b: 0.4 })).toEqual({ spread: 0, std: 0, pair: undefined, standsApart: undefined });
  });

  it.each([
    // 0.9 lies 0.35 from the median 0.55 of the others, which lie 0.1 apart: more than twice.
    [{ a: 0.5, b: 0.6, c: 0.9 }, 'c'],
    // 0.45 from the median of the others, but those are 0.3 apart.
    [{ a: 0.3, b: 0.6, c: 0.9 }, undefined],
    // Below, among four: 0.1 is 0.6 from 0.7; the others without it at most 0.075 from one another's median.
    [{ a: 0.7, b: 0.1, c: 0.65, d: 0.75 }, 'b'],
    // Alone, but by less than the threshold.
    [{ a: 0.5, b: 0.5, c: 0.6 }, undefined],
    // Of two nobody can tell which.
    [{ a: 0.1, b: 0.9 }, undefined],
  ])('who stands apart in %j: %s', (scores, expected) => {
    expect(agreement(scores).standsApart).toBe(expected);
  });
});

describe('settings', () => {
  it('of a dimension fall back to the common ones, then to the defaults', () => {
    const settings = { variance_threshold: 0.2, dimensions: { clarity: { trust_reference: 'svm' } } };
    expect(configOf(settings, 'clarity')).toEqual({ trust_reference: 'svm', variance_threshold: 0.2, metrics: ['score'] });
    expect(configOf(settings, 'novelty')).toEqual({ trust_reference: ['human', 'llm'], variance_threshold: 0.2, metrics: ['score'] });
    expect(configOf({ dimensions: {} }, 'constructor').variance_threshold).toBe(0.15);
  });

  it('of a file are read, what it does not know passed over', () => {
    expect(readMarsSettings({ trust_reference: 'llm', metrics: ['score', 'q_value'], log_enabled: false, dimensions: { clarity: { variance_threshold: 0 } } }))
      .toEqual({ settings: { trust_reference: 'llm', metrics: ['score', 'q_value'], dimensions: { clarity: { variance_threshold: 0 } } } });
    expect(readMarsSettings(undefined)).toEqual({ settings: {} });
    expect(readMarsSettings({ trust_reference: null })).toEqual({ settings: { trust_reference: null } });
  });

  it.each([
    [[], 'mars_config is []; it must be an object'],
    [{ variance_threshold: '0.1' }, 'mars_config.variance_threshold is "0.1"; it must be a number from 0 on.'],
    [{ metrics: 'score' }, 'mars_config.metrics is "score"; it must be a list of attribute names, or "all".'],
    [{ dimensions: { clarity: { trust_reference: 7 } } }, 'mars_config.dimensions.clarity.trust_reference is 7; name a scorer, or null for none.'],
    [{ dimensions: { clarity: 3 } }, 'mars_config.dimensions.clarity is 3; it must be an object'],
  ])('%j is told', (given, sentence) => {
    const reading = readMarsSettings(given);
    expect('problem' in reading ? reading.problem : '').toContain(sentence);
  });
});

describe('a dimension', () => {
  it('trusts the first of the candidates that has scores, else nobody, and never names one that is absent', () => {
    const both = { human: [1, 0, 1], llm: [0.9, 0.2, 0.7], svm: [0.8, 0.1, 0.6] };
    expect(marsDimension(inputOf(both)).trust_reference).toBe('human');
    expect(marsDimension(inputOf({ ...both, human: [NO, NO, NO] })).trust_reference).toBe('llm');
    const absent = marsDimension(inputOf({ svm: both.svm, ebt: both.llm, mrq: both.human }, { trust_reference: 'llm' }));
    expect([absent.trust_reference, absent.preferred_basis]).toEqual([null, 'leave_one_out_median']);
    expect(absent.explanation).not.toContain('llm');
    expect(marsDimension(inputOf(both)).explanation).toContain('most aligned with human: llm');
    expect(marsDimension(inputOf(both, { trust_reference: null })).trust_reference).toBeNull();
  });

  it('a reference that shares no step with anyone is no basis', () => {
    const result = marsDimension(inputOf({ human: [1, NO, NO], a: [NO, 0.2, 0.4], b: [NO, 0.3, 0.4] }));
    expect([result.preferred_model, result.preferred_basis, result.reliability]).toEqual(['a', 'leave_one_out_median', { human: 1, a: null, b: null }]);
  });

  it('at the threshold scorers still agree, however the deviation rounds', () => {
    // 0.6, 0.75, 0.9: sample standard deviation 0.15.
    const result = marsDimension(inputOf({ a: [0.6], b: [0.75], c: [0.9] }));
    expect([result.high_disagreement, result.high_agreement_scorables, result.high_disagreement_scorables]).toEqual([false, ['r1'], []]);
  });

  it('refuses a scale that is none', () => {
    const input = inputOf({ a: [0.1], b: [0.2] });
    expect(() => marsDimension({ ...input, columns: input.columns.map((c) => ({ ...c, range: [1, 1] as const })) })).toThrow('The scale of a is [1, 1]: its second number must be the larger one.');
  });

  it('outliers: far and alone in many steps counts though nothing is usual among three; two scorers have none', () => {
    // a and b are one, c is 0.4 above: distances from the others' median -0.2, -0.2 and 0.4. The median absolute deviation is 0: only c is off it.
    const apart = marsDimension(inputOf({ a: repeated(4, [0.2, 0.4]), b: repeated(4, [0.2, 0.4]), c: repeated(4, [0.6, 0.8]) }));
    expect(apart.outlier_scorers.map((o) => [o.scorer, o.basis, o.n, o.apart, o.ids.length])).toEqual([['c', 'mad', 8, 8, 5]]);
    expect(apart.outlier_scorers[0]?.mean).toBeCloseTo(0.4, 14);
    // Biases -0.625, -0.1, 0.725: the middle is -0.1 and 0.525 usual, so none is unusual; but c is alone every time, a never.
    const wide = marsDimension(inputOf({ a: repeated(8, [0]), b: repeated(8, [0.35]), c: repeated(8, [0.9]) }));
    expect(wide.outlier_scorers.map((o) => [o.scorer, o.basis, o.apart])).toEqual([['c', 'threshold', 8]]);
    expect(marsDimension(inputOf({ a: repeated(8, [0.2]), c: repeated(8, [0.6]) })).outlier_scorers).toEqual([]);
  });

  it('all together: averages weighed by agreement, the plain mean where there is none', () => {
    // 0.5 with agreement 1, and 0.2 with none to weigh by.
    const agreeing = { ...inputOf({ a: [0.4, 0.6], b: [0.4, 0.6] }), dimension: 'b' };
    const alone = { ...inputOf({ a: [0.1, 0.3] }), dimension: 'a' };
    const report = mars([agreeing, alone]);
    expect(Object.keys(report.dimensions)).toEqual(['a', 'b']);
    expect([report.aggregate, report.unweighted]).toEqual([0.5, false]);
    expect(mars([alone])).toMatchObject({ aggregate: 0.2, unweighted: true });
    expect(mars([])).toEqual({ dimensions: {}, aggregate: null, unweighted: false });
  });
});

describe('intervals', () => {
  /** 400 steps; b is above a by 0.1 or 0.3, in turn. */
  const input = inputOf({ a: repeated(200, [0.2, 0.4]), b: repeated(200, [0.3, 0.7]) });

  it('are as wide as theory has them', () => {
    // Differences 0.1 and 0.3: mean 0.2, deviation 0.1, standard error 0.1/√400 = 0.005; a deviation between two scorers is their difference/√2.
    const { delta, agreement, alpha } = marsIntervals(input, ['b', 'a']);
    for (const [bound, side] of [[delta?.[0], -1], [delta?.[1], 1]] as const) expect(((bound ?? NO) - 0.2) / (side * 1.96 * 0.005)).toBeCloseTo(1, 0.5);
    for (const [bound, side] of [[agreement?.[0], -1], [agreement?.[1], 1]] as const) expect(((bound ?? NO) - (1 - 0.2 / Math.SQRT2)) / (side * 1.96 * 0.005 / Math.SQRT2)).toBeCloseTo(1, 0.5);
    const point = marsDimension(input).krippendorff_alpha ?? NO;
    expect((alpha?.[0] ?? NO) < point && point < (alpha?.[1] ?? NO)).toBe(true);
  });

  it('are the same every time, and those of other draws nearly', () => {
    expect(marsIntervals(input, ['b', 'a'])).toEqual(marsIntervals(input, ['b', 'a']));
    const other = intervalsOf(accumulateDraws(input, { pair: ['b', 'a'], seed: 1 }));
    expect(other.delta).not.toEqual(marsIntervals(input, ['b', 'a']).delta);
    expect(other.delta?.[0]).toBeCloseTo(marsIntervals(input, ['b', 'a']).delta?.[0] ?? NO, 2);
  });

  it('in slices they are the same, and others get their turn', async () => {
    const many = inputOf({ a: repeated(600, [0.2, 0.4]), b: repeated(600, [0.3, 0.7]) });
    let pauses = 0;
    const blocks = createMarsBlocks(100);
    const update = (input: MarsInput): Promise<MarsResult> => blocks.updateWithIntervals(input, () => Promise.resolve(void pauses++));
    const intervals = ({ agreement_interval, alpha_interval, delta_interval }: MarsResult): unknown => [agreement_interval, alpha_interval, delta_interval];
    expect(differences(intervals(await update(many)), intervals(withIntervals(marsDimension(many), many)), 1e-12)).toEqual([]);
    // 1,200 rows, 100 at a time; of one that changes the 400 it was drawn with are drawn again.
    expect(pauses).toBe(12);
    const changed = { ...many, columns: many.columns.map((c) => ({ ...c, scores: c.scores.with(777, 0.9) })) };
    expect(differences(intervals(await update(changed)), intervals(withIntervals(marsDimension(changed), changed)), 1e-12)).toEqual([]);
    expect(pauses).toBe(12 + 4);
    // Another widest conflict is another thing to draw.
    const turned = { ...changed, columns: changed.columns.map((c, i) => ({ ...c, scores: changed.columns[1 - i]?.scores ?? c.scores })) };
    expect(differences(intervals(await update(turned)), intervals(withIntervals(marsDimension(turned), turned)), 1e-12)).toEqual([]);
    expect(await update(turned)).toMatchObject({ primary_conflict: { pair: ['a', 'b'] } });
    expect(pauses).toBe(16 + 12);
  });

  it('draw rows once on average, as Poisson does', () => {
    // With one pair the sums of a draw are Σw and Σw·d; over 400 rows and 1,000 draws the mean weight is 1 ± 1/√400000.
    const { sums, draws } = accumulateDraws(inputOf({ a: repeated(400, [0]), b: repeated(400, [1]) }), { pair: ['b', 'a'] });
    const width = sums.length / draws;
    const weights = Array.from({ length: draws }, (_, i) => (sums[i * width] ?? NO) / 400);
    const mean = weights.reduce((sum, w) => sum + w, 0) / draws;
    expect(Math.abs(mean - 1)).toBeLessThan(4 / Math.sqrt(400_000));
    // Their variance is 1/400.
    expect(weights.reduce((sum, w) => sum + (w - mean) ** 2, 0) / draws * 400).toBeCloseTo(1, 0);
  });

  it('need eight steps', () => {
    const result = withIntervals(marsDimension(inputOf({ a: repeated(7, [0.2]), b: repeated(7, [0.3]) })), inputOf({ a: repeated(7, [0.2]), b: repeated(7, [0.3]) }));
    expect([result.agreement_interval, result.alpha_interval, result.delta_interval]).toEqual([null, null, null]);
    expect(marsDimension(input).agreement_interval).toBeNull();
  });
});

describe('MARS in blocks', () => {
  it('says of rows that come and go at the end what it says of the whole', () => {
    const blocks = createMarsBlocks(7);
    const first = (rows: number): MarsInput => inputOf({ a: Array.from({ length: rows }, (_, i) => (i % 5) / 5), b: Array.from({ length: rows }, (_, i) => (i % 3) / 3) });
    for (const rows of [28, 22, 21, 14, 15, 7, 1, 29]) expect([rows, differences(printResult(blocks.update(first(rows))), printResult(marsDimension(first(rows))), 1e-12)]).toEqual([rows, []]);
  });
});

describe('MARS of a corpus', () => {
  const facts = (id: string, stepId: string) => ({ id, file: 'f', traceId: 't', stepId, stepIndex: 0, goal: '', planSignature: '', stepType: '', tools: [], isError: false, traceLength: 2, title: '' });
  const record = (scorableId: string, scorer: string, score: number | null, attributes: Readonly<Record<string, number>> = {}) => ({ scorableId, dimension: 'clarity', scorer, scorerVersion: '1', score, rationale: '', weight: 1, attributes });

  it('leaves out the consensus, what measures without judging, and whole traces', () => {
    const corpus = createCorpus();
    corpus.addScorable(facts('t', ''));
    for (const id of ['t#1', 't#2', 't#3']) corpus.addScorable(facts(id, id.slice(2)));
    for (const [i, id] of ['t#1', 't#2', 't#3', 't'].entries()) {
      corpus.addScore(record(id, 'svm', 0.2 * i));
      corpus.addScore(record(id, 'human', 0.3 * i));
      corpus.addScore(record(id, 'consensus', 0.9));
      corpus.addScore(record(id, 'trace', null, { tokens: 5 }));
    }
    const { clarity } = marsOfCorpus(corpus).dimensions;
    expect([clarity?.scorers, clarity?.rows, clarity?.trust_reference, clarity?.reliability]).toEqual([['human', 'svm'], ['t#1', 't#2', 't#3'], 'human', { human: 1, svm: expect.closeTo(1, 12) as unknown }]);
    expect(marsOfCorpus(corpus, { isIncluded: () => true }).dimensions['clarity']?.rows).toHaveLength(4);
    expect(marsOfCorpus(corpus, { settings: { trust_reference: 'svm' } }).dimensions['clarity']?.trust_reference).toBe('svm');
  });

  it('with intervals, at once or while others work', async () => {
    const corpus = createCorpus();
    for (let i = 0; i < 20; i++) {
      corpus.addScore(record(`s${i}`, 'x', i / 20));
      corpus.addScore(record(`s${i}`, 'y', (i % 7) / 10));
    }
    const live = createLiveMars();
    const inSlices = await live.of(corpus, () => Promise.resolve());
    expect(inSlices.dimensions['clarity']?.agreement_interval).not.toBeNull();
    expect(JSON.stringify(inSlices)).toBe(JSON.stringify(marsOfCorpus(corpus, { hasIntervals: true })));
    // Two at once, over a corpus that grew and changed, each say what holds of it.
    corpus.addScore(record('s3', 'x', 0.9));
    corpus.addScore(record('s20', 'y', 0.1));
    const grown = JSON.stringify(marsOfCorpus(corpus, { hasIntervals: true }));
    for (const again of await Promise.all([1, 2].map(() => live.of(corpus, () => Promise.resolve())))) expect(JSON.stringify(again)).toBe(grown);
  });

  it('fifty attributes nobody declared are seen on demand', () => {
    const corpus = createCorpus();
    const attributes = (i: number): Readonly<Record<string, number>> => Object.fromEntries(Array.from({ length: 50 }, (_, k) => [`unseen_${k}`, (i * (k + 3)) % 7]));
    for (let i = 0; i < 10; i++) {
      corpus.addScore(record(`s${i}`, 'x', i / 10, attributes(i)));
      corpus.addScore(record(`s${i}`, 'y', i / 20));
    }
    const { clarity } = marsOfCorpus(corpus, { settings: { metrics: 'all' } }).dimensions;
    expect(Object.keys(clarity?.scorer_metrics['x'] ?? {})).toHaveLength(51);
    // (0, 3, 6, 2, 5, 1, 4, 0, 3, 6): mean 3.
    expect(clarity?.scorer_metrics['x']?.['unseen_0']).toMatchObject({ mean: 3, min: 0, max: 6, count: 10 });
    expect(clarity?.metric_pairs.some((p) => p.a.scorer === 'x' && p.a.metric === 'unseen_0' && p.b.scorer === 'y' && p.b.metric === 'score')).toBe(true);
    expect(Object.keys(marsOfCorpus(corpus).dimensions['clarity']?.scorer_metrics['x'] ?? {})).toEqual(['score']);
  });
});
