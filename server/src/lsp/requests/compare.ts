/** stepscope/compare: two steps of one trace side by side, each as it was scored in its place. */
import type { CompareParams, CompareResult } from '../../contract/protocol.ts';
import { findDimension } from '../../core/dimensions.ts';
import { comparisonMarkdown, verdict } from '../../features/comparison.ts';
import { percent } from '../../features/scoredTrace.ts';
import type { TraceView } from '../../features/traceFile.ts';
import { activeDimensions, activeScorerIds } from '../../scoring/activeScorers.ts';
import { compareSteps } from '../../scoring/compare.ts';
import type { ModelManifest } from '../../scoring/manifest.ts';
import { stepById } from '../stepAt.ts';

export function compare(view: TraceView, params: CompareParams, manifest: ModelManifest | undefined): CompareResult {
  const [first, second] = params.stepIds.map((id) => stepById(view, params.traceId, id));
  if (first === undefined || second === undefined) return { kind: 'failed', message: 'One of the two steps is no longer in the file.' };
  if (first.step === second.step) return { kind: 'failed', message: 'A step cannot be compared with itself; pick another one.' };
  const raws = view.source.rawByTraceId.get(params.traceId);
  const [a, b] = [raws?.get(first.step.stepId), raws?.get(second.step.stepId)];
  if (manifest === undefined || a === undefined || b === undefined) return { kind: 'failed', message: 'The two steps have no scores yet; wait until the trace is scored and ask again.' };
  const { settings } = view.source;
  const comparisons = compareSteps(a.raw, b.raw, { manifest, scorers: activeScorerIds(manifest, settings), dimensions: activeDimensions(manifest, settings) });
  const indices = [first.step.stepIndex, second.step.stepIndex] as const;
  return {
    kind: 'compared', verdict: verdict(comparisons, [`step ${indices[0] + 1}`, `step ${indices[1] + 1}`]), markdown: comparisonMarkdown(first.scored, indices, comparisons),
    dimensions: comparisons.map((c) => ({
      title: findDimension(c.dimension)?.title ?? c.dimension, winner: c.winner, preferFirst: percent(c.preferFirst),
      votes: c.votes.map((v) => ({ scorer: v.scorer, preferFirst: percent(v.preferFirst), weight: percent(v.weight) })),
    })),
  };
}
