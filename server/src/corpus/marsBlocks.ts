/** MARS kept up to date: rows in blocks, each with its sums and draws, so that a re-scored step costs its block and a merge. */
import { accumulateDraws, intervalsOf, mergeDraws, NO_DRAWS } from './bootstrap.ts';
import type { DrawOptions, DrawSums } from './bootstrap.ts';
import { finish, joinIntervals } from './mars.ts';
import { rowsOf } from './marsColumns.ts';
import type { MarsColumn, MarsInput } from './marsColumns.ts';
import type { MarsResult } from './marsResult.ts';
import { accumulate, mergeSums } from './marsSums.ts';
import type { MarsSums } from './marsSums.ts';

export interface MarsBlocks {
  /** Sums anew what differs from the input before. That is kept to compare with: a change must come in arrays of its own. */
  update(input: MarsInput): MarsResult;
  /** With 95 % intervals; gives way every few milliseconds, and must not be called again before it has answered. */
  updateWithIntervals(input: MarsInput, pause: () => Promise<void>): Promise<MarsResult>;
}

const BLOCK_ROWS = 512;
/** Blocks whose draws are kept as one: a thousand draws take 64 KB, however few rows they are of. */
const BLOCKS_A_DRAWING = 4;

/** For one dimension. A scorer, metric or setting the call before did not have starts over by itself. */
export function createMarsBlocks(blockRows = BLOCK_ROWS): MarsBlocks {
  // levels[0] holds the sums of blocks, each further level those of neighbours; the last has one entry.
  const levels: MarsSums[][] = [];
  let before: MarsInput | undefined;
  const drawings: (DrawSums | undefined)[] = [];
  let drawnPair = '';

  function update(input: MarsInput): MarsResult {
    const blocks = Math.max(1, Math.ceil(input.rowIds.length / blockRows));
    const stale = staleBlocks(before, input, { blocks, blockRows });
    before = input;
    const base = (levels[0] ??= []);
    base.length = blocks;
    drawings.length = Math.ceil(blocks / BLOCKS_A_DRAWING);
    for (const block of stale) {
      base[block] = accumulate(rowsOf(input, block * blockRows, (block + 1) * blockRows));
      drawings[Math.floor(block / BLOCKS_A_DRAWING)] = undefined;
    }
    return finish(mergeUp(levels, new Set(stale)));
  }

  async function updateWithIntervals(input: MarsInput, pause: () => Promise<void>): Promise<MarsResult> {
    const result = update(input);
    const pair = result.primary_conflict?.pair ?? null;
    if (drawnPair !== String(pair)) drawings.fill(undefined);
    drawnPair = String(pair);
    let all = NO_DRAWS;
    for (let i = 0; i < drawings.length; i++) all = mergeDraws(all, drawings[i] ??= await draw(input, { drawing: i, pair, pause }));
    return joinIntervals(result, intervalsOf(all));
  }

  async function draw(input: MarsInput, { drawing, pair, pause }: { readonly drawing: number; readonly pair: DrawOptions['pair']; readonly pause: () => Promise<void> }): Promise<DrawSums> {
    let drawn = NO_DRAWS;
    const end = Math.min(input.rowIds.length, (drawing + 1) * BLOCKS_A_DRAWING * blockRows);
    for (let from = drawing * BLOCKS_A_DRAWING * blockRows; from < end; from += blockRows) {
      await pause();
      drawn = mergeDraws(drawn, accumulateDraws(rowsOf(input, from, Math.min(end, from + blockRows)), { pair }));
    }
    return drawn;
  }

  return { update, updateWithIntervals };
}

function staleBlocks(before: MarsInput | undefined, input: MarsInput, { blocks, blockRows }: { readonly blocks: number; readonly blockRows: number }): readonly number[] {
  const all = Array.from({ length: blocks }, (_, block) => block);
  if (before === undefined || shapeOf(before) !== shapeOf(input)) return all;
  const pairs = input.columns.flatMap((column, i) => arraysOf(column).map((values, k) => [values, arraysOf(before.columns[i] ?? column)[k] ?? values] as const)).filter(([a, b]) => a !== b);
  return all.filter((block) => {
    const [from, to] = [block * blockRows, Math.min(input.rowIds.length, (block + 1) * blockRows)];
    // The last block may have been longer or shorter, or had others behind it that were merged with it.
    if (Math.min(before.rowIds.length, (block + 1) * blockRows) !== to || (to === input.rowIds.length && to !== before.rowIds.length)) return true;
    for (let i = from; i < to && input.rowIds !== before.rowIds; i++) if (input.rowIds[i] !== before.rowIds[i]) return true;
    return pairs.some(([a, b]) => isChanged(a, b, from, to));
  });
}

function arraysOf({ scores, metrics }: MarsColumn): readonly Float64Array[] {
  return [scores, ...metrics.values()];
}

function isChanged(a: Float64Array, b: Float64Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const x = a[i] ?? Number.NaN;
    const y = b[i] ?? Number.NaN;
    if (x !== y && (x === x || y === y)) return true;
  }
  return false;
}

/** Merges stale entries up to the top, which it answers. */
function mergeUp(levels: MarsSums[][], stale: ReadonlySet<number>): MarsSums {
  let touched = stale;
  for (let depth = 0; ; depth++) {
    const below = levels[depth] ?? [];
    const [top] = below;
    if (below.length === 1 && top !== undefined) return top;
    const level = (levels[depth + 1] ??= []);
    level.length = Math.ceil(below.length / 2);
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
