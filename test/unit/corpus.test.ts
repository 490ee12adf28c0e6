import { describe, expect, it } from 'vitest';
import { fromDict } from '../../server/src/corpus/corpusDict.ts';
import { createCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import type { ScoreCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import type { CorpusFilter } from '../../server/src/corpus/filters.ts';
import type { ScorableFacts, ScoreRecord } from '../../server/src/core/scoreRecord.ts';
import { DIMENSION, scored, step } from '../support/scores.ts';

const NONE = Number.NaN;

function corpusWith(facts: readonly ScorableFacts[], records: readonly ScoreRecord[]): ScoreCorpus {
  const corpus = createCorpus();
  for (const one of facts) corpus.addScorable(one);
  for (const record of records) corpus.addScore(record);
  return corpus;
}

/** b was scored first by ebt, a by sicql alone, c by nobody but the measuring trace scorer. */
const three = (): ScoreCorpus => corpusWith([step('t#a'), step('t#b'), step('t#c')], [
  scored('t#b', 'ebt', 0.4, { energy: 3 }), scored('t#a', 'sicql', 0.9, { q_value: 2.5 }), scored('t#b', 'sicql', 0.6, {}), scored('t#c', 'trace', null, { duration_ms: 12 }),
  scored('t#b', 'sicql', 0.1, { q_value: -1 }, 'clarity'),
]);

describe('axes', () => {
  it('are the scorables in order of insertion and the other names sorted, score among the metrics', () => {
    const corpus = three();
    expect(corpus.scorableIds).toEqual(['t#a', 't#b', 't#c']);
    expect(corpus.dimensions).toEqual(['clarity', DIMENSION]);
    expect(corpus.scorers).toEqual(['ebt', 'sicql', 'trace']);
    expect(corpus.metrics).toEqual(['duration_ms', 'energy', 'q_value', 'score']);
    expect(corpus.size).toBe(5);
    expect(createCorpus().metrics).toEqual(['score']);
  });

  it('of a scorable that was never described come from its id', () => {
    const corpus = corpusWith([], [scored('run 1#s2', 'ebt', 0.5), scored('run 1', 'hrm', 0.5)]);
    expect(corpus.facts('run 1#s2')).toMatchObject({ traceId: 'run 1', stepId: 's2' });
    expect(corpus.facts('run 1')).toMatchObject({ traceId: 'run 1', stepId: '' });
    expect(corpus.facts('gone')).toBeUndefined();
  });
});

describe('matrices', () => {
  it('have rows in order of insertion, NaN where there is no value, and no scorer without any', () => {
    expect(three().getDimensionMatrix(DIMENSION)).toEqual({ dimension: DIMENSION, rowIds: ['t#a', 't#b'], scorers: ['ebt', 'sicql'], columns: [Float64Array.of(NONE, 0.4), Float64Array.of(0.9, 0.6)] });
    expect(three().getMetricMatrix(DIMENSION, 'q_value')).toEqual({ dimension: DIMENSION, rowIds: ['t#a'], scorers: ['sicql'], columns: [Float64Array.of(2.5)] });
    expect(three().getDimensionMatrix('novelty')).toEqual({ dimension: 'novelty', rowIds: [], scorers: [], columns: [] });
  });

  it('of rows asked for have those rows in that order', () => {
    const matrix = three().getMetricMatrix(DIMENSION, 'score', ['t#c', 'gone', 't#b']);
    expect(matrix).toEqual({ dimension: DIMENSION, rowIds: ['t#c', 'gone', 't#b'], scorers: ['ebt', 'sicql'], columns: [Float64Array.of(NONE, NONE, 0.4), Float64Array.of(NONE, NONE, 0.6)] });
  });

  it('are made anew only where a value changed', () => {
    const corpus = three();
    const [scores, values, clarity] = [corpus.getDimensionMatrix(DIMENSION), corpus.getMetricMatrix(DIMENSION, 'q_value'), corpus.getDimensionMatrix('clarity')];
    corpus.addScore(scored('t#a', 'sicql', 0.8, { q_value: 2.5 }));
    expect(corpus.getDimensionMatrix(DIMENSION).columns[1]).toEqual(Float64Array.of(0.8, 0.6));
    expect(scores.columns[1]).toEqual(Float64Array.of(0.9, 0.6));
    expect(corpus.getMetricMatrix(DIMENSION, 'q_value')).toBe(values);
    expect(corpus.getDimensionMatrix('clarity')).toBe(clarity);
  });
});

describe('a record written again', () => {
  it('takes the place of the one before, its attributes included', () => {
    const corpus = three();
    corpus.addScore({ ...scored('t#a', 'sicql', null, { zsa: 1 }), scorerVersion: '2', rationale: 'why', weight: 0.5 });
    expect(corpus.size).toBe(5);
    expect(corpus.record('t#a', DIMENSION, 'sicql')).toEqual({ scorableId: 't#a', dimension: DIMENSION, scorer: 'sicql', scorerVersion: '2', score: null, rationale: 'why', weight: 0.5, attributes: { zsa: 1 } });
    expect(corpus.metricsOf(DIMENSION, 'sicql')).toEqual(['score', 'zsa']);
    expect(corpus.value('t#a', DIMENSION, 'sicql', 'q_value')).toBeUndefined();
  });
});

describe('attributes', () => {
  const attributes = { logits: [0.5, null, -1], flag: true, note: 'text', deep: { a: [1] }, nothing: null, score: 7, 'logits[2]': 9, long: Array.from({ length: 65 }, () => 1) };
  const corpus = corpusWith([step('t#a')], [scored('t#a', 'x', 0.5, attributes)]);

  it('that are lists of numbers become metrics by place; booleans, texts and long lists do not', () => {
    expect(corpus.metrics).toEqual(['logits[0]', 'logits[2]', 'score']);
    expect(corpus.value('t#a', DIMENSION, 'x', 'logits[0]')).toBe(0.5);
    // An attribute of that very name comes before the list.
    expect(corpus.value('t#a', DIMENSION, 'x', 'logits[2]')).toBe(9);
    expect(corpus.value('t#a', DIMENSION, 'x', 'score')).toBe(0.5);
  });

  it('come back as they were', () => {
    expect(corpus.record('t#a', DIMENSION, 'x')?.attributes).toEqual(attributes);
  });

  it('that are no finite numbers come back as null', () => {
    const odd = corpusWith([step('t#a')], [scored('t#a', 'x', Number.NaN, { a: Number.POSITIVE_INFINITY })]);
    expect(odd.record('t#a', DIMENSION, 'x')).toMatchObject({ score: null, attributes: { a: null } });
    expect(odd.metrics).toEqual(['score']);
  });

  it('need no registration: fifty that nobody knew reach matrix, tensor and record', () => {
    const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`unseen_${i}`, i / 7]));
    const one = corpusWith([step('t#a')], [scored('t#a', 'newcomer', 0.5, fifty)]);
    expect(one.metrics).toHaveLength(51);
    expect(one.getMetricMatrix(DIMENSION, 'unseen_49').columns).toEqual([Float64Array.of(7)]);
    expect(one.toTensor().shape).toEqual([1, 1, 1, 51]);
    expect(one.record('t#a', DIMENSION, 'newcomer')?.attributes).toEqual(fifty);
  });
});

