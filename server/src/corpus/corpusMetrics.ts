/** What the metrics of a corpus say: averages, correlations, outliers. */
import { scorableCheck } from './filters.ts';
import type { ScoreCorpus } from './scoreCorpus.ts';
import { correlation, rankCorrelation, summaryOf, zScores } from './statistics.ts';

/** A metric of a scorer. */
export interface MetricAddress {
  readonly scorer: string;
  readonly metric: string;
}

export interface MetricCorrelation {
  readonly a: MetricAddress;
  readonly b: MetricAddress;
  /** Pearson, -1 to 1; null with fewer than three scorables that have both, or where one does not vary. */
  readonly r: number | null;
  /** Spearman: of the ranks. */
  readonly rho: number | null;
  readonly n: number;
}

export interface MetricOutlier {
  readonly scorableId: string;
  readonly scorer: string;
  readonly value: number;
  /** Population standard deviations from the mean of that scorer's values. */
  readonly z: number;
}

export interface AverageOptions {
  readonly goal?: string;
  /** All dimensions when left out. */
  readonly dimension?: string;
}

/** Mean over the scorables that have the metric; null where none has. */
export function average(corpus: ScoreCorpus, { metric, scorer }: MetricAddress, options: AverageOptions = {}): { readonly mean: number | null; readonly n: number } {
  const check = scorableCheck(options.goal === undefined ? {} : { goal: options.goal });
  const isWanted = corpus.scorables.map(check);
  const values = (options.dimension === undefined ? corpus.dimensions : [options.dimension]).flatMap((dimension) => {
    const column = corpus.column(dimension, scorer, metric);
    return column === undefined ? [] : [...column.values].filter((_, i) => isWanted[column.rows[i] ?? -1] === true);
  });
  const { mean, n } = summaryOf(Float64Array.from(values));
  return { mean, n };
}

/** One value a scorable, in the order of `scorableIds`; NaN missing. */
export function valuesByRow(corpus: ScoreCorpus, at: MetricAddress & { readonly dimension: string }): Float64Array {
  const values = new Float64Array(corpus.scorableIds.length).fill(Number.NaN);
  const column = corpus.column(at.dimension, at.scorer, at.metric);
  if (column !== undefined) for (let i = 0; i < column.rows.length; i++) values[column.rows[i] ?? 0] = column.values[i] ?? Number.NaN;
  return values;
}

/**
 * Every pair of the metrics given, within and across scorers; without metrics, every pair within each scorer. Values are
 * paired by scorable, so that two scorers' different scales never mix.
 */
export function getMetricCorrelations(corpus: ScoreCorpus, dimension: string, metrics?: readonly MetricAddress[]): readonly MetricCorrelation[] {
  const groups = metrics === undefined ? corpus.scorersOf(dimension).map((scorer) => corpus.metricsOf(dimension, scorer).map((metric) => ({ scorer, metric }))) : [metrics];
  return groups.flatMap((group) => {
    const columns = group.map((address) => valuesByRow(corpus, { dimension, ...address }));
    return group.flatMap((a, i) => group.slice(i + 1).map((b, k): MetricCorrelation => {
      const [x, y] = [columns[i] ?? new Float64Array(0), columns[i + 1 + k] ?? new Float64Array(0)];
      return { a, b, ...correlation(x, y), rho: rankCorrelation(x, y).r };
    }));
  });
}

/** Values more than `threshold` standard deviations from the mean of their own scorer, furthest first. Scorers with fewer than three values, or constant ones, have none. */
export function findMetricOutliers(corpus: ScoreCorpus, options: { readonly dimension: string; readonly metric: string; readonly threshold?: number | undefined }): readonly MetricOutlier[] {
  const { dimension, metric, threshold = 2 } = options;
  const found = corpus.scorersOf(dimension).flatMap((scorer) => {
    const column = corpus.column(dimension, scorer, metric);
    const scores = column === undefined ? undefined : zScores(column.values);
    if (column === undefined || scores === undefined) return [];
    return [...scores].flatMap((z, i): readonly MetricOutlier[] => (Math.abs(z) > threshold ? [{ scorableId: corpus.scorableIds[column.rows[i] ?? -1] ?? '', scorer, value: column.values[i] ?? Number.NaN, z }] : []));
  });
  return found.sort((a, b) => Math.abs(b.z) - Math.abs(a.z) || (a.scorableId < b.scorableId ? -1 : 1));
}
