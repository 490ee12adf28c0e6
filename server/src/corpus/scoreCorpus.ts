/** Scores of many scorables on four labelled axes: scorables × dimensions × scorers × metrics. */
import type { ScorableFacts, ScoreRecord } from '../core/scoreRecord.ts';
import type { CorpusDict } from './corpusDict.ts';
import { groupBy } from './corpusGroups.ts';
import type { GroupKey, GroupTable } from './corpusGroups.ts';
import { matrixOf, matrixOfRows } from './corpusMatrix.ts';
import { average, findMetricOutliers, getMetricCorrelations } from './corpusMetrics.ts';
import type { AverageOptions, MetricAddress, MetricCorrelation, MetricOutlier } from './corpusMetrics.ts';
import { analyzeScorerReliability, getHighDisagreementScorables, getOutlierScorables } from './corpusReliability.ts';
import type { DisagreementReport, OutlierReport, ScorerReliability } from './corpusReliability.ts';
import { toDataFrame, toList, toMarkdown, toTensor } from './corpusTensor.ts';
import type { CorpusRow, LongRow, ScoreTensor, TensorAxes } from './corpusTensor.ts';
import { scorableCheck } from './filters.ts';
import type { CorpusFilter } from './filters.ts';
import type { RememberedScores } from './scoreMemory.ts';
import { createSheet, SCORE_METRIC } from './scoreSheet.ts';
import type { ScoreSheet, SheetColumn } from './scoreSheet.ts';

/** One metric of one dimension: a row a scorable, a column a scorer. */
export interface DimensionMatrix {
  readonly dimension: string;
  readonly rowIds: readonly string[];
  /** Those with at least one value, sorted. */
  readonly scorers: readonly string[];
  /** One a scorer, one value a row, NaN missing. */
  readonly columns: readonly Float64Array[];
}

/**
 * What is missing is missing: NaN in columns, null in rows, absent in maps. Numbers are metrics, lists of numbers the
 * metrics `name[i]`; booleans, texts and the rest are kept and exported, never computed with. Names need no registration.
 */
export interface ScoreCorpus {
  /** In order of insertion. */
  readonly scorableIds: readonly string[];
  /** What is known of each, in the same order. */
  readonly scorables: readonly ScorableFacts[];
  /** Sorted, as are all names. */
  readonly dimensions: readonly string[];
  readonly scorers: readonly string[];
  /** `score` is always among them. */
  readonly metrics: readonly string[];
  /** Records: one a scorable, dimension and scorer. */
  readonly size: number;

  /** Adds a scorable, or replaces what is known of it. */
  addScorable(facts: ScorableFacts): void;
  /** Adds a record, or replaces that of its scorable, dimension and scorer. A scorable not yet known is known by its id alone. */
  addScore(record: ScoreRecord): void;
  facts(scorableId: string): ScorableFacts | undefined;
  record(scorableId: string, dimension: string, scorer: string): ScoreRecord | undefined;
  /** Undefined where there is no such value. */
  value(scorableId: string, dimension: string, scorer: string, metric: string): number | undefined;
  /** By scorable in order of insertion, then dimension, then scorer. */
  records(): Iterable<ScoreRecord>;
  getScoresBy(dimension: string, scorer: string): readonly ScoreRecord[];
  /** Scorers with at least one record in a dimension, sorted. */
  scorersOf(dimension: string): readonly string[];
  /** Metrics that a scorer has in a dimension, sorted. */
  metricsOf(dimension: string, scorer: string): readonly string[];
  /** Rows are places in `scorableIds`. Views, valid until the next addScore; undefined where there is no value. */
  column(dimension: string, scorer: string, metric: string): SheetColumn | undefined;

  /** Rows are the scorables with at least one score in the dimension, in order of insertion. */
  getDimensionMatrix(dimension: string): DimensionMatrix;
  /** The same of any metric; with `rowIds` those rows in that order, whether they have values or not. */
  getMetricMatrix(dimension: string, metric: string, rowIds?: readonly string[]): DimensionMatrix;
  /** Of every scorable the scorer has a record of; null where that does not hold the metric. */
  getMetricValues(dimension: string, scorer: string, metric: string): readonly { readonly scorableId: string; readonly value: number | null }[];
  getAllMetricValues(dimension: string, metric: string): readonly { readonly scorableId: string; readonly scorer: string; readonly value: number | null }[];
  toTensor(axes?: TensorAxes): ScoreTensor;
  toDataFrame(axes?: TensorAxes): readonly LongRow[];
  toList(): readonly CorpusRow[];
  toDict(): CorpusDict;
  toMarkdown(): string;

