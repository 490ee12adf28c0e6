/** Corpus Statistics, Show Score History, Show Conflicts, Show Patterns and Recommendations, Review Queue. */
import { showReport } from '../reportDocument.ts';
import type { CommandContext } from './commandContext.ts';
import { targetStep } from './target.ts';

export const corpusStatistics = (): Promise<void> => showReport({ kind: 'statistics' });
export const showConflicts = (): Promise<void> => showReport({ kind: 'conflicts' });
export const showPatterns = (): Promise<void> => showReport({ kind: 'patterns' });
export const reviewQueue = (): Promise<void> => showReport({ kind: 'review' });

export async function scoreHistory(context: CommandContext, ...args: readonly unknown[]): Promise<void> {
  const target = await targetStep(context, args);
  if (target !== undefined) await showReport({ kind: 'history', uri: target.uri, traceId: target.traceId, stepId: target.stepId });
}
