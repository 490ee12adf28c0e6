/** Corpus statistics: what all remembered scores say together. */
import { PRIMARY_DIMENSION } from '../../core/dimensions.ts';
import { CONSENSUS_SCORER } from '../../core/scoreRecord.ts';
import { findPatterns } from '../../corpus/patterns.ts';
import { runsOf } from '../../corpus/runs.ts';
import type { DimensionMatrix, ScoreCorpus } from '../../corpus/scoreCorpus.ts';
import { escapeMarkdown, markdownTable } from '../markdown.ts';
import { NOTHING_YET, decimal, share } from './reportText.ts';

/** Uncertainty from which a step counts as uncertain. */
const UNCERTAIN = 0.3;
const MOST_RUNS = 30;

export function statisticsReport(corpus: ScoreCorpus, options: { readonly badBelow: number; readonly firstErrorBelow: number }): string {
  const runs = runsOf(corpus);
  const steps = runs.reduce((n, r) => n + r.steps, 0);
  if (steps === 0) return ['# Corpus statistics', '', ...NOTHING_YET].join('\n');
  const report = findPatterns(corpus, options);
  const byType = report.patterns.filter((p) => p.kind === 'step_type').sort((a, b) => (b.stats.uncertainty?.lift ?? 0) - (a.stats.uncertainty?.lift ?? 0));
  const uncertainties = ofSteps(corpus, corpus.getMetricMatrix(PRIMARY_DIMENSION, 'uncertainty'), CONSENSUS_SCORER);
  return [
    '# Corpus statistics', '', `${steps} steps of ${runs.length} ${runs.length === 1 ? 'trace' : 'traces'}; scores 0 to 100.`, '',
    '## Scorers', '', ...scorerTable(corpus), '',
    '## Uncertainty', '', uncertainties.length === 0 ? 'No consensus has been made yet.' : `The consensus of reasoning quality is uncertain (above ${UNCERTAIN}) on ${uncertainties.filter((u) => u > UNCERTAIN).length} of ${uncertainties.length} steps; on average ${decimal(meanOf(uncertainties))}.`, '',
    '## Step types', '', 'Lift: how many times the average of all steps. The most uncertain first.', '',
    ...markdownTable(['step type', '#steps', '#score', '#uncertainty', '#lift', '#errors', '#not bad'], byType.map((p) => [
      escapeMarkdown(p.values.join()), String(p.stats.support.steps), share(p.stats.scores[PRIMARY_DIMENSION]?.mean), decimal(p.stats.uncertainty?.mean), decimal(p.stats.uncertainty?.lift), share(p.stats.errors.rate), share(p.stats.success.rate),
    ])), '',
    '## Runs', '', runs.length > MOST_RUNS ? `The last ${MOST_RUNS}.` : 'In the order in which they were made.', '',
    ...markdownTable(['trace', 'goal', '#steps', '#mean', '#lowest', '#uncertainty', '#errors', '#outcome'], runs.slice(-MOST_RUNS).map((r) => [
      escapeMarkdown(r.file === '' ? r.traceId : `${r.file} ${r.traceId}`), escapeMarkdown(r.goal.slice(0, 60)), String(r.steps), share(r.quality), share(r.lowest), decimal(r.uncertainty), String(r.errors), share(r.outcome),
    ])), '',
  ].join('\n');
}

function scorerTable(corpus: ScoreCorpus): readonly string[] {
  const rows = corpus.dimensions.flatMap((dimension) => {
    const matrix = corpus.getDimensionMatrix(dimension);
    return matrix.scorers.flatMap((scorer) => {
      const scores = ofSteps(corpus, matrix, scorer);
      if (scores.length === 0) return [];
      const mean = meanOf(scores);
      const std = Math.sqrt(scores.reduce((sum, x) => sum + (x - mean) ** 2, 0) / scores.length);
      return [[escapeMarkdown(dimension), escapeMarkdown(scorer), String(scores.length), share(mean), share(std), ...lowHigh(scores).map(share)]];
    });
  });
  return markdownTable(['dimension', 'scorer', '#steps', '#mean', '#spread', '#lowest', '#highest'], rows);
}

/** Known values of one scorer on steps; whole traces are left out. */
function ofSteps(corpus: ScoreCorpus, matrix: DimensionMatrix, scorer: string): Float64Array {
  const column = matrix.columns[matrix.scorers.indexOf(scorer)] ?? new Float64Array(0);
  return column.filter((x, row) => !Number.isNaN(x) && corpus.facts(matrix.rowIds[row] ?? '')?.stepId !== '');
}

/** The two ends; a long column cannot be spread into arguments. */
function lowHigh(values: Float64Array): readonly number[] {
  return [values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY), values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)];
}

function meanOf(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
