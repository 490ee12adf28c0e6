/** Which kinds of step go well and which hold runs back, with the numbers that say so. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import { failureStarts } from './failureStarts.ts';
import type { FailureStarts } from './failureStarts.ts';
import { groupStats } from './patternStats.ts';
import type { GroupStats, StatLimits } from './patternStats.ts';
import { traceTable } from './stepTable.ts';
import type { CorpusRows, StepRow, TraceRow } from './stepTable.ts';

/** Simpler ones first: of two patterns with the same steps the simpler one speaks. */
export const PATTERN_KINDS = ['step_type', 'tool', 'agent', 'previous', 'next', 'key', 'ngram'] as const;
export type PatternKind = (typeof PATTERN_KINDS)[number];

/** `uncertain`: uncertainty lift; `errors`, `low_score`: beyond what chance explains (Wilson); `slow`: duration lift. */
export type Fault = 'uncertain' | 'errors' | 'low_score' | 'slow';

export interface Pattern {
  /** `kind:values`, stable. */
  readonly id: string;
  readonly kind: PatternKind;
  /** One value for a part; step type, agent, previous, next for a key ('' for none); the step types of an n-gram. */
  readonly values: readonly string[];
  /** For people: "search after plan". */
  readonly title: string;
  /** Steps, or of an n-gram how often it stands in a trace; overlapping ones count. */
  readonly occurrences: number;
  readonly stats: GroupStats;
  readonly isGood: boolean;
  readonly faults: readonly Fault[];
  /** At most five: of a faulty pattern the lowest scores first, else the highest. */
  readonly exampleIds: readonly string[];
  /** A simpler pattern made of the very same steps. */
  readonly sameAs?: string;
}

export interface PatternOptions {
  /** The first score under this is where a run turned, 0–1: `thresholds.firstError` of the models. */
  readonly firstErrorBelow: number;
  /** A score under this is a bad step, 0–1; 0.5 unless told: more likely bad than good. */
  readonly badBelow?: number;
  readonly dimension?: string;
  /** Fewest occurrences of a pattern; 3 unless told. */
  readonly minSupport?: number;
  readonly maxDeviation?: number;
  readonly maxUncertainty?: number;
  readonly minScore?: number;
  /** From here on a lift of uncertainty or duration is a fault. */
  readonly faultLift?: number;
}

export interface PatternReport {
  readonly dimension: string;
  readonly badBelow: number;
  readonly firstErrorBelow: number;
  readonly whole: GroupStats;
  /** All with enough support, by kind and id. */
  readonly patterns: readonly Pattern[];
  /** Surest success first. */
  readonly good: readonly Pattern[];
  /** Most uncertain first. */
  readonly bad: readonly Pattern[];
  readonly failures: FailureStarts;
}

const EXAMPLES = 5;
const LONGEST_NGRAM = 4;

/** Patterns of all steps of a corpus; without steps there are none. The order in which the corpus was filled makes no difference. */
export function findPatterns(corpus: CorpusRows, options: PatternOptions): PatternReport {
  const dimension = options.dimension ?? PRIMARY_DIMENSION;
  const limits: StatLimits = {
    dimension, badBelow: options.badBelow ?? 0.5, maxDeviation: options.maxDeviation ?? 0.2, maxUncertainty: options.maxUncertainty ?? 0.2, minScore: options.minScore ?? 0.7,
  };
  const [minSupport, faultLift] = [options.minSupport ?? 3, options.faultLift ?? 1.5];
  const traces = traceTable(corpus, dimension);
  const rows = traces.flatMap((t) => t.steps);
  const whole = groupStats(rows, limits);
  const groups = [...groupsOf(traces).values()].filter((g) => g.occurrences >= minSupport).sort(simplerFirst);
  const simplest = sameSteps(groups);
  const patterns = groups.map((group): Pattern => {
    const members = group.rows.flatMap((i) => rows[i] ?? []);
    const stats = groupStats(members, limits, whole);
    const faults = faultsOf(stats, whole, faultLift);
    const same = simplest.get(group.id);
    return {
      id: group.id, kind: group.kind, values: group.values, title: titleOf(group.kind, group.values), occurrences: group.occurrences, stats, faults,
      isGood: isGood(stats, limits, minSupport), exampleIds: examplesOf(members, { dimension, isWorstFirst: faults.length > 0 }), ...(same === undefined ? {} : { sameAs: same }),
    };
  });
  return {
    dimension, badBelow: limits.badBelow, firstErrorBelow: options.firstErrorBelow, whole, patterns,
    good: patterns.filter((p) => p.isGood && p.faults.length === 0).sort((a, b) => b.stats.success.low - a.stats.success.low || simplerFirst(a, b)),
    bad: patterns.filter((p) => p.faults.length > 0).sort((a, b) => (b.stats.uncertainty?.lift ?? 0) - (a.stats.uncertainty?.lift ?? 0) || a.stats.success.high - b.stats.success.high || simplerFirst(a, b)),
    failures: failureStarts(traces, { dimension, badBelow: options.firstErrorBelow }),
  };
}

interface Group {
  readonly id: string;
  readonly kind: PatternKind;
  readonly values: readonly string[];
  /** Places in the table of all steps, rising. */
  readonly rows: number[];
  occurrences: number;
}

