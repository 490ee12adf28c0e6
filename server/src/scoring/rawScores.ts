/** Raw head outputs of one step in the form they are stored: one row of numbers a scorer. */
import type { ScorerManifest } from './manifest.ts';
import { findScorer } from './registry.ts';
import { outputSize } from './scorer.ts';
import type { HeadRow } from './scorer.ts';

/** By scorer id: its outputs one after the other. */
export type RawByScorer = ReadonlyMap<string, Float32Array>;

/** Cuts the outputs of several rows into one stored row a step; `firstCount` is how many steps the first row has behind it, itself counted. */
export function joinOutputs(entry: ScorerManifest, outputs: Readonly<Record<string, Float32Array>>, rows: { readonly count: number; readonly firstCount: number }): readonly Float32Array[] {
  const layout = layoutOf(entry);
  return Array.from({ length: rows.count }, (_, row) => {
    const joined = new Float32Array(layout.width);
    for (const { name, at, size, isCounted } of layout.outputs) {
      if (isCounted) joined[at] = rows.firstCount + row;
      else joined.set(outputs[name]?.subarray(row * size, (row + 1) * size) ?? [], at);
    }
    return joined;
  });
}

/** The stored row by output name; missing values where the row has another length than the scorer writes. */
export function splitOutputs(entry: ScorerManifest, raw: Float32Array): HeadRow {
  return Object.fromEntries(layoutOf(entry).outputs.map(({ name, at, size }) => [name, raw.subarray(at, at + size)]));
}

/** All scorers' rows of one step as one stored row: each with its length before it. */
export function packRaw(raw: RawByScorer, scorers: readonly string[]): Float32Array {
  const rows = scorers.map((id) => raw.get(id) ?? new Float32Array(0));
  const packed = new Float32Array(rows.reduce((sum, row) => sum + 1 + row.length, 0));
  let at = 0;
  for (const row of rows) {
    packed[at] = row.length;
    packed.set(row, at + 1);
    at += 1 + row.length;
  }
  return packed;
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

interface Layout {
  readonly width: number;
  readonly outputs: readonly { readonly name: string; readonly at: number; readonly size: number; readonly isCounted: boolean }[];
}

const layouts = new WeakMap<ScorerManifest, Layout>();

function layoutOf(entry: ScorerManifest): Layout {
  const known = layouts.get(entry);
  if (known !== undefined) return known;
  let width = 0;
  const outputs = (findScorer(entry.id)?.outputs ?? []).map((output) => {
    const size = outputSize(output, entry);
    const at = width;
    width += size;
    return { name: output.name, at, size, isCounted: output.isCounted === true };
  });
  const layout = { width, outputs };
  layouts.set(entry, layout);
  return layout;
}
