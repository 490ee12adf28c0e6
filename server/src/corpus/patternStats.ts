/** What a group of steps comes to: means, shares with their bounds, and how far they lie from the whole. */
import { isBad, meanOf } from './stepTable.ts';
import type { StepRow } from './stepTable.ts';

/** A share of a count. `rate` is null of nothing; the bounds are then 0 and 1. */
export interface Share {
  readonly count: number;
  readonly of: number;
  readonly rate: number | null;
  /** Wilson bounds, 95 %. */
  readonly low: number;
  readonly high: number;
}

/** A mean over `n` steps. `lift` is mean / mean of the whole: 1 where the group is as all are; null where the whole is 0. */
export interface Mean {
  readonly n: number;
  readonly mean: number;
  readonly lift: number | null;
}

/** Null where no step of the group has the number. */
export interface GroupStats {
  readonly support: { readonly steps: number; readonly traces: number };
  /** By dimension, 0–1. */
  readonly scores: Readonly<Record<string, Mean>>;
  /** 0–1. */
  readonly uncertainty: Mean | null;
  /** 1 - mean standard deviation over the witnesses, over the steps with two or more; `n` of them. */
  readonly agreement: { readonly n: number; readonly value: number } | null;
  readonly durationMs: Mean | null;
  readonly errors: Share;
  /** Steps that are not bad, of those judged by a person or a score. */
  readonly success: Share;
  /** Steps that are agreed on, certain and high at once. */
  readonly goodSteps: number;
  /** Latest start of a step, milliseconds since the Unix epoch. */
  readonly lastSeenMs: number | null;
}

export interface StatLimits {
  readonly dimension: string;
  /** A score under this is a bad step, 0–1. */
  readonly badBelow: number;
  readonly maxDeviation: number;
  readonly maxUncertainty: number;
  readonly minScore: number;
}

/** 97.5 % of a normal distribution lie below it. */
const Z = 1.959963984540054;

/** Wilson's bounds of a share, 95 %: inside 0–1 whatever the counts, and [0, 1] of nothing. */
export function wilson(count: number, of: number): readonly [low: number, high: number] {
  if (of <= 0) return [0, 1];
  const rate = count / of;
  const centre = rate + (Z * Z) / (2 * of);
  const half = Z * Math.sqrt((rate * (1 - rate)) / of + (Z * Z) / (4 * of * of));
  const scale = 1 + (Z * Z) / of;
  // At the ends the bound is the end itself, which rounding would miss.
  return [count <= 0 ? 0 : Math.max(0, (centre - half) / scale), count >= of ? 1 : Math.min(1, (centre + half) / scale)];
}

/** A share with its Wilson bounds. */
export function shareOf(count: number, of: number): Share {
  const [low, high] = wilson(count, of);
  return { count, of, rate: of === 0 ? null : count / of, low, high };
}

/** `whole`: the stats that lifts are taken against; without it the group is the whole. */
export function groupStats(rows: readonly StepRow[], limits: StatLimits, whole?: GroupStats): GroupStats {
  const dimensions = [...new Set(rows.flatMap((r) => [...r.scores.keys()]))].sort();
  const judged = rows.flatMap((r) => isBad(r, limits.dimension, limits.badBelow) ?? []);
  const deviations = rows.flatMap((r) => r.deviation ?? []);
  const deviation = meanOf(deviations);
  const times = rows.flatMap((r) => r.facts.timeMs ?? []);
  return {
    support: { steps: rows.length, traces: new Set(rows.map((r) => `${r.facts.file}\u0000${r.facts.traceId}`)).size },
    scores: Object.fromEntries(dimensions.flatMap((d) => {
      const mean = liftedMean(rows.flatMap((r) => r.scores.get(d) ?? []), whole === undefined ? undefined : whole.scores[d]?.mean ?? 0);
      return mean === null ? [] : [[d, mean] as const];
    })),
    uncertainty: liftedMean(rows.flatMap((r) => r.uncertainty ?? []), whole?.uncertainty?.mean),
    agreement: deviation === undefined ? null : { n: deviations.length, value: 1 - deviation },
    durationMs: liftedMean(rows.flatMap((r) => r.durationMs ?? []), whole?.durationMs?.mean),
    errors: shareOf(rows.filter((r) => r.facts.isError).length, rows.length),
    success: shareOf(judged.filter((bad) => !bad).length, judged.length),
    goodSteps: rows.filter((r) => isGoodStep(r, limits)).length,
    lastSeenMs: times.length === 0 ? null : times.reduce((a, b) => Math.max(a, b)),
  };
}

/** Two witnesses or more that agree, little uncertainty, and a score that is good: agreement alone would let in what all find bad. */
export function isGoodStep(row: StepRow, limits: StatLimits): boolean {
  const score = row.scores.get(limits.dimension);
  return row.deviation !== undefined && row.deviation <= limits.maxDeviation && row.uncertainty !== undefined && row.uncertainty <= limits.maxUncertainty
    && score !== undefined && score >= limits.minScore && row.label !== 'bad' && row.label !== 'first-bad';
}

function liftedMean(values: readonly number[], whole: number | undefined): Mean | null {
  const mean = meanOf(values);
  if (mean === undefined) return null;
  const base = whole ?? mean;
  return { n: values.length, mean, lift: base === 0 ? null : mean / base };
}
