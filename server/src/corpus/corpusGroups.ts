/** A metric by kind of scorable, each held against all of them: which kind of step is uncertain, which scores low. */
import type { ScorableFacts } from '../core/scoreRecord.ts';
import { valuesByRow } from './corpusMetrics.ts';
import type { MetricAddress } from './corpusMetrics.ts';
import type { ScoreCorpus } from './scoreCorpus.ts';

export const GROUP_KEYS = ['stepType', 'goal', 'traceId', 'file', 'agent', 'model', 'tool', 'planSignature', 'isError', 'errorType', 'previousStepType', 'nextStepType'] as const;
export type GroupKey = (typeof GROUP_KEYS)[number];

export interface GroupRow {
  /** Null: those of which it is not known, or that used no tool. */
  readonly key: string | null;
  readonly scorables: number;
  /** Those with a value. */
  readonly n: number;
  readonly missing: number;
  readonly mean: number | null;
  /** Mean less the mean of all. */
  readonly difference: number | null;
  /** Mean over the mean of all, 1 being usual; null unless both means are positive, as a ratio says nothing then. */
  readonly lift: number | null;
}

export interface GroupTable {
  readonly all: { readonly scorables: number; readonly n: number; readonly missing: number; readonly mean: number | null };
  /** Highest mean first, those without a value last. */
  readonly rows: readonly GroupRow[];
}

interface Group { scorables: number; n: number; sum: number }

export function groupBy(corpus: ScoreCorpus, key: GroupKey, metric: MetricAddress & { readonly dimension: string }): GroupTable {
  return groupValues(corpus, key, valuesByRow(corpus, metric));
}

/** Of values in the order of `scorableIds`, NaN missing. A scorable that used several tools counts once for each of them. */
export function groupValues(corpus: ScoreCorpus, key: GroupKey, values: Float64Array): GroupTable {
  const all: Group = { scorables: 0, n: 0, sum: 0 };
  const groups = new Map<string | null, Group>();
  for (const [row, facts] of corpus.scorables.entries()) {
    const value = values[row] ?? Number.NaN;
    count(all, value);
    for (const name of keysOf(facts, key)) {
      let group = groups.get(name);
      if (group === undefined) groups.set(name, group = { scorables: 0, n: 0, sum: 0 });
      count(group, value);
    }
  }
  const overall = meanOf(all);
  const rows = [...groups].map(([name, group]): GroupRow => {
    const mean = meanOf(group);
    return {
      key: name, scorables: group.scorables, n: group.n, missing: group.scorables - group.n, mean,
      difference: mean === null || overall === null ? null : mean - overall, lift: mean === null || overall === null || mean <= 0 || overall <= 0 ? null : mean / overall,
    };
  });
  rows.sort((a, b) => (b.mean ?? -Infinity) - (a.mean ?? -Infinity) || compareKeys(a.key, b.key));
  return { all: { scorables: all.scorables, n: all.n, missing: all.scorables - all.n, mean: overall }, rows };
}

function keysOf(facts: ScorableFacts, key: GroupKey): readonly (string | null)[] {
  if (key === 'tool') return facts.tools.length === 0 ? [null] : [...new Set(facts.tools)];
  const value = facts[key];
  return [value === undefined ? null : String(value)];
}

function count(group: Group, value: number): void {
  group.scorables++;
  if (Number.isNaN(value)) return;
  group.n++;
  group.sum += value;
}

function meanOf(group: Group): number | null {
  return group.n === 0 ? null : group.sum / group.n;
}

function compareKeys(a: string | null, b: string | null): number {
  return a === b ? 0 : a === null ? 1 : b === null ? -1 : a < b ? -1 : 1;
}
