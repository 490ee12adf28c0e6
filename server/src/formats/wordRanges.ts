/** Finds where words stand inside a record: the offsets of a string that a path of members and elements leads to. */
import type { OffsetRange } from '../core/planTrace.ts';
import { insideQuotes, Irregularities, JsonCursor } from './jsonSpans.ts';

/** Members from the record inwards, and positions in lists; `EACH` is the first element for which the rest of the path holds words. */
export type WordPath = readonly string[];

export const EACH = '*';

/**
 * Where the first of `paths` that leads to words ends: between the quotes of a string that is not blank, or a list or object
 * that is not empty. Undefined when none does.
 */
export function findWords(text: string, range: OffsetRange, paths: readonly WordPath[]): OffsetRange | undefined {
  for (const path of paths) {
    const found = wordsAt(new JsonCursor(text, range.start, range.end, new Irregularities()), path, 0);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Looks no further than to the member it seeks, so that a long rest of the record costs nothing. Leaves the cursor anywhere. */
function wordsAt(cursor: JsonCursor, path: WordPath, depth: number): OffsetRange | undefined {
  const step = path[depth];
  if (step === undefined) return wordsHere(cursor);
  if (cursor.isArray()) return elementWords(cursor, path, depth);
  if (step === EACH || !cursor.isObject()) return undefined;
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    if (key === step) return wordsAt(cursor, path, depth + 1);
    cursor.skip();
  }
  return undefined;
}

function elementWords(cursor: JsonCursor, path: WordPath, depth: number): OffsetRange | undefined {
  const step = path[depth];
  const wanted = step === EACH ? undefined : Number(step);
  cursor.enter();
  for (let i = 0; cursor.nextElement(); i++) {
    if (wanted === i) return wordsAt(cursor, path, depth + 1);
    const start = cursor.pos;
    cursor.passOver();
    const found = wanted === undefined ? wordsAt(new JsonCursor(cursor.text, start, cursor.pos, cursor.irregularities), path, depth + 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function wordsHere(cursor: JsonCursor): OffsetRange | undefined {
  const start = cursor.pos;
  const isString = cursor.isString();
  const isNested = cursor.isObject() || cursor.isArray();
  const end = cursor.skip();
  if (!isString) return isNested && end - start > 2 ? { start, end } : undefined;
  const range = insideQuotes(cursor.text, start, end);
  return range === undefined || isBlankLiteral(cursor.text, range) ? undefined : range;
}

/** Whether what stands between the quotes is nothing but blanks and line breaks. */
function isBlankLiteral(text: string, range: OffsetRange): boolean {
  return /^(?:\\[nrt]|\s)*$/.test(text.slice(range.start, Math.min(range.end, range.start + 60)));
}