function groupsOf(traces: readonly TraceRow[]): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  const add = (kind: PatternKind, values: readonly string[], from: number, length = 1): void => {
    const id = `${kind}:${values.length === 1 ? values[0] ?? '' : JSON.stringify(values)}`;
    const group = groups.get(id) ?? { id, kind, values, rows: [], occurrences: 0 };
    groups.set(id, group);
    group.occurrences++;
    for (let row = Math.max(from, (group.rows.at(-1) ?? -1) + 1); row < from + length; row++) group.rows.push(row);
  };
  let first = 0;
  for (const { steps } of traces) {
    for (const [at, { facts }] of steps.entries()) {
      const row = first + at;
      const { stepType, agent = '', previousStepType: previous = '', nextStepType: next = '' } = facts;
      add('step_type', [stepType], row);
      for (const tool of new Set(facts.tools)) add('tool', [tool], row);
      if (agent !== '') add('agent', [agent], row);
      add('previous', [previous], row);
      add('next', [next], row);
      add('key', [stepType, agent, previous, next], row);
    }
    for (let length = 2; length <= LONGEST_NGRAM; length++) {
      for (let at = 0; at + length <= steps.length; at++) {
        const window = steps.slice(at, at + length);
        if (!isUnbroken(window)) continue;
        add('ngram', window.map((s) => s.facts.stepType), first + at, length);
      }
    }
    first += steps.length;
  }
  return groups;
}

/** Steps that nobody scored are missing from the corpus: what stands around a gap is no sequence. */
function isUnbroken(window: readonly StepRow[]): boolean {
  const [from, to] = [window[0]?.facts.stepIndex ?? 0, window.at(-1)?.facts.stepIndex ?? 0];
  return to - from === window.length - 1;
}

/** By id of a group, the id of the first group with the same steps. */
function sameSteps(groups: readonly Group[]): ReadonlyMap<string, string> {
  const firstByRows = new Map<string, Group[]>();
  const same = new Map<string, string>();
  for (const group of groups) {
    const ends = `${group.rows.length}|${group.rows[0] ?? ''}|${group.rows.at(-1) ?? ''}`;
    const known = firstByRows.get(ends) ?? [];
    const twin = known.find((k) => k.rows.every((row, i) => row === group.rows[i]));
    if (twin === undefined) firstByRows.set(ends, [...known, group]);
    else same.set(group.id, twin.id);
  }
  return same;
}

function isGood(stats: GroupStats, limits: StatLimits, minSupport: number): boolean {
  return stats.goodSteps >= minSupport && (stats.scores[limits.dimension]?.mean ?? 0) >= limits.minScore
    && stats.uncertainty !== null && stats.uncertainty.mean <= limits.maxUncertainty
    && stats.agreement !== null && 1 - stats.agreement.value <= limits.maxDeviation;
}

function faultsOf(stats: GroupStats, whole: GroupStats, faultLift: number): readonly Fault[] {
  const faults: Fault[] = [];
  if ((stats.uncertainty?.lift ?? 0) >= faultLift) faults.push('uncertain');
  if (stats.errors.count > 0 && stats.errors.low > (whole.errors.rate ?? 1)) faults.push('errors');
  if (stats.success.of > 0 && stats.success.high < (whole.success.rate ?? 0)) faults.push('low_score');
  if ((stats.durationMs?.lift ?? 0) >= faultLift) faults.push('slow');
  return faults;
}

function examplesOf(rows: readonly StepRow[], { dimension, isWorstFirst }: { readonly dimension: string; readonly isWorstFirst: boolean }): readonly string[] {
  const sign = isWorstFirst ? 1 : -1;
  const scored = rows.flatMap((r) => {
    const score = r.scores.get(dimension);
    return score === undefined ? [] : [{ id: r.facts.id, score: sign * score }];
  });
  const chosen = scored.sort((a, b) => a.score - b.score || (a.id < b.id ? -1 : 1)).slice(0, EXAMPLES).map((r) => r.id);
  return chosen.length > 0 ? chosen : rows.slice(0, EXAMPLES).map((r) => r.facts.id);
}

function titleOf(kind: PatternKind, values: readonly string[]): string {
  const [first = '', agent = '', previous = '', next = ''] = values;
  if (kind === 'ngram') return values.join(' → ');
  if (kind === 'previous') return first === '' ? 'first steps' : `steps after ${first}`;
  if (kind === 'next') return first === '' ? 'last steps' : `steps before ${first}`;
  if (kind === 'agent') return `steps of ${first}`;
  if (kind === 'tool') return `steps that call ${first}`;
  if (kind === 'step_type') return `${first} steps`;
  return [`${first}${agent === '' ? '' : ` of ${agent}`}`, previous === '' ? 'at the start' : `after ${previous}`, next === '' ? 'at the end' : `before ${next}`].join(', ');
}

function simplerFirst(a: Pick<Group, 'id' | 'kind' | 'values'>, b: Pick<Group, 'id' | 'kind' | 'values'>): number {
  return PATTERN_KINDS.indexOf(a.kind) - PATTERN_KINDS.indexOf(b.kind) || a.values.length - b.values.length || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
