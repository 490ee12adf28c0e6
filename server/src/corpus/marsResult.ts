/** What MARS says of one dimension. The names are those that `stepscope mars` prints. */
import type { StepConflict } from './marsSums.ts';

/** Scores are on 0–1 unless said; null is "cannot be told". */
export interface MarsResult {
  readonly dimension: string;
  readonly source: 'mars';
  /** Those with a score, in alphabetical order. */
  readonly scorers: readonly string[];
  /** Ids of steps with a score. */
  readonly rows: readonly string[];
  /** One a row: standard deviation between its scorers, ddof 1; NaN with fewer than two. */
  readonly row_std: Float64Array;
  /** Mean of row_std. */
  readonly std_dev: number | null;
  /** 1 − min(std_dev, 1). */
  readonly agreement_score: number | null;
  /** The same with ddof 0. */
  readonly row_std_population: Float64Array;
  readonly std_dev_population: number | null;
  /** max(0, 1 − 2·std_dev_population): 0 at the greatest disagreement there can be. */
  readonly agreement_scaled: number | null;
  /** How much scores differ between steps: mean over scorers of the standard deviation over steps, ddof 0. */
  readonly score_spread_mean_col_std: number | null;
  /** Mean of the scorers' means. */
  readonly average_score: number | null;
  readonly scorer_means: Readonly<Record<string, number>>;
  /** The pair whose means over steps both scored lie farthest apart, the higher one first. */
  readonly primary_conflict: PrimaryConflict | null;
  /** The scorer closest to the trust reference, or without one to the median of the others; null where nothing can be compared. */
  readonly preferred_model: string | null;
  readonly preferred_basis: 'trust_reference' | 'leave_one_out_median' | null;
  /** Mean distance by which it was chosen. */
  readonly distance: Readonly<Record<string, number>>;
  readonly high_disagreement: boolean;
  /** Steps whose row_std is above the threshold; at or under it. */
  readonly high_disagreement_scorables: readonly string[];
  readonly high_agreement_scorables: readonly string[];
  /** Correlation with the reference (its own is 1), or without one with the mean of the others. */
  readonly reliability: Readonly<Record<string, number | null>>;
  /** Steps that rests on. */
  readonly reliability_n: Readonly<Record<string, number>>;
  /** By scorer and metric, on the scorer's own scale; std has ddof 0. */
  readonly scorer_metrics: Readonly<Record<string, Readonly<Record<string, MetricStats>>>>;
  /** Between metrics of the same record; several scorers that have both are pooled by Fisher's z. */
  readonly metric_correlations: Readonly<Record<string, Readonly<Record<string, number>>>>;

  readonly trust_reference: string | null;
  readonly variance_threshold: number;
  /** Interval data, see krippendorff.ts. */
  readonly krippendorff_alpha: number | null;
  /** 95 % intervals, once they are computed (bootstrap.ts); null before, and with fewer than 8 steps. */
  readonly alpha_interval: Interval | null;
  readonly agreement_interval: Interval | null;
  /** Of the primary conflict, higher less lower: below 0 where the order of the two is not sure. */
  readonly delta_interval: Interval | null;
  /** Share of (step, scorer) cells that hold a score. */
  readonly coverage: number | null;
  /** Steps with two or more scores. */
  readonly co_scored: number;
  /** 'ungrounded': one scorer only; 'insufficient': fewer than 3 steps with two scores, or no score at all. */
  readonly grounding: 'grounded' | 'ungrounded' | 'insufficient';
  /** How many independent scorers these are worth: participation ratio of the correlation matrix; see effectiveScorers.ts. */
  readonly effective_scorers: number | null;
  /** Correlated were distances from the reference, or scores. */
  readonly effective_scorers_basis: 'errors' | 'scores' | null;
  /** Pairs of which one says what the other says, by the same correlations; in alphabetical order. */
  readonly redundant_scorers: readonly { readonly pair: readonly [string, string]; readonly correlation: number; readonly n: number }[];
  /** Mean signed distance from the median of the others, with its standard error. */
  readonly bias: Readonly<Record<string, ScorerBias>>;
  readonly outlier_scorers: readonly OutlierScorer[];
  /** Correlations of (scorer, metric) pairs within and across scorers, the strongest first. */
  readonly metric_pairs: readonly MetricPair[];
  /** At most 20, the widest first. */
  readonly step_conflicts: readonly StepConflict[];
  /** Scores outside the declared range of their scorer, taken as its end. */
  readonly clipped: number;
  readonly explanation: string;
}

export type Interval = readonly [low: number, high: number];

export interface PrimaryConflict {
  readonly pair: readonly [high: string, low: string];
  readonly delta: number;
  readonly mean_abs_diff: number;
  readonly n: number;
}

export interface MetricStats {
  readonly mean: number;
  readonly std: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

export interface ScorerBias {
  readonly mean: number;
  /** Standard error of the mean; null with one step. */
  readonly error: number | null;
  readonly n: number;
}

export interface OutlierScorer extends ScorerBias {
  readonly scorer: string;
  /** 'mad': far from what is usual among these scorers; 'threshold': far in itself, and alone in many steps. */
  readonly basis: 'mad' | 'threshold';
  /** Steps in which it alone stands apart; the first of them. */
  readonly apart: number;
  readonly ids: readonly string[];
}

export interface MetricPair {
  readonly a: { readonly scorer: string; readonly metric: string };
  readonly b: { readonly scorer: string; readonly metric: string };
  readonly correlation: number;
  readonly n: number;
}

/** All dimensions together. */
export interface MarsReport {
  readonly dimensions: Readonly<Record<string, MarsResult>>;
  /** Mean of average scores, weighted by agreement; null without any score. */
  readonly aggregate: number | null;
  /** True where no dimension has an agreement to weight by: the plain mean. */
  readonly unweighted: boolean;
}
