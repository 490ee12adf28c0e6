/** Score history of one step: every point of the consensus, then each scorer's changes with their causes. */
import { PRIMARY_DIMENSION } from '../../core/dimensions.ts';
import { CONSENSUS_SCORER } from '../../core/scoreRecord.ts';
import type { ScorableFacts } from '../../core/scoreRecord.ts';
import { computeDelta } from '../../corpus/deltas.ts';
import type { ScoreHistory } from '../../corpus/scoreMemory.ts';
import { escapeMarkdown, markdownTable } from '../markdown.ts';
import { causeText, changeText } from '../scoreChange.ts';
import { percent } from '../scoredTrace.ts';
import { stepLink, timeText } from './reportText.ts';
import type { ReportContext } from './reportText.ts';

export function historyReport(facts: ScorableFacts | undefined, histories: readonly ScoreHistory[], context: ReportContext): string {
  const head = ['# Score history', '', facts === undefined ? '' : stepLink(facts, context), ''];
  const ordered = histories.toSorted((a, b) => rank(a) - rank(b) || (a.dimension + a.scorer < b.dimension + b.scorer ? -1 : 1));
  if (ordered.length === 0) return [...head, 'No score of this step is remembered yet. A score is remembered a moment after it was made, and again whenever it changes.', ''].join('\n');
  const changed = ordered.filter((h) => h.points.length > 1);
  if (changed.length === 0) {
    const [first] = ordered;
    return [...head, `Scored once, ${timeText(first?.points[0]?.timeMs)}; nothing has changed since.`, ''].join('\n');
  }
  return [...head, ...changed.flatMap((history) => [`## ${escapeMarkdown(history.scorer)}, ${escapeMarkdown(history.dimension)}`, '', ...pointTable(history), ''])].join('\n');
}

function rank(history: ScoreHistory): number {
  return (history.dimension === PRIMARY_DIMENSION ? 0 : 2) + (history.scorer === CONSENSUS_SCORER ? 0 : 1);
}

/** Newest first. */
function pointTable({ points }: ScoreHistory): readonly string[] {
  const rows = points.map((point, i) => {
    const delta = computeDelta(points.slice(0, i), point);
    const change = delta === undefined ? 'first score' : `${changeText(delta)}${delta.isSignificant ? ', significant' : ''}${escapeMarkdown(causeText(delta))}`;
    return [timeText(point.timeMs), String(percent(point.score)), change, escapeMarkdown(point.scorerVersion)];
  });
  return markdownTable(['when', '#score', 'change', 'version'], rows.toReversed());
}