describe('laid out', () => {
  it('metric values keep their scorable, null where the record has none', () => {
    const corpus = three();
    expect(corpus.getMetricValues(DIMENSION, 'sicql', 'q_value')).toEqual([{ scorableId: 't#a', value: 2.5 }, { scorableId: 't#b', value: null }]);
    expect(corpus.getAllMetricValues(DIMENSION, 'score')).toEqual([
      { scorableId: 't#b', scorer: 'ebt', value: 0.4 }, { scorableId: 't#a', scorer: 'sicql', value: 0.9 }, { scorableId: 't#b', scorer: 'sicql', value: 0.6 }, { scorableId: 't#c', scorer: 'trace', value: null },
    ]);
  });

  it('the tensor has labels, NaN and a mask; of one attribute it has three axes', () => {
    const corpus = three();
    const axes = { dimensions: ['clarity', DIMENSION], scorers: ['sicql', 'nobody'] };
    const tensor = corpus.toTensor({ ...axes, metrics: ['score', 'q_value'] });
    expect(tensor.shape).toEqual([3, 2, 2, 2]);
    expect(tensor.labels).toEqual({ scorables: ['t#a', 't#b', 't#c'], ...axes, metrics: ['score', 'q_value'] });
    // A line a scorable: clarity sicql (score, q), clarity nobody, reasoning sicql (score, q), reasoning nobody.
    expect([...tensor.values]).toEqual([
      NONE, NONE, NONE, NONE, 0.9, 2.5, NONE, NONE,
      0.1, -1, NONE, NONE, 0.6, NONE, NONE, NONE,
      NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
    ]);
    expect([...tensor.mask]).toEqual([...tensor.values].map((v) => (Number.isNaN(v) ? 0 : 1)));
    const plane = corpus.toTensor({ ...axes, attribute: 'q_value' });
    expect(plane.shape).toEqual([3, 2, 2]);
    expect([...plane.values]).toEqual([NONE, NONE, 2.5, NONE, -1, NONE, NONE, NONE, NONE, NONE, NONE, NONE]);
  });

  it('the long form has a row a value, the list a row a record', () => {
    const corpus = three();
    expect(corpus.toDataFrame({ metrics: ['q_value', 'score'] })).toEqual([
      { scorableId: 't#a', dimension: DIMENSION, scorer: 'sicql', metric: 'q_value', value: 2.5 }, { scorableId: 't#a', dimension: DIMENSION, scorer: 'sicql', metric: 'score', value: 0.9 },
      { scorableId: 't#b', dimension: 'clarity', scorer: 'sicql', metric: 'q_value', value: -1 }, { scorableId: 't#b', dimension: 'clarity', scorer: 'sicql', metric: 'score', value: 0.1 },
      { scorableId: 't#b', dimension: DIMENSION, scorer: 'ebt', metric: 'score', value: 0.4 }, { scorableId: 't#b', dimension: DIMENSION, scorer: 'sicql', metric: 'score', value: 0.6 },
    ]);
    expect(corpus.toList().map((r) => [r.stepId, r.dimension, r.scorer, r.score])).toEqual([['a', DIMENSION, 'sicql', 0.9], ['b', 'clarity', 'sicql', 0.1], ['b', DIMENSION, 'ebt', 0.4], ['b', DIMENSION, 'sicql', 0.6], ['c', DIMENSION, 'trace', null]]);
    expect(corpus.getScoresBy(DIMENSION, 'sicql').map((r) => r.scorableId)).toEqual(['t#a', 't#b']);
  });

  it('the Markdown table has mean and count, and stands a bar in a name', () => {
    const corpus = corpusWith([step('t#a'), step('t#b')], [scored('t#a', 'a|b', 0.5), scored('t#b', 'a|b', 0.25), scored('t#a', 'x', 1, {}, 'clarity')]);
    expect(corpus.toMarkdown()).toBe(['2 scorables, 3 records. Mean score, 0–1 (count).', '', `| scorer | clarity | ${DIMENSION} |`, '| --- | --- | --- |', '| a\\|b |  | 0.375 (2) |', '| x | 1.000 (1) |  |', ''].join('\n'));
  });
});

