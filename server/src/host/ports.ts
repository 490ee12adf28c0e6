/** The server's ports on this machine: files, labels, hashes, globs, models. */
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import picomatch from 'picomatch';
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { TraceIndexer } from '../core/traceIndex.ts';
import type { Engine, ServerPorts } from '../lsp/ports.ts';
import { appendLabel, labelFileOf, labelKeyOf, loadLabels } from '../storage/labelFiles.ts';
import { receivedFolderOf } from '../receiver/receivedFolder.ts';
import { startReceiver } from '../receiver/receiver.ts';
import { fileState, readText, sha256, walkFiles } from './files.ts';
import { loadEngine } from './engine.ts';
import { createTraceIndexer } from './traceIndex/indexer.ts';
import type { Layout } from './layout.ts';
import { memoryFileOf } from './memoryFile.ts';
import { watchFile } from './watchFile.ts';

export function serverPorts(layout: Layout): ServerPorts {
  const matchers = new Map<string, (path: string) => boolean>();
  const matches = (path: string, glob: string): boolean => {
    let matcher = matchers.get(glob);
    if (matcher === undefined) matchers.set(glob, matcher = picomatch(glob, { dot: true }));
    return matcher(path.replaceAll('\\', '/').replace(/^\/+/, ''));
  };
  let indexer: TraceIndexer | undefined;
  return {
    loadEngine: ({ settings, dataFolder, workspaceRoot, onNotice, onLoadingModels }): Promise<Engine> => loadEngine({ layout, settings, memoryFile: memoryFileIn(settings, dataFolder, workspaceRoot), onNotice, onLoadingModels }),
    openIndex: (path, settings) => (indexer ??= createTraceIndexer({ workerFile: layout.indexWorker })).open(path, settings),
    readText, fileState, watchFile, walkFiles, sha256,
    loadLabels: async (traceFile) => (await loadLabels(labelFileOf(traceFile))).records,
    appendLabel: async (traceFile, record) => {
      const file = labelFileOf(traceFile);
      await appendLabel(file, record);
      return file;
    },
    labelKeyOf,
    startReceiver: async ({ workspaceFolder, ...options }) => {
      const folder = receivedFolderOf(workspaceFolder);
      return { folder, ...await startReceiver({ ...options, folder }) };
    },
    matchesGlob: (path, globs) => globs.some((glob) => matches(path, glob)),
    nowIso: () => new Date().toISOString(),
    nowMs: () => Date.now(),
    uriToPath: (uri) => {
      try {
        return uri.startsWith('file:') ? fileURLToPath(uri) : undefined;
      } catch {
        return undefined;
      }
    },
    pathToUri: (path) => pathToFileURL(path).href,
    problemPage: (code) => pathToFileURL(join(layout.docsFolder, `${code}.md`)).href,
  };
}

/** Where an editor names no folder for it, the memory lies where the command line looks too. */
function memoryFileIn(settings: EffectiveSettings, dataFolder: string, workspaceRoot: string | undefined): string {
  return settings.storagePath !== '' || dataFolder === '' ? memoryFileOf(settings, workspaceRoot ?? '') : join(dataFolder, 'memory.sqlite');
}
