/** Shares of a choice, and how undecided it is. */

/** Shares that sum to 1. */
export function softmax(logits: readonly number[]): readonly number[] {
  const top = Math.max(...logits);
  const weights = logits.map((l) => Math.exp(l - top));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
}

/** −Σ p ln p in nats; 0 for a certain choice. */
export function entropyOf(shares: readonly number[]): number {
  return shares.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);
}
