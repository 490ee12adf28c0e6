/** `stepscope models --card <id>`: the card of a model, as it is written. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cardPath, listModels } from '../core/modelCards.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import { UsageError } from './command.ts';
import type { Output } from './output.ts';

/** Throws a UsageError where there is no such model, and what the file system says of a card that is not there. */
export async function modelCard(id: string, options: { readonly manifest: ModelManifest; readonly root: string; readonly output: Output }): Promise<void> {
  const ids = listModels(options.manifest).map((m) => m.id);
  if (!ids.includes(id)) throw new UsageError(`There is no model "${id}"; there are ${ids.join(', ')}.`);
  const markdown = await readFile(join(options.root, cardPath(id)), 'utf8');
  await options.output.write({ kind: 'card', id, markdown }, markdown.trimEnd());
}
