/** The memory of a command that only reads it: one that does not exist yet is not made. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScoreMemory } from '../corpus/scoreMemory.ts';
import { shippedLayout } from '../host/layout.ts';
import { memoryFileOf } from '../host/memoryFile.ts';
import { openScoreMemory } from '../storage/scoreMemory.ts';
import type { CommandTools } from './command.ts';

/** Reads the memory in `file`, else the workspace's own. Undefined, after a sentence that ends with `remedy`, where there is none yet. */
export async function withExistingMemory<T>(tools: CommandTools, at: { readonly file: string | undefined; readonly remedy: string }, read: (memory: ScoreMemory) => Promise<T>): Promise<T | undefined> {
  const path = at.file ?? memoryFileOf(tools.settings, process.cwd());
  if (!(await access(path).then(() => true, () => false))) {
    tools.log(`There is no memory at ${path} yet. ${at.remedy}`);
    return undefined;
  }
  const memory = openScoreMemory({ path, workerFile: shippedLayout(join(tools.root, 'dist', 'server')).storageWorker, onNotice: tools.log });
  try {
    return await read(memory);
  } finally {
    await memory.close();
  }
}
