/** What holds of every corpus, whatever is put into it and in whichever order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromDict } from '../../server/src/corpus/corpusDict.ts';
import { createCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import type { ScoreCorpus } from '../../server/src/corpus/scoreCorpus.ts';
import type { ScorableFacts, ScoreRecord } from '../../server/src/core/scoreRecord.ts';
import { anyFacts, anyRecord, keyOf, lastOfEach } from '../support/arbitraryScores.ts';

const records = fc.array(anyRecord, { maxLength: 40 });
const facts = fc.array(anyFacts, { maxLength: 6 });

function corpusWith(scorables: readonly ScorableFacts[], all: readonly ScoreRecord[]): ScoreCorpus {
  const corpus = createCorpus();
  for (const one of scorables) corpus.addScorable(one);
  for (const record of all) corpus.addScore(record);
  return corpus;
}

const heldBy = (corpus: ScoreCorpus): ReadonlyMap<string, ScoreRecord> => new Map([...corpus.records()].map((r) => [keyOf(r), r]));
const sortedList = (corpus: ScoreCorpus): readonly string[] => corpus.toList().map((row) => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();
/** Numbers of a record as the corpus should know them, by an own reading of the rule: numbers, and numbers of short lists unless their name is taken. */
function metricsIn(record: ScoreRecord): Readonly<Record<string, number>> {
  const found: [string, number][] = record.score === null ? [] : [['score', record.score]];
  for (const [name, value] of Object.entries(record.attributes)) {
    if (typeof value === 'number' && name !== 'score') found.push([name, value]);
    if (Array.isArray(value) && value.every((v) => v === null || typeof v === 'number')) {
      for (const [i, v] of value.entries()) if (typeof v === 'number' && !Object.hasOwn(record.attributes, `${name}[${i}]`)) found.push([`${name}[${i}]`, v]);
    }
  }
  return Object.fromEntries(found);
}

describe('a corpus', () => {
  it('gives back every record as it came, the last of each place', () => {
    fc.assert(fc.property(records, (all) => {
      expect(heldBy(corpusWith([], all))).toEqual(lastOfEach(all));
    }));
  });

  it('survives JSON without loss', () => {
    fc.assert(fc.property(facts, records, (scorables, all) => {
      const corpus = corpusWith(scorables, all);
      const read = fromDict(JSON.parse(JSON.stringify(corpus.toDict())));
      if (read.kind !== 'corpus') throw new Error(read.message);
      expect(read.corpus.toDict()).toEqual(corpus.toDict());
      expect(read.corpus.scorableIds).toEqual(corpus.scorableIds);
    }));
  });

  it('does not hang on the order of insertion', () => {
    const shuffled = records.chain((all) => {
      const last = [...lastOfEach(all).values()];
      return fc.tuple(fc.constant(last), fc.shuffledSubarray(last, { minLength: last.length, maxLength: last.length }));
    });
    fc.assert(fc.property(shuffled, ([one, two]) => {
      const [a, b] = [corpusWith([], one), corpusWith([], two)];
      expect([b.dimensions, b.scorers, b.metrics, b.size]).toEqual([a.dimensions, a.scorers, a.metrics, a.size]);
      expect(sortedList(b)).toEqual(sortedList(a));
      for (const dimension of a.dimensions) for (const metric of a.metrics) {
        const [m, n] = [a.getMetricMatrix(dimension, metric), b.getMetricMatrix(dimension, metric)];
        const byId = (matrix: typeof m): unknown => Object.fromEntries(matrix.rowIds.map((id, row) => [id, matrix.scorers.map((s, i) => [s, matrix.columns[i]?.[row]])]));
        expect(byId(n)).toEqual(byId(m));
      }
    }));
  });

  it('scored again is the corpus of the last scores', () => {
    fc.assert(fc.property(records, (all) => {
      const corpus = createCorpus();
      for (const record of all) {
        corpus.addScore(record);
        // Matrices are cached as they are asked for: they must be dropped again where they no longer hold.
        corpus.getMetricMatrix(record.dimension, 'score');
        corpus.getMetricMatrix(record.dimension, 'q_value');
      }
      const rebuilt = corpusWith(corpus.scorableIds.flatMap((id) => corpus.facts(id) ?? []), [...lastOfEach(all).values()]);
      expect(corpus.toTensor()).toEqual(rebuilt.toTensor());
      for (const dimension of corpus.dimensions) for (const metric of ['score', 'q_value']) expect(corpus.getMetricMatrix(dimension, metric)).toEqual(rebuilt.getMetricMatrix(dimension, metric));
    }));
  });

  it('keeps missing missing: a cell has a value where a record holds the number, and nowhere else', () => {
    fc.assert(fc.property(records, (all) => {
      const corpus = corpusWith([], all);
      const { labels, values, mask } = corpus.toTensor();
      const held = lastOfEach(all);
      let at = 0;
      for (const scorableId of labels.scorables) for (const dimension of labels.dimensions) for (const scorer of labels.scorers) {
        const record = held.get(JSON.stringify([scorableId, dimension, scorer]));
        const expected = record === undefined ? {} : metricsIn(record);
        for (const metric of labels.metrics) {
          const value = Object.hasOwn(expected, metric) ? expected[metric] : undefined;
          expect([metric, values[at], mask[at]]).toEqual([metric, value ?? Number.NaN, value === undefined ? 0 : 1]);
          at++;
        }
      }
      expect(at).toBe(values.length);
    }));
  });

  it('merged with another is the union, the other first', () => {
    fc.assert(fc.property(facts, records, facts, records, (f, a, g, b) => {
      const [one, two] = [corpusWith(f, a), corpusWith(g, b)];
      const before = one.toDict();
      const both = one.merge(two);
      expect(heldBy(both)).toEqual(lastOfEach([...a, ...b]));
      expect(new Set(both.scorableIds)).toEqual(new Set([...one.scorableIds, ...two.scorableIds]));
      for (const id of both.scorableIds) expect(both.facts(id)).toEqual(two.facts(id) ?? one.facts(id));
      expect(one.toDict()).toEqual(before);
    }));
  });

  it('filtered is a corpus of its own, however both are written to afterwards', () => {
    fc.assert(fc.property(records, fc.subarray(['t#0', 't#1', 't', 'u#0', 'f.json::u#1', 'plain']), records, records, (all, ids, toSource, toPart) => {
      const source = corpusWith([], all);
      const part = source.filter({ ids: new Set(ids) });
      const partOfPart = part.filter({});
      for (const record of toSource) source.addScore(record);
      for (const record of toPart) part.addScore(record);
      const kept = all.filter((r) => ids.includes(r.scorableId));
      expect(heldBy(source)).toEqual(lastOfEach([...all, ...toSource]));
      expect(heldBy(part)).toEqual(lastOfEach([...kept, ...toPart]));
      expect(heldBy(partOfPart)).toEqual(lastOfEach(kept));
    }));
  });
});
