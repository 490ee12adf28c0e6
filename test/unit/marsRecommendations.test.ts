/** What MARS asks for, and the reading of scores from elsewhere. */
import { describe, expect, it } from 'vitest';
import { readRecords } from '../../server/src/cli/marsRecords.ts';
import { marsText } from '../../server/src/cli/marsText.ts';
import { mars } from '../../server/src/corpus/mars.ts';
import type { MarsInput } from '../../server/src/corpus/mars.ts';
import { recommend } from '../../server/src/corpus/recommendations.ts';
import type { Recommendation } from '../../server/src/corpus/scoreMemory.ts';

function inputOf(dimension: string, scores: Readonly<Record<string, readonly number[]>>, metrics: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {}): MarsInput {
  const [first = []] = Object.values(scores);
  return {
    dimension, rowIds: first.map((_, i) => `r${i + 1}`), config: { metrics: 'all' },
    columns: Object.entries(scores).map(([scorer, values]) => ({ scorer, range: [0, 1], scores: Float64Array.from(values), metrics: new Map(Object.entries(metrics[scorer] ?? {}).map(([k, v]) => [k, Float64Array.from(v)])) })),
  };
}

const RISING = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
const byId = (found: readonly Recommendation[]): Readonly<Record<string, Recommendation>> => Object.fromEntries(found.map((r) => [r.id, r]));

describe('recommendations', () => {
  it('nothing where scorers agree', () => {
    expect(recommend(mars([inputOf('clarity', { a: RISING, b: RISING.map((x, i) => x + (i % 2 === 0 ? 0.15 : -0.1)), c: RISING.map((x, i) => x - (i % 3 === 0 ? 0.15 : -0.1)) })]))).toEqual([]);
  });

  it('disagreement: agreement, conflict, the scorer to train again, people', () => {
    // a rises where b falls: deviations (0.7, 0.5, 0.3, 0.1, 0.1, 0.3, 0.5, 0.7)/√2, mean 0.4/√2 = 0.283: agreement 0.717 is enough, and the means are equal.
    const report = mars([inputOf('clarity', { a: RISING, b: RISING.toReversed() }), inputOf('novelty', { a: RISING.map(() => 0), b: RISING.map(() => 0.9) })]);
    const found = byId(recommend(report));
    expect(Object.keys(found).sort()).toEqual(['agreement:novelty', 'conflict:novelty: a and b', 'human_review:all', 'retrain:a']);
    // novelty: 0.9/√2 = 0.636.
    expect(found['agreement:novelty']).toMatchObject({ kind: 'agreement', severity: 'warning', target: 'novelty', evidence: { n: 8, ids: ['r1', 'r2', 'r3', 'r4', 'r5'] } });
    expect(found['agreement:novelty']?.evidence.numbers['agreement']).toBeCloseTo(1 - 0.9 / Math.SQRT2, 12);
    expect(found['conflict:novelty: a and b']?.text).toBe('On novelty b scores 0.90 higher than a over 8 steps: one of the two is off.');
    // clarity: both correlate -1 with the other; the first in the alphabet is named.
    expect(found['retrain:a']?.evidence).toMatchObject({ numbers: { dimensions: 1 }, n: 8 });
    expect(found['retrain:a']?.evidence.numbers['reliability']).toBeCloseTo(-1, 12);
    expect(found['human_review:all']?.evidence.numbers['agreement']).toBeCloseTo((1 - 0.4 / Math.SQRT2 + 1 - 0.9 / Math.SQRT2) / 2, 12);
  });

  it('a scorer beside the others is to be calibrated, whatever its correlation', () => {
    const report = mars([inputOf('clarity', { a: RISING, b: RISING.map((x, i) => x + 0.02 * (i % 3)), c: RISING.map((x, i) => x - 0.02 * (i % 2)), high: RISING.map((x) => Math.min(1, x + 0.2)) })]);
    const found = byId(recommend(report));
    expect(found['retrain:high on clarity']).toMatchObject({ kind: 'retrain', target: 'high', severity: 'warning', evidence: { n: 8 } });
    expect(found['retrain:high on clarity']?.text).toContain('above the others throughout (8 steps)');
  });

  it('numbers that stand for others: redundant scorers, a metric of one that follows another', () => {
    const wobble = [0.03, -0.05, 0.02, 0.06, -0.04, 0.01, -0.06, 0.03];
    const noisy = [0.5, 0.1, 0.6, 0.2, 0.7, 0.3, 0.4, 0.6];
    const report = mars([inputOf('clarity', { a: RISING, b: RISING.map((x) => x / 2), c: noisy }, { c: { entropy: RISING.map((x, i) => 1 - x + (wobble[i] ?? 0)) }, a: { energy: RISING.map((x) => 2 * x) } })]);
    const found = recommend(report).filter((r) => r.kind === 'proxy');
    expect(found.map((r) => r.id)).toContain('proxy:clarity: a and b');
    expect(found.map((r) => r.id)).toContain('proxy:clarity: a.score and c.entropy');
    // A scorer's own attributes hang together by construction, and two scores that do are agreement.
    expect(found.some((r) => r.target.includes('a.score and a.energy') || r.target.includes('a.score and b.score'))).toBe(false);
  });

  it('merges those of the patterns, one an id, the one that rests on more', () => {
    const other = (id: string, n: number): Recommendation => ({ id, kind: 'bottleneck', severity: 'information', target: 'x', text: `${n}`, evidence: { numbers: {}, ids: [], n } });
    expect(recommend(mars([]), [other('b', 3), other('a', 1), other('b', 9), other('b', 2)]).map((r) => [r.id, r.text])).toEqual([['a', '1'], ['b', '9']]);
  });
});

