/** Raw head outputs of one step in the form they are stored: one row of numbers a scorer. */
import type { ScorerManifest } from './manifest.ts';
import { findScorer } from './registry.ts';
import type { HeadRow } from './scorer.ts';

/** By scorer id: its outputs one after the other, each dimensions × width values. */
export type RawByScorer = ReadonlyMap<string, Float32Array>;

/** Cuts the outputs of a batch into one stored row a step. */
export function joinOutputs(scorerId: string, outputs: Readonly<Record<string, Float32Array>>, rowCount: number): readonly Float32Array[] {
  const columns = (findScorer(scorerId)?.outputs ?? []).map((o) => outputs[o.name] ?? new Float32Array(0));
  const width = columns.reduce((sum, c) => sum + c.length / rowCount, 0);
  return Array.from({ length: rowCount }, (_, row) => {
    const joined = new Float32Array(width);
    let at = 0;
    for (const column of columns) {
      const share = column.length / rowCount;
      joined.set(column.subarray(row * share, (row + 1) * share), at);
      at += share;
    }
    return joined;
  });
}

/** The stored row by output name; missing values where the row has another length than the scorer writes. */
export function splitOutputs(entry: ScorerManifest, raw: Float32Array): HeadRow {
  const row: Record<string, Float32Array> = {};
  let at = 0;
  for (const output of findScorer(entry.id)?.outputs ?? []) {
    const share = output.width * entry.dimensions.length;
    row[output.name] = raw.subarray(at, at + share);
    at += share;
  }
  return row;
}

/** All scorers' rows of one step as one stored row: each with its length before it. */
export function packRaw(raw: RawByScorer, scorers: readonly string[]): Float32Array {
  const rows = scorers.map((id) => raw.get(id) ?? new Float32Array(0));
  return Float32Array.from(rows.flatMap((row) => [row.length, ...row]));
}

/** Undoes `packRaw`; undefined for a row of another shape. */
export function unpackRaw(packed: Float32Array, scorers: readonly string[]): RawByScorer | undefined {
  const raw = new Map<string, Float32Array>();
  let at = 0;
  for (const id of scorers) {
    const length = packed[at];
    if (length === undefined || length === 0 || at + 1 + length > packed.length) return undefined;
    raw.set(id, packed.subarray(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return at === packed.length ? raw : undefined;
}
