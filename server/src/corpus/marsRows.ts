/** One pass over the rows of a dimension: how far scorers disagree in each, and how each scorer stands to the others. */
import type { AlphaSums } from './krippendorff.ts';
import { coMomentsOf, NO_MOMENTS } from './moments.ts';
import type { CoMoments, Moments, Spread } from './moments.ts';
import { apartAt } from './stepAgreement.ts';

/** A scorer beside the others, over rows in which at least one other has a score. */
export interface Standing {
  /** Its scores (a) with the mean of the others (b). */
  readonly others: CoMoments;
  /** Its signed distance from the median of the others. */
  readonly deviation: Deviation;
  /** Rows in which it alone stands apart; the first of them by id. */
  readonly apart: { readonly n: number; readonly ids: readonly string[] };
}

/** `absolute`: sum of the distances without their sign. */
export interface Deviation extends Spread {
  readonly absolute: number;
}

export interface RowSums {
  /** Positions of rows with a value. */
  readonly filled: Int32Array;
  /** One a filled row: sample standard deviation between scorers; NaN with fewer than two. */
  readonly std: Float64Array;
  /** One a filled row: how many scores it has. */
  readonly counts: Uint16Array;
  /** Over rows with two or more scores. */
  readonly n: number;
  readonly stdSum: number;
  readonly stdPopulationSum: number;
  readonly alpha: AlphaSums;
  /** One a column. */
  readonly standings: readonly Standing[];
}

/** Ids kept as examples. */
export const EXAMPLES = 5;

