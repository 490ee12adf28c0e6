/** Puts models, memory and scorer together: the engine of the server and of the command line. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import { readManifest } from '../inference/manifestFile.ts';
import { createWorkerRunner } from '../inference/workerRunner.ts';
import type { Engine } from '../lsp/ports.ts';
import { activeScorerIds } from '../scoring/activeScorers.ts';
import { memoryScoreCache } from '../scoring/scoreCache.ts';
import { createTraceScorer } from '../scoring/traceScorer.ts';
import { openSqliteScoreCache } from '../storage/sqliteScoreCache.ts';
import { sha256 } from './files.ts';
import type { Layout } from './layout.ts';

/** Loads and tests the models. Rejects with an Error whose message says what is wrong and what to do. */
export async function loadEngine(options: {
  readonly layout: Layout;
  readonly settings: EffectiveSettings;
  /** Undefined: nothing is remembered after the process. */
  readonly memoryFile: string | undefined;
  readonly onNotice: (message: string) => void;
}): Promise<Engine> {
  const { layout, settings } = options;
  const reading = await readManifest(layout.artifactsFolder);
  if (reading.kind !== 'manifest') throw new Error(reading.failure.message);
  const { manifest } = reading;
  const runner = createWorkerRunner({ manifest, folder: layout.artifactsFolder, workerScript: layout.inferenceWorker, provider: settings.executionProvider });
  try {
    await runner.load(activeScorerIds(manifest, settings));
  } catch (error) {
    await runner.close();
    throw error;
  }
  const disk = options.memoryFile === undefined ? undefined : openSqliteScoreCache({ path: options.memoryFile, workerFile: layout.storageWorker, onNotice: options.onNotice });
  return {
    manifest, runner,
    scorer: createTraceScorer({ runner, cache: disk ?? memoryScoreCache(), sha256 }),
    close: async () => {
      await runner.close();
      await disk?.close();
    },
  };
}
