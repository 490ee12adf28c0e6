import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../server/src/core/planTrace.ts';
import type { Evaluation } from '../../server/src/corpus/scoreMemory.ts';
import { record } from '../../server/src/storage/evaluationStore.ts';
import { pack, saysTheSame, unpack, unpackRecords } from '../../server/src/storage/packedScores.ts';
import { importMemory } from '../../server/src/storage/transfer.ts';
import { currentOf, facts, testStore } from '../support/memories.ts';

const name = fc.oneof(fc.constantFrom('svm', 'ebt', 'a\u0000b', '__proto__x', 'ü'), fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' })).filter((s) => s !== '__proto__');
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (Object.is(x, -0) ? 0 : x));
const json = fc.jsonValue({ maxDepth: 2 }).map((v) => JSON.parse(JSON.stringify(v).replaceAll('-0', '0')) as JsonValue);
const aRecord = fc.record({
  scorableId: fc.constant('a'), dimension: name, scorer: name, scorerVersion: fc.constantFrom('', '1', '2'), score: fc.option(number), rationale: fc.string({ unit: 'grapheme' }), weight: number,
  attributes: fc.dictionary(name, fc.oneof({ weight: 4, arbitrary: number }, { weight: 1, arbitrary: json }), { maxKeys: 6 }),
});
const records = fc.uniqueArray(aRecord, { maxLength: 8, selector: (r) => `${r.dimension}\u0001${r.scorer}\u0001${r.scorerVersion}` });
const evaluationOf = (id: string, given: Evaluation['records'], text = ''): Evaluation => ({ scorable: facts(id), inputs: { text, context: '', model: '', calibration: '' }, records: given.map((r) => ({ ...r, scorableId: id })) });
const sorted = (given: Evaluation['records']): readonly string[] => given.map((r) => JSON.stringify({ ...r, attributes: Object.entries(r.attributes).sort(([a], [b]) => (a < b ? -1 : 1)) })).sort();

describe('a store', () => {
  it('gives back what it was given, from the packed copy and from the rows alike', () => {
    fc.assert(fc.property(records, (given) => {
      const store = testStore();
      record(store, [evaluationOf('a', given)], 1);
      expect(sorted(currentOf(store).records)).toEqual(sorted(given));
      store.db.prepare('UPDATE evaluations SET packed = NULL').run();
      expect(sorted(currentOf(store).records)).toEqual(sorted(given));
      store.db.close();
    }), { numRuns: 40 });
  });

  it('writes the same evaluation once, in whatever order it comes', () => {
    fc.assert(fc.property(records, (given) => {
      const store = testStore();
      record(store, [evaluationOf('a', given)], 1);
      record(store, [evaluationOf('a', given.toReversed())], 2);
      expect(store.db.prepare('SELECT count(*) AS n FROM evaluations').get()).toEqual({ n: 1 });
      store.db.close();
    }), { numRuns: 25 });
  });

  it('merges by import to what one store would hold, whichever way round', () => {
    const event = fc.record({ id: fc.constantFrom('a', 'b', 'c'), score: fc.double({ min: 0, max: 1, noNaN: true }), isThere: fc.boolean() });
    fc.assert(fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      const [here, there, one] = [testStore(), testStore(), testStore()];
      for (const [i, { id, score, isThere }] of events.entries()) {
        const evaluation = evaluationOf(id, [{ scorableId: id, dimension: 'd', scorer: 's', scorerVersion: '', score, rationale: '', weight: 1, attributes: { at: i } }], String(i));
        record(isThere ? there : here, [evaluation], i);
        record(one, [evaluation], i);
      }
      importMemory(here, there.db);
      importMemory(there, here.db);
      importMemory(here, there.db);
      const contents = (store: typeof here): unknown => [sorted(currentOf(store).records), store.db.prepare('SELECT text_hash FROM evaluations ORDER BY 1').pluck().all()];
      expect(contents(here)).toEqual(contents(one));
      expect(contents(there)).toEqual(contents(one));
      for (const store of [here, there, one]) store.db.close();
    }), { numRuns: 20 });
  });
});

describe('packed scores', () => {
  const { names } = testStore();

  it('come back, and show any change of their bytes', () => {
    fc.assert(fc.property(records, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, at, change) => {
      const { bytes } = pack(given, names);
      const back = unpack(bytes);
      expect(sorted(back === undefined ? [] : unpackRecords(back, 'a', names))).toEqual(sorted(given));
      const broken = new Uint8Array(bytes);
      const place = at % broken.length;
      broken[place] = (broken[place] ?? 0) ^ change;
      expect(unpack(broken)).toBeUndefined();
      expect(unpack(bytes.subarray(0, at % bytes.length))).toBeUndefined();
    }));
  });

  it('are the same within 1e-12 and not beyond, whatever their words', () => {
    fc.assert(fc.property(records.filter((r) => r.length > 0), fc.boolean(), (given, isFar) => {
      const [first, ...others] = given;
      if (first === undefined) return;
      const base = { ...first, score: 0.5 };
      const moved = { ...base, score: 0.5 + (isFar ? 3e-12 : 3e-13), rationale: 'other words' };
      expect(saysTheSame(pack([base, ...others], names), pack([moved, ...others], names))).toBe(!isFar);
    }));
  });
});
