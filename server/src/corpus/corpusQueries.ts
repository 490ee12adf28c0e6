/** Questions put to a corpus in words: `uncertainty>0.3`, `clarity:file:judge.score<0.4`, `sicql.q_gap`. */
import { CONSENSUS_SCORER, isWitness } from '../core/scoreRecord.ts';
import { valuesByRow } from './corpusMetrics.ts';
import type { MetricAddress } from './corpusMetrics.ts';
import type { ScoreCorpus } from './scoreCorpus.ts';
import { SCORE_METRIC } from './scoreSheet.ts';
import { correlation, summaryOf } from './statistics.ts';

/** In the place of a scorer: the mean of all witnesses that have the metric. */
export const MEAN_SCORER = 'mean';

/** One number a scorable. */
export interface Operand extends MetricAddress {
  readonly dimension: string;
}

export interface Condition {
  readonly operand: Operand;
  readonly operator: '>' | '>=' | '<' | '<=' | '=' | '!=';
  readonly value: number;
}

/** What an operand that leaves them out is about. */
export interface OperandDefaults {
  readonly dimension: string;
  readonly scorer?: string;
}

/** A sentence saying what is wrong and what there is. */
export interface Misunderstood {
  readonly problem: string;
}

export interface FoundScorable {
  readonly scorableId: string;
  /** By operand. */
  readonly values: Readonly<Record<string, number>>;
}

export interface ScorerComparison {
  /** Scorables that both scored. */
  readonly n: number;
  readonly meanA: number | null;
  readonly meanB: number | null;
  /** Mean of a - b. */
  readonly meanDifference: number | null;
  readonly meanAbsDifference: number | null;
  /** Sample standard deviation of a - b. */
  readonly stdDifference: number | null;
  /** Pearson's r. */
  readonly r: number | null;
  /** Share of scorables that one calls good (0.5 and up) and the other bad; null with none. */
  readonly oppositeShare: number | null;
  /** Furthest apart first. */
  readonly rows: readonly { readonly scorableId: string; readonly a: number; readonly b: number; readonly difference: number }[];
}

/** `dimension:scorer.metric`, the full name of an operand. */
export function operandName({ dimension, scorer, metric }: Operand): string {
  return `${dimension}:${scorer}.${metric}`;
}

/**
 * Reads `[dimension:][scorer.]metric` by the names the corpus has. Without a scorer: the default one, else the consensus
 * where it has the metric, else the only scorer that has it, else for `score` the mean of the witnesses.
 */
export function readOperand(text: string, corpus: ScoreCorpus, defaults: OperandDefaults): Operand | Misunderstood {
  const named = startOf(text, corpus.dimensions, ':');
  const dimension = named ?? defaults.dimension;
  const rest = named === undefined ? text : text.slice(named.length + 1);
  if (!corpus.dimensions.includes(dimension)) return { problem: `There are no scores in the dimension ${dimension}; there are some in ${list(corpus.dimensions)}.` };
  const scorers = corpus.scorersOf(dimension);
  const having = (metric: string): readonly string[] => scorers.filter((s) => corpus.metricsOf(dimension, s).includes(metric));
  const scorer = startOf(rest, [...corpus.scorers, MEAN_SCORER], '.');
  const metric = scorer === undefined ? rest : rest.slice(scorer.length + 1);
  const wanted = scorer ?? defaults.scorer;
  if (wanted !== undefined) {
    if (wanted === MEAN_SCORER ? having(metric).some(isWitness) : having(metric).includes(wanted)) return { dimension, scorer: wanted, metric };
    const known = corpus.metricsOf(dimension, wanted);
    return { problem: known.length === 0 ? `${wanted} has no ${metric} in ${dimension}; scorers there: ${list(scorers)}.` : `${wanted} has no ${metric} in ${dimension}; it has ${list(known)}.` };
  }
  const owners = having(metric);
  const [only] = owners;
  if (owners.includes(CONSENSUS_SCORER)) return { dimension, scorer: CONSENSUS_SCORER, metric };
  if (only !== undefined && owners.length === 1) return { dimension, scorer: only, metric };
  if (metric === SCORE_METRIC && owners.some(isWitness)) return { dimension, scorer: MEAN_SCORER, metric };
  if (owners.length > 1) return { problem: `${list(owners)} all have ${metric} in ${dimension}: name one, as in ${owners[0] ?? ''}.${metric}.` };
  return { problem: `Nothing called ${rest} is known in ${dimension}. Metrics there: ${list([...new Set(scorers.flatMap((s) => corpus.metricsOf(dimension, s)))].sort())}. Scorers: ${list(scorers)}.` };
}

