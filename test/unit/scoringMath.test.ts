/** Calibration, consensus, thresholds and the explaining sentence, against values derived by hand. */
import { describe, expect, it } from 'vitest';
import type { Consensus, ScoreBundle, ScoreResult } from '../../server/src/core/scoreResult.ts';
import { calibrate, logit, sigmoid } from '../../server/src/scoring/calibration.ts';
import { consensusOf, consensusOn } from '../../server/src/scoring/consensus.ts';
import { ROW_SCALARS, ROW_WIDTH } from '../../server/src/scoring/headInput.ts';
import { explainStep } from '../../server/src/scoring/explain.ts';
import type { ConsensusManifest, ModelManifest } from '../../server/src/scoring/manifest.ts';
import { firstErrorIndex, lowScoreThreshold } from '../../server/src/scoring/thresholds.ts';
import { parseManifest } from '../../server/src/inference/manifestFile.ts';
import { bundleOf } from '../support/bundles.ts';

const FLAT: ConsensusManifest = { weights: { svm: 1, sicql: 1 }, a: 1, b: 0, uncertainty: { kind: 'logistic', intercept: 0, coefficients: {} } };

function manifestWith(change: Partial<ModelManifest>): ModelManifest {
  return {
    manifestVersion: 2,
    dimensions: { reasoning_quality: { ships: true }, novelty: { ships: false } },
    backbone: { id: 'b', version: '1', file: 'b.onnx', sha256: 'a'.repeat(64), sizeBytes: 1, width: 384, window: { tokens: 384, goalTokens: 120, goalHead: 80, chunkTokens: 120, carryTokens: 124, stepEnd: 2, chunkEnd: 3 } },
    tokenizer: { file: 't.json', sha256: 'b'.repeat(64), sizeBytes: 1 },
    headInput: { version: 2, width: ROW_WIDTH, scalars: ROW_SCALARS },
    scorers: [{ id: 'svm', version: '1', file: 's.onnx', sha256: 'c'.repeat(64), sizeBytes: 1, dimensions: ['reasoning_quality'], enabledByDefault: true, calibration: { reasoning_quality: { kind: 'platt', a: 1, b: 0 } } }],
    consensus: { reasoning_quality: FLAT },
    thresholds: { firstError: 0.4, lowScore: { alphas: [0.01, 0.05], lengths: [1, 4, 16], values: [[0.3, 0.5], [0.2, 0.4], [0.1, 0.3]] }, highUncertainty: 0.5, scorerConflict: 0.3 },
    ...change,
  };
}

function scored(scorer: string, score: number, attributes: Record<string, number> = {}): ScoreResult {
  return { kind: 'scored', dimension: 'reasoning_quality', scorer, scorerVersion: '1', score, rationale: '', weight: 1, attributes };
}

describe('calibration', () => {
  it('platt is a sigmoid of a line', () => {
    // 2·1.5 − 3 = 0 -> one half; σ(ln 3) = 3/4.
    expect(calibrate({ kind: 'platt', a: 2, b: -3 }, 1.5)).toBe(0.5);
    expect(calibrate({ kind: 'platt', a: 1, b: 0 }, Math.log(3))).toBeCloseTo(0.75, 12);
    expect(calibrate({ kind: 'platt', a: 1, b: 0 }, Number.NaN)).toBeNaN();
    expect(calibrate({ kind: 'platt', a: 1, b: 0 }, 1e9)).toBeLessThanOrEqual(1);
  });

  it('isotonic interpolates and holds its ends', () => {
    const isotonic = { kind: 'isotonic', x: [-1, 0, 2], y: [0.1, 0.5, 0.9] } as const;
    // Half way from 0 to 2: (0.5 + 0.9) / 2.
    expect([-5, -1, -0.5, 0, 1, 2, 9].map((x) => Number(calibrate(isotonic, x).toFixed(12)))).toEqual([0.1, 0.1, 0.3, 0.5, 0.7, 0.9, 0.9]);
    // A step (two points at one x) takes the upper side.
    expect(calibrate({ kind: 'isotonic', x: [0, 1, 1, 2], y: [0, 0, 1, 1] }, 1)).toBe(1);
  });

  it('logit undoes sigmoid and clips at 1e-4', () => {
    expect(logit(sigmoid(1.25))).toBeCloseTo(1.25, 12);
    expect(logit(0)).toBeCloseTo(Math.log(1e-4 / 0.9999), 12);
    expect(logit(1)).toBeCloseTo(-logit(0), 9);
  });
});

