/** How well a score tells good steps from bad ones. `isGood` holds 1 and 0. Python twin: models/evaluate.py. */
import type { Draw } from './bootstrap.ts';

/** P(score of a good step > score of a bad one), ties half; null with one class. */
export function auroc(score: ArrayLike<number>, isGood: ArrayLike<number>): number | null {
  const area = walk(sortRows(score, isGood), undefined);
  return Number.isNaN(area) ? null : area;
}

/** The same under each resampling of problems; NaN where a class was not drawn. `problem` numbers the problem of each row. */
export function aurocDraws(rows: { readonly score: ArrayLike<number>; readonly isGood: ArrayLike<number>; readonly problem: ArrayLike<number> }, draws: readonly Draw[]): readonly number[] {
  const sorted = sortRows(rows.score, rows.isGood);
  const problem = Uint32Array.from(sorted.order, (row) => rows.problem[row] ?? 0);
  return draws.map((draw) => walk(sorted, (at) => draw[problem[at] ?? 0] ?? 0));
}

/** Average precision of finding bad steps, low scores first, ties in the order given; chance is the share of bad steps. Null without a bad one. */
export function auprcOfBad(score: ArrayLike<number>, isGood: ArrayLike<number>): number | null {
  let found = 0;
  let sum = 0;
  ascending(score).forEach((row, rank) => {
    if (isGood[row] === 1) return;
    found++;
    sum += found / (rank + 1);
  });
  return found === 0 ? null : sum / found;
}

const BINS = 10;

/** Expected calibration error of P(good) over ten bins of equal count; null with nothing to count. */
export function calibrationError(probability: ArrayLike<number>, isGood: ArrayLike<number>): number | null {
  const order = ascending(probability);
  const small = Math.floor(order.length / BINS);
  let error = 0;
  // The first bins hold one more where the count does not divide.
  for (let bin = 0, start = 0; bin < BINS; bin++) {
    const end = start + small + (bin < order.length % BINS ? 1 : 0);
    let difference = 0;
    for (let at = start; at < end; at++) difference += (probability[order[at] ?? 0] ?? 0) - (isGood[order[at] ?? 0] ?? 0);
    error += Math.abs(difference);
    start = end;
  }
  return order.length === 0 ? null : error / order.length;
}

/** Row numbers, lowest value first, equal ones in the order given. */
export function ascending(values: ArrayLike<number>): Uint32Array {
  return Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b);
}

interface SortedRows {
  readonly order: Uint32Array;
  readonly isGood: Uint8Array;
  /** Whether the next row has a higher score. */
  readonly isTieEnd: Uint8Array;
}

function sortRows(score: ArrayLike<number>, isGood: ArrayLike<number>): SortedRows {
  const order = ascending(score);
  return {
    order,
    isGood: Uint8Array.from(order, (row) => isGood[row] ?? 0),
    isTieEnd: Uint8Array.from(order, (row, at) => (at + 1 === order.length || score[order[at + 1] ?? 0] !== score[row] ? 1 : 0)),
  };
}

/** One pass from the lowest score up: each good step wins over the bad weight below it and half of the one beside it. */
function walk({ isGood, isTieEnd }: SortedRows, weightOf: ((at: number) => number) | undefined): number {
  let wins = 0;
  let good = 0;
  let bad = 0;
  let tiedGood = 0;
  let tiedBad = 0;
  for (let at = 0; at < isGood.length; at++) {
    const weight = weightOf === undefined ? 1 : weightOf(at);
    if (isGood[at] === 1) tiedGood += weight;
    else tiedBad += weight;
    if (isTieEnd[at] === 0) continue;
    wins += tiedGood * (bad + tiedBad / 2);
    good += tiedGood;
    bad += tiedBad;
    tiedGood = 0;
    tiedBad = 0;
  }
  return wins / (good * bad);
}
