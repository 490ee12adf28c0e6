/**
 * Walks JSON text without parsing it: where each member and element stands, so that only the slices that
 * matter are handed to `JSON.parse`. Tolerant (trailing commas, `...`, comments, a missing end) and iterative,
 * so nesting costs no stack. Strings are skipped with `indexOf`, which is what makes it fast.
 */
import type { OffsetRange } from '../core/planTrace.ts';

/** What was found that strict JSON does not allow; only the first place is kept, and how many there were. */
export class Irregularities {
  first: { readonly offset: number; readonly what: string } | undefined;
  /** A place that is passed twice (walked, then parsed) counts once. */
  private offsets: Set<number> | undefined;
  /** Where a value began that the end of the text cut off; undefined when all values are whole. */
  cutAt: number | undefined;

  note(offset: number, what: string): void {
    // Made when needed: nearly every cursor has one of these, and nearly none finds anything.
    this.offsets ??= new Set();
    if (this.offsets.size < MOST_COUNTED) this.offsets.add(offset);
    if (this.first === undefined || offset < this.first.offset) this.first = { offset, what };
  }

  get count(): number {
    return this.offsets?.size ?? 0;
  }

  noteCut(offset: number): void {
    if (this.cutAt === undefined || offset < this.cutAt) this.cutAt = offset;
  }
}

/**
 * A pull reader over `text[pos, end)`. Use: `enter()`, then `nextMember()` or `nextElement()` until it says there is
 * no more; at each value either `enter()` it or `skip()` it.
 */
export class JsonCursor {
  readonly text: string;
  readonly end: number;
  readonly irregularities: Irregularities;
  pos: number;

  constructor(text: string, start = 0, end = text.length, irregularities = new Irregularities()) {
    this.text = text;
    this.pos = start;
    this.end = end;
    this.irregularities = irregularities;
  }

  /** The character code of the value at the cursor; NaN at the end. */
  peek(): number {
    return this.pos < this.end ? this.text.charCodeAt(this.pos) : Number.NaN;
  }

  isObject(): boolean {
    return this.peek() === OPEN_BRACE;
  }

  isArray(): boolean {
    return this.peek() === OPEN_BRACKET;
  }

  isString(): boolean {
    return this.peek() === QUOTE;
  }

  /** Steps into the object or array at the cursor. */
  enter(): void {
    this.pos++;
  }

  /** Moves to the next value of a sequence of documents; false at the end of the text. */
  nextDocument(): boolean {
    for (;;) {
      this.skipTrivia();
      if (this.pos >= this.end) return false;
      const c = this.text.charCodeAt(this.pos);
      if (c === OPEN_BRACE || c === OPEN_BRACKET || c === QUOTE) return true;
      if ((c | 32) === CLOSE_BRACE || c === COMMA || c === COLON) {
        this.irregularities.note(this.pos, `a stray "${String.fromCharCode(c)}"`);
        this.pos++;
        continue;
      }
      return true;
    }
  }

  /** Reads the next key of the object entered and stops at its value; undefined after the last, with the brace consumed. */
  nextMember(): string | undefined {
    let commaAt = -1;
    for (;;) {
      this.skipTrivia();
      if (this.pos >= this.end) {
        this.irregularities.noteCut(this.end);
        return undefined;
      }
      const c = this.text.charCodeAt(this.pos);
      if (c === QUOTE) {
        const key = this.readKey();
        if (key === undefined) return undefined;
        this.skipTrivia();
        if (this.peek() === COLON) this.pos++;
        else if (this.pos >= this.end) this.irregularities.noteCut(this.pos);
        else this.irregularities.note(this.pos, 'a missing colon');
        this.skipTrivia();
        return key;
      }
      if (c === COMMA) {
        if (commaAt >= 0) this.irregularities.note(this.pos, 'an extra comma');
        commaAt = this.pos++;
      } else if (c === CLOSE_BRACE) {
        if (commaAt >= 0) this.irregularities.note(commaAt, 'a trailing comma');
        this.pos++;
        return undefined;
      } else if (c === CLOSE_BRACKET) {
        this.irregularities.note(this.pos, 'a missing "}"');
        return undefined;
      } else {
        const start = this.pos;
        const key = this.readWord();
        this.skipTrivia();
        if (this.peek() === COLON && key !== '') {
          this.irregularities.note(start, 'a key without quotes');
          this.pos++;
          this.skipTrivia();
          return key;
        }
        this.irregularities.note(start, 'text that is no member');
        if (this.pos === start) this.pos++;
      }
    }
  }

  /** Moves to the next element of the array entered; false after the last, with the bracket consumed. */
  nextElement(): boolean {
    let commaAt = -1;
    for (;;) {
      this.skipTrivia();
      if (this.pos >= this.end) {
        this.irregularities.noteCut(this.end);
        return false;
      }
      const c = this.text.charCodeAt(this.pos);
      if (c === COMMA) {
        if (commaAt >= 0) this.irregularities.note(this.pos, 'an extra comma');
        commaAt = this.pos++;
      } else if (c === CLOSE_BRACKET) {
        if (commaAt >= 0) this.irregularities.note(commaAt, 'a trailing comma');
        this.pos++;
        return false;
      } else if (c === CLOSE_BRACE) {
        this.irregularities.note(this.pos, 'a missing "]"');
        return false;
      } else if (c === COLON) {
        this.irregularities.note(this.pos, 'a stray ":"');
        this.pos++;
      } else {
        return true;
      }
    }
  }

