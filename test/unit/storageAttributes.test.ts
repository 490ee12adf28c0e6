import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { record } from '../../server/src/storage/evaluationStore.ts';
import * as attributes from '../../server/src/storage/scoreAttributeStore.ts';
import { getScoreAttributeTensor } from '../../server/src/storage/scoreTensor.ts';
import type { Store } from '../../server/src/storage/store.ts';
import { currentOf, evaluation, score, testStore } from '../support/memories.ts';

// Each write waits for the disk, and a disk may be busy.
vi.setConfig({ testTimeout: 60_000 });

let store: Store;
/** Scores 1 to 4: svm and ebt of a, svm and ebt of b. */
beforeEach(() => {
  store = testStore();
  record(store, [
    evaluation('a', [score('svm', 0.25, { x: 1, y: 2 }), score('ebt', 0.5, { x: 2, note: 'hm' })]),
    evaluation('b', [score('svm', 0.75, { x: 4, y: 7, flags: [true] }), score('ebt', null, { is_late: true })]),
  ], 1);
});
afterEach(() => void store.db.close());

describe('reading attributes', () => {
  it('by score, by key', () => {
    expect(attributes.getAttributesForScore(store, 1)).toEqual([{ scoreId: 1, key: 'x', value: 1 }, { scoreId: 1, key: 'y', value: 2 }]);
    expect(attributes.getAttributesForScores(store, [4, 2]).map((a) => [a.scoreId, a.key, a.value])).toEqual([[2, 'note', 'hm'], [2, 'x', 2], [4, 'is_late', true]]);
    expect(attributes.getAttributesForScores(store, [])).toEqual([]);
    expect(attributes.getAttribute(store, 3, 'flags')).toEqual({ scoreId: 3, key: 'flags', value: [true] });
    expect(attributes.getAttribute(store, 3, 'note')).toBeUndefined();
  });

  it('of one key with the newest score first, up to a limit', () => {
    expect(attributes.getAttributesByKey(store, 'x').map((a) => a.scoreId)).toEqual([3, 2, 1]);
    expect(attributes.getAttributesByKey(store, 'x', { limit: 2 }).map((a) => a.scoreId)).toEqual([3, 2]);
    expect(attributes.getAttributesByKey(store, 'x', { scoreIds: [1, 2] }).map((a) => a.scoreId)).toEqual([2, 1]);
    expect(attributes.getAttributesByKey(store, 'x', { scoreIds: [] })).toEqual([]);
    expect(attributes.getAttributesByKey(store, 'nothing')).toEqual([]);
  });

  it('of several keys, and all of them', () => {
    expect(attributes.getAttributesByKeys(store, ['y', 'note']).map((a) => [a.scoreId, a.key])).toEqual([[1, 'y'], [2, 'note'], [3, 'y']]);
    expect(attributes.getAttributesByKeys(store, ['y', 'note'], [2])).toHaveLength(1);
    expect(attributes.getAttributesByKeys(store, ['y'], [])).toEqual([]);
    expect(attributes.getAllAttributes(store).map((a) => [a.scoreId, a.key])).toEqual([[4, 'is_late'], [3, 'flags'], [3, 'x'], [3, 'y'], [2, 'note'], [2, 'x'], [1, 'x'], [1, 'y']]);
    expect(attributes.getAllAttributes(store, 1)).toHaveLength(1);
  });

  it('as a matrix, and as typed values with null for what is missing', () => {
    const matrix = attributes.getAttributeMatrix(store, [1, 2, 4], ['x', 'y']);
    expect([...matrix].map(([id, byKey]) => [id, [...byKey.keys()]])).toEqual([[1, ['x', 'y']], [2, ['x']]]);
    expect(Object.fromEntries(attributes.getAttributeValues(store, [1, 2, 3, 4], ['x', 'flags', 'note']))).toEqual({
      1: { x: 1, flags: null, note: null }, 2: { x: 2, flags: null, note: 'hm' }, 3: { x: 4, flags: [true], note: null },
    });
    expect(attributes.getAttributeValues(store, [], ['x']).size).toBe(0);
  });

  it('keeps text that claims to be JSON and is not', () => {
    store.db.prepare("UPDATE score_attributes SET value = '[oops' WHERE score_id = 3 AND data_type = 3").run();
    expect(attributes.getAttribute(store, 3, 'flags')?.value).toBe('[oops');
  });
});

