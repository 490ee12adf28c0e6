/** Which file is scored next: one at a time, what the user looks at first, an edit before everything. */

export interface QueueJob {
  readonly uri: string;
  /** Higher first: 3 asked for, 2 just edited, 1 open, 0 elsewhere in the workspace. */
  readonly priority: number;
  run(signal: AbortSignal): Promise<void>;
  /** The job will not be finished: replaced, dropped, failed or closed. */
  onDropped(): void;
}

export interface ScoringQueue {
  /** Queues a job; a waiting job of the same file is replaced, a running one is stopped. */
  add(job: QueueJob): void;
  /** Stops and forgets the work of a file. */
  drop(uri: string): void;
  /** Resolves when nothing runs and nothing waits. */
  whenIdle(): Promise<void>;
  /** Stops everything for good and waits until the running job has come to rest. */
  close(): Promise<void>;
}

export function createScoringQueue(onError: (job: QueueJob, error: unknown) => void): ScoringQueue {
  let waiting: QueueJob[] = [];
  let active: { readonly job: QueueJob; readonly abort: AbortController; isPreempted: boolean; readonly done: Promise<void> } | undefined;
  let isClosed = false;
  const idle = new Set<() => void>();

  const discard = (matches: (job: QueueJob) => boolean): void => {
    const discarded = waiting.filter(matches);
    waiting = waiting.filter((j) => !matches(j));
    for (const job of discarded) job.onDropped();
  };

  const next = (): void => {
    if (active !== undefined) return;
    const job = waiting.reduce<QueueJob | undefined>((best, j) => (best === undefined || j.priority > best.priority ? j : best), undefined);
    if (job === undefined || isClosed) {
      for (const resolve of idle) resolve();
      idle.clear();
      return;
    }
    waiting = waiting.filter((j) => j !== job);
    const abort = new AbortController();
    const done = job.run(abort.signal).catch((error: unknown) => {
      if (!abort.signal.aborted) onError(job, error);
      if (active?.isPreempted !== true) job.onDropped();
    }).then(() => {
      active = undefined;
      next();
    });
    active = { job, abort, isPreempted: false, done };
  };

  return {
    add(job) {
      if (isClosed) return job.onDropped();
      discard((j) => j.uri === job.uri);
      waiting.push(job);
      if (active !== undefined) {
        if (active.job.uri === job.uri) active.abort.abort();
        else if (job.priority > active.job.priority && !active.abort.signal.aborted) {
          // The stopped job goes back into the line; what it has scored is kept.
          active.isPreempted = true;
          waiting.push(active.job);
          active.abort.abort();
        }
      }
      next();
    },
    drop(uri) {
      discard((j) => j.uri === uri);
      if (active?.job.uri === uri) active.abort.abort();
    },
    whenIdle: () => (active === undefined && waiting.length === 0 ? Promise.resolve() : new Promise((resolve) => idle.add(resolve))),
    async close() {
      isClosed = true;
      discard(() => true);
      active?.abort.abort();
      await active?.done;
    },
  };
}
