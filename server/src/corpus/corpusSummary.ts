/** A corpus in a page: what it holds, what scorers say on average, where they are unsure and part, which kinds of step stand out. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import { CONSENSUS_SCORER, isWitness } from '../core/scoreRecord.ts';
import { groupBy } from './corpusGroups.ts';
import { valuesByRow } from './corpusMetrics.ts';
import type { ScoreCorpus } from './scoreCorpus.ts';
import { SCORE_METRIC } from './scoreSheet.ts';
import { summaryOf } from './statistics.ts';
import type { Summary } from './statistics.ts';

/** Steps above it are counted as uncertain. */
export const HIGH_UNCERTAINTY = 0.3;
/** Standard deviation between scorers under which they agree strongly. */
export const STRONG_AGREEMENT = 0.1;

export interface ScoreSummary extends Summary {
  readonly dimension: string;
  readonly scorer: string;
}

export interface UncertaintySummary extends Summary {
  readonly dimension: string;
  readonly aboveHigh: number;
}

export interface AgreementSummary {
  readonly dimension: string;
  /** Steps with two witnesses or more. */
  readonly compared: number;
  /** Steps with one: nothing can be said. */
  readonly uncompared: number;
  /** Mean over steps of the standard deviation between scorers; null with nothing to compare. */
  readonly std: number | null;
  /** 1 - min(std, 1). */
  readonly agreement: number | null;
  readonly strong: number;
}

export interface StepTypeSummary {
  readonly stepType: string;
  readonly steps: number;
  /** Mean consensus, 0–1. */
  readonly score: number | null;
  readonly scoreLift: number | null;
  readonly uncertainty: number | null;
  /** Against the mean of all steps, 1 being usual. */
  readonly uncertaintyLift: number | null;
  /** Share of steps with an error. */
  readonly errorRate: number;
}

export interface CorpusSummary {
  readonly steps: number;
  readonly traces: number;
  readonly goals: number;
  readonly records: number;
  readonly dimensions: readonly string[];
  readonly scorers: readonly string[];
  readonly metrics: readonly string[];
  readonly scores: readonly ScoreSummary[];
  readonly uncertainty: readonly UncertaintySummary[];
  readonly agreement: readonly AgreementSummary[];
  /** Most uncertain first. */
  readonly stepTypes: readonly StepTypeSummary[];
}

/** Figures are of steps; whole traces are counted alone. */
export function summariseCorpus(corpus: ScoreCorpus, dimension: string = PRIMARY_DIMENSION): CorpusSummary {
  const steps = corpus.filter({ level: 'step' });
  const facts = corpus.scorables;
  return {
    steps: steps.scorableIds.length, traces: new Set(facts.map((f) => `${f.file}\u0000${f.traceId}`)).size, goals: new Set(facts.map((f) => f.goal)).size,
    records: corpus.size, dimensions: corpus.dimensions, scorers: corpus.scorers, metrics: corpus.metrics,
    scores: steps.dimensions.flatMap((d) => steps.scorersOf(d).flatMap((scorer): readonly ScoreSummary[] => {
      const column = steps.column(d, scorer, SCORE_METRIC);
      return column === undefined ? [] : [{ dimension: d, scorer, ...summaryOf(column.values) }];
    })),
    uncertainty: steps.dimensions.flatMap((d): readonly UncertaintySummary[] => {
      const column = steps.column(d, CONSENSUS_SCORER, 'uncertainty');
      return column === undefined ? [] : [{ dimension: d, ...summaryOf(column.values), aboveHigh: column.values.filter((u) => u > HIGH_UNCERTAINTY).length }];
    }),
    agreement: steps.dimensions.flatMap((d) => agreementOf(steps, d)),
    stepTypes: stepTypes(steps, dimension),
  };
}

function agreementOf(corpus: ScoreCorpus, dimension: string): readonly AgreementSummary[] {
  const columns = corpus.scorersOf(dimension).filter(isWitness).map((scorer) => valuesByRow(corpus, { dimension, scorer, metric: SCORE_METRIC }));
  if (columns.length === 0) return [];
  let compared = 0;
  let uncompared = 0;
  let strong = 0;
  let total = 0;
  for (let row = 0; row < corpus.scorableIds.length; row++) {
    const { n, std } = summaryOf(Float64Array.from(columns, (c) => c[row] ?? Number.NaN));
    if (n === 1) uncompared++;
    if (std === null) continue;
    compared++;
    total += std;
    if (std < STRONG_AGREEMENT) strong++;
  }
  const std = compared === 0 ? null : total / compared;
  return [{ dimension, compared, uncompared, std, agreement: std === null ? null : 1 - Math.min(std, 1), strong }];
}

function stepTypes(steps: ScoreCorpus, dimension: string): readonly StepTypeSummary[] {
  const of = (metric: string): ReturnType<typeof groupBy> => groupBy(steps, 'stepType', { dimension, scorer: CONSENSUS_SCORER, metric });
  const scores = new Map(of(SCORE_METRIC).rows.map((r) => [r.key, r]));
  const errors = new Map<string, number>();
  for (const { isError, stepType } of steps.scorables) if (isError) errors.set(stepType, (errors.get(stepType) ?? 0) + 1);
  return of('uncertainty').rows.map((row): StepTypeSummary => {
    const stepType = row.key ?? '';
    const score = scores.get(row.key);
    return { stepType, steps: row.scorables, score: score?.mean ?? null, scoreLift: score?.lift ?? null, uncertainty: row.mean, uncertaintyLift: row.lift, errorRate: (errors.get(stepType) ?? 0) / row.scorables };
  });
}
