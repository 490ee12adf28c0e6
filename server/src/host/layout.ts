/** Where the shipped files stand, seen from the bundles in dist/server. */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Layout {
  readonly artifactsFolder: string;
  readonly docsFolder: string;
  readonly inferenceWorker: URL;
  readonly storageWorker: URL;
  readonly indexWorker: URL;
}

/** `bundleFolder` is dist/server. */
export function shippedLayout(bundleFolder: string): Layout {
  const root = resolve(bundleFolder, '..', '..');
  return {
    artifactsFolder: process.env['STEPSCOPE_MODELS'] || join(root, 'models', 'artifacts'),
    docsFolder: join(root, 'server', 'docs'),
    inferenceWorker: pathToFileURL(join(bundleFolder, 'inferenceWorker.js')),
    storageWorker: pathToFileURL(join(bundleFolder, 'storageWorker.js')),
    indexWorker: pathToFileURL(join(bundleFolder, 'indexWorker.js')),
  };
}