/** Columns of scores 0–1, NaN missing; `means`: one a column. */
export function rowSums(columns: readonly Float64Array[], options: { readonly rowIds: readonly string[]; readonly means: readonly number[]; readonly threshold: number }): RowSums {
  const { rowIds, means, threshold } = options;
  const rows = rowIds.length;
  const scorers = columns.length;
  const center = means.reduce((sum, mean) => sum + mean, 0) / Math.max(1, scorers);
  const filled = new Int32Array(rows);
  const std = new Float64Array(rows);
  const counts = new Uint16Array(rows);
  const totals = new Float64Array(rows);
  const deviations = new Float64Array(scorers * FIELDS);
  const apart = columns.map(() => ({ n: 0, ids: [] as string[] }));
  const values = { within: 0, scatter: 0, n: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
  const block = new Float64Array(BLOCK_ROWS * scorers);
  const ranks = new Int32Array(scorers);
  const sorted = new Float64Array(scorers);
  let filledRows = 0;
  let n = 0;
  let stdSum = 0;
  let stdPopulationSum = 0;
  for (let i = 0; i < rows; i++) {
    if (i % BLOCK_ROWS === 0) takeRows(columns, i, block);
    const first = (i % BLOCK_ROWS) * scorers;
    // Ranks by counting: no branch to guess wrong, where sorting by exchange takes one at every turn.
    let m = 0;
    let total = 0;
    for (let c = 0; c < scorers; c++) {
      const x = block[first + c] ?? 0;
      let rank = c;
      for (let p = 0; p < c; p++) {
        const isAbove = Number((block[first + p] ?? 0) > x);
        ranks[p] = (ranks[p] ?? 0) + isAbove;
        rank -= isAbove;
      }
      ranks[c] = rank;
      if (x === MISSING) continue;
      m++;
      total += x;
    }
    if (m === 0) continue;
    const at = filledRows++;
    filled[at] = i;
    counts[i] = m;
    totals[i] = total;
    if (m === 1) {
      std[at] = Number.NaN;
      continue;
    }
    for (let c = 0; c < scorers; c++) sorted[ranks[c] ?? 0] = block[first + c] ?? 0;
    const mean = total / m;
    let scatter = 0;
    for (let p = 0; p < m; p++) {
      const d = (sorted[p] ?? 0) - mean;
      scatter += d * d;
    }
    const deviation = Math.sqrt(scatter / (m - 1));
    std[at] = deviation;
    n++;
    stdSum += deviation;
    stdPopulationSum += Math.sqrt(scatter / m);
    values.within += (m * scatter) / (m - 1);
    values.scatter += scatter;
    values.n += m;
    values.sum += total;
    values.min = Math.min(values.min, sorted[0] ?? 0);
    values.max = Math.max(values.max, sorted[m - 1] ?? 0);
    // The median of the others lies at or beside the middle of the rest once the score itself is taken out.
    const middle = (m - 1) >> 1;
    const isOdd = (m - 1) % 2 === 1;
    for (let c = 0; c < scorers; c++) {
      const p = ranks[c] ?? 0;
      if (p >= m) continue;
      const upper = sorted[middle + Number(middle >= p)] ?? 0;
      const median = isOdd ? upper : ((sorted[middle - Number(middle - 1 < p)] ?? 0) + upper) / 2;
      const d = (sorted[p] ?? 0) - median;
      const k = c * FIELDS;
      // About the first of them: a distance that is always the same leaves no rounding behind.
      if (deviations[k] === 0) deviations[k + 4] = d;
      const e = d - (deviations[k + 4] ?? 0);
      deviations[k] = (deviations[k] ?? 0) + 1;
      deviations[k + 1] = (deviations[k + 1] ?? 0) + e;
      deviations[k + 2] = (deviations[k + 2] ?? 0) + e * e;
      deviations[k + 3] = (deviations[k + 3] ?? 0) + Math.abs(d);
    }
    const place = apartAt(sorted, m, threshold);
    const alone = place === -1 ? undefined : apart[ranks.indexOf(place)];
    if (alone === undefined) continue;
    alone.n++;
    if (alone.ids.length < EXAMPLES) alone.ids.push(rowIds[i] ?? '');
  }
  const others = new Float64Array(rows);
  const standings = columns.map((column, c): Standing => {
    for (let i = 0; i < rows; i++) others[i] = (counts[i] ?? 0) < 2 ? Number.NaN : ((totals[i] ?? 0) - (column[i] ?? 0)) / ((counts[i] ?? 0) - 1);
    const [count = 0, sum = 0, squares = 0, absolute = 0, about = 0] = deviations.subarray(c * FIELDS, (c + 1) * FIELDS);
    const share = count === 0 ? 0 : sum / count;
    const deviation = { n: count, mean: about + share, m2: Math.max(0, squares - sum * share), absolute };
    return { others: coMomentsOf(column, others, means[c] ?? 0, center), deviation, apart: apart[c] ?? { n: 0, ids: [] } };
  });
  return {
    filled: filled.subarray(0, filledRows), std: std.subarray(0, filledRows), counts: filledRows === rows ? counts : counts.filter((m) => m > 0),
    n, stdSum, stdPopulationSum, standings, alpha: { within: values.within, values: togetherOf(values, totals, counts) },
  };
}

/** Moments of the scores of all rows with two or more: scatter within rows, and of the rows' means about the mean of all. */
function togetherOf(values: { readonly scatter: number; readonly n: number; readonly sum: number; readonly min: number; readonly max: number }, totals: Float64Array, counts: Uint16Array): Moments {
  const { n, sum, scatter, min, max } = values;
  if (n === 0 || min === max) return n === 0 ? NO_MOMENTS : { n, mean: min, m2: 0, min, max };
  const mean = sum / n;
  let m2 = scatter;
  for (let i = 0; i < totals.length; i++) {
    const m = counts[i] ?? 0;
    if (m < 2) continue;
    const d = (totals[i] ?? 0) / m - mean;
    m2 += m * d * d;
  }
  return { n, mean, m2, min, max };
}

/** Rows laid side by side at a time: as many as stay in the fastest cache. */
const BLOCK_ROWS = 512;
/** Ranks behind every score. */
const MISSING = Number.POSITIVE_INFINITY;
/** Kept a column: count of deviations, their distances from the first summed, the squares of those, their sizes summed, the first. */
const FIELDS = 5;

/** Rows `from` on, one after the other. */
function takeRows(columns: readonly Float64Array[], from: number, block: Float64Array): void {
  const scorers = columns.length;
  columns.forEach((column, c) => {
    const rows = Math.min(BLOCK_ROWS, column.length - from);
    for (let i = 0; i < rows; i++) {
      const x = column[from + i] ?? Number.NaN;
      block[i * scorers + c] = x === x ? x : MISSING;
    }
  });
}
