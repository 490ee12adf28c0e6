/** Walks a file record by record, so that a large one is never parsed whole: lines of JSONL, elements of lists, members of objects. */
import type { OffsetRange } from '../core/planTrace.ts';
import { isJsonLines, readEachLine, type FileRecord, type Line } from './documents.ts';
import { JsonCursor, type Irregularities } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';

/** What walking a file found beside its records. */
export interface WalkedFile {
  /** Lines that are no JSON, or end inside a value. */
  readonly brokenLines: readonly Line[];
  /** A last line that is still being written, which is no fault. */
  readonly hasOpenTail: boolean;
}

/** Where a value stands that `read` is called for; `pointer` is its JSON pointer, by line or by document. */
export type ReadValue = (cursor: JsonCursor, pointer: string) => void;

/** Stops at every object and list at the top of a file: one a line in JSONL, else each document. What `read` leaves is passed over. */
export function eachDocument(text: string, irregularities: Irregularities, read: ReadValue): WalkedFile {
  if (isJsonLines(text)) {
    return { brokenLines: readEachLine(text, irregularities, (cursor, line) => read(cursor, `/${line.index}`)), hasOpenTail: false };
  }
  const cursor = new JsonCursor(text, 0, text.length, irregularities);
  for (let documents = 0; cursor.nextDocument(); documents++) {
    const before = cursor.pos;
    if (cursor.isObject() || cursor.isArray()) read(cursor, documents === 0 ? '' : `/${documents}`);
    if (cursor.pos === before) cursor.passOver();
  }
  return { brokenLines: [], hasOpenTail: false };
}

/**
 * Hands over every record of a log: each line of JSONL, each element of a list, each object that stands alone. A last line
 * that is half written is left out; a record of a list that the end of the file cut is handed over as far as it goes.
 */
export function eachRecord(text: string, irregularities: Irregularities, visit: (record: FileRecord) => void): WalkedFile {
  if (!isJsonLines(text)) {
    return eachDocument(text, irregularities, (cursor) => {
      if (cursor.isArray()) eachElement(cursor, (index) => visit(takeRecord(cursor, index)));
      else visit(takeRecord(cursor, 0));
    });
  }
  let hasOpenTail = false;
  const brokenLines = readEachLine(text, irregularities, (_cursor, line) => {
    const { start, end, index } = line;
    const value = parseSlice(text, start, end, irregularities);
    if (irregularities.cutAt === undefined) {
      visit({ value, start, end, index });
    } else if (!line.isTerminated) {
      hasOpenTail = true;
      irregularities.cutAt = undefined;
    }
  });
  return { brokenLines, hasOpenTail };
}

/** Calls `read` with the cursor at each element of the list it stands on. What `read` leaves is passed over. */
export function eachElement(cursor: JsonCursor, read: (index: number) => void): void {
  cursor.enter();
  for (let index = 0; cursor.nextElement(); index++) {
    const before = cursor.pos;
    read(index);
    if (cursor.pos === before) cursor.passOver();
  }
}

/** Parses the value at the cursor and passes over it. */
export function takeRecord(cursor: JsonCursor, index: number): FileRecord {
  const start = cursor.pos;
  const end = cursor.skip();
  return { value: parseSlice(cursor.text, start, end, cursor.irregularities), start, end, index };
}

/** The members of an object, parsed one by one, with where their values stand. */
export interface ObjectRead {
  readonly fields: Readonly<Record<string, unknown>>;
  /** In the order of the file. */
  readonly ranges: ReadonlyMap<string, OffsetRange>;
  readonly start: number;
  readonly end: number;
}

export interface ObjectReading {
  /** Members that `read` takes element by element where they are lists; they are not among the fields. */
  readonly lists?: ReadonlyMap<string, (index: number) => void>;
  /** Members whose place is wanted, not their value. */
  readonly unparsed?: ReadonlySet<string>;
}

/** Reads the object at the cursor and passes over it. Of a member given twice the last counts, as in `JSON.parse`. */
export function readObject(cursor: JsonCursor, reading: ObjectReading = {}): ObjectRead {
  const start = cursor.pos;
  const fields: Record<string, unknown> = {};
  const ranges = new Map<string, OffsetRange>();
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    const readElement = reading.lists?.get(key);
    if (readElement !== undefined && cursor.isArray()) {
      eachElement(cursor, readElement);
      continue;
    }
    const valueStart = cursor.pos;
    const end = cursor.skip();
    // Deleted first, so that the ranges stay in the order of the file.
    ranges.delete(key);
    ranges.set(key, { start: valueStart, end });
    if (reading.unparsed?.has(key) !== true && key !== '__proto__') fields[key] = parseSlice(cursor.text, valueStart, end, cursor.irregularities);
  }
  return { fields, ranges, start, end: cursor.pos };
}
