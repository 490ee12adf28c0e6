/** One judgement, and every judgement of one scorable side by side. */

/** Why there is no score; a value of its own, never 0 or NaN. */
export type UnscoredReason = 'pending' | 'disabled' | 'abstained' | 'no-text' | 'content-not-captured' | 'copied-context' | 'no-model' | 'unknown-scale' | 'error';

export interface Scored {
  readonly kind: 'scored';
  readonly dimension: string;
  readonly scorer: string;
  readonly scorerVersion: string;
  /** 0–1, calibrated for our own scorers: the probability that the step is good on this dimension. */
  readonly score: number;
  readonly rationale: string;
  readonly weight: number;
  /** Named numbers that explain the score; meaning in the metric registry. */
  readonly attributes: Readonly<Record<string, number>>;
}

export interface Unscored {
  readonly kind: 'unscored';
  readonly dimension: string;
  readonly scorer: string;
  readonly scorerVersion: string;
  readonly reason: UnscoredReason;
  /** The file's own number where there is one of unknown scale; shown, never compared. */
  readonly rawValue?: number;
  /** Numbers of a scorer that measures without judging; meaning in the metric registry. */
  readonly attributes?: Readonly<Record<string, number>>;
}

export type ScoreResult = Scored | Unscored;

/** The derived display score of one dimension. */
export interface Consensus {
  /** 0–1. */
  readonly score: number;
  /** Calibrated probability, 0–1, that the consensus is on the wrong side. */
  readonly uncertainty: number;
  /** Largest minus smallest score among the scorers that took part, 0–1; 0 with one scorer. */
  readonly spread: number;
  /** The pair furthest apart, present with two scorers or more. */
  readonly conflict?: { readonly high: string; readonly low: string };
  readonly scorers: readonly string[];
}

/** All results of one scorable. Most readers want one dimension only, so each may be judged when it is first asked for. */
export interface ScoreBundle {
  /** `traceId#stepId`. */
  readonly scorableId: string;
  resultsOn(dimension: string): readonly ScoreResult[];
  /** Undefined where nobody with weight scored the dimension. */
  consensusOn(dimension: string): Consensus | undefined;
  /** Every dimension, judged for this call and not kept: few ask for more than one, and of those most ask once. */
  all(): { readonly results: readonly ScoreResult[]; readonly consensusByDimension: Readonly<Record<string, Consensus>> };
}

/** Id of a step as a scorable. */
export function scorableId(traceId: string, stepId: string): string {
  return `${traceId}#${stepId}`;
}

/** The one result of a dimension and scorer; undefined when the bundle has none. */
export function findResult(bundle: ScoreBundle, dimension: string, scorer: string): ScoreResult | undefined {
  return bundle.resultsOn(dimension).find((r) => r.scorer === scorer);
}