  /** Inside an array: enters the next element that is an object; what stands before it is passed over. False at the end. */
  enterNextObject(): boolean {
    while (this.nextElement()) {
      if (this.isObject()) {
        this.enter();
        return true;
      }
      this.passOver();
    }
    return false;
  }

  /** Passes over the value at the cursor, or over one character no rule knows: loops over broken text always move on. */
  passOver(): void {
    const before = this.pos;
    if (this.skip() === before) this.pos++;
  }

  /** Passes over the value at the cursor and returns the offset after it. Where a value is missing, nothing is passed over. */
  skip(): number {
    const { text, end } = this;
    let i = this.pos;
    if (i >= end) {
      this.irregularities.noteCut(end);
      return end;
    }
    let c = text.charCodeAt(i);
    if (c === QUOTE) return (this.pos = this.afterString(i));
    if ((c | 32) !== OPEN_BRACE) {
      this.readWord();
      return this.pos;
    }
    const start = i;
    let depth = 0;
    while (i < end) {
      c = text.charCodeAt(i);
      if (c === QUOTE) {
        i = this.afterString(i);
        continue;
      }
      i++;
      if ((c | 32) === OPEN_BRACE) {
        depth++;
      } else if ((c | 32) === CLOSE_BRACE) {
        if (--depth === 0) return (this.pos = i);
      } else if (c === SLASH) {
        i = afterComment(text, i - 1, end);
      }
    }
    this.irregularities.noteCut(start);
    return (this.pos = end);
  }

  /** Passes over blanks, comments and `...`; commas are left for the caller. */
  private skipTrivia(): void {
    const { text, end } = this;
    for (;;) {
      const c = this.pos < end ? text.charCodeAt(this.pos) : -1;
      if (c === SPACE || c === LF || c === CR || c === TAB) {
        this.pos++;
      } else if (c === SLASH) {
        this.irregularities.note(this.pos, 'a comment');
        this.pos = afterComment(text, this.pos, end);
      } else if (c === ELLIPSIS || (c === DOT && text.charCodeAt(this.pos + 1) === DOT)) {
        this.irregularities.note(this.pos, 'an ellipsis ("...")');
        while (this.pos < end && (text.charCodeAt(this.pos) === DOT || text.charCodeAt(this.pos) === ELLIPSIS)) this.pos++;
      } else if (c === BYTE_ORDER_MARK) {
        if (this.pos > 0) this.irregularities.note(this.pos, 'a byte order mark');
        this.pos++;
      } else if (c >= 0 && (c < SPACE || c === 0x7f || c === NO_BREAK_SPACE)) {
        this.irregularities.note(this.pos, c === 0 ? 'a NUL character' : 'a control character');
        this.pos++;
      } else {
        return;
      }
    }
  }

  private readKey(): string | undefined {
    const start = this.pos;
    const after = this.afterString(start);
    this.pos = after;
    if (after >= this.end && (after === start + 1 || this.text.charCodeAt(after - 1) !== QUOTE)) return undefined;
    const raw = this.text.slice(start + 1, after - 1);
    if (!raw.includes('\\')) return raw;
    try {
      return JSON.parse(this.text.slice(start, after)) as string;
    } catch {
      return raw;
    }
  }

  /** Passes over a number, a literal or other bare text. */
  private readWord(): string {
    const { text, end } = this;
    const start = this.pos;
    let i = start;
    while (i < end) {
      const c = text.charCodeAt(i);
      if (c <= SPACE || c === COMMA || c === COLON || c === QUOTE || (c | 32) === OPEN_BRACE || (c | 32) === CLOSE_BRACE) break;
      i++;
    }
    this.pos = i;
    return text.slice(start, i);
  }

  /** Offset after the closing quote of the string that opens at `open`; the end of the text when there is none. */
  private afterString(open: number): number {
    const close = closingQuote(this.text, open + 1);
    if (close >= 0 && close < this.end) return close + 1;
    this.irregularities.noteCut(open);
    return this.end;
  }
}

/** Offset of the quote that closes a string whose content starts at `from`, or -1. */
export function closingQuote(text: string, from: number): number {
  // Most keys and many values are short: a loop beats the call into indexOf there.
  const near = Math.min(from + 24, text.length);
  let i = from;
  while (i < near) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) return i;
    i += c === BACKSLASH ? 2 : 1;
  }
  for (let quote = text.indexOf('"', i); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = quote;
    while (slashes > i && text.charCodeAt(slashes - 1) === BACKSLASH) slashes--;
    if ((quote - slashes) % 2 === 0) return quote;
  }
  return -1;
}

/** What stands between the quotes of a string literal; to its end where the closing quote was cut off. Undefined for "". */
export function insideQuotes(text: string, start: number, end: number): OffsetRange | undefined {
  const last = end - 1 > start && text.charCodeAt(end - 1) === QUOTE ? end - 1 : end;
  return last > start + 1 ? { start: start + 1, end: last } : undefined;
}

/** 1-based line of an offset, for messages. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

function afterComment(text: string, at: number, end: number): number {
  const next = text.charCodeAt(at + 1);
  if (next === SLASH) {
    const newline = text.indexOf('\n', at);
    return newline < 0 || newline >= end ? end : newline + 1;
  }
  if (next === STAR) {
    const close = text.indexOf('*/', at + 2);
    return close < 0 || close + 2 > end ? end : close + 2;
  }
  return at + 1;
}

const MOST_COUNTED = 100_000;
const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const STAR = 42;
const COMMA = 44;
const DOT = 46;
const SLASH = 47;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const NO_BREAK_SPACE = 0xa0;
const ELLIPSIS = 0x2026;
const BYTE_ORDER_MARK = 0xfeff;
