/** What the probabilities a producer recorded with its tokens say about a step: attributes of the scorer `trace`, no model needed. */

/** Tokens under e^−2.3 had less than one chance in ten. */
const LOW_LOGPROB = -2.3;

/** Undefined where nothing usable was recorded; infinite and positive values are passed over. */
export function tokenMeasures(logprobs: readonly number[] | undefined): Readonly<Record<string, number>> | undefined {
  const known = (logprobs ?? []).filter((p) => Number.isFinite(p) && p <= 0);
  if (known.length === 0) return undefined;
  const mean = known.reduce((a, b) => a + b, 0) / known.length;
  return {
    logprob_mean: mean,
    logprob_min: known.reduce((low, p) => Math.min(low, p), 0),
    perplexity: Math.exp(-mean),
    low_probability_share: known.filter((p) => p < LOW_LOGPROB).length / known.length,
  };
}
