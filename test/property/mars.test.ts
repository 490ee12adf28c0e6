/** What must hold of MARS whatever the scores: order, scale and sharding change nothing; what is planted is found. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accumulateDraws, intervalsOf, mergeDraws } from '../../server/src/corpus/bootstrap.ts';
import { accumulate, finish, marsDimension, mergeSums, printResult } from '../../server/src/corpus/mars.ts';
import type { MarsColumn, MarsInput, MarsResult } from '../../server/src/corpus/mars.ts';
import { createMarsBlocks } from '../../server/src/corpus/marsBlocks.ts';
import { differences } from '../support/differences.ts';

const score = fc.double({ min: 0, max: 1, noNaN: true }).map((x) => Math.round(x * 1000) / 1000);
const cell = fc.oneof({ arbitrary: score, weight: 5 }, { arbitrary: fc.constant(Number.NaN), weight: 1 });

/** Any number of rows and scorers, cells missing, one attribute, with or without a reference. */
const anyInput = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 6 }), fc.boolean()).chain(([rows, scorers, hasReference]) =>
  fc.array(fc.record({ scores: fc.array(cell, { minLength: rows, maxLength: rows }), entropy: fc.array(cell, { minLength: rows, maxLength: rows }) }), { minLength: scorers, maxLength: scorers })
    .map((columns): MarsInput => ({
      dimension: 'clarity', rowIds: Array.from({ length: rows }, (_, i) => `s${i}`), config: { metrics: 'all', trust_reference: hasReference ? 's1' : null },
      columns: columns.map((c, s) => ({ scorer: `s${s}`, range: [0, 1], scores: Float64Array.from(c.scores), metrics: new Map([['entropy', Float64Array.from(c.entropy)]]) })),
    })));

const printed = (result: MarsResult): Readonly<Record<string, unknown>> => JSON.parse(JSON.stringify(printResult(result))) as Readonly<Record<string, unknown>>;
const pick = (values: Float64Array, order: readonly number[]): Float64Array => Float64Array.from(order, (i) => values[i] ?? Number.NaN);

function reordered(input: MarsInput, order: readonly number[]): MarsInput {
  return { ...input, rowIds: order.map((i) => input.rowIds[i] ?? ''), columns: input.columns.map((c) => ({ ...c, scores: pick(c.scores, order), metrics: new Map([...c.metrics].map(([k, v]) => [k, pick(v, order)])) })) };
}

/** Lists of ids in an order of their own; of steps that contest equally any may be shown. */
function unordered(result: MarsResult): Readonly<Record<string, unknown>> {
  const { metric_pairs, step_conflicts, outlier_scorers, high_agreement_scorables, high_disagreement_scorables, rows, explanation: _, ...rest } = printed(result) as unknown as MarsResult;
  const sorted = (ids: readonly string[]): readonly string[] => [...ids].sort();
  return {
    ...rest, rows: sorted(rows), high_agreement_scorables: sorted(high_agreement_scorables), high_disagreement_scorables: sorted(high_disagreement_scorables),
    metric_pairs: Object.fromEntries(metric_pairs.map((p) => [`${p.a.scorer}.${p.a.metric} ${p.b.scorer}.${p.b.metric}`, [p.correlation, p.n]])),
    step_conflicts: step_conflicts.length, outliers: Object.fromEntries(outlier_scorers.map((o) => [o.scorer, [o.mean, o.basis, o.apart]])),
  };
}

/** Where two results differ by more than the rounding of sums. Pooled correlations go through atanh, which near 1 makes 5e5 times as much of it. */
function apart(found: MarsResult, expected: MarsResult): readonly string[] {
  const [{ metric_correlations: pooled, ...rest }, { metric_correlations: expectedPooled, ...expectedRest }] = [unordered(found), unordered(expected)];
  return [...differences(rest, expectedRest, 1e-12), ...differences(pooled, expectedPooled, 1e-9, { at: '.metric_correlations' })];
}

