/** What the session knows of all scores of the workspace: the memory on disk, and a corpus of it kept current. */
import { nameInMemory } from '../core/scoreRecord.ts';
import { createLiveMars } from '../corpus/marsOfCorpus.ts';
import type { MarsReport } from '../corpus/marsResult.ts';
import { corpusOf } from '../corpus/scoreCorpus.ts';
import type { ScoreCorpus } from '../corpus/scoreCorpus.ts';
import type { Evaluation, ScoreMemory } from '../corpus/scoreMemory.ts';
import type { TraceFile, TraceView } from '../features/traceFile.ts';
import { modelKeys } from '../scoring/modelKeys.ts';
import type { ModelKeys } from '../scoring/modelKeys.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import type { Engine } from './ports.ts';
import { createScoreRecorder } from './scoreRecorder.ts';

export interface WorkspaceMemory {
  /** The scores of a file are complete; `isOpen`: somebody looks at it and may go on typing. */
  note(file: TraceFile, isOpen: boolean): void;
  /** Resolves when all that was noted of a file is on disk; until then its words must be there to be read. */
  finish(uri: string): Promise<void>;
  /** The file at this path was deleted. */
  forget(path: string): void;
  /** Resolves when all that was noted is on disk. */
  flush(): Promise<void>;
  /** Every score that is remembered, the latest noted ones among them. */
  corpus(): Promise<ScoreCorpus>;
  /** MARS over all of it, with intervals, kept up to date from one call to the next. */
  mars(): Promise<MarsReport>;
  /** Undefined while the models are not loaded or cannot be. */
  memory(): ScoreMemory | undefined;
  /** Name of a file in the memory: its path from the workspace's first folder, else its whole path. */
  nameOf(path: string): string;
}

export function createWorkspaceMemory(options: {
  readonly engine: () => Engine | undefined;
  readonly root: () => string | undefined;
  readonly sha256: (text: string) => string;
  readonly nowMs: () => number;
  readonly viewOf: (file: TraceFile) => TraceView;
  readonly onDeltas: (file: TraceFile) => void;
  readonly log: (message: string) => void;
}): WorkspaceMemory {
  let corpus: Promise<ScoreCorpus> | undefined;
  let keys: { readonly manifest: ModelManifest; readonly keys: ModelKeys } | undefined;
  const mars = createLiveMars();
  const memory = (): ScoreMemory | undefined => options.engine()?.memory;

  const models = (): ModelKeys | undefined => {
    const manifest = options.engine()?.manifest;
    if (manifest === undefined) return undefined;
    if (keys?.manifest !== manifest) keys = { manifest, keys: modelKeys(manifest, options.sha256) };
    return keys.keys;
  };
  const root = (): string => options.root()?.replaceAll('\\', '/').replace(/\/+$/, '') ?? '';
  const nameOf = (path: string): string => nameInMemory(path, root());

  async function take(evaluations: readonly Evaluation[]): Promise<void> {
    const known = await corpus;
    for (const { scorable, records } of evaluations) {
      known?.addScorable(scorable);
      for (const record of records) known?.addScore(record);
    }
  }

  const recorder = createScoreRecorder({
    memory, models, sha256: options.sha256, viewOf: options.viewOf, nowMs: options.nowMs, onDeltas: options.onDeltas, log: options.log,
    nameOf: (file) => nameOf(file.path),
    onRecorded: (evaluations, isShorter) => {
      // What went away is easiest left out by reading again.
      if (isShorter) corpus = undefined;
      else if (corpus !== undefined) take(evaluations).catch((error: unknown) => options.log(String(error)));
    },
  });

  async function wholeCorpus(): Promise<ScoreCorpus> {
    await recorder.flush();
    corpus ??= (async () => corpusOf(await memory()?.load({}) ?? { scorables: [], records: [] }))();
    return corpus;
  }

  return {
    note: recorder.note,
    finish: recorder.finish,
    forget: (path) => recorder.forget(nameOf(path)),
    flush: recorder.flush,
    memory, nameOf,
    corpus: wholeCorpus,
    // Intervals take seconds over many steps: edits and hovers go first.
    mars: async () => mars.of(await wholeCorpus(), () => new Promise((resolve) => setImmediate(resolve))),
  };
}
