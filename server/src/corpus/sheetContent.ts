/** The arrays behind a sheet: they grow by doubling, are shared between a sheet and its selections until one of them is written to, and selected only where they are read. */
import type { JsonValue } from '../core/planTrace.ts';

/** Attributes that are no plain numbers; undefined where there are none. */
export type KeptAttributes = Readonly<Record<string, JsonValue>> | undefined;

export interface SheetDetails {
  versionOfSlot: Int32Array;
  weights: Float64Array;
  readonly rationales: string[];
  readonly kept: KeptAttributes[];
}

export interface SheetValues {
  /** One a slot, NaN missing; up to date only through `valuesOf`. */
  values: Float64Array;
  /** Values that are not NaN. */
  filled: number;
  /** Slots of other values that these are, still to be taken over. */
  pending: { readonly from: Float64Array; readonly slots: Int32Array } | undefined;
}

export interface SheetContent {
  size: number;
  /** Slot + 1 of a row; 0 where the row has no record. */
  slotOfRow: Int32Array;
  rowOfSlot: Int32Array;
  readonly columns: Map<string, SheetValues>;
  readonly versions: string[];
  readonly indexOfVersion: Map<string, number>;
  details: SheetDetails;
  pendingDetails: { readonly from: SheetDetails; readonly slots: Int32Array } | undefined;
  /** Somebody else reads these arrays: they must not be written to any more. */
  isShared: boolean;
}

const FIRST_CAPACITY = 16;
const NOTHING = new Float64Array(0);

export function contentOf(): SheetContent {
  return { size: 0, slotOfRow: new Int32Array(0), rowOfSlot: new Int32Array(0), columns: new Map(), versions: [], indexOfVersion: new Map(), details: noDetails(), pendingDetails: undefined, isShared: false };
}

export function valuesOf(column: SheetValues): Float64Array {
  if (column.pending !== undefined) {
    const { from, slots } = column.pending;
    const values = new Float64Array(slots.length);
    let filled = 0;
    for (let i = 0; i < slots.length; i++) {
      const value = from[slots[i] ?? 0] ?? Number.NaN;
      values[i] = value;
      if (value === value) filled++;
    }
    column.values = values;
    column.filled = filled;
    column.pending = undefined;
  }
  return column.values;
}

export function detailsOf(content: SheetContent): SheetDetails {
  if (content.pendingDetails !== undefined) {
    const { from, slots } = content.pendingDetails;
    content.details = {
      versionOfSlot: slots.map((slot) => from.versionOfSlot[slot] ?? 0), weights: Float64Array.from(slots, (slot) => from.weights[slot] ?? 1),
      rationales: Array.from(slots, (slot) => from.rationales[slot] ?? ''), kept: Array.from(slots, (slot) => from.kept[slot]),
    };
    content.pendingDetails = undefined;
  }
  return content.details;
}

/** The content itself, or a copy of it where somebody else reads it. */
export function ownContent(content: SheetContent): SheetContent {
  if (!content.isShared) return content;
  const { versionOfSlot, weights, rationales, kept } = detailsOf(content);
  return {
    size: content.size, slotOfRow: content.slotOfRow.slice(), rowOfSlot: content.rowOfSlot.slice(),
    columns: new Map([...content.columns].map(([name, column]) => [name, { ...column, values: valuesOf(column).slice(), filled: column.filled, pending: undefined }])),
    versions: [...content.versions], indexOfVersion: new Map(content.indexOfVersion),
    details: { versionOfSlot: versionOfSlot.slice(), weights: weights.slice(), rationales: [...rationales], kept: [...kept] }, pendingDetails: undefined, isShared: false,
  };
}

/** Adds a slot for a row that has none. */
export function addSlot(content: SheetContent, row: number): number {
  const slot = content.size++;
  const details = detailsOf(content);
  const { length } = content.rowOfSlot;
  if (slot >= length) {
    const capacity = Math.max(FIRST_CAPACITY, length * 2);
    content.rowOfSlot = grown(content.rowOfSlot, new Int32Array(capacity));
    details.versionOfSlot = grown(details.versionOfSlot, new Int32Array(capacity));
    details.weights = grown(details.weights, new Float64Array(capacity));
    for (const column of content.columns.values()) column.values = grown(valuesOf(column), new Float64Array(capacity)).fill(Number.NaN, length);
  }
  if (row >= content.slotOfRow.length) content.slotOfRow = grown(content.slotOfRow, new Int32Array(Math.max(FIRST_CAPACITY, row + 1, content.slotOfRow.length * 2)));
  content.rowOfSlot[slot] = row;
  content.slotOfRow[row] = slot + 1;
  return slot;
}

/** Sets a value where there is none. */
export function setValue(content: SheetContent, name: string, slot: number, value: number): true {
  let column = content.columns.get(name);
  if (column === undefined) {
    column = { values: new Float64Array(content.rowOfSlot.length).fill(Number.NaN), filled: 0, pending: undefined };
    content.columns.set(name, column);
  }
  valuesOf(column)[slot] = value;
  column.filled++;
  return true;
}

/** Every value of a slot is missing then. */
export function clearSlot(content: SheetContent, slot: number): void {
  for (const column of content.columns.values()) {
    const values = valuesOf(column);
    if (Number.isNaN(values[slot])) continue;
    values[slot] = Number.NaN;
    column.filled--;
  }
}

export function versionIndex({ versions, indexOfVersion }: SheetContent, version: string): number {
  let index = indexOfVersion.get(version);
  if (index === undefined) {
    index = versions.push(version) - 1;
    indexOfVersion.set(version, index);
  }
  return index;
}

/** `newRowOf` has a row's new place, -1 for one left out; undefined: all where they are. */
export function selectContent(content: SheetContent, newRowOf: Int32Array | undefined): SheetContent {
  content.isShared = true;
  if (newRowOf === undefined) return content;
  const slots = new Int32Array(content.size);
  const rowOfSlot = new Int32Array(content.size);
  let size = 0;
  let lastRow = -1;
  for (let slot = 0; slot < content.size; slot++) {
    const row = newRowOf[content.rowOfSlot[slot] ?? 0] ?? -1;
    if (row < 0) continue;
    slots[size] = slot;
    rowOfSlot[size++] = row;
    if (row > lastRow) lastRow = row;
  }
  const slotOfRow = new Int32Array(lastRow + 1);
  for (let i = 0; i < size; i++) slotOfRow[rowOfSlot[i] ?? 0] = i + 1;
  const kept = slots.slice(0, size);
  return {
    size, slotOfRow, rowOfSlot: rowOfSlot.slice(0, size), versions: [...content.versions], indexOfVersion: new Map(content.indexOfVersion),
    columns: new Map([...content.columns].map(([name, column]) => [name, { values: NOTHING, filled: 0, pending: { from: valuesOf(column), slots: kept } }])),
    details: noDetails(), pendingDetails: { from: detailsOf(content), slots: kept }, isShared: false,
  };
}

function grown<T extends Int32Array | Float64Array>(from: T, into: T): T {
  into.set(from);
  return into;
}

function noDetails(): SheetDetails {
  return { versionOfSlot: new Int32Array(0), weights: new Float64Array(0), rationales: [], kept: [] };
}
