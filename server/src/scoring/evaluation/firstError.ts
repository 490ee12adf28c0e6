/** Finding the first bad step of a trace, as ProcessBench measures it. Python twin: models/evaluate.py. */
import { interval, numberProblems } from './bootstrap.ts';
import type { Bootstrap, Interval } from './bootstrap.ts';

export interface FirstErrorTrace {
  readonly problem: string;
  /** Index of the first bad step, −1 in a clean trace. */
  readonly firstBad: number;
  /** One a step; undefined where it was not scored. Low means bad. */
  readonly scores: readonly (number | undefined)[];
}

export interface FirstErrorFigure {
  /** Harmonic mean of the two accuracies. */
  readonly f1: number;
  readonly interval: Interval | null;
  /** Share of erroneous traces whose first bad step was named. */
  readonly accuracyErroneous: number;
  /** Share of clean traces in which none was. */
  readonly accuracyClean: number;
  readonly erroneous: number;
  readonly clean: number;
}

/**
 * Where the first bad step is; undefined for a trace that does not tell: one without a bad step that was not judged to
 * its end, or with a step not judged before the first bad one.
 */
export function firstBadStep(labels: readonly (number | null)[]): number | undefined {
  const first = labels.indexOf(0);
  const judged = first < 0 ? labels : labels.slice(0, first);
  return judged.includes(null) ? undefined : first;
}

/** A step is named when it is the first whose score is below the threshold. Null unless there are erroneous and clean traces. */
export function firstErrorFigure(traces: readonly FirstErrorTrace[], threshold: number, bootstrap: Bootstrap): FirstErrorFigure | null {
  const { index, count } = numberProblems(traces.map((t) => t.problem));
  // Per problem: erroneous traces, those of them answered right, clean ones, those answered right.
  const counts = Array.from({ length: 4 }, () => new Float64Array(count));
  traces.forEach((trace, i) => {
    const named = trace.scores.findIndex((s) => s !== undefined && s < threshold);
    const problem = index[i] ?? 0;
    const at = trace.firstBad >= 0 ? 0 : 2;
    add(counts[at], problem);
    if (named === trace.firstBad) add(counts[at + 1], problem);
  });
  const [erroneous = 0, found = 0, clean = 0, quiet = 0] = counts.map((c) => c.reduce((a, b) => a + b, 0));
  if (erroneous === 0 || clean === 0) return null;
  const drawn = bootstrap.drawsOf(count).map((draw) => {
    const [e = 0, f = 0, c = 0, q = 0] = counts.map((kind) => kind.reduce((sum, n, p) => sum + n * (draw[p] ?? 0), 0));
    return harmonicMean(f / e, q / c);
  });
  return {
    f1: harmonicMean(found / erroneous, quiet / clean), interval: count < 2 ? null : interval(drawn),
    accuracyErroneous: found / erroneous, accuracyClean: quiet / clean, erroneous, clean,
  };
}

/** The highest F1 that any threshold on these scores reaches on these very traces: what a baseline could reach at best. Null as above. */
export function bestFirstErrorF1(traces: readonly FirstErrorTrace[]): number | null {
  const clean = traces.filter((t) => t.firstBad < 0);
  const erroneous = traces.filter((t) => t.firstBad >= 0);
  if (clean.length === 0 || erroneous.length === 0) return null;
  const changes: { readonly above: number; readonly found: number; readonly quiet: number }[] = [];
  let quiet = clean.length;
  // A threshold names the bad step where it lies above its score and not above any earlier one; it leaves a clean trace alone up to its lowest score.
  for (const { scores } of clean) changes.push({ above: lowest(scores), found: 0, quiet: -1 });
  for (const { scores, firstBad } of erroneous) {
    const own = scores[firstBad];
    const earlier = lowest(scores.slice(0, firstBad));
    if (own === undefined || own >= earlier) continue;
    changes.push({ above: own, found: 1, quiet: 0 }, { above: earlier, found: -1, quiet: 0 });
  }
  changes.sort((a, b) => a.above - b.above);
  let found = 0;
  let best = 0;
  changes.forEach((change, i) => {
    found += change.found;
    quiet += change.quiet;
    if (changes[i + 1]?.above !== change.above) best = Math.max(best, harmonicMean(found / erroneous.length, quiet / clean.length));
  });
  return best;
}

function lowest(scores: readonly (number | undefined)[]): number {
  return scores.reduce<number>((low, s) => (s !== undefined && s < low ? s : low), Number.POSITIVE_INFINITY);
}

/** 0 where one is 0 or unknown. */
function harmonicMean(a: number, b: number): number {
  return a + b > 0 ? (2 * a * b) / (a + b) : 0;
}

function add(counts: Float64Array | undefined, at: number): void {
  if (counts !== undefined) counts[at] = (counts[at] ?? 0) + 1;
}
