/** What each scorer makes of one head row: golden files (UPDATE_GOLDEN=1 rewrites them), and the rules all share. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findMetric, METRICS } from '../../server/src/core/metrics.ts';
import type { ModelManifest, ScorerManifest } from '../../server/src/scoring/manifest.ts';
import { joinOutputs, packRaw, splitOutputs, unpackRaw } from '../../server/src/scoring/rawScores.ts';
import { findScorer, SCORERS } from '../../server/src/scoring/registry.ts';
import { runOutcome } from '../../server/src/scoring/runOutcome.ts';
import { toResult } from '../../server/src/scoring/scorer.ts';
import type { HeadRow } from '../../server/src/scoring/scorer.ts';
import { tokenMeasures } from '../../server/src/scoring/tokenMeasures.ts';

/** Two dimensions; the values of the second stand after those of the first. */
const ROWS: Readonly<Record<string, HeadRow>> = {
  ebt: { neg_energy: [0.5, -1], baseline: [0.25, -1.5], energies: [0, 0, 0, 0, 0, Math.log(2), 0, 0, 0, 0], path_length: [1.5, 0] },
  hrm: { logit: [0.5, -0.5], convergence: [0.25, 0.125], zl_magnitude: [3, 3.5], zh_magnitude: [2, 2.5], run_logit: [0.75], steps: [3], state_out: [1, 2, 3, 4] },
  mrq: { value: [1, -1], baseline: [1, Math.log(3) - 1], embedding_distance: [0.5, 2] },
  svm: { decision: [-0.5, 1.25], kernel_similarity: [0.25, 0.75] },
  contrastive_ranker: { preference_logit: [Math.log(3), 0], embedding_similarity: [0.5, -0.5], utility: [2, 1] },
  sicql: { q: [1, -1], v: [0.25, 0.5], q_upper: [1.5, -1.0000001], policy_logits: [0, 0, 0, Math.log(2), 0, 0] },
};

function entryOf(id: string): ScorerManifest {
  return {
    id, version: '9', file: `${id}.onnx`, sha256: '', sizeBytes: 0, dimensions: ['reasoning_quality', 'relevance'], enabledByDefault: true,
    ...(id === 'hrm' ? { stateWidth: 4 } : {}), ...(id === 'svm' ? { supportVectorCount: 12 } : {}),
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

  it('ebt: energies turn the sign of the head, advantage is better than expected', () => {
    // energy −0.5 where −0.25 is expected: better by 0.25. Five equal energies: ln 5.
    const even = result('ebt', 'reasoning_quality');
    expect(even).toMatchObject({ attributes: { energy: -0.5, baseline: -0.25, advantage: 0.25, trace_length: 1.5 } });
    expect(even.kind === 'scored' ? even.attributes['policy_entropy'] : 0).toBeCloseTo(Math.log(5), 12);
    // Shares of (ln 2, 0, 0, 0, 0) with the sign turned: 1/9 and four times 2/9.
    const uneven = result('ebt', 'relevance');
    expect(uneven.kind === 'scored' ? uneven.attributes['policy_entropy'] : 0).toBeCloseTo(Math.log(9) / 9 + (8 / 9) * Math.log(4.5), 12);
  });

  it('hrm: reads what it shares between dimensions from one place', () => {
    expect(result('hrm', 'reasoning_quality')).toMatchObject({ attributes: { energy: -0.5, trace_length: 3, convergence: 0.25, zL_magnitude: 3, zH_magnitude: 2 } });
    expect(result('hrm', 'relevance')).toMatchObject({ attributes: { energy: 0.5, trace_length: 3, convergence: 0.125 } });
  });

  it('mrq: σ(1 − 1) = ½; meta score is the calibrated one', () => {
    expect(result('mrq', 'reasoning_quality')).toMatchObject({ attributes: { baseline_score: 1, scaled_score: 0.5, meta_score: 1 / (1 + Math.exp(-1)), embedding_distance: 0.5 } });
    // −1 − (ln 3 − 1) = −ln 3: 1/4.
    const second = result('mrq', 'relevance');
    expect(second.kind === 'scored' ? second.attributes['scaled_score'] : 0).toBeCloseTo(0.25, 12);
  });

  it('what is stored of a step is what was read, the steps counted', () => {
    const entry = entryOf('hrm');
    const outputs = { logit: [1, 2, 3, 4], convergence: [5, 6, 7, 8], zl_magnitude: [0, 0, 0, 0], zh_magnitude: [0, 0, 0, 0], run_logit: [9, 10], state_out: [1, 1, 1, 1, 2, 2, 2, 2] };
    const rows = joinOutputs(entry, Object.fromEntries(Object.entries(outputs).map(([name, values]) => [name, Float32Array.from(values)])), { count: 2, firstCount: 5 });
    expect(rows.map((r) => splitOutputs(entry, r))).toMatchObject([
      { logit: Float32Array.of(1, 2), convergence: Float32Array.of(5, 6), run_logit: Float32Array.of(9), steps: Float32Array.of(5), state_out: Float32Array.of(1, 1, 1, 1) },
      { logit: Float32Array.of(3, 4), convergence: Float32Array.of(7, 8), run_logit: Float32Array.of(10), steps: Float32Array.of(6), state_out: Float32Array.of(2, 2, 2, 2) },
    ]);
    const raw = new Map([['hrm', rows[0] ?? new Float32Array(0)]]);
    expect(unpackRaw(packRaw(raw, ['hrm']), ['hrm'])).toEqual(raw);
    expect(unpackRaw(packRaw(raw, ['hrm']), ['hrm', 'svm'])).toBeUndefined();
  });
});

describe('tokens of the producer', () => {
  it('mean, least likely, perplexity and the share under e^−2.3', () => {
    // ln ½ three times and −3 once: mean −(3 ln 2 + 3) / 4.
    const mean = -(3 * Math.log(2) + 3) / 4;
    const measures = tokenMeasures([-Math.log(2), -Math.log(2), -Math.log(2), -3, Number.NaN, Number.NEGATIVE_INFINITY, 0.5]);
    expect(measures).toEqual({ logprob_mean: mean, logprob_min: -3, perplexity: Math.exp(-mean), low_probability_share: 0.25 });
    expect(Object.keys(measures ?? {}).every((name) => findMetric('trace', name) !== undefined)).toBe(true);
    expect(tokenMeasures([])).toBeUndefined();
    expect(tokenMeasures(undefined)).toBeUndefined();
  });
});

describe('the whole run', () => {
  const manifest = { scorers: [entryOf('hrm')], runOutcome: { a: 2, b: -1, dataset: 'runs' } } as unknown as ModelManifest;
  const raw = new Map([['hrm', joinOutputs(entryOf('hrm'), { run_logit: Float32Array.of(0.5) }, { count: 1, firstCount: 1 })[0] ?? new Float32Array(0)]]);

  it('is calibrated from what hrm says after the last step, or says nothing', () => {
    // 2 · 0.5 − 1 = 0.
    expect(runOutcome(manifest, raw)).toEqual({ probability: 0.5, dataset: 'runs' });
    expect(runOutcome(manifest, new Map())).toBeUndefined();
    expect(runOutcome({ scorers: manifest.scorers } as unknown as ModelManifest, raw)).toBeUndefined();
  });
});
