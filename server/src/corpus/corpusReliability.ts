/** How far scorers can be believed, and on which scorables they part. */
import { isWitness } from '../core/scoreRecord.ts';
import type { DimensionMatrix, ScoreCorpus } from './scoreCorpus.ts';
import { DISAGREEMENT, stepAgreement } from './stepAgreement.ts';
import { correlation, median, summaryOf } from './statistics.ts';

export interface ScorerReliability {
  readonly scorer: string;
  /** Pearson's r, -1 to 1, with the reference or with the mean of the other scorers; 1 of the reference itself; null where it is undefined. */
  readonly reliability: number | null;
  /** Scorables that both scored. */
  readonly n: number;
  readonly basis: 'reference' | 'leave-one-out';
}

export interface Disagreement {
  readonly scorableId: string;
  /** Sample standard deviation between scorers, 0–1. */
  readonly std: number;
  readonly spread: number;
  readonly high: string;
  readonly low: string;
  readonly scorers: number;
}

export interface DisagreementReport {
  /** Above the threshold, widest first. */
  readonly scorables: readonly Disagreement[];
  /** Judged by one scorer alone: nothing can be said. */
  readonly uncompared: readonly string[];
}

export interface Outlier {
  readonly scorableId: string;
  readonly score: number;
  /** Mean of the other scorers. */
  readonly others: number;
  /** How many robust standard deviations the difference lies from the usual one. */
  readonly z: number;
}

export interface OutlierReport {
  /** Median of (score - mean of the others), 0–1: what the scorer always adds; null with fewer than three scorables. */
  readonly bias: number | null;
  /** The bias is above twice its standard error and above 0.02. */
  readonly isBiased: boolean;
  /** Spread of the differences about the bias as a standard deviation: 1.4826 MAD, else 1.2533 mean deviations. */
  readonly scale: number | null;
  readonly n: number;
  /** Where the scorer parts from the others beyond its bias, furthest first. */
  readonly outliers: readonly Outlier[];
}

const MIN_ROWS = 3;
/** Modified z-score of Iglewicz and Hoaglin, 1993. */
const OUTLIER_Z = 3.5;
const MAD_TO_STD = 1.4826;
const MEAN_DEVIATION_TO_STD = 1.253314;
/** Standard error of a median over that of a mean. */
const MEDIAN_ERROR = 1.2533;
const SMALLEST_BIAS = 0.02;
/** Differences this small are rounding. */
const ROUNDING = 1e-9;

/** Witnesses only: the consensus is made of them. Without scores of the reference, each is held against the mean of the others. */
export function analyzeScorerReliability(corpus: ScoreCorpus, dimension: string, reference?: string): readonly ScorerReliability[] {
  const matrix = corpus.getDimensionMatrix(dimension);
  const trusted = reference === undefined ? undefined : matrix.columns[matrix.scorers.indexOf(reference)];
  return witnesses(matrix).map(({ scorer, scores }): ScorerReliability => {
    const { r, n } = correlation(scores, trusted ?? meanOfOthers(matrix, scorer));
    if (trusted === undefined) return { scorer, reliability: r, n, basis: 'leave-one-out' };
    return { scorer, reliability: scorer === reference ? 1 : r, n, basis: 'reference' };
  });
}

export function getHighDisagreementScorables(corpus: ScoreCorpus, dimension: string, threshold = DISAGREEMENT): DisagreementReport {
  const matrix = corpus.getDimensionMatrix(dimension);
  const columns = witnesses(matrix);
  const scorables: Disagreement[] = [];
  const uncompared: string[] = [];
  for (const [row, scorableId] of matrix.rowIds.entries()) {
    const scores = new Map(columns.flatMap(({ scorer, scores: column }) => (Number.isNaN(column[row]) ? [] : [[scorer, column[row] ?? Number.NaN] as const])));
    const { std, spread, pair } = stepAgreement(scores);
    if (scores.size === 1) uncompared.push(scorableId);
    if (std !== null && std > threshold && pair !== undefined) scorables.push({ scorableId, std, spread, high: pair.high, low: pair.low, scorers: scores.size });
  }
  return { scorables: scorables.sort((a, b) => b.std - a.std), uncompared };
}

/** Where one scorer parts from the others: what it does always is its bias, what it does now and then are outliers. */
export function getOutlierScorables(corpus: ScoreCorpus, options: { readonly dimension: string; readonly scorer: string; readonly threshold?: number | undefined }): OutlierReport {
  const { dimension, scorer, threshold = OUTLIER_Z } = options;
  const matrix = corpus.getDimensionMatrix(dimension);
  const scores = matrix.columns[matrix.scorers.indexOf(scorer)] ?? new Float64Array(0);
  const others = meanOfOthers(matrix, scorer);
  const differences = scores.map((score, row) => score - (others[row] ?? Number.NaN));
  const { n } = summaryOf(differences);
  if (n < MIN_ROWS) return { bias: null, isBiased: false, scale: null, n, outliers: [] };
  const bias = median(differences);
  const distances = differences.map((d) => Math.abs(d - bias));
  const scale = robustScale(distances);
  const isBiased = Math.abs(bias) > Math.max(SMALLEST_BIAS, (2 * MEDIAN_ERROR * scale) / Math.sqrt(n));
  const outliers = scale <= ROUNDING ? [] : matrix.rowIds.flatMap((scorableId, row): readonly Outlier[] => {
    const z = ((differences[row] ?? Number.NaN) - bias) / scale;
    return Math.abs(z) > threshold ? [{ scorableId, score: scores[row] ?? Number.NaN, others: others[row] ?? Number.NaN, z }] : [];
  });
  return { bias, isBiased, scale, n, outliers: outliers.sort((a, b) => Math.abs(b.z) - Math.abs(a.z)) };
}

/** More than half of the differences may be the same: then their mean deviation has to do. */
function robustScale(distances: Float64Array): number {
  const mad = median(distances);
  return mad > ROUNDING ? MAD_TO_STD * mad : MEAN_DEVIATION_TO_STD * (summaryOf(distances).mean ?? 0);
}

function witnesses(matrix: DimensionMatrix): readonly { readonly scorer: string; readonly scores: Float64Array }[] {
  return matrix.scorers.flatMap((scorer, i) => (isWitness(scorer) ? [{ scorer, scores: matrix.columns[i] ?? new Float64Array(0) }] : []));
}

/** Mean score of the other witnesses, one a row; NaN where there is none. */
function meanOfOthers(matrix: DimensionMatrix, scorer: string): Float64Array {
  const others = witnesses(matrix).filter((w) => w.scorer !== scorer);
  return Float64Array.from(matrix.rowIds, (_, row) => {
    let sum = 0;
    let n = 0;
    for (const { scores } of others) {
      const score = scores[row] ?? Number.NaN;
      if (Number.isNaN(score)) continue;
      sum += score;
      n++;
    }
    return n === 0 ? Number.NaN : sum / n;
  });
}
