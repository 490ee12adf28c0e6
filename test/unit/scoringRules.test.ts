/** The rules as a scorer: a score where a check was measured, silence elsewhere. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findMetric } from '../../server/src/core/metrics.ts';
import type { Finding, ProblemCodeId } from '../../server/src/core/problems.ts';
import { judgeRules, RULE_CHECKS } from '../../server/src/scoring/scorers/rules.ts';
import type { RuleTable } from '../../server/src/scoring/scorers/rules.ts';

const finding = (code: ProblemCodeId): Finding => ({ code, stepIndex: 0, range: null, message: '144, not 154, is what 12 × 12 comes to.', evidence: [], weight: 1 });
// (6 + 1) / (28 + 2) and (3 + 1) / (30 + 2).
const table: RuleTable = { arithmetic_error: { reasoning_quality: { score: 7 / 30, n: 28, good: 6 } }, repeated_action: { reasoning_quality: { score: 0.125, n: 30, good: 3 }, novelty: { score: 0.1, n: 12, good: 0 } } };

function check(codes: readonly ProblemCodeId[], expected: readonly (number | string)[], dimensions: readonly string[] = ['reasoning_quality']): ReturnType<typeof judgeRules> {
  const results = judgeRules({ findings: codes.map(finding), dimensions }, table);
  expect(results.map((result) => (result.kind === 'scored' ? result.score : result.reason))).toEqual(expected);
  return results;
}

describe('rules as a scorer', () => {
  it('scores what a check found, the worst first, and says why', () => {
    const [result] = check(['arithmetic-error'], [7 / 30]);
    expect(result).toMatchObject({ kind: 'scored', scorer: 'rules', dimension: 'reasoning_quality', weight: 1, attributes: { arithmetic_error: 1, repeated_action: 0, findings: 1 } });
    expect(result?.kind === 'scored' ? result.rationale : '').toBe('144, not 154, is what 12 × 12 comes to. Of 28 such steps with a label 6 were good.');
    const [both] = check(['arithmetic-error', 'arithmetic-error', 'repeated-action'], [0.125]);
    expect(both?.attributes).toMatchObject({ arithmetic_error: 2, repeated_action: 1, findings: 3 });
  });

  it('abstains where nothing was found, nothing was measured, or too little', () => {
    expect(check([], ['abstained'])[0]?.attributes).toMatchObject({ arithmetic_error: 0, findings: 0 });
    check(['secret-in-trace'], ['abstained']);
    // Twelve cases are too few; no check speaks to coherence at all.
    check(['repeated-action'], [0.125, 'abstained'], ['reasoning_quality', 'novelty', 'coherence']);
    expect(judgeRules({ findings: [finding('arithmetic-error')], dimensions: ['reasoning_quality'] }, {})[0]?.kind).toBe('unscored');
  });

  it('declares a metric for every attribute', () => {
    const [result] = check([], ['abstained']);
    expect(Object.keys(result?.attributes ?? {}).filter((name) => findMetric('rules', name) === undefined), 'add a row to core/metrics.ts').toEqual([]);
    expect(RULE_CHECKS).toHaveLength(9);
  });

  it('ships a table that says what it counted', () => {
    const path = join(import.meta.dirname, '../../models/rules_table.json');
    expect(existsSync(path), 'node models/rulesTable.ts <data folder>').toBe(true);
    const shipped = JSON.parse(readFileSync(path, 'utf8')) as RuleTable;
    expect(shipped['arithmetic_error']?.['reasoning_quality']?.score).toBeLessThan(0.5);
    for (const [name, byDimension] of Object.entries(shipped)) {
      expect(RULE_CHECKS).toContain(name);
      for (const { score, n, good } of Object.values(byDimension)) {
        expect(n).toBeGreaterThanOrEqual(20);
        expect(score).toBeCloseTo((good + 1) / (n + 2), 3);
      }
    }
  });
});
