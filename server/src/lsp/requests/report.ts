/** stepscope/report: a report over all remembered scores, as Markdown. */
import type { ReportParams } from '../../contract/protocol.ts';
import { corpusId } from '../../core/scoreRecord.ts';
import { agreementsOf, foundPatterns } from '../../corpus/findings.ts';
import { marsOfCorpus } from '../../corpus/marsOfCorpus.ts';
import { recommendPatterns } from '../../corpus/patternRecommendations.ts';
import { findPatterns } from '../../corpus/patterns.ts';
import { recommend } from '../../corpus/recommendations.ts';
import { reviewQueue } from '../../corpus/reviewQueue.ts';
import type { Recommendation } from '../../corpus/scoreMemory.ts';
import { conflictsReport } from '../../features/reports/conflicts.ts';
import { historyReport } from '../../features/reports/history.ts';
import { patternsReport } from '../../features/reports/patterns.ts';
import type { ReportContext } from '../../features/reports/reportText.ts';
import { reviewReport } from '../../features/reports/review.ts';
import { statisticsReport } from '../../features/reports/statistics.ts';
import type { ServerPorts } from '../ports.ts';
import { sourceUriOf } from '../readableUris.ts';
import type { WorkspaceMemory } from '../workspaceMemory.ts';

/** `badBelow`: a score under it counts as bad; `firstErrorBelow`: the first such step of a failed run turned it. Both 0–1. */
export async function report(params: ReportParams, options: { readonly memory: WorkspaceMemory; readonly ports: ServerPorts; readonly thresholds: { readonly badBelow: number; readonly firstErrorBelow: number } }): Promise<string> {
  const { memory, ports, thresholds } = options;
  // Pages link from the root of the workspace; addresses of their own kind they refuse.
  const context: ReportContext = { linkOf: (file) => (/^([a-z]:)?\//i.test(file) ? undefined : `/${encodeURI(file).replaceAll('#', '%23').replaceAll('?', '%3F')}`) };
  const corpus = await memory.corpus();
  const stored = memory.memory();
  const remember = async (recommendations: readonly Recommendation[]): Promise<readonly Recommendation[]> => {
    await stored?.saveRecommendations(recommendations, ports.nowMs());
    return recommendations;
  };
  switch (params.kind) {
    case 'statistics': return statisticsReport(corpus, thresholds);
    case 'conflicts': {
      const mars = await memory.mars();
      await stored?.saveAgreements(agreementsOf(mars), ports.nowMs());
      return conflictsReport(corpus, mars, { ...context, recommendations: await remember(recommend(mars)), agreements: await stored?.agreements() ?? [] });
    }
    case 'patterns': {
      const found = findPatterns(corpus, thresholds);
      await stored?.savePatterns(foundPatterns(found), ports.nowMs());
      return patternsReport(corpus, found, { ...context, found: await stored?.patterns() ?? [], recommendations: await remember(recommend(marsOfCorpus(corpus), recommendPatterns(found))) });
    }
    case 'review': return reviewReport(reviewQueue(corpus), { ...context, isEmpty: corpus.scorableIds.length === 0 });
    case 'history': {
      const path = ports.uriToPath(sourceUriOf(params.uri ?? ''));
      const id = corpusId({ file: path === undefined ? '' : memory.nameOf(path), traceId: params.traceId ?? '', stepId: params.stepId ?? '' });
      return historyReport(corpus.facts(id), await stored?.history(id) ?? [], context);
    }
  }
}
