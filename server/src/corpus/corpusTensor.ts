/** The corpus laid out: as a labelled tensor, in long form, as a flat list, as a table for people. */
import type { ScorableFacts, ScoreRecord } from '../core/scoreRecord.ts';
import type { ScoreCorpus } from './scoreCorpus.ts';
import { SCORE_METRIC } from './scoreSheet.ts';
import { summaryOf } from './statistics.ts';

/** Labels to lay out, in this order; all of an axis, sorted, when left out. A label that the corpus does not have is a stretch of missing values. */
export interface TensorAxes {
  readonly dimensions?: readonly string[];
  readonly scorers?: readonly string[];
  readonly metrics?: readonly string[];
  /** Of this metric alone: the tensor then has three axes. */
  readonly attribute?: string;
}

export interface ScoreTensor {
  /** Scorables, dimensions, scorers, metrics; without the last where one attribute was asked for. */
  readonly shape: readonly number[];
  readonly labels: { readonly scorables: readonly string[]; readonly dimensions: readonly string[]; readonly scorers: readonly string[]; readonly metrics: readonly string[] };
  /** Row-major; NaN missing. */
  readonly values: Float64Array;
  /** 1 where there is a value. */
  readonly mask: Uint8Array;
}

/** One value. */
export interface LongRow {
  readonly scorableId: string;
  readonly dimension: string;
  readonly scorer: string;
  readonly metric: string;
  readonly value: number;
}

/** One record with what is known of its scorable. */
export type CorpusRow = Omit<ScorableFacts, 'id'> & ScoreRecord;

export function toTensor(corpus: ScoreCorpus, axes: TensorAxes = {}): ScoreTensor {
  const { dimensions, scorers, metrics } = labelsOf(corpus, axes);
  const scorables = [...corpus.scorableIds];
  const values = new Float64Array(cellsOf(corpus, axes)).fill(Number.NaN);
  const mask = new Uint8Array(values.length);
  const stride = dimensions.length * scorers.length * metrics.length;
  for (const [offset, column] of columnsOf(corpus, { dimensions, scorers, metrics })) {
    for (let i = 0; i < column.rows.length; i++) {
      const value = column.values[i] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      const at = (column.rows[i] ?? 0) * stride + offset;
      values[at] = value;
      mask[at] = 1;
    }
  }
  const shape = [scorables.length, dimensions.length, scorers.length, ...(axes.attribute === undefined ? [metrics.length] : [])];
  return { shape, labels: { scorables, dimensions, scorers, metrics }, values, mask };
}

/** Numbers the tensor would hold. */
export function cellsOf(corpus: ScoreCorpus, axes: TensorAxes = {}): number {
  const { dimensions, scorers, metrics } = labelsOf(corpus, axes);
  return corpus.scorableIds.length * dimensions.length * scorers.length * metrics.length;
}

/** Every value there is, by scorable in order of insertion, then dimension, scorer and metric. */
export function toDataFrame(corpus: ScoreCorpus, axes: TensorAxes = {}): readonly LongRow[] {
  const { dimensions, scorers, metrics } = labelsOf(corpus, axes);
  const found: LongRow[][] = corpus.scorableIds.map(() => []);
  for (const dimension of dimensions) for (const scorer of scorers) for (const metric of metrics) {
    const column = corpus.column(dimension, scorer, metric);
    if (column === undefined) continue;
    for (let i = 0; i < column.rows.length; i++) {
      const row = column.rows[i] ?? 0;
      const value = column.values[i] ?? Number.NaN;
      if (!Number.isNaN(value)) found[row]?.push({ scorableId: corpus.scorableIds[row] ?? '', dimension, scorer, metric, value });
    }
  }
  return found.flat();
}

export function* rowsOf(corpus: ScoreCorpus): Generator<CorpusRow> {
  for (const record of corpus.records()) {
    const facts = corpus.facts(record.scorableId);
    if (facts === undefined) continue;
    const { id: _, ...known } = facts;
    yield { ...known, ...record };
  }
}

export function toList(corpus: ScoreCorpus): readonly CorpusRow[] {
  return [...rowsOf(corpus)];
}

/** Mean score and count of every scorer in every dimension; an empty cell where there is none. */
export function toMarkdown(corpus: ScoreCorpus): string {
  const { dimensions, scorers } = corpus;
  const cell = (scorer: string, dimension: string): string => {
    const column = corpus.column(dimension, scorer, SCORE_METRIC);
    const { mean, n } = summaryOf(column?.values ?? new Float64Array(0));
    return mean === null ? '' : `${mean.toFixed(3)} (${n})`;
  };
  const line = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    `${corpus.scorableIds.length} scorables, ${corpus.size} records. Mean score, 0–1 (count).`, '',
    line(['scorer', ...dimensions]), line(['---', ...dimensions.map(() => '---')]),
    ...scorers.map((scorer) => line([scorer, ...dimensions.map((d) => cell(scorer, d))])), '',
  ].join('\n');
}

function labelsOf(corpus: ScoreCorpus, axes: TensorAxes): { readonly dimensions: readonly string[]; readonly scorers: readonly string[]; readonly metrics: readonly string[] } {
  return {
    dimensions: axes.dimensions ?? corpus.dimensions, scorers: axes.scorers ?? corpus.scorers,
    metrics: axes.attribute === undefined ? axes.metrics ?? corpus.metrics : [axes.attribute],
  };
}

/** Every column asked for with the offset of its cells within a scorable's block. */
function* columnsOf(corpus: ScoreCorpus, labels: ReturnType<typeof labelsOf>): Generator<readonly [number, NonNullable<ReturnType<ScoreCorpus['column']>>]> {
  const { dimensions, scorers, metrics } = labels;
  for (const [d, dimension] of dimensions.entries()) for (const [s, scorer] of scorers.entries()) for (const [m, metric] of metrics.entries()) {
    const column = corpus.column(dimension, scorer, metric);
    if (column !== undefined) yield [(d * scorers.length + s) * metrics.length + m, column];
  }
}
