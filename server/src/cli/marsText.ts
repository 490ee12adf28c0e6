/** MARS as a person reads it on a terminal. */
import type { Interval, MarsReport, MarsResult } from '../corpus/marsResult.ts';
import type { Agreement, Recommendation, Seen } from '../corpus/scoreMemory.ts';

const CONFLICTS = 5;
const RUNS = 8;
const NAME_WIDTH = 24;
const CELL_WIDTH = 18;

/** `trends`: by dimension what was found over time, newest first. */
export function marsText(report: MarsReport, recommendations: readonly Recommendation[], trends: ReadonlyMap<string, readonly (Agreement & Seen)[]>): string {
  const results = Object.values(report.dimensions);
  if (results.length === 0) return 'No scores: nothing can be said.';
  const aggregate = report.aggregate === null ? [] : [`aggregate ${number(report.aggregate)}${report.unweighted ? ', the plain mean: no dimension has an agreement to weight by' : ''}`];
  const advice = recommendations.length === 0 ? [] : ['', 'recommendations', ...recommendations.map((r) => `  ${r.severity}: ${r.text}`)];
  return [...results.flatMap((r) => [...dimensionLines(r), ...trendLines(trends.get(r.dimension) ?? []), '']), ...aggregate, ...advice].join('\n');
}

function dimensionLines(result: MarsResult): readonly string[] {
  const { scorers, trust_reference: reference } = result;
  const figures = [
    `agreement ${ranged(result.agreement_score, result.agreement_interval)}`, `alpha ${ranged(result.krippendorff_alpha, result.alpha_interval)}`,
    `${result.rows.length} ${result.rows.length === 1 ? 'step' : 'steps'}`, ...(result.coverage === null ? [] : [`${Math.round(result.coverage * 100)} % of cells filled`]),
    ...(result.effective_scorers === null || scorers.length < 2 ? [] : [`worth ${result.effective_scorers.toFixed(1)} independent scorers`]),
    ...(result.clipped === 0 ? [] : [`${result.clipped} scores outside their scale`]),
  ];
  return [
    `${result.dimension}  ${figures.join(', ')}`, `  ${result.explanation}`,
    ...(result.delta_interval === null ? [] : [`  that gap lies in [${result.delta_interval.map((x) => x.toFixed(3)).join(', ')}] (95 %)`]),
    row('', ['mean', 'reliability', reference === null ? 'distance' : `from ${reference}`, 'bias']),
    ...scorers.map((s) => row(s, [
      number(result.scorer_means[s]), s === reference ? 'reference' : reliability(result.reliability[s], result.reliability_n[s]), number(result.distance[s]),
      result.bias[s] === undefined ? '–' : `${result.bias[s].mean < 0 ? '' : '+'}${result.bias[s].mean.toFixed(3)}`,
    ])),
    ...result.step_conflicts.slice(0, CONFLICTS).map((c) => `  contested ${c.id}: ${c.pair[0]} above ${c.pair[1]} by ${c.spread.toFixed(2)}${c.stands_apart === null ? '' : `, ${c.stands_apart} stands apart`}`),
  ];
}

function trendLines(trend: readonly (Agreement & Seen)[]): readonly string[] {
  if (trend.length === 0) return [];
  return ['  over time', row('', ['agreement', 'steps', 'scorers']), ...trend.slice(0, RUNS).map((a) => row(new Date(a.firstSeenMs).toISOString().slice(0, 19), [number(a.agreement_score), String(a.co_scored), String(a.scorers)]))];
}

function row(name: string, cells: readonly string[]): string {
  return `    ${name.padEnd(NAME_WIDTH)}${cells.map((c) => c.padEnd(CELL_WIDTH)).join('')}`.trimEnd();
}

function reliability(r: number | null | undefined, n: number | undefined): string {
  return typeof r === 'number' ? `${r.toFixed(3)} (n ${n ?? 0})` : '–';
}

function ranged(value: number | null, interval: Interval | null): string {
  return interval === null ? number(value) : `${number(value)} [${number(interval[0])}, ${number(interval[1])}]`;
}

function number(value: number | null | undefined): string {
  return typeof value === 'number' ? value.toFixed(3) : '–';
}
