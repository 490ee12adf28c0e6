/** Comparing two steps: the order of asking makes no difference, and more of what a scorer likes is better. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareSteps } from '../../server/src/scoring/compare.ts';
import type { ModelManifest, ScorerManifest } from '../../server/src/scoring/manifest.ts';
import { joinOutputs } from '../../server/src/scoring/rawScores.ts';
import type { RawByScorer } from '../../server/src/scoring/rawScores.ts';

const DIMENSIONS = ['reasoning_quality', 'relevance'];

const entry = (id: string): ScorerManifest => ({
  id, version: '1', file: '', sha256: '', sizeBytes: 0, dimensions: DIMENSIONS, enabledByDefault: true,
  calibration: { reasoning_quality: { kind: 'platt', a: 0.7, b: -1 }, relevance: { kind: 'isotonic', x: [-1, 1], y: [0.2, 0.9] } },
});
const manifest = {
  scorers: [entry('svm'), entry('mrq'), entry('contrastive_ranker')],
  consensus: { reasoning_quality: { weights: { svm: 0.5, mrq: 0.3, contrastive_ranker: 0.2 }, a: 1.4, b: 0.3 } },
} as unknown as ModelManifest;
const options = { manifest, scorers: ['svm', 'mrq', 'contrastive_ranker'], dimensions: DIMENSIONS };

function rawOf(decision: number, value: number, utility: number): RawByScorer {
  const both = (x: number): Float32Array => Float32Array.of(x, x);
  const rows: Readonly<Record<string, Readonly<Record<string, Float32Array>>>> = { svm: { decision: both(decision) }, mrq: { value: both(value) }, contrastive_ranker: { utility: both(utility), preference_logit: both(0) } };
  return new Map(manifest.scorers.flatMap((e) => joinOutputs(e, rows[e.id] ?? {}, { count: 1, firstCount: 1 }).map((row) => [e.id, row] as const)));
}

const number = fc.double({ min: -8, max: 8, noNaN: true });
const raws = fc.tuple(number, number, number).map(([a, b, c]) => rawOf(a, b, c));

describe('comparison', () => {
  it('is antisymmetric: compare(a, b) + compare(b, a) = 1, vote by vote and together', () => {
    fc.assert(fc.property(raws, raws, (a, b) => {
      const there = compareSteps(a, b, options);
      const back = compareSteps(b, a, options);
      expect(there.map((c) => c.dimension)).toEqual(DIMENSIONS);
      there.forEach((c, i) => {
        expect(c.preferFirst + (back[i]?.preferFirst ?? Number.NaN)).toBeCloseTo(1, 9);
        c.votes.forEach((v, k) => expect(v.preferFirst + (back[i]?.votes[k]?.preferFirst ?? Number.NaN)).toBeCloseTo(1, 9));
        expect([c.winner, back[i]?.winner]).toEqual(c.winner === 'none' ? ['none', 'none'] : c.winner === 'first' ? ['first', 'second'] : ['second', 'first']);
        expect(c.votes.reduce((sum, v) => sum + v.weight, 0)).toBeCloseTo(1, 9);
      });
    }));
  });

  it('weighs the votes as the consensus does; by hand', () => {
    // svm: σ(0.7·(2 − 1)); mrq: σ(0); ranker: σ(3 − 1). Together σ(1.4 · (0.5·0.7 + 0.3·0 + 0.2·2)).
    const [quality] = compareSteps(rawOf(2, 0, 3), rawOf(1, 0, 1), options);
    const sigma = (x: number): number => 1 / (1 + Math.exp(-x));
    expect(quality?.votes.map((v) => Number(v.preferFirst.toFixed(6)))).toEqual([sigma(0.7), 0.5, sigma(2)].map((x) => Number(x.toFixed(6))));
    expect(quality?.preferFirst).toBeCloseTo(sigma(1.4 * 0.75), 6);
    expect(quality?.winner).toBe('first');
  });

  it('says nothing where nobody read both steps', () => {
    expect(compareSteps(new Map(), rawOf(1, 1, 1), options)).toEqual([]);
    expect(compareSteps(rawOf(1, 1, 1), rawOf(1, 1, 1), { ...options, dimensions: ['novelty'] })).toEqual([]);
    expect(compareSteps(rawOf(1, 1, 1), rawOf(1, 1, 1), options)[0]).toMatchObject({ preferFirst: 0.5, winner: 'none' });
  });
});