describe('consensus', () => {
  it('averages logits by weight over the scorers present', () => {
    // logit 3/4 = ln 3, logit 1/4 = −ln 3; weights 3 : 1 -> ½ ln 3 -> √3 / (1 + √3).
    const fit = { ...FLAT, weights: { svm: 3, sicql: 1 } };
    const both = consensusOf([{ scorer: 'svm', score: 0.75 }, { scorer: 'sicql', score: 0.25 }], fit);
    expect(both?.score).toBeCloseTo(Math.sqrt(3) / (1 + Math.sqrt(3)), 12);
    expect(both?.spread).toBe(0.5);
    expect(both?.conflict).toEqual({ high: 'svm', low: 'sicql' });
    const alone = consensusOf([{ scorer: 'sicql', score: 0.25 }], fit);
    expect(alone?.score).toBeCloseTo(0.25, 12);
    expect(alone).not.toHaveProperty('conflict');
    expect(consensusOf([{ scorer: 'stranger', score: 0.25 }], fit)).toBeUndefined();
    expect(consensusOf([], fit)).toBeUndefined();
  });

  it('uncertainty adds margin, score, population spread, distance and attributes', () => {
    const voices = [{ scorer: 'svm', score: 0.75 }, { scorer: 'sicql', score: 0.25 }];
    const of = (coefficients: Readonly<Record<string, number>>, measured: Readonly<Record<string, number>> = {}, rest: Partial<ConsensusManifest['uncertainty']> = {}): number =>
      consensusOf(voices, { ...FLAT, uncertainty: { ...FLAT.uncertainty, coefficients, ...rest } }, measured)?.uncertainty ?? Number.NaN;
    // p = 0.5, so the margin term is 1; std of (0.75, 0.25) over the population is 0.25; similarity 0.5 where unknown.
    expect(of({ margin: 2 })).toBeCloseTo(sigmoid(2), 12);
    expect(of({ spread: 4 })).toBeCloseTo(sigmoid(1), 12);
    expect(of({ distance: 2 })).toBeCloseTo(sigmoid(1), 12);
    expect(of({ distance: 2 }, { 'svm.kernel_similarity': 0.9 })).toBeCloseTo(sigmoid(0.2), 12);
    expect(of({ score: 2 })).toBeCloseTo(sigmoid(1), 12);
    expect(of({}, {}, { intercept: -1 })).toBeCloseTo(sigmoid(-1), 12);
    expect(of({ 'ebt.trace_length': 0.5 }, { 'ebt.trace_length': 4 })).toBeCloseTo(sigmoid(2), 12);
    // Nobody measured it: nothing is added, or what the manifest calls usual.
    expect(of({ 'hrm.convergence': 3 })).toBe(0.5);
    expect(of({ 'hrm.convergence': 3 }, {}, { usual: { 'hrm.convergence': 0.5 } })).toBeCloseTo(sigmoid(1.5), 12);
  });

  it('hears our scorers only: no people, no files, nothing unscored', () => {
    const results: ScoreResult[] = [
      scored('svm', 0.8, { kernel_similarity: 1 }), scored('human', 0), scored('file:judge', 0.1),
      { kind: 'unscored', dimension: 'reasoning_quality', scorer: 'sicql', scorerVersion: '1', reason: 'pending' },
    ];
    const manifest = manifestWith({ consensus: { reasoning_quality: { ...FLAT, weights: { svm: 1, human: 1, 'file:judge': 1 }, uncertainty: { ...FLAT.uncertainty, coefficients: { distance: 5 } } } } });
    const found = consensusOn('reasoning_quality', results, manifest);
    expect(found?.score).toBeCloseTo(0.8, 12);
    // Similarity 1 leaves no distance: σ(0).
    expect(found?.uncertainty).toBe(0.5);
    expect(found?.scorers).toEqual(['svm']);
    expect(consensusOn('reasoning_quality', [], manifest)).toBeUndefined();
  });

  it('hears rules where the manifest gives them weight, but never rules alone', () => {
    const manifest = manifestWith({ consensus: { reasoning_quality: { ...FLAT, weights: { svm: 1, rules: 1 } } } });
    // ½ (logit 0.8 + logit 0.2) = 0.
    expect(consensusOn('reasoning_quality', [scored('svm', 0.8), scored('rules', 0.2)], manifest)?.score).toBeCloseTo(0.5, 12);
    expect(consensusOn('reasoning_quality', [scored('rules', 0.2)], manifest)).toBeUndefined();
    expect(consensusOn('reasoning_quality', [scored('svm', 0.8), scored('rules', 0.2)], manifestWith({}))?.score).toBeCloseTo(0.8, 12);
  });
});