/** Normal noise from a fixed stream. */
function noise(seed: number): () => number {
  let state = seed >>> 0;
  // mulberry32
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Scorers that see one quality through noise, each with its own bias and spread. */
function seeing(rows: number, seed: number, scorers: Readonly<Record<string, { readonly bias?: number; readonly spread: number }>>): MarsInput {
  const draw = noise(seed);
  const quality = Array.from({ length: rows }, () => 0.5 + 0.1 * draw());
  return {
    dimension: 'clarity', rowIds: quality.map((_, i) => `s${i}`),
    columns: Object.entries(scorers).map(([scorer, { bias = 0, spread }]): MarsColumn => ({ scorer, range: [-5, 5], metrics: new Map(), scores: Float64Array.from(quality, (q) => 10 * (q + bias + spread * draw()) - 5) })),
  };
}

/** Two scorers, one always the same distance above the other: its standard error is 0, however the rows are cut. */
function alwaysApart(distance: number): MarsInput {
  const scores = Float64Array.from({ length: 20 }, (_, i) => (i % 3) / 10 + 0.2);
  return { dimension: 'clarity', rowIds: Array.from(scores, (_, i) => `s${i}`), columns: [scores, scores.map((x) => x + distance)].map((column, s) => ({ scorer: `s${s}`, range: [0, 1], scores: column, metrics: new Map() })) };
}

describe('MARS', () => {
  it('does not depend on the order of steps or scorers', () => {
    fc.assert(fc.property(anyInput.chain((input) => fc.tuple(fc.constant(input), fc.shuffledSubarray([...input.rowIds.keys()], { minLength: input.rowIds.length }), fc.shuffledSubarray([...input.columns], { minLength: input.columns.length }))), ([input, order, columns]) => {
      const before = unordered(marsDimension(input));
      expect(differences(unordered(marsDimension(reordered({ ...input, columns }, order))), before, 1e-9)).toEqual([]);
    }));
  });

  it('does not depend on the scale a scorer declares', () => {
    const scale = fc.tuple(fc.double({ min: -100, max: 100, noNaN: true }), fc.double({ min: 0.1, max: 1000, noNaN: true }));
    fc.assert(fc.property(anyInput, fc.array(scale, { minLength: 6, maxLength: 6 }), (input, scales) => {
      const moved: MarsInput = { ...input, columns: input.columns.map((c, i) => {
        const [lo, width] = scales[i] ?? [0, 1];
        return { ...c, range: [lo, lo + width], scores: c.scores.map((x) => Math.min(lo + width, Math.max(lo, lo + width * x))) };
      }) };
      const { scorer_metrics: _, ...normalised } = unordered(marsDimension(input));
      const { scorer_metrics: __, ...found } = unordered(marsDimension(moved));
      expect(differences(found, normalised, 1e-8)).toEqual([]);
    }));
  });

  it('shards add up to the whole, to 1e-12, and their draws too', () => {
    fc.assert(fc.property(anyInput, fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }), (input, a, b) => {
      const [first, second] = [a, b].map((at) => Math.min(at, input.rowIds.length)).sort((x, y) => x - y) as [number, number];
      const shards = [[0, first], [first, second], [second, input.rowIds.length]].map(([from = 0, to = 0]) => reordered(input, Array.from({ length: to - from }, (_, i) => from + i)));
      const sums = shards.map(accumulate);
      const whole = printed(marsDimension(input));
      const [x, y, z] = sums as [typeof sums[0], typeof sums[0], typeof sums[0]];
      for (const merged of [mergeSums(mergeSums(x, y), z), mergeSums(x, mergeSums(y, z))]) {
        expect(apart(finish(merged), marsDimension(input))).toEqual([]);
        expect(printed(finish(merged))['rows']).toEqual(whole['rows']);
      }
      const options = { pair: ['s0', 's2'] as const, draws: 20 };
      const [p, q, r] = shards.map((s) => accumulateDraws(s, options)) as [ReturnType<typeof accumulateDraws>, ReturnType<typeof accumulateDraws>, ReturnType<typeof accumulateDraws>];
      // Scores that hardly vary leave few digits of alpha.
      expect(differences(intervalsOf(mergeDraws(mergeDraws(p, q), r)), intervalsOf(accumulateDraws(input, options)), 1e-6)).toEqual([]);
    }));
  });

  it('kept in blocks and changed step by step, it says what it says of the whole', () => {
    fc.assert(fc.property(anyInput, fc.array(fc.tuple(fc.nat(39), fc.nat(5), cell), { maxLength: 8 }), (input, changes) => {
      const kept = createMarsBlocks(7);
      kept.update(input);
      let all = input;
      for (const [at, scorer, value] of changes) {
        all = { ...all, columns: all.columns.map((c, i) => (i === scorer % all.columns.length ? { ...c, scores: c.scores.with(at % c.scores.length, value) } : c)) };
        // A row that goes moves all behind it; the next time it may be back.
        const now = reordered(all, [...all.rowIds.keys()].filter((row) => all.rowIds.length === 1 || row % 13 !== at % 29));
        expect(apart(kept.update(now), marsDimension(now))).toEqual([]);
      }
    }), { numRuns: 40, examples: [[alwaysApart(0.3), [[8, 0, 0.4]]]] });
  });

  it('a missing cell is missing, not 0: a scorer without scores changes nothing', () => {
    fc.assert(fc.property(anyInput, (input) => {
      const empty: MarsColumn = { scorer: 'silent', range: [0, 1], scores: new Float64Array(input.rowIds.length).fill(Number.NaN), metrics: new Map() };
      expect(printed(marsDimension({ ...input, columns: [...input.columns, empty] }))).toEqual(printed(marsDimension(input)));
    }));
  });

  it('stays within its ranges and never prints NaN', () => {
    fc.assert(fc.property(anyInput, (input) => {
      const result = marsDimension(input);
      const between = (x: number | null, lo: number, hi: number): void => {
        if (x !== null) expect(x >= lo - 1e-12 && x <= hi + 1e-12).toBe(true);
      };
      between(result.agreement_score, 0, 1);
      between(result.agreement_scaled, 0, 1);
      between(result.coverage, 0, 1);
      between(result.krippendorff_alpha, -Infinity, 1);
      between(result.effective_scorers, 1, result.scorers.length);
      Object.values(result.reliability).forEach((r) => between(r, -1, 1));
      expect(result.explanation).not.toMatch(/NaN|undefined|null/);
      const { row_std: _, row_std_population: __, ...rest } = result;
      JSON.stringify(rest, (key, value: unknown) => {
        if (typeof value === 'number') expect(Number.isNaN(value), key).toBe(false);
        return value;
      });
    }));
  });

  it('one scorer is ungrounded and one step is no reliability', () => {
    fc.assert(fc.property(anyInput, (input) => {
      const alone = marsDimension({ ...input, columns: input.columns.slice(0, 1) });
      expect([alone.agreement_score, alone.primary_conflict, alone.krippendorff_alpha, alone.preferred_model]).toEqual([null, null, null, null]);
      if (alone.scorers.length === 1) expect(alone.grounding).toBe('ungrounded');
      const one = marsDimension(reordered(input, [0]));
      expect(Object.entries(one.reliability).every(([s, r]) => r === null || s === one.trust_reference)).toBe(true);
      expect(one.grounding).not.toBe('grounded');
      expect([one.agreement_score === null, one.primary_conflict === null]).toEqual(one.scorers.length > 1 ? [false, false] : [true, true]);
    }));
  });

  it('a scorer that never varies has no reliability and adds no scorer', () => {
    fc.assert(fc.property(anyInput, score, (input, value) => {
      const constant: MarsColumn = { scorer: 'fixed', range: [0, 1], scores: new Float64Array(input.rowIds.length).fill(value), metrics: new Map() };
      const result = marsDimension({ ...input, columns: [...input.columns, constant], config: { ...input.config, trust_reference: null } });
      expect(result.reliability['fixed']).toBeNull();
      expect(result.effective_scorers).toBe(marsDimension({ ...input, config: { ...input.config, trust_reference: null } }).effective_scorers);
    }));
  });
});