  analyzeScorerReliability(dimension: string, reference?: string): readonly ScorerReliability[];
  getHighDisagreementScorables(dimension: string, threshold?: number): DisagreementReport;
  getOutlierScorables(dimension: string, scorer: string, threshold?: number): OutlierReport;
  getMetricCorrelations(dimension: string, metrics?: readonly MetricAddress[]): readonly MetricCorrelation[];
  findMetricOutliers(dimension: string, metric: string, threshold?: number): readonly MetricOutlier[];
  average(metric: string, scorer: string, options?: AverageOptions): { readonly mean: number | null; readonly n: number };
  groupBy(key: GroupKey, metric: MetricAddress & { readonly dimension: string }): GroupTable;

  /** A corpus of its own with what the filter leaves; this one stays as it is. */
  filter(filter: CorpusFilter): ScoreCorpus;
  /** A corpus of its own with the scorables and records of both; where both have one, the other's counts. */
  merge(other: ScoreCorpus): ScoreCorpus;
}

type Sheets = Map<string, Map<string, ScoreSheet>>;

export function createCorpus(): ScoreCorpus {
  return corpusFrom([], new Map());
}

export function corpusOf(remembered: RememberedScores): ScoreCorpus {
  const corpus = createCorpus();
  for (const facts of remembered.scorables) corpus.addScorable(facts);
  for (const record of remembered.records) corpus.addScore(record);
  return corpus;
}

