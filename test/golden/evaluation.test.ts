/** Every measure of an evaluation, against models/evaluate.py on committed rows and draws (`evaluation/make.py` writes them). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { interval } from '../../server/src/scoring/evaluation/bootstrap.ts';
import type { Bootstrap } from '../../server/src/scoring/evaluation/bootstrap.ts';
import { evaluate } from '../../server/src/scoring/evaluation/evaluate.ts';
import type { JudgedTrace } from '../../server/src/scoring/evaluation/evaluate.ts';

interface Figure { readonly auroc: number; readonly ci: readonly [number, number]; readonly auprc: number; readonly ece: number }
interface Golden {
  readonly label: readonly (number | null)[];
  readonly trace: readonly number[];
  readonly problem: readonly number[];
  readonly score: readonly number[];
  readonly uncertainty: readonly number[];
  readonly threshold: number;
  readonly draws: Readonly<Record<string, readonly string[]>>;
  readonly expected: {
    readonly step: Figure;
    readonly firstError: { readonly f1: number; readonly ci: readonly [number, number]; readonly accuracyErroneous: number; readonly accuracyClean: number; readonly traces: number };
    readonly riskCoverage: { readonly at: Readonly<Record<string, number>>; readonly area: number; readonly marginArea: number; readonly bestArea: number };
  };
}

const golden = JSON.parse(readFileSync(new URL('evaluation/figures.json', import.meta.url), 'utf8')) as Golden;
const bootstrap: Bootstrap = { drawsOf: (count) => (golden.draws[count] ?? []).map((draw) => [...draw].map(Number)) };
const traces = [...new Set(golden.trace)].map((id): JudgedTrace => {
  const rows = golden.trace.flatMap((t, row) => (t === id ? [row] : []));
  return {
    dataset: '', problem: String(golden.problem[rows[0] ?? 0]),
    steps: rows.map((row) => ({
      label: golden.label[row] ?? null, length: 1, voices: {}, consensus: { reasoning_quality: { score: golden.score[row] ?? Number.NaN, uncertainty: golden.uncertainty[row] ?? Number.NaN } },
    })),
  };
});
const found = evaluate(traces, { scorers: [], dimensions: ['reasoning_quality'], firstErrorThreshold: golden.threshold, bootstrap });
const close = (value: number | null | undefined, expected: number | undefined): void => {
  expect(value ?? Number.NaN).toBeCloseTo(expected ?? Number.NaN, 5);
};

describe('golden: evaluation', () => {
  it('steps: AUROC and its interval, AUPRC of bad ones, ECE', () => {
    const { step } = golden.expected;
    expect(found.consensus.auroc).toBeCloseTo(step.auroc, 12);
    expect(found.consensus.auprc).toBeCloseTo(step.auprc, 12);
    expect(found.consensus.ece).toBeCloseTo(step.ece, 12);
    // The twin sums its draws in single precision.
    step.ci.forEach((bound, i) => close(found.consensus.interval?.[i], bound));
  });

  it('first error: F1 and its interval, both accuracies', () => {
    const { firstError } = golden.expected;
    expect(found.firstError?.f1).toBeCloseTo(firstError.f1, 12);
    expect(found.firstError?.accuracyErroneous).toBeCloseTo(firstError.accuracyErroneous, 12);
    expect(found.firstError?.accuracyClean).toBeCloseTo(firstError.accuracyClean, 12);
    expect((found.firstError?.erroneous ?? 0) + (found.firstError?.clean ?? 0)).toBe(firstError.traces);
    firstError.ci.forEach((bound, i) => close(found.firstError?.interval?.[i], bound));
  });

  it('risk by coverage', () => {
    const { riskCoverage } = golden.expected;
    for (const { coverage, risk } of found.riskCoverage?.at ?? []) expect(risk).toBeCloseTo(riskCoverage.at[coverage === 1 ? '1.0' : String(coverage)] ?? Number.NaN, 12);
    expect(found.riskCoverage?.area).toBeCloseTo(riskCoverage.area, 12);
    expect(found.riskCoverage?.marginArea).toBeCloseTo(riskCoverage.marginArea, 12);
    expect(found.riskCoverage?.bestArea).toBeCloseTo(riskCoverage.bestArea, 12);
  });

  it('percentiles as numpy takes them', () => {
    // 41 values 0 … 40: 2.5 % of 40 is 1, 97.5 % is 39; with one more, 1.025 and 39.975.
    expect(interval(Array.from({ length: 41 }, (_, i) => i))).toEqual([1, 39]);
    const [low, high] = interval(Array.from({ length: 42 }, (_, i) => i)) ?? [];
    close(low, 1.025);
    close(high, 39.975);
  });
});
