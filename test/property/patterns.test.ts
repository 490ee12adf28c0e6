/** Patterns: bounds are bounds, a group that is the whole is like the whole, and no order of arrival matters. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wilson } from '../../server/src/corpus/patternStats.ts';
import { findPatterns } from '../../server/src/corpus/patterns.ts';
import { reviewQueue } from '../../server/src/corpus/reviewQueue.ts';
import { runsOf } from '../../server/src/corpus/runs.ts';
import type { CorpusRows } from '../../server/src/corpus/stepTable.ts';
import { VARIANT_KINDS, compareVariants } from '../../server/src/corpus/variants.ts';
import { testRows } from '../support/corpusRows.ts';
import type { RowStep, RowTrace } from '../support/corpusRows.ts';

const share = fc.double({ min: 0.01, max: 1, noNaN: true });
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });
const known = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined));

const step: fc.Arbitrary<RowStep> = fc.record({
  type: fc.constantFrom('plan', 'search', 'answer'), agent: maybe(fc.constantFrom('Ada', 'Bo')), score: maybe(share), uncertainty: maybe(share), durationMs: maybe(share), isError: fc.boolean(), escalation: maybe(share),
  witnesses: fc.dictionary(fc.constantFrom('sicql', 'ebt', 'hrm'), share, { maxKeys: 3, noNullPrototype: true }), label: maybe(fc.constantFrom('good' as const, 'bad' as const, 'first-bad' as const)),
}).map((s) => known(s) as unknown as RowStep);
const traces: fc.Arbitrary<readonly RowTrace[]> = fc.array(fc.record({
  goal: fc.constantFrom('g1', 'g2', 'g3', 'g4'), planSignature: fc.constantFrom('p', 'q', ''), model: maybe(fc.constantFrom('m', 'n')), outcome: maybe(share), score: maybe(share), timeMs: maybe(fc.nat(9)), steps: fc.array(step, { minLength: 1, maxLength: 6 }),
}), { maxLength: 12 }).map((all) => all.map((t, i) => known({ ...t, id: `t${i}` }) as unknown as RowTrace));

type Rows = ReturnType<typeof testRows>;

function corpusOfRows({ facts, records }: Rows): CorpusRows {
  const byId = new Map(facts.map((f) => [f.id, f]));
  return { scorableIds: facts.map((f) => f.id), facts: (id) => byId.get(id), records: () => records };
}

/** Everything that is made of a corpus here. */
function findings(rows: Rows): unknown {
  const corpus = corpusOfRows(rows);
  return { patterns: findPatterns(corpus, { firstErrorBelow: 0.5 }), runs: runsOf(corpus), queue: reviewQueue(corpus), variants: VARIANT_KINDS.map((by) => compareVariants(corpus, { by, draws: 50 })) };
}

describe('Wilson bounds', () => {
  const counts = fc.nat(10_000).chain((of) => fc.tuple(fc.nat(of), fc.constant(of)));
  it('lie in 0–1, in order, around the share', () => {
    fc.assert(fc.property(counts, ([count, of]) => {
      const [low, high] = wilson(count, of);
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(1);
      expect(low).toBeLessThan(high);
      if (of > 0) {
        expect(low).toBeLessThanOrEqual(count / of);
        expect(high).toBeGreaterThanOrEqual(count / of);
      }
    }));
  });
  it('mirror: what holds of successes holds of failures', () => {
    fc.assert(fc.property(counts, ([count, of]) => {
      expect(wilson(of - count, of)[0]).toBeCloseTo(1 - wilson(count, of)[1], 12);
    }));
  });
});

describe('patterns', () => {
  it('have lift 1 where the group is the whole', () => {
    fc.assert(fc.property(traces, (all) => {
      const corpus = corpusOfRows(testRows(all.map((t) => ({ ...t, steps: t.steps.map((s) => ({ ...s, type: 'only' })) }))));
      const found = findPatterns(corpus, { firstErrorBelow: 0.5, minSupport: 1 });
      const [only] = found.patterns.filter((p) => p.kind === 'step_type');
      if (only === undefined) {
        expect(all).toEqual([]);
        return;
      }
      expect(only.stats).toEqual(found.whole);
      for (const mean of [...Object.values(only.stats.scores), only.stats.uncertainty, only.stats.durationMs]) if (mean !== null) expect(mean.lift).toBe(1);
      expect(only.faults).toEqual([]);
    }));
  });

  it('support adds up over step types, and lifts weigh out to 1', () => {
    fc.assert(fc.property(traces, (all) => {
      const found = findPatterns(corpusOfRows(testRows(all)), { firstErrorBelow: 0.5, minSupport: 1 });
      const types = found.patterns.filter((p) => p.kind === 'step_type');
      expect(types.reduce((sum, p) => sum + p.stats.support.steps, 0)).toBe(found.whole.support.steps);
      const n = types.reduce((sum, p) => sum + (p.stats.uncertainty?.n ?? 0), 0);
      if (n > 0) expect(types.reduce((sum, p) => sum + (p.stats.uncertainty?.n ?? 0) * (p.stats.uncertainty?.lift ?? 0), 0) / n).toBeCloseTo(1, 9);
    }));
  });

  it('and all else found are the same to the bit in whatever order rows arrive', () => {
    const shuffled = traces.chain((all) => {
      const rows = testRows(all);
      return fc.tuple(fc.constant(rows), fc.shuffledSubarray([...rows.facts], { minLength: rows.facts.length }), fc.shuffledSubarray([...rows.records], { minLength: rows.records.length }));
    });
    fc.assert(fc.property(shuffled, ([rows, facts, records]) => {
      expect(findings({ facts, records })).toEqual(findings(rows));
    }));
  });

  it('are the same from shards of traces put together in either order', () => {
    fc.assert(fc.property(traces, fc.nat(12), (all, cut) => {
      const [first, second] = [testRows(all.slice(0, cut)), testRows(all.slice(cut))];
      const joined = (a: Rows, b: Rows): Rows => ({ facts: [...a.facts, ...b.facts], records: [...a.records, ...b.records] });
      expect(findings(joined(second, first))).toEqual(findings(joined(first, second)));
    }));
  });
});