describe('figures', () => {
  it('of a key: mean and sample deviation', () => {
    // 1, 2, 4: mean 7/3, squares 16/9 + 1/9 + 25/9 = 14/3, over n - 1 = 7/3.
    expect(attributes.getAttributeStats(store, 'x')).toEqual({ key: 'x', count: 3, mean: 7 / 3, min: 1, max: 4, stddev: Math.sqrt(7 / 3) });
    expect(attributes.getAttributeStats(store, 'x', [2])).toEqual({ key: 'x', count: 1, mean: 2, min: 2, max: 2, stddev: null });
    expect(attributes.getAttributeStats(store, 'is_late')).toMatchObject({ count: 1, mean: 1 });
    const nothing = { count: 0, mean: null, min: null, max: null, stddev: null };
    expect(attributes.getAttributeStats(store, 'x', [])).toEqual({ key: 'x', ...nothing });
    expect(attributes.getAttributeStats(store, 'note')).toEqual({ key: 'note', ...nothing });
    expect(attributes.getAttributeStats(store, 'unknown')).toEqual({ key: 'unknown', ...nothing });
  });

  it('of large values that lie close together', () => {
    attributes.addAttributesBulk(store, [1, 2, 3].map((i) => ({ scoreId: i, key: 'big', value: 1e9 + i })));
    expect(attributes.getAttributeStats(store, 'big').stddev).toBeCloseTo(1, 9);
  });

  it('of pairs of keys over the scores that have both', () => {
    expect(attributes.getMetricCorrelations(store, ['x', 'y', 'note'])).toEqual([
      { metrics: ['x', 'y'], r: null, n: 2 }, { metrics: ['x', 'note'], r: null, n: 0 }, { metrics: ['y', 'note'], r: null, n: 0 },
    ]);
    attributes.addAttributesBulk(store, [{ scoreId: 2, key: 'y', value: 3 }, ...[1, 2, 3].map((scoreId) => ({ scoreId, key: 'constant', value: 5 }))]);
    // x 1, 2, 4 and y 2, 3, 7: deviations -4/3, -1/3, 5/3 and -2, -1, 3; products 8; squares 14/3 and 14.
    const [xy, xConstant] = attributes.getMetricCorrelations(store, ['x', 'y', 'constant']);
    expect(xy?.r).toBeCloseTo(8 / Math.sqrt((14 / 3) * 14), 12);
    expect(xConstant).toEqual({ metrics: ['x', 'constant'], r: null, n: 3 });
    expect(attributes.getMetricCorrelations(store, ['x', 'y'], [1, 2])[0]).toEqual({ metrics: ['x', 'y'], r: null, n: 2 });
    expect(attributes.getMetricCorrelations(store, ['x', 'y'], [])[0]?.n).toBe(0);
  });

  it('as a block with named axes', () => {
    expect(getScoreAttributeTensor(store, [1, 2, 3, 4], { dimensions: ['clarity', 'reasoning_quality'], scorers: ['ebt', 'svm'], metrics: ['score', 'x', 'note'] })).toEqual({
      axes: { evaluations: [1, 2], dimensions: ['clarity', 'reasoning_quality'], scorers: ['ebt', 'svm'], metrics: ['score', 'x', 'note'] },
      values: [
        ...new Array<null>(6).fill(null), 0.5, 2, null, 0.25, 1, null,
        ...new Array<null>(6).fill(null), null, null, null, 0.75, 4, null,
      ],
    });
    expect(getScoreAttributeTensor(store, [], { dimensions: ['clarity'], scorers: ['svm'], metrics: ['x'] })).toEqual({ axes: { evaluations: [], dimensions: ['clarity'], scorers: ['svm'], metrics: ['x'] }, values: [] });
  });
});

describe('changing attributes', () => {
  it('adds and replaces, and what is current follows', () => {
    attributes.addAttribute(store, { scoreId: 1, key: 'x', value: 10 });
    attributes.addAttribute(store, { scoreId: 1, key: 'tags', value: ['t'] });
    expect(currentOf(store).records[0]?.attributes).toEqual({ x: 10, y: 2, tags: ['t'] });
    expect(currentOf(store).records[1]?.attributes).toEqual({ x: 2, note: 'hm' });
  });

  it('takes all of a bulk or nothing', () => {
    expect(() => attributes.addAttributesBulk(store, [{ scoreId: 1, key: 'fresh', value: 1 }, { scoreId: 99, key: 'x', value: 1 }])).toThrow(/FOREIGN KEY/);
    expect(attributes.getAttributesByKey(store, 'fresh')).toEqual([]);
    attributes.addAttribute(store, { scoreId: 1, key: 'fresh', value: 1 });
    expect(attributes.getAttribute(store, 1, 'fresh')?.value).toBe(1);
  });

  it('deletes one or all of a score, and what is current follows', () => {
    expect(attributes.deleteAttribute(store, 1, 'y')).toBe(true);
    expect(attributes.deleteAttribute(store, 1, 'y')).toBe(false);
    expect(attributes.deleteAttributesForScore(store, 3)).toBe(3);
    expect(currentOf(store).records.map((r) => r.attributes)).toEqual([{ x: 1 }, { x: 2, note: 'hm' }, {}, { is_late: true }]);
  });

  it('forgets the attributes of a score that goes', () => {
    store.db.prepare('DELETE FROM scores WHERE id = 1').run();
    expect(attributes.getAttributesForScore(store, 1)).toEqual([]);
  });
});
