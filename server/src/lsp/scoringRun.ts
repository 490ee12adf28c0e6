/** One run over a file: which steps are to be scored, and what their scores replace. */
import type { RescoreParams } from '../contract/protocol.ts';
import { pendingSteps } from '../features/traceFile.ts';
import type { TraceFile } from '../features/traceFile.ts';
import type { TraceScorer } from '../scoring/traceScorer.ts';

export interface ScoringRun {
  readonly scorer: TraceScorer;
  /** Ids of the scorers that run. */
  readonly scorers: readonly string[];
  /** Scores these anew, whatever is known; without it, what is missing. */
  readonly rescore?: RescoreParams | undefined;
  /** Ids of steps wanted first. */
  readonly focus?: ReadonlySet<string> | undefined;
  readonly signal: AbortSignal;
  readonly onBegin: (done: number, total: number) => void;
  readonly onScored: (done: number, total: number) => void;
  /** Every score of a trace is in. */
  readonly onTraceScored: () => void;
  /** The score that is shown of a step now; asked before and after where `rescore` is set. */
  readonly scoreNow: (traceId: string, stepIndex: number) => number | undefined;
}

/** Puts scores into the file as they come; answers how many steps were scored and, of a re-score, how many changed. Rejects when it is stopped. */
export async function runScoring(file: TraceFile, run: ScoringRun): Promise<{ readonly steps: number; readonly changed: number }> {
  const { scorers, rescore, signal } = run;
  const jobs = file.works.flatMap((work, traceIndex) => {
    if (rescore?.traceId !== undefined && rescore.scope !== 'file' && work.trace.traceId !== rescore.traceId) return [];
    const pending = rescore === undefined ? pendingSteps(file, traceIndex, scorers)
      : work.steps.flatMap((s, i) => (s.unscored === undefined && (rescore.scope !== 'step' || s.step.stepId === rescore.stepId) ? [i] : []));
    return pending.length === 0 ? [] : [{ work, pending }];
  });
  const total = jobs.reduce((sum, j) => sum + j.pending.length, 0);
  // A step wanted first may be reported again, when more scorers have read it.
  const done = new Set<object>();
  let changed = 0;
  for (const { work, pending } of jobs) {
    const raws = file.rawByTraceId.get(work.trace.traceId);
    // Only a re-score tells what changed; an edit must not pay for the comparison.
    const before = new Map(rescore === undefined ? [] : pending.map((i) => [i, run.scoreNow(work.trace.traceId, i)] as const));
    run.onBegin(done.size, total);
    await run.scorer.score({
      work, scorers, pending, signal, isFresh: rescore !== undefined,
      focus: work.steps.flatMap((s, i) => (run.focus?.has(s.step.stepId) === true ? [i] : [])),
      onScored: (scored) => {
        for (const { stepIndex, raw, isProvisional } of scored) {
          const step = work.steps[stepIndex];
          if (step === undefined) continue;
          const old = raws?.get(step.step.stepId);
          if (isProvisional === true) {
            // Shown as being refreshed until its turn comes.
            if (old === undefined) raws?.set(step.step.stepId, { raw, chainKey: '' });
            continue;
          }
          const merged = old !== undefined && old.chainKey === step.chainKey ? new Map([...old.raw, ...raw]) : raw;
          raws?.set(step.step.stepId, { raw: merged, chainKey: step.chainKey });
          done.add(step);
        }
        run.onScored(done.size, total);
      },
    });
    run.onTraceScored();
    for (const [i, score] of before) if (run.scoreNow(work.trace.traceId, i) !== score) changed++;
  }
  return { steps: done.size, changed };
}
