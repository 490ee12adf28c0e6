/** Tells, once, that a run which is being followed has gone wrong. */
import type { NoticeParams } from '../contract/protocol.ts';
import { displayConsensus, isBadStep, percent } from '../features/scoredTrace.ts';
import type { ScoredTrace } from '../features/scoredTrace.ts';
import type { TraceView } from '../features/traceFile.ts';
import { toRange } from './toLsp.ts';

export interface LiveAlarm {
  /** From here on the file is followed; its first `steps` steps are no news. */
  begin(uri: string, steps: number): void;
  /** What is to be told of the first new bad step of a trace; undefined where there is none, or it was told. */
  look(view: TraceView): NoticeParams | undefined;
  end(uri: string): void;
}

export function createLiveAlarm(): LiveAlarm {
  /** By source uri. */
  const followed = new Map<string, { readonly from: number; readonly told: Set<string> }>();
  return {
    begin(uri, steps) {
      if (!followed.has(uri)) followed.set(uri, { from: steps, told: new Set() });
    },
    end: (uri) => void followed.delete(uri),
    look(view) {
      const known = followed.get(view.source.uri);
      const found = known === undefined ? undefined : firstNewBad(view, known.from, known.told);
      if (known === undefined || found === undefined) return undefined;
      const { scored, index } = found;
      known.told.add(scored.trace.traceId);
      const [step, state] = [scored.trace.steps[index], scored.steps[index]];
      const consensus = state === undefined ? undefined : displayConsensus(state);
      const problem = scored.problems.find((p) => p.stepIndex === index && (p.severity === 'error' || p.severity === 'warning'));
      const range = step?.textRange ?? step?.range ?? null;
      const name = view.source.path.slice(Math.max(view.source.path.lastIndexOf('/'), view.source.path.lastIndexOf('\\')) + 1);
      return {
        id: `bad-step ${view.source.uri} ${scored.trace.traceId}`, severity: 'warning',
        message: `${name}: step ${index + 1} of a running agent is bad${consensus === undefined ? '' : ` (${percent(consensus.score)})`}${problem === undefined ? '.' : `: ${problem.message}`}`,
        ...(range === null ? {} : { goTo: { uri: view.source.uri, position: toRange(range, view.lines).start } }),
      };
    },
  };
}

/** The first step of a trace not told of that is bad, fresh, and beyond the file's first `from` steps. */
function firstNewBad(view: TraceView, from: number, told: ReadonlySet<string>): { readonly scored: ScoredTrace; readonly index: number } | undefined {
  let before = 0;
  for (const scored of view.traces) {
    const first = Math.max(0, from - before);
    before += scored.steps.length;
    if (told.has(scored.trace.traceId)) continue;
    const index = scored.steps.findIndex((s, i) => i >= first && !s.isStale && isBadStep(scored, i));
    if (index >= 0) return { scored, index };
  }
  return undefined;
}
