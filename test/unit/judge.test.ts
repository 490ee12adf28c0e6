/** From raw scores to a judgement: what is missing, what the rules add, and what is remembered. */
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../server/src/core/problems.ts';
import { judge } from '../../server/src/scoring/judge.ts';
import type { ModelManifest, ScorerManifest } from '../../server/src/scoring/manifest.ts';
import { joinOutputs } from '../../server/src/scoring/rawScores.ts';

const entry = (id: string): ScorerManifest => ({
  id, version: '1', file: '', sha256: '', sizeBytes: 0, dimensions: ['reasoning_quality', 'novelty'], enabledByDefault: true,
  calibration: { reasoning_quality: { kind: 'platt', a: 1, b: 0 } }, ...(id === 'hrm' ? { stateWidth: 2 } : { supportVectorCount: 5 }),
});
const manifest = {
  scorers: [entry('svm'), entry('hrm')],
  consensus: { reasoning_quality: { weights: { svm: 1, hrm: 1, rules: 2 }, a: 1, b: 0, uncertainty: { kind: 'logistic', intercept: 0, coefficients: {} } } },
  rules: { arithmetic_error: { reasoning_quality: { score: 0.2, n: 40, good: 8 } } },
} as unknown as ModelManifest;

/** svm says 0.8: logit ln 4. */
const raw = new Map([['svm', joinOutputs(entry('svm'), { decision: Float32Array.of(Math.log(4), 0), kernel_similarity: Float32Array.of(0.5, 0.5) }, { count: 1, firstCount: 1 })[0] ?? new Float32Array(0)]]);
const wrong: Finding = { code: 'arithmetic-error', stepIndex: 0, range: null, message: '6, not 7, is what 2 × 3 comes to.', evidence: [], weight: 1 };
const options = { manifest, scorers: ['svm', 'hrm'], dimensions: ['reasoning_quality'], findings: [] as readonly Finding[] };

describe('judgement', () => {
  it('calls a scorer pending that has not read the step yet, and goes on without it', () => {
    const { results, consensus } = judge(raw, options).on('reasoning_quality');
    expect(results.map((r) => [r.scorer, r.kind === 'scored' ? 'scored' : r.reason])).toEqual([['svm', 'scored'], ['hrm', 'pending'], ['rules', 'abstained']]);
    expect(consensus).toMatchObject({ scorers: ['svm'] });
    expect(consensus?.score).toBeCloseTo(0.8, 6);
  });

  it('weighs in what the rules found, and forgets it when it is mended', () => {
    // (1 · ln 4 − 2 · ln 4) / 3 = −ln 4 / 3.
    const { consensus } = judge(raw, { ...options, findings: [wrong] }).on('reasoning_quality');
    expect(consensus?.score).toBeCloseTo(1 / (1 + 4 ** (1 / 3)), 6);
    expect(judge(raw, options).on('reasoning_quality').consensus?.score).toBeCloseTo(0.8, 6);
  });

  it('leaves the rules out where the settings do', () => {
    const { findings: _, ...rest } = options;
    expect(judge(raw, { ...rest, findings: undefined }).on('reasoning_quality').results.map((r) => r.scorer)).toEqual(['svm', 'hrm']);
  });
});
