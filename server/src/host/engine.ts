/** Puts models, memory and scorer together: the engine of the server and of the command line. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import { readManifest } from '../inference/manifestFile.ts';
import { createWorkerRunner } from '../inference/workerRunner.ts';
import type { Engine } from '../lsp/ports.ts';
import { activeScorerIds } from '../scoring/activeScorers.ts';
import { memoryScoreCache } from '../scoring/scoreCache.ts';
import { createTraceScorer } from '../scoring/traceScorer.ts';
import { forgetfulMemory, openScoreMemory } from '../storage/scoreMemory.ts';
import { sha256 } from './files.ts';
import type { Layout } from './layout.ts';

/** Reads the manifest and opens the memory; the models load with the first text that needs them. Rejects with an Error whose message says what is wrong and what to do. */
export async function loadEngine(options: {
  readonly layout: Layout;
  readonly settings: EffectiveSettings;
  /** Undefined: nothing is remembered after the process. */
  readonly memoryFile: string | undefined;
  readonly onNotice: (message: string) => void;
  readonly onLoadingModels?: () => void;
}): Promise<Engine> {
  const { layout, settings } = options;
  const reading = await readManifest(layout.artifactsFolder);
  if (reading.kind !== 'manifest') throw new Error(reading.failure.message);
  const { manifest } = reading;
  const runner = createWorkerRunner({ manifest, folder: layout.artifactsFolder, workerScript: layout.inferenceWorker, provider: settings.executionProvider });
  let loading: Promise<void> | undefined;
  const warmUp = (): Promise<void> => {
    if (loading === undefined) {
      options.onLoadingModels?.();
      loading = runner.load(activeScorerIds(manifest, settings)).then(() => undefined);
    }
    return loading;
  };
  const disk = options.memoryFile === undefined ? undefined : openScoreMemory({ path: options.memoryFile, workerFile: layout.storageWorker, onNotice: options.onNotice });
  return {
    manifest, runner, warmUp,
    memory: disk ?? forgetfulMemory(),
    scorer: createTraceScorer({ runner, warmUp, cache: disk ?? memoryScoreCache(), sha256 }),
    close: async () => {
      await runner.close();
      await disk?.close();
    },
  };
}