/** Reads `operand operator number`, as in `uncertainty>0.3`. */
export function readCondition(text: string, corpus: ScoreCorpus, defaults: OperandDefaults): Condition | Misunderstood {
  const match = /^(.+?)\s*(>=|<=|!=|>|<|=)\s*(.+)$/.exec(text.trim());
  const value = Number(match?.[3]);
  if (match === null || !Number.isFinite(value)) return { problem: `"${text}" is no condition; it should read like uncertainty>0.3 or sicql.q_value<=0.` };
  const operand = readOperand(match[1] ?? '', corpus, defaults);
  return 'problem' in operand ? operand : { operand, operator: (match[2] ?? '=') as Condition['operator'], value };
}

/** One value a scorable, in the order of `scorableIds`; NaN missing. */
export function operandValues(corpus: ScoreCorpus, operand: Operand): Float64Array {
  if (operand.scorer !== MEAN_SCORER) return valuesByRow(corpus, operand);
  const columns = corpus.scorersOf(operand.dimension).filter(isWitness).map((scorer) => valuesByRow(corpus, { ...operand, scorer }));
  return Float64Array.from(corpus.scorableIds, (_, row) => summaryOf(Float64Array.from(columns, (c) => c[row] ?? Number.NaN)).mean ?? Number.NaN);
}

/** Scorables that meet every condition, the furthest beyond the first one first. A missing value meets none. */
export function findScorables(corpus: ScoreCorpus, conditions: readonly Condition[]): readonly FoundScorable[] {
  const columns = conditions.map((c) => operandValues(corpus, c.operand));
  const rows = [...corpus.scorableIds.keys()].filter((row) => conditions.every((c, i) => meets(columns[i]?.[row] ?? Number.NaN, c)));
  const [first] = conditions;
  const [order] = columns;
  const sign = first?.operator === '<' || first?.operator === '<=' ? 1 : -1;
  if (order !== undefined) rows.sort((a, b) => sign * ((order[a] ?? 0) - (order[b] ?? 0)) || a - b);
  return rows.map((row): FoundScorable => ({
    scorableId: corpus.scorableIds[row] ?? '', values: Object.fromEntries(conditions.map((c, i) => [operandName(c.operand), columns[i]?.[row] ?? Number.NaN])),
  }));
}

/** How two operands, of two scorers most often, differ over the scorables that have both. */
export function compareOperands(corpus: ScoreCorpus, a: Operand, b: Operand): ScorerComparison {
  const [x, y] = [operandValues(corpus, a), operandValues(corpus, b)];
  const rows = corpus.scorableIds.flatMap((scorableId, row) => {
    const [p, q] = [x[row] ?? Number.NaN, y[row] ?? Number.NaN];
    return Number.isNaN(p - q) ? [] : [{ scorableId, a: p, b: q, difference: p - q }];
  });
  const differences = summaryOf(Float64Array.from(rows, (r) => r.difference));
  return {
    n: rows.length, meanA: summaryOf(Float64Array.from(rows, (r) => r.a)).mean, meanB: summaryOf(Float64Array.from(rows, (r) => r.b)).mean,
    meanDifference: differences.mean, meanAbsDifference: summaryOf(Float64Array.from(rows, (r) => Math.abs(r.difference))).mean, stdDifference: differences.std,
    r: correlation(x, y).r, oppositeShare: rows.length === 0 ? null : rows.filter((r) => r.a >= 0.5 !== r.b >= 0.5).length / rows.length,
    rows: rows.sort((p, q) => Math.abs(q.difference) - Math.abs(p.difference)),
  };
}

function meets(value: number, { operator, value: bound }: Condition): boolean {
  if (Number.isNaN(value)) return false;
  switch (operator) {
    case '>': return value > bound;
    case '>=': return value >= bound;
    case '<': return value < bound;
    case '<=': return value <= bound;
    case '=': return value === bound;
    case '!=': return value !== bound;
  }
}

/** The longest name that the text begins with, followed by the mark. */
function startOf(text: string, names: readonly string[], mark: string): string | undefined {
  return names.filter((name) => text.startsWith(`${name}${mark}`)).sort((a, b) => b.length - a.length)[0];
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 12);
  return names.length === 0 ? 'none' : names.length === shown.length ? shown.join(', ') : `${shown.join(', ')} and ${names.length - shown.length} more`;
}
