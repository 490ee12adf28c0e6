/** Scoring of files that grow: at once, and while lines rain down at most once a pause. */
import type { TraceFile } from '../features/traceFile.ts';

export interface GrowthPacer {
  /** The file has grown; `changed`: ids of its new steps. */
  grown(file: TraceFile, changed: readonly string[]): void;
  close(): void;
}

const PAUSE_MS = 80;

/** `score` gets the newest state of a file with the ids of all steps that came since it was last called. */
export function createGrowthPacer(score: (file: TraceFile, changed: ReadonlySet<string>) => void): GrowthPacer {
  const waiting = new Map<string, { readonly timer: NodeJS.Timeout; file: TraceFile; hasGrown: boolean; changed: Set<string> }>();
  const grown = (file: TraceFile, changed: readonly string[]): void => {
    const known = waiting.get(file.uri);
    if (known !== undefined) {
      known.file = file;
      known.hasGrown = true;
      for (const id of changed) known.changed.add(id);
      return;
    }
    score(file, new Set(changed));
    const entry = { file, hasGrown: false, changed: new Set<string>(), timer: setTimeout(() => {
      waiting.delete(file.uri);
      if (entry.hasGrown) grown(entry.file, [...entry.changed]);
    }, PAUSE_MS) };
    waiting.set(file.uri, entry);
  };
  return {
    grown,
    close() {
      for (const { timer } of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}