describe('filter', () => {
  const facts = [
    step('t#a', { file: 'f', goal: 'g', stepType: 'tool', tools: ['read', 'write'], agent: 'ann', model: 'm', isError: true, errorType: 'E', outcome: 0.25, timeMs: 1000 }),
    step('u#b', { outcome: 0.5, timeMs: 2000 }), step('u'),
  ];
  const corpus = corpusWith(facts, facts.flatMap((f) => [scored(f.id, 'x', 0.5), scored(f.id, 'y', 0.5, {}, 'clarity')]));
  const left = (filter: CorpusFilter): readonly string[] => corpus.filter(filter).scorableIds;

  it.each<[CorpusFilter, readonly string[]]>([
    [{ file: 'f' }, ['t#a']], [{ traceId: 'u' }, ['u#b', 'u']], [{ goal: 'g' }, ['t#a']], [{ stepType: 'tool' }, ['t#a']], [{ tool: 'write' }, ['t#a']], [{ agent: 'ann' }, ['t#a']], [{ model: 'm' }, ['t#a']],
    [{ isError: true }, ['t#a']], [{ isError: false }, ['u#b', 'u']], [{ errorType: 'E' }, ['t#a']], [{ outcome: [0.25, 0.4] }, ['t#a']], [{ outcome: [0, 1] }, ['t#a', 'u#b']], [{ timeMs: [1500, 2000] }, ['u#b']],
    [{ level: 'step' }, ['t#a', 'u#b']], [{ level: 'trace' }, ['u']], [{ ids: new Set(['u']) }, ['u']], [{ traceId: 'u', level: 'step' }, ['u#b']], [{ goal: 'nobody' }, []], [{}, ['t#a', 'u#b', 'u']],
  ])('%o', (filter, expected) => {
    expect(left(filter)).toEqual(expected);
    expect(corpus.filter(filter).size).toBe(2 * expected.length);
  });

  it('by dimension and scorer leaves the scorables', () => {
    const pinned = corpus.filter({ scorers: ['x'] });
    expect(pinned).toMatchObject({ dimensions: [DIMENSION], scorers: ['x'], size: 3 });
    expect(pinned.scorableIds).toHaveLength(3);
    expect(corpus.filter({ dimensions: ['clarity'] }).dimensions).toEqual(['clarity']);
  });

  it.each<[string, CorpusFilter]>([['all rows', {}], ['some rows', { traceId: 'u' }]])('gives a corpus of its own: %s', (_, filter) => {
    const source = corpusWith(facts, facts.map((f) => scored(f.id, 'x', 0.5, { q: 1, tags: ['a'] })));
    const part = source.filter(filter);
    const again = part.filter(filter);
    source.addScore(scored('u#b', 'x', 0.1, { q: 2 }));
    part.addScore(scored('u', 'x', 0.9));
    part.addScore(scored('w#z', 'x', 0.3));
    expect(part.record('u#b', DIMENSION, 'x')).toMatchObject({ score: 0.5, attributes: { q: 1, tags: ['a'] } });
    expect(part.getDimensionMatrix(DIMENSION).columns[0]?.at(-1)).toBe(0.3);
    expect(source.record('u', DIMENSION, 'x')).toMatchObject({ score: 0.5 });
    expect(again.record('u', DIMENSION, 'x')).toMatchObject({ score: 0.5 });
    expect([source.scorableIds.length, again.scorableIds.includes('w#z')]).toEqual([3, false]);
  });
});

