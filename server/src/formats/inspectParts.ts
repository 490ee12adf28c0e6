/** Finds the pieces of an Inspect sample: elements of its lists, messages of its pool, texts it keeps apart. */
import type { OffsetRange } from '../core/planTrace.ts';
import { eachElement } from './fileRecords.ts';
import type { Resolve } from './inspectMessages.ts';
import { asArray, asNumber, type JsonRecord } from './jsonFields.ts';
import { JsonCursor, type Irregularities } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';

/** A JSON list in the file, with its pointer. */
export interface Part {
  readonly range: OffsetRange;
  readonly pointer: string;
}

/** An element of a list in the file. */
export interface Place {
  readonly range: OffsetRange;
  readonly pointer: string;
}

export interface Message extends Place {
  readonly record: JsonRecord;
}

/** The objects in the lists. */
export function elementsOf(text: string, irregularities: Irregularities, parts: readonly Part[]): Place[] {
  const places: Place[] = [];
  for (const part of parts) {
    const cursor = new JsonCursor(text, part.range.start, part.range.end, irregularities);
    if (!cursor.isArray()) continue;
    eachElement(cursor, (index) => {
      const start = cursor.pos;
      const isObject = cursor.isObject();
      const end = cursor.skip();
      if (isObject) places.push({ range: { start, end }, pointer: `${part.pointer}/${index}` });
    });
  }
  return places;
}

/** The places that ranges `[start, end)` of the pool name, each once. */
export function expanded(refs: unknown, pool: readonly Place[]): Place[] {
  const taken = new Set<number>();
  // Ranges that name the same places over and over must not take forever.
  let left = 4 * pool.length;
  for (const { from, to } of rangesOf(refs)) {
    for (let i = from; i < Math.min(to, pool.length) && left > 0; i++, left--) taken.add(i);
  }
  return [...taken].flatMap((i) => pool[i] ?? []);
}

/** The same from the last place back, at most `most` of them. */
export function* expandedBackwards(refs: unknown, pool: readonly Place[], most: number): Generator<Place> {
  let left = most;
  for (const { from, to } of rangesOf(refs).reverse()) {
    for (let i = Math.min(to, pool.length) - 1; i >= from && left > 0; i--, left--) {
      const place = pool[i];
      if (place !== undefined) yield place;
    }
  }
}

function rangesOf(refs: unknown): { readonly from: number; readonly to: number }[] {
  return asArray(refs).map((ref) => {
    const [from, to] = asArray(ref).map(asNumber);
    return { from: Math.max(0, Math.floor(from ?? 0)), to: Math.floor(to ?? 0) };
  });
}

/** Looks texts up that stand as `attachment://<key>`, in older logs `tc://<key>`. */
export function resolver(text: string, irregularities: Irregularities, attachments: readonly OffsetRange[]): Resolve {
  let rangesByKey: Map<string, OffsetRange> | undefined;
  const known = new Map<string, string>();
  return (value) => {
    const key = /^(?:attachment|tc):\/\/(\w+)$/.exec(value.length > 80 ? '' : value)?.[1];
    if (key === undefined) return value;
    const seen = known.get(key);
    if (seen !== undefined) return seen;
    rangesByKey ??= attachmentRanges(text, irregularities, attachments);
    const range = rangesByKey.get(key);
    const found = range === undefined ? undefined : parseSlice(text, range.start, range.end, irregularities);
    const put = typeof found === 'string' ? found : value;
    known.set(key, put);
    return put;
  };
}

function attachmentRanges(text: string, irregularities: Irregularities, attachments: readonly OffsetRange[]): Map<string, OffsetRange> {
  const ranges = new Map<string, OffsetRange>();
  let position = 0;
  for (const { start, end } of attachments) {
    const cursor = new JsonCursor(text, start, end, irregularities);
    if (cursor.isArray()) {
      eachElement(cursor, () => {
        const at = cursor.pos;
        ranges.set(String(position++), { start: at, end: cursor.skip() });
      });
    } else if (cursor.isObject()) {
      cursor.enter();
      for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
        const at = cursor.pos;
        ranges.set(key, { start: at, end: cursor.skip() });
      }
    }
  }
  return ranges;
}
