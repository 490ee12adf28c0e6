/** What the patterns ask for: bottlenecks to look at, ways of working to keep. */
import type { Fault, Pattern, PatternReport } from './patterns.ts';
import type { Recommendation } from './scoreMemory.ts';

const MOST_BOTTLENECKS = 10;
const MOST_REUSED = 5;

/** Bottlenecks first, most uncertain first, then what is worth repeating. The same finding has the same id whenever it is made. */
export function recommendPatterns(report: PatternReport): readonly Recommendation[] {
  const bad = report.bad.filter((p) => p.sameAs === undefined && !isExplained(p, report.patterns));
  const good = report.good.filter((p) => p.sameAs === undefined && p.stats.success.low > (report.whole.success.rate ?? 1));
  return [...bad.slice(0, MOST_BOTTLENECKS).map((p) => bottleneck(p, report)), ...good.slice(0, MOST_REUSED).map((p) => reuse(p, report))];
}

/** A longer pattern says nothing that one of its step types does not say alone. */
function isExplained(pattern: Pattern, all: readonly Pattern[]): boolean {
  if (pattern.kind !== 'key' && pattern.kind !== 'ngram') return false;
  const types = pattern.kind === 'key' ? pattern.values.slice(0, 1) : pattern.values;
  const known = new Set(all.flatMap((p) => (p.kind === 'step_type' && types.includes(p.values[0] ?? '') ? p.faults : [])));
  return pattern.faults.every((f) => known.has(f));
}

function bottleneck(pattern: Pattern, report: PatternReport): Recommendation {
  const { stats } = pattern;
  return {
    id: `bottleneck:${report.dimension}:${pattern.id}`, kind: 'bottleneck', severity: 'warning', target: pattern.title,
    text: `Look at ${pattern.title}: ${pattern.faults.map((f) => faultText(f, pattern, report)).join(', ')} (${supportText(pattern)}).`,
    evidence: { numbers: numbersOf(pattern), ids: pattern.exampleIds, n: stats.support.steps },
  };
}

function reuse(pattern: Pattern, report: PatternReport): Recommendation {
  const { stats } = pattern;
  const score = stats.scores[report.dimension];
  return {
    id: `reuse:${report.dimension}:${pattern.id}`, kind: 'reuse', severity: 'information', target: pattern.title,
    text: `Consider more of ${pattern.title}: mean score ${hundredths(score?.mean)}, uncertainty ${hundredths(stats.uncertainty?.mean)}, agreement ${hundredths(stats.agreement?.value)}, ${percent(stats.success.low)} or more of its steps are not bad (${supportText(pattern)}).`,
    evidence: { numbers: numbersOf(pattern), ids: pattern.exampleIds, n: stats.support.steps },
  };
}

function faultText(fault: Fault, { stats }: Pattern, { whole }: PatternReport): string {
  if (fault === 'uncertain') return `uncertainty ${hundredths(stats.uncertainty?.mean)}, ${hundredths(stats.uncertainty?.lift)} times the usual`;
  if (fault === 'errors') return `${percent(stats.errors.rate)} end in an error, usual ${percent(whole.errors.rate)}`;
  if (fault === 'low_score') return `${percent(stats.success.rate)} are not bad, usual ${percent(whole.success.rate)}`;
  return `${Math.round(stats.durationMs?.mean ?? 0)} ms a step, ${hundredths(stats.durationMs?.lift)} times the usual`;
}

function supportText({ stats: { support } }: Pattern): string {
  return `${support.steps} steps of ${support.traces} ${support.traces === 1 ? 'trace' : 'traces'}`;
}

/** Only what is known. */
function numbersOf({ stats }: Pattern): Readonly<Record<string, number>> {
  const numbers: Readonly<Record<string, number | null | undefined>> = {
    steps: stats.support.steps, traces: stats.support.traces, uncertainty: stats.uncertainty?.mean, uncertainty_lift: stats.uncertainty?.lift, agreement: stats.agreement?.value,
    duration_ms: stats.durationMs?.mean, duration_lift: stats.durationMs?.lift, error_rate: stats.errors.rate, success_rate: stats.success.rate, success_low: stats.success.low, success_high: stats.success.high,
    ...Object.fromEntries(Object.entries(stats.scores).flatMap(([dimension, mean]) => [[`score.${dimension}`, mean.mean], [`score_lift.${dimension}`, mean.lift]])),
  };
  return Object.fromEntries(Object.entries(numbers).flatMap(([name, value]) => (typeof value === 'number' ? [[name, value] as const] : [])));
}

function hundredths(value: number | null | undefined): string {
  return value === null || value === undefined ? 'unknown' : value.toFixed(2);
}

function percent(share: number | null): string {
  return share === null ? 'unknown' : `${Math.round(share * 100)} %`;
}
