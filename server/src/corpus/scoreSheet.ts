/** Every record of one scorer in one dimension, in columns: what the corpus is made of. */
import type { JsonValue } from '../core/planTrace.ts';
import type { ScoreRecord } from '../core/scoreRecord.ts';
import { addSlot, clearSlot, contentOf, detailsOf, ownContent, selectContent, setValue, valuesOf, versionIndex } from './sheetContent.ts';
import type { SheetContent } from './sheetContent.ts';

/** The metric that every scorer has. */
export const SCORE_METRIC = 'score';
/** Longer lists of numbers are kept and exported, but make no metrics. */
export const MAX_EXPANDED_LIST = 64;
/** A scorer's further attributes are kept and exported, but make no metrics. */
export const MAX_METRICS = 1024;

/** One metric of a sheet: the same position in both arrays is the same record. */
export interface SheetColumn {
  /** Rows of the corpus. */
  readonly rows: Int32Array;
  /** NaN where the record does not hold the metric. */
  readonly values: Float64Array;
}

export interface ScoreSheet {
  readonly dimension: string;
  readonly scorer: string;
  /** Records. */
  readonly size: number;
  /** Adds or replaces the record of a row. */
  put(row: number, record: ScoreRecord): void;
  has(row: number): boolean;
  /** NaN where there is no such value. */
  value(row: number, metric: string): number;
  record(row: number, scorableId: string): ScoreRecord | undefined;
  /** Undefined where no record holds the metric. The arrays are views: valid until the next `put`. */
  column(metric: string): SheetColumn | undefined;
  /** Metrics that at least one record holds, unsorted. */
  metrics(): readonly string[];
  /** The records of some rows, a sheet of its own; `newRowOf` has a row's place in the result, -1 for one left out. Undefined: all rows where they are. */
  select(newRowOf: Int32Array | undefined): ScoreSheet;
}

export function createSheet(dimension: string, scorer: string): ScoreSheet {
  return sheetOf(dimension, scorer, contentOf());
}

function sheetOf(dimension: string, scorer: string, first: SheetContent): ScoreSheet {
  let content = first;
  let names: readonly string[] = [];
  /** Sorted, so that a record does not hang on what came before it. */
  const sortedNames = (): readonly string[] => (names.length === content.columns.size ? names : names = [...content.columns.keys()].sort());
  const slotOf = (row: number): number => (content.slotOfRow[row] ?? 0) - 1;
  const valueAt = (slot: number, metric: string): number => {
    const column = content.columns.get(metric);
    return column === undefined ? Number.NaN : valuesOf(column)[slot] ?? Number.NaN;
  };
  const set = (name: string, slot: number, value: number): boolean => (content.columns.size < MAX_METRICS || content.columns.has(name) || name === SCORE_METRIC) && setValue(content, name, slot, value);

  return {
    dimension, scorer,
    get size() { return content.size; },
    put(row, record) {
      content = ownContent(content);
      let slot = slotOf(row);
      if (slot >= 0) clearSlot(content, slot);
      else slot = addSlot(content, row);
      const { score, attributes } = record;
      if (score !== null && Number.isFinite(score)) set(SCORE_METRIC, slot, score);
      let kept: [string, JsonValue][] | undefined;
      for (const name of Object.keys(attributes)) {
        const value = attributes[name] ?? null;
        if (typeof value === 'number' && Number.isFinite(value) && name !== SCORE_METRIC && set(name, slot, value)) continue;
        // JSON knows no NaN: kept as null, so that a round trip through a file changes nothing.
        (kept ??= []).push([name, typeof value === 'number' && !Number.isFinite(value) ? null : value]);
      }
      if (kept !== undefined) for (const [name, value] of [...kept]) {
        for (const [part, number] of expanded(name, value)) {
          // A number of that very name stands in its own right.
          if (Object.hasOwn(attributes, part)) kept.push([part, attributes[part] ?? null]);
          else set(part, slot, number);
        }
      }
      const details = detailsOf(content);
      details.versionOfSlot[slot] = versionIndex(content, record.scorerVersion);
      details.weights[slot] = record.weight;
      details.rationales[slot] = record.rationale;
      details.kept[slot] = kept === undefined ? undefined : Object.fromEntries(kept);
    },
    has: (row) => slotOf(row) >= 0,
    value(row, metric) {
      const slot = slotOf(row);
      return slot < 0 ? Number.NaN : valueAt(slot, metric);
    },
    record(row, scorableId) {
      const slot = slotOf(row);
      if (slot < 0) return undefined;
      const score = valueAt(slot, SCORE_METRIC);
      const { versionOfSlot, weights, rationales } = detailsOf(content);
      return {
        scorableId, dimension, scorer, scorerVersion: content.versions[versionOfSlot[slot] ?? 0] ?? '', score: Number.isNaN(score) ? null : score,
        rationale: rationales[slot] ?? '', weight: weights[slot] ?? 1, attributes: attributesAt(content, slot, sortedNames()),
      };
    },
    column(metric) {
      const column = content.columns.get(metric);
      if (column === undefined) return undefined;
      const values = valuesOf(column);
      return column.filled === 0 ? undefined : { rows: content.rowOfSlot.subarray(0, content.size), values: values.subarray(0, content.size) };
    },
    metrics: () => [...content.columns].flatMap(([name, column]) => (valuesOf(column).length > 0 && column.filled > 0 ? [name] : [])),
    select: (newRowOf) => sheetOf(dimension, scorer, selectContent(content, newRowOf)),
  };
}

/** `name[i]` for each number of a list; nothing for what is no list of numbers (null among them is missing). */
function expanded(name: string, value: JsonValue): readonly (readonly [string, number])[] {
  if (!Array.isArray(value) || value.length > MAX_EXPANDED_LIST) return [];
  const items = value as readonly JsonValue[];
  if (!items.every((v) => v === null || typeof v === 'number')) return [];
  return items.flatMap((v, i) => (typeof v === 'number' && Number.isFinite(v) ? [[`${name}[${i}]`, v] as const] : []));
}

function attributesAt(content: SheetContent, slot: number, names: readonly string[]): Readonly<Record<string, JsonValue>> {
  const kept = detailsOf(content).kept[slot];
  const derived = kept === undefined ? undefined : new Set(Object.entries(kept).flatMap(([name, value]) => expanded(name, value).map(([part]) => part)));
  const entries: [string, JsonValue][] = [];
  for (const name of names) {
    const column = content.columns.get(name);
    const value = column === undefined ? Number.NaN : valuesOf(column)[slot] ?? Number.NaN;
    if (name !== SCORE_METRIC && !Number.isNaN(value) && derived?.has(name) !== true) entries.push([name, value]);
  }
  return Object.fromEntries(kept === undefined ? entries : [...entries, ...Object.entries(kept)]);
}
