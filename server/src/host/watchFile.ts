/** Watching one file that is being written. */
import { statSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Where the system tells nothing, on network folders for one, the file is looked at so often. */
const LOOK_MS = 1_000;

/** Calls back after each change of a file, or of what stands under its name; answers how to stop. A change may be told twice. */
export function watchFile(path: string, onChange: () => void): () => void {
  const name = basename(path);
  let watcher: FSWatcher | undefined;
  try {
    // The folder, not the file: after a rotation another file stands under the name.
    watcher = watch(dirname(path), { persistent: false }, (_event, changed) => {
      if (changed === null || changed === name) onChange();
    });
    watcher.on('error', () => watcher?.close());
  } catch {
    // Too many watches, or a folder that cannot be watched: looking must do.
  }
  let seen = stateOf(path);
  const timer = setInterval(() => {
    const now = stateOf(path);
    if (now !== seen) onChange();
    seen = now;
  }, LOOK_MS);
  timer.unref();
  return () => {
    watcher?.close();
    clearInterval(timer);
  };
}

function stateOf(path: string): string {
  const state = statSync(path, { throwIfNoEntry: false });
  return state === undefined ? '' : `${state.ino} ${state.size} ${state.mtimeMs}`;
}
