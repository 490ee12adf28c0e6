/** Scoring of files that grow: at once, and while lines rain down at most once a pause. */
import type { TraceFile } from '../features/traceFile.ts';

export interface GrowthPacer {
  /** The file has grown; `changed`: ids of its new steps. */
  grown(file: TraceFile, changed: readonly string[]): void;
  close(): void;
}

const PAUSE_MS = 80;

/**
 * `score` gets the newest state of a file with the ids of all steps that came since it was last called, and settles when it
 * has come far enough to be called anew: what is stopped too early never gets anywhere while lines keep coming.
 */
export function createGrowthPacer(score: (file: TraceFile, changed: ReadonlySet<string>) => Promise<unknown>): GrowthPacer {
  const waiting = new Map<string, { file: TraceFile; hasGrown: boolean; readonly changed: Set<string> }>();
  const timers = new Set<NodeJS.Timeout>();
  let isClosed = false;
  const pause = (): Promise<void> => new Promise((resolve) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      resolve();
    }, PAUSE_MS);
    timers.add(timer);
  });
  const grown = (file: TraceFile, changed: readonly string[]): void => {
    if (isClosed) return;
    const known = waiting.get(file.uri);
    if (known !== undefined) {
      known.file = file;
      known.hasGrown = true;
      for (const id of changed) known.changed.add(id);
      return;
    }
    const entry = { file, hasGrown: false, changed: new Set<string>() };
    waiting.set(file.uri, entry);
    void Promise.allSettled([score(file, new Set(changed)), pause()]).then(() => {
      waiting.delete(file.uri);
      if (entry.hasGrown) grown(entry.file, [...entry.changed]);
    });
  };
  return {
    grown,
    close() {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
      waiting.clear();
    },
  };
}
