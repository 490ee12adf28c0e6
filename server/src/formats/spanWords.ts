/**
 * Finds where words that came out of a span stand in the file. They may be JSON in a string in a string, each time with other
 * escapes, so the text is read through its escapes instead of being encoded again.
 */
import type { OffsetRange } from '../core/planTrace.ts';
import { insideQuotes, JsonCursor } from './jsonSpans.ts';

/** Where to look: within `range`, best right after one of the JSON keys (or values) named. */
export interface WordsPlace {
  readonly range: OffsetRange;
  readonly keys: readonly string[];
}

/** Where `words` stand, to their end or as far as they can be followed; else the value after the first key found; else undefined. */
export function findWords(text: string, place: WordsPlace, words: string): OffsetRange | undefined {
  const { range, keys } = place;
  const slice = text.slice(range.start, range.end);
  const trimmed = words.trim();
  let fallback: OffsetRange | undefined;
  for (const key of keys) {
    const value = valueAfter(slice, key);
    if (value === undefined) continue;
    const found = trimmed === '' ? undefined : locate(slice, value, trimmed);
    if (found !== undefined) return shifted(found, range.start);
    fallback ??= value;
  }
  const anywhere = trimmed.length < LEAST_ANYWHERE ? locateWhole(slice, trimmed) : locate(slice, { start: 0, end: slice.length }, trimmed);
  const found = anywhere ?? (fallback === undefined ? undefined : slice.charAt(fallback.start) === '"' ? insideQuotes(slice, fallback.start, fallback.end) : fallback);
  return found === undefined || found.end <= found.start ? undefined : shifted(found, range.start);
}

