/** Which scorers lie beside the others throughout, told from those that merely scatter. */
import type { MarsSums, ScorerSums } from './marsSums.ts';
import type { OutlierScorer, ScorerBias } from './marsResult.ts';
import { median } from './statistics.ts';
import { ROUNDING } from './stepAgreement.ts';

/** Multiples of the median absolute deviation between scorers from which a bias is unusual. */
const UNUSUAL = 2;
/** Standard errors above which a bias is no chance. */
const CERTAIN = 3;
/** Share of the disagreement threshold below which a bias does not matter. */
const MATTERS = 1 / 3;
/** Share of its steps in which a scorer must be alone, as evidence beside the size of its bias. */
const ALONE = 0.2;
const MIN_SCORERS = 3;

export function biasOf(sums: MarsSums): ReadonlyMap<string, ScorerBias> {
  return new Map([...sums.scorers].flatMap(([scorer, { deviation: { n, mean, m2 } }]) =>
    n === 0 ? [] : [[scorer, { mean, n, error: n < 2 ? null : Math.sqrt(m2 / (n - 1) / n) }] as const]));
}

/**
 * A bias counts when it is beyond chance, large enough to matter, and either unusual among three or more scorers or
 * above the threshold in a scorer that often stands apart. With two scorers nobody can tell who is off: none.
 */
export function outlierScorers(sums: MarsSums): readonly OutlierScorer[] {
  const biases = biasOf(sums);
  if (biases.size < MIN_SCORERS) return [];
  const middle = median(Float64Array.from(biases.values(), (b) => b.mean));
  const usual = median(Float64Array.from(biases.values(), (b) => Math.abs(b.mean - middle)));
  const threshold = sums.config.variance_threshold;
  return [...biases].flatMap(([scorer, bias]): OutlierScorer[] => {
    const size = Math.abs(bias.mean);
    const found = sums.scorers.get(scorer);
    if (found === undefined || bias.error === null || bias.n < MIN_SCORERS || size < CERTAIN * bias.error - ROUNDING || size < MATTERS * threshold - ROUNDING) return [];
    const basis = Math.abs(bias.mean - middle) > UNUSUAL * usual + ROUNDING ? 'mad' : size > threshold + ROUNDING && isOftenAlone(found) ? 'threshold' : undefined;
    return basis === undefined ? [] : [{ scorer, ...bias, basis, apart: found.apart.n, ids: found.apart.ids }];
  }).sort((a, b) => Math.abs(b.mean) - Math.abs(a.mean));
}

function isOftenAlone(scorer: ScorerSums): boolean {
  return scorer.apart.n >= ALONE * scorer.deviation.n;
}