describe('records from elsewhere', () => {
  const record = { scorable_id: 's', dimension: 'clarity', source: 'x', score: 0.5 };

  it.each([
    ['{"records": [', 'This is no JSON ('],
    ['{"records": [{"score": NaN}]}', 'This is no JSON ('],
    ['{}', 'There is no list "records": write {"records": ['],
    ['7', 'There is no list "records": write {"records": ['],
    [{ records: [record, 4] }, 'records[1] is no object'],
    [{ records: [{ ...record, scorable_id: null }] }, 'records[0].scorable_id is null: it must be a text'],
    [{ records: [{ ...record, dimension: undefined }] }, 'records[0].dimension is missing: it must be a text, as "clarity".'],
    [{ records: [{ ...record, source: 3 }] }, 'records[0].source is 3: it must name the scorer.'],
    [{ records: [{ ...record, score: '0.5' }] }, 'records[0].score is "0.5": it must be a number, or null where it is missing.'],
    [{ records: [{ ...record, attributes: [1] }] }, 'records[0].attributes is [1]: it must be an object of numbers by name.'],
    [{ records: [{ ...record, score: 78 }] }, 'records[0].score is 78, but no scale is declared and 0 to 1 is taken: add "scale": [lowest, highest].'],
    [{ records: [], scale: [1, 0] }, '"scale" is [1,0]: write [lowest, highest], as [0, 100].'],
    [{ records: [record], scale: { y: [0, 1] } }, '"scale" has no range for x (records[0]): add "x": [lowest, highest].'],
    [{ records: [record], scale: { x: 1 } }, '"scale" of x is 1: write [lowest, highest], as [0, 100].'],
    [{ records: [record], mars_config: 1 }, 'mars_config is 1; it must be an object'],
  ])('%j is told in one sentence', (given, sentence) => {
    const reading = readRecords(typeof given === 'string' ? given : JSON.stringify(given));
    const problem = 'problem' in reading ? reading.problem : 'no problem';
    expect(problem.slice(0, sentence.length)).toBe(sentence);
    expect(problem).not.toContain('\n');
  });

  it('bare, under input, as a list; the later of two counts; what is null is missing', () => {
    const records = [record, { ...record, score: 0.7, attributes: { q: 2, note: 'x' } }, { ...record, scorable_id: 7, score: null }];
    for (const given of [{ records }, { input: { records } }, records]) {
      const reading = readRecords(`\uFEFF${JSON.stringify(given)}`);
      const [input] = 'inputs' in reading ? reading.inputs : [];
      expect([input?.dimension, input?.rowIds]).toEqual(['clarity', ['s', '7']]);
      expect([...input?.columns[0]?.scores ?? []]).toEqual([0.7, Number.NaN]);
      expect([...input?.columns[0]?.metrics ?? []].map(([k, v]) => [k, [...v]])).toEqual([['q', [2, Number.NaN]]]);
    }
  });
});

const NO_TRENDS = new Map();

describe('MARS as text', () => {
  it('tells a dimension, who to believe, and what to do', () => {
    const report = mars([inputOf('clarity', { human: [1, 0, 1, 0, 1, 0, 1, 0], a: RISING, b: RISING.toReversed() })], { hasIntervals: true });
    const text = marsText(report, recommend(report), NO_TRENDS);
    expect(text).toMatch(/^clarity {2}agreement 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\], alpha /);
    expect(text).toMatch(/human +0\.500 +reference +– /);
    expect(text).toMatch(/contested r1: human above a by 0\.90/);
    expect(text).toContain('recommendations\n  warning: ');
    expect(text).not.toMatch(/NaN|undefined|null/);
  });

  it('says so where there is nothing', () => {
    expect(marsText(mars([]), [], NO_TRENDS)).toBe('No scores: nothing can be said.');
    expect(marsText(mars([inputOf('clarity', { a: RISING })]), [], NO_TRENDS)).toContain('Ungrounded: a alone scored 8 steps');
  });
});
