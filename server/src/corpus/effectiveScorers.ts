/** How many independent scorers a set of scorers is worth, and which of them say the same. */
import { pairKey } from './marsSums.ts';
import type { MarsSums, PairSums } from './marsSums.ts';
import type { MarsResult } from './marsResult.ts';
import { isConstant, pearson } from './moments.ts';

/** Correlation from which one scorer says what the other says, and the steps it must rest on. */
const REDUNDANT = 0.95;
const MIN_REDUNDANT_ROWS = 8;

/**
 * Participation ratio (Σλ)²/Σλ² = k²/Σ r² of the correlation matrix of errors against the reference, else of
 * scores: k for independent scorers, 1 where all are one. A pair that cannot be told counts as the mean of those
 * that can; a scorer that never varies adds nothing; null where nothing can be told.
 */
export function effectiveScorers(sums: MarsSums, reference: string | null): Pick<MarsResult, 'effective_scorers' | 'effective_scorers_basis' | 'redundant_scorers'> {
  const names = [...sums.scorers.keys()].filter((s) => s !== reference).sort();
  const errors = reference === null ? undefined : sums.errors.get(reference);
  const byErrors = errors === undefined ? [] : correlations(names, errors);
  const basis = byErrors.length > 0 ? 'errors' : 'scores';
  const known = basis === 'errors' ? byErrors : correlations(names, sums.pairs);
  const varying = names.filter((s) => {
    const scorer = sums.scorers.get(s);
    return scorer !== undefined && scorer.scaled.n > 1 && !isConstant(scorer.scaled);
  });
  const members = new Set(known.flatMap((k) => k.pair)).size;
  const effective = members > 0 ? members / (1 + (members - 1) * mean(known.map((k) => k.correlation ** 2))) : varying.length === 1 ? 1 : null;
  return {
    effective_scorers: effective, effective_scorers_basis: effective === null ? null : basis,
    redundant_scorers: known.filter((k) => k.correlation >= REDUNDANT && k.n >= MIN_REDUNDANT_ROWS),
  };
}

function correlations(names: readonly string[], pairs: ReadonlyMap<string, PairSums>): readonly { readonly pair: readonly [string, string]; readonly correlation: number; readonly n: number }[] {
  return names.flatMap((a, i) => names.slice(i + 1).flatMap((b) => {
    const sums = pairs.get(pairKey(a, b));
    const correlation = sums === undefined ? null : pearson(sums.co);
    return sums === undefined || correlation === null ? [] : [{ pair: [a, b] as const, correlation, n: sums.co.n }];
  }));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
