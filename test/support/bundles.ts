/** A score bundle that is all there. */
import type { Consensus, ScoreBundle, ScoreResult } from '../../server/src/core/scoreResult.ts';

export function bundleOf(scorableId: string, results: readonly ScoreResult[], consensusByDimension: Readonly<Record<string, Consensus>> = {}): ScoreBundle {
  return { scorableId, all: () => ({ results, consensusByDimension }), resultsOn: (dimension) => results.filter((r) => r.dimension === dimension), consensusOn: (dimension) => consensusByDimension[dimension] };
}