/** A few letters may stand anywhere by chance: only a string that holds nothing else counts. */
function locateWhole(slice: string, words: string): OffsetRange | undefined {
  if (words === '') return undefined;
  for (let at = slice.indexOf(words), tries = 0; at >= 0 && tries < MOST_CANDIDATES; at = slice.indexOf(words, at + 1), tries++) {
    const end = at + words.length;
    if (slice.charAt(at - 1) === '"' && /^\\*"/.test(slice.slice(end, end + 32))) return { start: at, end };
  }
  return undefined;
}

function shifted(range: OffsetRange, by: number): OffsetRange {
  return { start: range.start + by, end: range.end + by };
}

/** The value that follows `"key"`: a member's, or the `value` beside it where attributes are lists of `{key, value}`. */
function valueAfter(slice: string, key: string): OffsetRange | undefined {
  const at = slice.indexOf(`"${key}"`);
  if (at < 0) return undefined;
  const cursor = new JsonCursor(slice, at + key.length + 2);
  const between = /^\s*(?::|,\s*"value"\s*:)\s*/.exec(slice.slice(cursor.pos, cursor.pos + 60));
  if (between === null) return undefined;
  cursor.pos += between[0].length;
  const start = cursor.pos;
  const end = cursor.skip();
  return end > start ? { start, end } : undefined;
}

const LEAST_ANYWHERE = 4;
const DEEPEST_ESCAPE = 4;
/** How much of the words must be found to believe the place. */
const HEAD = 48;
const MOST_CANDIDATES = 2000;

function locate(slice: string, region: OffsetRange, words: string): OffsetRange | undefined {
  for (const anchor of anchorsOf(words)) {
    let at = slice.indexOf(anchor.raw, region.start);
    for (let tries = 0; at >= 0 && at < region.end && tries < MOST_CANDIDATES; tries++) {
      const found = matchAt(slice, { start: at, end: region.end }, words, anchor.offset);
      if (found !== undefined) return { start: startBefore(slice, region.start, at, words.slice(0, anchor.offset)), end: found };
      at = slice.indexOf(anchor.raw, at + 1);
    }
  }
  return undefined;
}

/** Pieces of the words' beginning that no escape changes, and where in the words they stand. */
function* anchorsOf(words: string): Generator<{ readonly raw: string; readonly offset: number }> {
  const head = words.slice(0, 400);
  const plain = /[^\u0000-\u001f"\\/\u007f-\u009f]{3,32}/.exec(head) ?? /[^\u0000-\u001f"\\/]+/.exec(head);
  if (plain !== null) yield { raw: plain[0], offset: plain.index };
  const ascii = /[ !#-.0-[\]-~]{4,32}/.exec(head) ?? /[ !#-.0-[\]-~]{2,}/.exec(head);
  if (ascii !== null) yield { raw: ascii[0], offset: ascii.index };
  const coded = words.charCodeAt(0).toString(16).padStart(4, '0');
  yield { raw: `u${coded}`, offset: 0 };
  yield { raw: `u${coded.toUpperCase()}`, offset: 0 };
}

/** Offset after the words that begin, at their `offset`-th character, at `at`; undefined when they do not stand there. */
function matchAt(slice: string, at: OffsetRange, words: string, offset: number): number | undefined {
  const needed = Math.min(words.length, offset + HEAD);
  const start = words.charCodeAt(offset) === slice.charCodeAt(at.start) ? at.start : beforeEscape(slice, at.start);
  let best: { readonly read: number; readonly after: number } | undefined;
  for (let level = 0; level <= DEEPEST_ESCAPE && best?.read !== words.length; level++) {
    const reader: EscapeReader = { slice, end: at.end, next: start };
    let i = offset;
    let after = start;
    while (i < words.length && readCode(reader, level) === words.charCodeAt(i)) {
      after = reader.next;
      i++;
    }
    // Where several parts were joined, the words end with the first line of them.
    const isEnough = i >= needed || (i - offset >= 8 && words.charCodeAt(i) === 10);
    if (isEnough && i > (best?.read ?? 0)) best = { read: i, after };
  }
  return best?.after;
}

interface EscapeReader {
  readonly slice: string;
  readonly end: number;
  next: number;
}

/** The next character through `level` layers of JSON escapes; -1 at the end. */
function readCode(reader: EscapeReader, level: number): number {
  if (level === 0) return reader.next < reader.end ? reader.slice.charCodeAt(reader.next++) : -1;
  const code = readCode(reader, level - 1);
  if (code !== BACKSLASH) return code;
  const letter = readCode(reader, level - 1);
  if (letter !== 0x75) return SINGLE_ESCAPES.get(letter) ?? letter;
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const digit = Number.parseInt(String.fromCharCode(Math.max(0, readCode(reader, level - 1))), 16);
    if (Number.isNaN(digit)) return -1;
    value = value * 16 + digit;
  }
  return value;
}

const BACKSLASH = 92;
const SINGLE_ESCAPES: ReadonlyMap<number, number> = new Map([[0x62, 8], [0x66, 12], [0x6e, 10], [0x72, 13], [0x74, 9]]);

/** The start of the words, going back from the piece that was found over the characters before it. */
function startBefore(slice: string, least: number, from: number, before: string): number {
  let at = before === '' ? beforeEscape(slice, from) : from;
  for (let i = before.length - 1; i >= 0; i--) {
    const code = before.charCodeAt(i);
    const length = writtenLength(slice, at, code);
    if (length === 0 || at - length < least) return at;
    at = beforeEscape(slice, at - length, code);
  }
  return Math.max(at, least);
}

/** How many characters before `at` write `code`, without the backslashes in front of them; 0 when they do not. */
function writtenLength(slice: string, at: number, code: number): number {
  const last = slice.charAt(at - 1);
  if (slice.charCodeAt(at - 1) === code) return 1;
  if ((SINGLE_ESCAPES.get(last.charCodeAt(0)) ?? -1) === code) return 1;
  return slice.slice(at - 5, at).toLowerCase() === `u${code.toString(16).padStart(4, '0')}` ? 5 : 0;
}

/** Back over the backslashes that belong to an escape at `at`; a plain character has none. */
function beforeEscape(slice: string, at: number, code = -1): number {
  const isEscape = code < 0 ? slice.charAt(at) === 'u' : code < 32 || code === 34 || code === 92 || code === 47 || slice.charCodeAt(at) !== code;
  let start = at;
  if (isEscape) while (start > 0 && slice.charCodeAt(start - 1) === BACKSLASH) start--;
  return start;
}