describe('thresholds', () => {
  const at = (falseAlarmPercent: number, traceLength: number): number => lowScoreThreshold(manifestWith({}), { falseAlarmPercent, traceLength });

  it('interpolates length on a log scale and the rate linearly, and holds the ends', () => {
    // Rows are lengths 1, 4, 16; columns are rates 1 % and 5 %.
    expect([at(5, 1), at(5, 4), at(1, 16)]).toEqual([0.5, 0.4, 0.1]);
    // Length 2 is half way from 1 to 4 in logarithms; 3 % is half way from 1 to 5.
    expect(at(5, 2)).toBeCloseTo(0.45, 12);
    expect(at(3, 4)).toBeCloseTo(0.3, 12);
    expect(at(3, 2)).toBeCloseTo(0.35, 12);
    expect([at(0.1, 1000), at(50, 0)]).toEqual([0.1, 0.5]);
  });

  it('finds the first step under the bar', () => {
    expect(firstErrorIndex(manifestWith({}), [0.9, undefined, 0.39, 0.1])).toBe(2);
    expect(firstErrorIndex(manifestWith({}), [0.4, undefined])).toBeUndefined();
  });

  it('refuses a manifest that names files outside the folder, windows over the model or other features', () => {
    const base = manifestWith({});
    expect(parseManifest(JSON.stringify({ ...base, tokenizer: { ...base.tokenizer, file: '../x.json' } }))).toMatch(/tokenizer/);
    const withRules = (rules: object): string | ModelManifest => parseManifest(JSON.stringify({ ...base, backbone: { ...base.backbone, window: { ...base.backbone.window, ...rules } } }));
    expect(withRules({ tokens: 513 })).toMatch(/fit into each other/);
    expect(withRules({ chunkTokens: 130 })).toMatch(/fit into each other/);
    expect(withRules({ stepEnd: null })).toMatch(/stepEnd/);
    expect(parseManifest(JSON.stringify({ ...base, headInput: { ...base.headInput, scalars: [] } }))).toMatch(/other step features/);
    expect(parseManifest(JSON.stringify({ ...base, runOutcome: { a: 1 } }))).toMatch(/runOutcome/);
    expect(parseManifest('[')).toMatch(/JSON/);
    const { thresholds } = base;
    const turned = { ...thresholds, lowScore: { ...thresholds.lowScore, values: [[0.3, 0.2, 0.1], [0.5, 0.4, 0.3]] } };
    expect(parseManifest(JSON.stringify({ ...base, thresholds: turned }))).toMatch(/one row a length/);
    expect(parseManifest(JSON.stringify(base))).toEqual(base);
  });
});

describe('explanation', () => {
  const bundle = (results: readonly ScoreResult[], consensus: Consensus): ScoreBundle => bundleOf('t#s', results, { reasoning_quality: consensus });
  const base: Consensus = { score: 0.38, uncertainty: 0.41, spread: 0.4, conflict: { high: 'svm', low: 'sicql' }, scorers: ['svm', 'sicql'] };
  const results = [scored('svm', 0.6, { margin: 3 }), scored('sicql', 0.2)];

  it('names what deviates most first', () => {
    expect(explainStep({ dimension: 'reasoning_quality', consensus: base, bundle: bundle(results, base), usual: 0.12 })).toBe('38: uncertain (0.41, usual 0.12); svm and sicql disagree by 40');
  });

  it('names an attribute far from its usual value', () => {
    const calm = { ...base, uncertainty: 0.1, spread: 0.1 };
    // (3 − 0.5) / 0.5 = 5 deviations.
    expect(explainStep({ dimension: 'reasoning_quality', consensus: calm, bundle: bundle(results, calm), usual: 0.12, usualByMetric: { 'svm.margin': { mean: 0.5, std: 0.5 } } }))
      .toBe('38: svm margin is 3.00, usual 0.50 (distance from the separating surface)');
  });

  it('says who agrees when nothing stands out', () => {
    const calm = { ...base, score: 0.9, uncertainty: 0.1, spread: 0.04 };
    expect(explainStep({ dimension: 'reasoning_quality', consensus: calm, bundle: bundle(results, calm), usual: 0.12 })).toBe('90: 2 scorers agree within 4');
    const low = { ...calm, score: 0.3 };
    expect(explainStep({ dimension: 'reasoning_quality', consensus: low, bundle: bundle(results, low), usual: 0.12 })).toBe('30: 2 scorers agree within 4, sicql lowest (20)');
    const { conflict: _, ...rest } = calm;
    const alone = { ...rest, spread: 0, scorers: ['svm'] };
    expect(explainStep({ dimension: 'reasoning_quality', consensus: alone, bundle: bundle(results, alone), usual: 0.12 })).toBe('90: svm alone judged it');
  });
});
