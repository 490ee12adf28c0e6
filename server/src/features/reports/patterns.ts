/** Patterns and recommendations: which kinds of step go well, which fail, and what to do about it. */
import { PRIMARY_DIMENSION } from '../../core/dimensions.ts';
import { foundPatternId } from '../../corpus/findings.ts';
import type { Fault, Pattern, PatternReport } from '../../corpus/patterns.ts';
import type { FoundPattern, Recommendation, Seen } from '../../corpus/scoreMemory.ts';
import type { ScoreCorpus } from '../../corpus/scoreCorpus.ts';
import { escapeMarkdown, markdownTable } from '../markdown.ts';
import { NOTHING_YET, decimal, share, stepLink, timeText } from './reportText.ts';
import type { ReportContext } from './reportText.ts';

const MOST_PATTERNS = 20;
/** Letters of a date. */
const DAY = 10;
const FAULT: Readonly<Record<Fault, string>> = { uncertain: 'uncertain', errors: 'errors', low_score: 'low score', slow: 'slow' };

/** `found`: what is remembered of patterns, these among them. */
export function patternsReport(corpus: ScoreCorpus, report: PatternReport, options: ReportContext & { readonly recommendations: readonly Recommendation[]; readonly found: readonly (FoundPattern & Seen)[] }): string {
  if (report.whole.support.steps === 0) return ['# Patterns and recommendations', '', ...NOTHING_YET].join('\n');
  const sinceById = new Map(options.found.map((f) => [f.id, f.firstSeenMs]));
  const own = (patterns: readonly Pattern[]): readonly Pattern[] => patterns.filter((p) => p.sameAs === undefined).slice(0, MOST_PATTERNS);
  const rows = (patterns: readonly Pattern[]): readonly (readonly string[])[] => patterns.map((p) => [
    escapeMarkdown(p.title), `${p.stats.support.steps} of ${p.stats.support.traces}`, share(p.stats.scores[PRIMARY_DIMENSION]?.mean), decimal(p.stats.uncertainty?.lift),
    `${share(p.stats.success.rate)} (${share(p.stats.success.low)} to ${share(p.stats.success.high)})`, p.faults.map((f) => FAULT[f]).join(', '), timeText(sinceById.get(foundPatternId(p, report.dimension))).slice(0, DAY), stepLink(corpus.facts(p.exampleIds[0] ?? ''), options),
  ]);
  const columns = ['steps', '#support (of traces)', '#score', '#uncertainty lift', '#not bad (95 %)', 'why', 'first found', 'example'];
  const [bad, good] = [own(report.bad), own(report.good)];
  const { failures } = report;
  return [
    '# Patterns and recommendations', '', `${report.whole.support.steps} steps of ${report.whole.support.traces} traces. A step counts as bad by a person's label, else below a score of ${share(report.badBelow)}.`, '',
    '## What to do', '', ...(options.recommendations.length === 0 ? ['Nothing stands out.'] : options.recommendations.map((r) => `- ${escapeMarkdown(r.text)}`)), '',
    '## What holds runs back', '', ...(bad.length === 0 ? ['No kind of step does worse than chance explains.'] : markdownTable(columns, rows(bad))), '',
    '## What goes well', '', ...(good.length === 0 ? ['No kind of step is agreed on, certain and high often enough yet.'] : markdownTable(columns, rows(good))), '',
    '## What starts failures', '', failures.failed === 0 ? 'No run has failed.' : `${failures.failed} runs failed; the first bad step is known of ${failures.basis.label + failures.basis.score} (${failures.basis.label} by a label).`, '',
    ...(failures.byStepType.length === 0 ? [] : [...markdownTable(['step type', '#failures started', '#share', '#lift', 'example'], failures.byStepType.map((f) => [
      escapeMarkdown(f.stepType), String(f.share.count), share(f.share.rate), decimal(f.lift), stepLink(corpus.facts(f.exampleIds[0] ?? ''), options),
    ])), '']),
  ].join('\n');
}
