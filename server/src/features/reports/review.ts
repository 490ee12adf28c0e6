/** Review queue: the steps whose label would tell most. */
import type { ReviewRow } from '../../corpus/reviewQueue.ts';
import { escapeMarkdown, markdownTable } from '../markdown.ts';
import { NOTHING_YET, share, stepLink } from './reportText.ts';
import type { ReportContext } from './reportText.ts';

export function reviewReport(rows: readonly ReviewRow[], options: ReportContext & { readonly isEmpty: boolean }): string {
  if (options.isEmpty) return ['# Review queue', '', ...NOTHING_YET].join('\n');
  if (rows.length === 0) return ['# Review queue', '', 'Every scored step has a label: there is nothing to review.', ''].join('\n');
  return [
    '# Review queue', '', 'Open a step and label it (**StepScope: Label Step…**). The most telling first.', '',
    ...markdownTable(['step', '#score', '#value', 'why'], rows.map((r) => [stepLink(r.scorable, options), share(r.score), share(r.value), escapeMarkdown(r.why.join('; '))])), '',
  ].join('\n');
}