describe('merge', () => {
  it('is the union; where both have one, the second counts', () => {
    const one = corpusWith([step('t#a', { title: 'old' }), step('t#b')], [scored('t#a', 'x', 0.1, { q: 1 }), scored('t#b', 'x', 0.2)]);
    const two = corpusWith([step('t#c'), step('t#a', { title: 'new' })], [scored('t#a', 'x', 0.9), scored('t#a', 'y', 0.8), scored('t#c', 'x', 0.7)]);
    const both = one.merge(two);
    expect(both.scorableIds).toEqual(['t#a', 't#b', 't#c']);
    expect(both.facts('t#a')?.title).toBe('new');
    expect([...both.records()].map((r) => [r.scorableId, r.scorer, r.score, r.attributes])).toEqual([['t#a', 'x', 0.9, {}], ['t#a', 'y', 0.8, {}], ['t#b', 'x', 0.2, {}], ['t#c', 'x', 0.7, {}]]);
    expect(one.record('t#a', DIMENSION, 'x')?.score).toBe(0.1);
    expect(one.scorableIds).toEqual(['t#a', 't#b']);
  });
});

describe('fromDict', () => {
  it('answers a sentence for what is no corpus', () => {
    const dict = three().toDict();
    const messageOf = (value: unknown): unknown => { const read = fromDict(value); return read.kind === 'unreadable' ? read.message : read.kind; };
    expect(messageOf(JSON.parse(JSON.stringify(dict)))).toBe('corpus');
    expect(messageOf([])).toMatch(/no corpus/);
    expect(messageOf({ ...dict, version: 2 })).toMatch(/version 2/);
    expect(messageOf({ ...dict, records: undefined })).toMatch(/lacks its list/);
    expect(messageOf({ ...dict, scorables: [...dict.scorables, { id: 'x' }] })).toBe('Scorable 3 of the corpus lacks a field, or has one of the wrong kind.');
    expect(messageOf({ ...dict, records: [{ ...dict.records[0], score: 'high' }] })).toBe('Record 0 of the corpus lacks a field, or has one of the wrong kind.');
  });
});

describe('a scorer with more attributes than make metrics', () => {
  it('keeps them all', () => {
    const many = Object.fromEntries(Array.from({ length: 1100 }, (_, i) => [`m${i}`, i]));
    const corpus = corpusWith([step('t#a')], [scored('t#a', 'x', 0.5, many)]);
    expect(corpus.record('t#a', DIMENSION, 'x')).toMatchObject({ score: 0.5, attributes: many });
    expect(corpus.metrics).toHaveLength(1024);
    expect(corpus.value('t#a', DIMENSION, 'x', 'score')).toBe(0.5);
  });
});