describe('what is planted', () => {
  it('a conflict of two scorers is found and named, and silence where steps vary but scorers agree', () => {
    fc.assert(fc.property(fc.integer(), fc.integer({ min: 20, max: 200 }), fc.constantFrom(['a', 'c'], ['d', 'b'], ['e', 'a']), (seed, rows, pair) => {
      const [high = '', low = ''] = pair;
      const scorers = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((s) => [s, { spread: 0.02, bias: s === high ? 0.3 : s === low ? -0.3 : 0 }]));
      const result = marsDimension(seeing(rows, seed, scorers));
      expect(result.primary_conflict?.pair).toEqual([high, low]);
      expect(result.primary_conflict?.delta).toBeCloseTo(0.6, 1);
      expect(result.high_disagreement).toBe(true);
      const calm = marsDimension(seeing(rows, seed, Object.fromEntries(Object.keys(scorers).map((s) => [s, { spread: 0.02 }]))));
      expect([calm.high_disagreement, calm.high_disagreement_scorables, calm.outlier_scorers]).toEqual([false, [], []]);
    }));
  });

  it('a bias is told from noise: the biased scorer is named, the noisy one is not', () => {
    fc.assert(fc.property(fc.integer(), fc.integer({ min: 300, max: 500 }), fc.constantFrom(-0.2, 0.2), (seed, rows, bias) => {
      const result = marsDimension(seeing(rows, seed, { a: { spread: 0.03 }, b: { spread: 0.03 }, biased: { spread: 0.03, bias }, d: { spread: 0.03 }, noisy: { spread: 0.12 } }));
      expect(result.outlier_scorers.map((o) => o.scorer)).toEqual(['biased']);
      expect(result.outlier_scorers[0]?.mean).toBeCloseTo(bias, 1);
      expect(Math.abs(result.bias['noisy']?.mean ?? 1)).toBeLessThan(0.05);
    }));
  });

  it('two scorers that are one count as one', () => {
    fc.assert(fc.property(fc.integer(), (seed) => {
      const input = seeing(100, seed, { a: { spread: 0.1 }, c: { spread: 0.1 } });
      const [twin] = input.columns;
      const columns = twin === undefined ? [] : [...input.columns, { ...twin, scorer: 'b' }];
      const result = marsDimension({ ...input, columns });
      expect(result.redundant_scorers.map((r) => [r.pair, r.n])).toEqual([[['a', 'b'], 100]]);
      expect(result.effective_scorers).toBeLessThan(2.1);
    }));
  });
});
