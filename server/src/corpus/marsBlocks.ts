/** MARS kept up to date: rows in blocks, each with its sums, so that a re-scored step costs one block and a merge. */
import { finish } from './mars.ts';
import { rowsOf } from './marsColumns.ts';
import type { MarsInput } from './marsColumns.ts';
import type { MarsResult } from './marsResult.ts';
import { accumulate, mergeSums } from './marsSums.ts';
import type { MarsSums } from './marsSums.ts';

export interface MarsBlocks {
  /** `changed`: positions whose scores differ from the call before, rows added at the end among them; left out, everything is summed again. */
  update(input: MarsInput, changed?: readonly number[]): MarsResult;
}

const BLOCK_ROWS = 512;

/** For one dimension. A scorer, metric or setting the call before did not have starts over by itself. */
export function createMarsBlocks(blockRows = BLOCK_ROWS): MarsBlocks {
  // levels[0] holds the sums of blocks, each further level those of neighbours; the last has one entry.
  let levels: MarsSums[][] = [];
  let shape = '';
  return {
    update(input, changed) {
      const blocks = Math.max(1, Math.ceil(input.rowIds.length / blockRows));
      const seen = shapeOf(input);
      const isKnown = changed !== undefined && seen === shape && levels[0]?.length === blocks;
      shape = seen;
      if (!isKnown) levels = [[]];
      const stale = new Set(isKnown ? changed.map((row) => Math.floor(row / blockRows)) : Array.from({ length: blocks }, (_, i) => i));
      const base = levels[0] ?? [];
      for (const block of stale) base[block] = accumulate(rowsOf(input, block * blockRows, (block + 1) * blockRows));
      return finish(mergeUp(levels, stale));
    },
  };
}

/** Merges stale entries up to the top, which it answers. */
function mergeUp(levels: MarsSums[][], stale: ReadonlySet<number>): MarsSums {
  let touched = stale;
  for (let depth = 0; ; depth++) {
    const below = levels[depth] ?? [];
    const [top] = below;
    if (below.length === 1 && top !== undefined) return top;
    const level = (levels[depth + 1] ??= []);
    const parents = new Set([...touched].map((i) => i >> 1));
    for (const parent of parents) {
      const [left, right] = [below[2 * parent], below[2 * parent + 1]];
      if (left !== undefined) level[parent] = right === undefined ? left : mergeSums(left, right);
    }
    touched = parents;
  }
}

function shapeOf({ dimension, config, columns }: MarsInput): string {
  return JSON.stringify([dimension, config ?? null, columns.map((c) => [c.scorer, c.range, [...c.metrics.keys()]])]);
}
