/** The table behind CSV and Parquet: one row a record, one column a fact and a metric. */
import type { ScoreCorpus } from './scoreCorpus.ts';
import { rowsOf } from './corpusTensor.ts';
import { SCORE_METRIC } from './scoreSheet.ts';

export type Cell = string | number | boolean | undefined;

export interface ExportColumn {
  readonly name: string;
  readonly type: 'text' | 'number' | 'integer' | 'boolean';
}

/** `tools` and `otherAttributes` hold JSON. Everything else is as in ScorableFacts and ScoreRecord. */
const FIXED: readonly ExportColumn[] = [
  { name: 'scorableId', type: 'text' }, { name: 'file', type: 'text' }, { name: 'traceId', type: 'text' }, { name: 'stepId', type: 'text' }, { name: 'stepIndex', type: 'integer' },
  { name: 'goal', type: 'text' }, { name: 'planSignature', type: 'text' }, { name: 'stepType', type: 'text' }, { name: 'agent', type: 'text' }, { name: 'model', type: 'text' },
  { name: 'tools', type: 'text' }, { name: 'isError', type: 'boolean' }, { name: 'errorType', type: 'text' }, { name: 'previousStepType', type: 'text' }, { name: 'nextStepType', type: 'text' },
  { name: 'traceLength', type: 'integer' }, { name: 'outcome', type: 'number' }, { name: 'timeMs', type: 'number' }, { name: 'line', type: 'integer' }, { name: 'title', type: 'text' },
  { name: 'dimension', type: 'text' }, { name: 'scorer', type: 'text' }, { name: 'scorerVersion', type: 'text' }, { name: 'score', type: 'number' }, { name: 'weight', type: 'number' },
  { name: 'rationale', type: 'text' }, { name: 'otherAttributes', type: 'text' },
];
/** An attribute may be called as a fact is. */
const ATTRIBUTE_PREFIX = 'attr.';

export interface ExportTable {
  readonly columns: readonly ExportColumn[];
  /** Cells in the order of the columns; undefined where there is no value. */
  rows(): Iterable<readonly Cell[]>;
}

/** Metrics become columns `attr.<name>`; attributes that are no numbers stand as JSON in `otherAttributes`, undefined where there are none. */
export function exportTable(corpus: ScoreCorpus): ExportTable {
  const metrics = corpus.metrics.filter((m) => m !== SCORE_METRIC);
  const named = new Set(metrics);
  const columns = [...FIXED, ...metrics.map((name): ExportColumn => ({ name: ATTRIBUTE_PREFIX + name, type: 'number' }))];
  return {
    columns,
    *rows() {
      for (const row of rowsOf(corpus)) {
        const isColumn = (name: string): boolean => name !== SCORE_METRIC && typeof row.attributes[name] === 'number' && named.has(name);
        const others = Object.entries(row.attributes).filter(([name]) => !isColumn(name));
        const special: Readonly<Record<string, Cell>> = { tools: JSON.stringify(row.tools), otherAttributes: others.length === 0 ? undefined : JSON.stringify(Object.fromEntries(others)) };
        const cells = FIXED.map(({ name }) => (name in special ? special[name] : cellOf(row[name as keyof typeof row])));
        for (const metric of metrics) cells.push(corpus.value(row.scorableId, row.dimension, row.scorer, metric));
        yield cells;
      }
    },
  };
}

function cellOf(value: unknown): Cell {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}
