/** What each scorer makes of one head row: golden files (UPDATE_GOLDEN=1 rewrites them), and the rules all share. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findMetric, METRICS } from '../../server/src/core/metrics.ts';
import type { ScorerManifest } from '../../server/src/scoring/manifest.ts';
import { findScorer, SCORERS } from '../../server/src/scoring/registry.ts';
import { toResult } from '../../server/src/scoring/scorer.ts';
import type { HeadRow } from '../../server/src/scoring/scorer.ts';
import { comparePreference } from '../../server/src/scoring/scorers/contrastiveRanker.ts';

/** Two dimensions; the values of the second stand after those of the first. */
const ROWS: Readonly<Record<string, HeadRow>> = {
  svm: { decision: [-0.5, 1.25], kernel_similarity: [0.25, 0.75] },
  contrastive_ranker: { preference_logit: [Math.log(3), 0], embedding_similarity: [0.5, -0.5], utility: [2, 1] },
  sicql: { q: [1, -1], v: [0.25, 0.5], q_upper: [1.5, -1.0000001], policy_logits: [0, 0, 0, Math.log(2), 0, 0] },
};

function entryOf(id: string): ScorerManifest {
  return {
    id, version: '9', file: `${id}.onnx`, sha256: '', sizeBytes: 0, dimensions: ['reasoning_quality', 'relevance'], enabledByDefault: true,
    calibration: { reasoning_quality: { kind: 'platt', a: 1, b: 0 }, relevance: { kind: 'isotonic', x: [-1, 1], y: [0.2, 0.6] } },
  };
}

function result(id: string, dimension: string, row = ROWS[id] ?? {}): ReturnType<typeof toResult> {
  const scorer = findScorer(id);
  if (scorer === undefined) throw new Error(`${id} is not in scoring/registry.ts.`);
  return toResult({ scorer, entry: entryOf(id), row, dimension });
}

describe.each(SCORERS.map((s) => s.id))('%s', (id) => {
  it('reads its row as the golden file says', () => {
    const url = new URL(`../golden/scorers/${id}.json`, import.meta.url);
    const rounded = JSON.stringify([result(id, 'reasoning_quality'), result(id, 'relevance')], (_, v: unknown) => (typeof v === 'number' ? Number(v.toFixed(9)) : v), 2);
    if (process.env['UPDATE_GOLDEN'] === '1') {
      mkdirSync(new URL('.', url), { recursive: true });
      writeFileSync(url, `${rounded}\n`);
    }
    expect(JSON.parse(rounded)).toEqual(JSON.parse(readFileSync(url, 'utf8')));
  });

  it('gives exactly the attributes the metric registry declares, inside their ranges', () => {
    const declared = METRICS.filter((m) => m.id.startsWith(`${id}.`)).map((m) => m.id.slice(id.length + 1));
    for (const dimension of ['reasoning_quality', 'relevance']) {
      const scored = result(id, dimension);
      const attributes = scored.kind === 'scored' ? scored.attributes : {};
      expect(Object.keys(attributes).sort()).toEqual([...declared].sort());
      for (const [name, value] of Object.entries(attributes)) {
        const [lo, hi] = findMetric(id, name)?.range ?? [0, 0];
        // Ranges hold up to rounding: the entropy of three equal shares is ln 3 to the last bit or next to it.
        expect(value).toBeGreaterThanOrEqual(lo - 1e-12);
        expect(value).toBeLessThanOrEqual(hi + 1e-12);
      }
    }
  });

  it('abstains where it is not calibrated, and never turns NaN into a number', () => {
    expect(result(id, 'novelty')).toMatchObject({ kind: 'unscored', reason: 'abstained' });
    const broken = Object.fromEntries(Object.entries(ROWS[id] ?? {}).map(([name, values]) => [name, Array.from(values, () => Number.NaN)]));
    expect(result(id, 'reasoning_quality', broken)).toMatchObject({ kind: 'unscored', reason: 'error' });
  });
});

describe('values derived by hand', () => {
  it('svm: σ(−0.5); margin |−0.5|', () => {
    expect(result('svm', 'reasoning_quality')).toMatchObject({ score: 1 / (1 + Math.exp(0.5)), attributes: { decision_function: -0.5, margin: 0.5, kernel_similarity: 0.25 } });
    // 1.25 lies past the last point of the isotonic curve.
    expect(result('svm', 'relevance')).toMatchObject({ score: 0.6 });
  });

  it('contrastive ranker: σ(ln 3) = 3/4, |2·3/4 − 1| = 1/2', () => {
    const scored = result('contrastive_ranker', 'reasoning_quality');
    const attributes = scored.kind === 'scored' ? scored.attributes : {};
    expect(attributes['preference_score']).toBeCloseTo(0.75, 12);
    expect(attributes['ranking_strength']).toBeCloseTo(0.5, 12);
    expect(attributes['decision_boundary']).toBeCloseTo(Math.log(3), 12);
    expect(comparePreference(2, 1) + comparePreference(1, 2)).toBeCloseTo(1, 12);
  });

  it('sicql: advantage Q − V, softmax of (ln 2, 0, 0) = (½, ¼, ¼), entropy 1.5 ln 2', () => {
    const even = result('sicql', 'reasoning_quality');
    expect(even.kind === 'scored' ? even.attributes['advantage'] : 0).toBe(0.75);
    expect(even.kind === 'scored' ? even.attributes['entropy'] : 0).toBeCloseTo(Math.log(3), 12);
    const second = result('sicql', 'relevance');
    const attributes = second.kind === 'scored' ? second.attributes : {};
    expect([attributes['p_accept'], attributes['p_revise'], attributes['p_escalate']].map((p) => Number(p?.toFixed(12)))).toEqual([0.5, 0.25, 0.25]);
    expect(attributes['entropy']).toBeCloseTo(1.5 * Math.log(2), 12);
    expect(attributes['q_gap']).toBe(0);
    // Half way between −1 and 1 would be 0.4; −1 is the first point.
    expect(second).toMatchObject({ score: 0.2 });
  });
});
