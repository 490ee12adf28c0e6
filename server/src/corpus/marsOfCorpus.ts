/** MARS over the steps of a corpus. */
import { isWitness } from '../core/scoreRecord.ts';
import type { ScorableFacts } from '../core/scoreRecord.ts';
import { mars, reportOf } from './mars.ts';
import { createMarsBlocks } from './marsBlocks.ts';
import type { MarsBlocks } from './marsBlocks.ts';
import type { MarsColumn, MarsInput } from './marsColumns.ts';
import { configOf } from './marsConfig.ts';
import type { MarsSettings } from './marsConfig.ts';
import type { MarsReport, MarsResult } from './marsResult.ts';
import type { DimensionMatrix, ScoreCorpus } from './scoreCorpus.ts';

export interface CorpusMarsOptions {
  /** Without a reference named: human labels where a dimension has any. */
  readonly settings?: MarsSettings;
  readonly hasIntervals?: boolean;
  /** Left out: steps, and what is known by its id alone; no whole traces. */
  readonly isIncluded?: (facts: ScorableFacts) => boolean;
}

/** Every dimension of the corpus. The consensus and what measures without judging are no scorers here. */
export function marsOfCorpus(corpus: ScoreCorpus, options: CorpusMarsOptions = {}): MarsReport {
  return mars(marsInputs(corpus, options), { hasIntervals: options.hasIntervals ?? false });
}

export interface LiveMars {
  /** With intervals, while other work goes on: `pause` lets it go first. Of a corpus that hardly differs from the one before only the difference is worked out. */
  of(corpus: ScoreCorpus, pause: () => Promise<void>): Promise<MarsReport>;
}

/** MARS over a corpus that grows. */
export function createLiveMars(): LiveMars {
  const blocksByDimension = new Map<string, MarsBlocks>();
  let last: Promise<unknown> = Promise.resolve();

  async function work(corpus: ScoreCorpus, pause: () => Promise<void>): Promise<MarsReport> {
    const results: MarsResult[] = [];
    for (const input of marsInputs(corpus)) {
      const blocks = blocksByDimension.get(input.dimension) ?? createMarsBlocks();
      blocksByDimension.set(input.dimension, blocks);
      results.push(await blocks.updateWithIntervals(input, pause));
    }
    return reportOf(results);
  }

  return {
    of(corpus, pause) {
      const report = last.then(() => work(corpus, pause));
      last = report.catch(() => undefined);
      return report;
    },
  };
}

/** One a dimension in which somebody judged a step. */
export function marsInputs(corpus: ScoreCorpus, options: CorpusMarsOptions = {}): readonly MarsInput[] {
  const { settings = {}, isIncluded = isStep } = options;
  const left = new Set(corpus.scorableIds.filter((id) => {
    const facts = corpus.facts(id);
    return facts !== undefined && !isIncluded(facts);
  }));
  return corpus.dimensions.flatMap((dimension) => {
    const config = configOf(settings, dimension);
    const scores = corpus.getDimensionMatrix(dimension);
    const rows = rowsBut(scores.rowIds, left);
    const witnesses = scores.scorers.filter(isWitness);
    const names = (config.metrics === 'all' ? corpus.metrics : config.metrics).filter((m) => m !== 'score');
    const metricsByScorer = new Map(witnesses.map((s) => [s, new Map<string, Float64Array>()] as const));
    for (const name of names) {
      const matrix = corpus.getMetricMatrix(dimension, name, scores.rowIds);
      for (const scorer of witnesses) {
        const values = columnOf(matrix, scorer);
        if (values !== undefined) metricsByScorer.get(scorer)?.set(name, rows.pick(values));
      }
    }
    const columns = witnesses.flatMap((scorer): MarsColumn[] => {
      const values = columnOf(scores, scorer);
      return values === undefined ? [] : [{ scorer, range: [0, 1], scores: rows.pick(values), metrics: metricsByScorer.get(scorer) ?? new Map() }];
    });
    const isJudged = columns.some((c) => c.scores.some((x) => x === x));
    return isJudged ? [{ dimension, rowIds: rows.ids, columns, config }] : [];
  });
}

function isStep({ stepId, traceLength }: ScorableFacts): boolean {
  return stepId !== '' || traceLength === 0;
}

function columnOf(matrix: DimensionMatrix, scorer: string): Float64Array | undefined {
  const at = matrix.scorers.indexOf(scorer);
  return at === -1 ? undefined : matrix.columns[at];
}

/** Rows without those left out; the columns themselves where none is. */
function rowsBut(ids: readonly string[], left: ReadonlySet<string>): { readonly ids: readonly string[]; pick(values: Float64Array): Float64Array } {
  if (left.size === 0) return { ids, pick: (values) => values };
  const kept = ids.flatMap((id, i) => (left.has(id) ? [] : [i]));
  return kept.length === ids.length ? { ids, pick: (values) => values } : { ids: kept.map((i) => ids[i] ?? ''), pick: (values) => Float64Array.from(kept, (i) => values[i] ?? Number.NaN) };
}