function corpusFrom(factsOfRow: ScorableFacts[], sheets: Sheets): ScoreCorpus {
  const ids = factsOfRow.map((f) => f.id);
  // Built when an id is first looked up: a view that is only read by columns never needs it.
  let rowById: Map<string, number> | undefined;
  const matrices = new Map<string, Map<string, DimensionMatrix>>();

  const rows = (): Map<string, number> => (rowById ??= new Map(ids.map((id, row) => [id, row])));
  const sheet = (dimension: string, scorer: string): ScoreSheet | undefined => sheets.get(dimension)?.get(scorer);
  const sheetsOf = (dimension: string): readonly ScoreSheet[] => [...(sheets.get(dimension)?.values() ?? [])].sort((a, b) => (a.scorer < b.scorer ? -1 : 1));
  const addRow = (facts: ScorableFacts): number => {
    const row = ids.push(facts.id) - 1;
    factsOfRow.push(facts);
    rows().set(facts.id, row);
    return row;
  };

  const corpus: ScoreCorpus = {
    scorableIds: ids, scorables: factsOfRow,
    get dimensions() { return [...sheets.keys()].sort(); },
    get scorers() { return distinct([...sheets.values()].flatMap((s) => [...s.keys()])); },
    get metrics() { return distinct([SCORE_METRIC, ...[...sheets.values()].flatMap((s) => [...s.values()].flatMap((x) => x.metrics()))]); },
    get size() { return [...sheets.values()].reduce((sum, s) => sum + [...s.values()].reduce((n, x) => n + x.size, 0), 0); },

    addScorable(facts) {
      const row = rows().get(facts.id);
      if (row === undefined) addRow(facts);
      else factsOfRow[row] = facts;
    },
    addScore(record) {
      const { dimension, scorer, scorableId } = record;
      const row = rows().get(scorableId) ?? addRow(factsOfIdAlone(scorableId));
      let byScorer = sheets.get(dimension);
      if (byScorer === undefined) sheets.set(dimension, byScorer = new Map<string, ScoreSheet>());
      let target = byScorer.get(scorer);
      if (target === undefined) byScorer.set(scorer, target = createSheet(dimension, scorer));
      const known = matrices.get(dimension);
      if (known === undefined || known.size === 0) return target.put(row, record);
      const before = [...known.keys()].map((metric) => [metric, target.value(row, metric)] as const);
      target.put(row, record);
      for (const [metric, value] of before) if (!Object.is(value, target.value(row, metric))) known.delete(metric);
    },
    facts: (id) => factsOfRow[rows().get(id) ?? -1],
    record: (id, dimension, scorer) => sheet(dimension, scorer)?.record(rows().get(id) ?? -1, id),
    value: (id, dimension, scorer, metric) => orNull(sheet(dimension, scorer)?.value(rows().get(id) ?? -1, metric) ?? Number.NaN) ?? undefined,
    *records() {
      const all = [...sheets.keys()].sort().flatMap(sheetsOf);
      for (const [row, id] of ids.entries()) {
        for (const one of all) {
          const record = one.record(row, id);
          if (record !== undefined) yield record;
        }
      }
    },
    getScoresBy: (dimension, scorer) => {
      const one = sheet(dimension, scorer);
      return one === undefined ? [] : ids.flatMap((id, row) => one.record(row, id) ?? []);
    },
    scorersOf: (dimension) => sheetsOf(dimension).map((s) => s.scorer),
    metricsOf: (dimension, scorer) => [...(sheet(dimension, scorer)?.metrics() ?? [])].sort(),
    column: (dimension, scorer, metric) => sheet(dimension, scorer)?.column(metric),

    getDimensionMatrix: (dimension) => corpus.getMetricMatrix(dimension, SCORE_METRIC),
    getMetricMatrix(dimension, metric, rowIds) {
      if (rowIds !== undefined) return matrixOfRows(dimension, { ids: rowIds, rows: Int32Array.from(rowIds, (id) => rows().get(id) ?? -1) }, sheetsOf(dimension), metric);
      const known = matrices.get(dimension) ?? new Map<string, DimensionMatrix>();
      matrices.set(dimension, known);
      const matrix = known.get(metric) ?? matrixOf(dimension, ids, sheetsOf(dimension), metric);
      known.set(metric, matrix);
      return matrix;
    },
    getMetricValues: (dimension, scorer, metric) => {
      const one = sheet(dimension, scorer);
      return one === undefined ? [] : ids.flatMap((scorableId, row) => (one.has(row) ? [{ scorableId, value: orNull(one.value(row, metric)) }] : []));
    },
    getAllMetricValues: (dimension, metric) => sheetsOf(dimension).flatMap((s) => corpus.getMetricValues(dimension, s.scorer, metric).map((v) => ({ ...v, scorer: s.scorer }))),
    toTensor: (axes) => toTensor(corpus, axes),
    toDataFrame: (axes) => toDataFrame(corpus, axes),
    toList: () => toList(corpus),
    toDict: () => ({ kind: 'score-corpus', version: 1, scorables: [...factsOfRow], records: [...corpus.records()] }),
    toMarkdown: () => toMarkdown(corpus),

    analyzeScorerReliability: (dimension, reference) => analyzeScorerReliability(corpus, dimension, reference),
    getHighDisagreementScorables: (dimension, threshold) => getHighDisagreementScorables(corpus, dimension, threshold),
    getOutlierScorables: (dimension, scorer, threshold) => getOutlierScorables(corpus, { dimension, scorer, threshold }),
    getMetricCorrelations: (dimension, metrics) => getMetricCorrelations(corpus, dimension, metrics),
    findMetricOutliers: (dimension, metric, threshold) => findMetricOutliers(corpus, { dimension, metric, threshold }),
    average: (metric, scorer, options) => average(corpus, { metric, scorer }, options),
    groupBy: (key, metric) => groupBy(corpus, key, metric),

    filter(filter) {
      const check = scorableCheck(filter);
      const newRowOf = new Int32Array(ids.length).fill(-1);
      const kept: ScorableFacts[] = [];
      for (const [row, facts] of factsOfRow.entries()) if (check(facts)) newRowOf[row] = kept.push(facts) - 1;
      return corpusFrom(kept, selectSheets(sheets, filter, kept.length === ids.length ? undefined : newRowOf));
    },
    merge(other) {
      const both = corpusFrom([...factsOfRow], selectSheets(sheets, {}, undefined));
      for (const id of other.scorableIds) {
        const facts = other.facts(id);
        if (facts !== undefined) both.addScorable(facts);
      }
      for (const record of other.records()) both.addScore(record);
      return both;
    },
  };
  return corpus;
}

function selectSheets(sheets: Sheets, filter: Pick<CorpusFilter, 'dimensions' | 'scorers'>, newRowOf: Int32Array | undefined): Sheets {
  const selected: Sheets = new Map();
  for (const [dimension, byScorer] of sheets) {
    if (filter.dimensions !== undefined && !filter.dimensions.includes(dimension)) continue;
    const kept = new Map<string, ScoreSheet>();
    for (const [scorer, one] of byScorer) {
      if (filter.scorers !== undefined && !filter.scorers.includes(scorer)) continue;
      const part = one.select(newRowOf);
      if (part.size > 0) kept.set(scorer, part);
    }
    if (kept.size > 0) selected.set(dimension, kept);
  }
  return selected;
}

/** `traceId#stepId`, or a trace. */
function factsOfIdAlone(id: string): ScorableFacts {
  const at = id.lastIndexOf('#');
  return { id, file: '', traceId: at === -1 ? id : id.slice(0, at), stepId: at === -1 ? '' : id.slice(at + 1), stepIndex: -1, goal: '', planSignature: '', stepType: '', tools: [], isError: false, traceLength: 0, title: '' };
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
