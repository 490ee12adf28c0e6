/** Parses a slice of JSON text: strictly and fast where it is strict, else keeping whatever can be kept. Never throws. */
import { JsonCursor, type Irregularities } from './jsonSpans.ts';

/**
 * The value of `text[start, end)`. What strict JSON forbids is noted: NaN, Infinity and missing values become null,
 * unclosed strings, arrays and objects are closed, raw line breaks in strings are kept.
 */
export function parseSlice(text: string, start: number, end: number, irregularities: Irregularities): unknown {
  if (end <= start) {
    if (end >= text.length) irregularities.noteCut(start);
    else irregularities.note(start, 'a missing value');
    return null;
  }
  try {
    return JSON.parse(text.slice(start, end));
  } catch {
    return parseLeniently(new JsonCursor(text, start, end, irregularities));
  }
}

/** Reads the value at the cursor with an explicit stack, so that depth is no danger. */
export function parseLeniently(cursor: JsonCursor): unknown {
  if (!cursor.nextDocument()) return null;
  const stack: Frame[] = [];
  let value: unknown = open(cursor, stack);
  for (;;) {
    const top = stack.at(-1);
    if (top === undefined) return value;
    if (top.kind === 'array') {
      if (cursor.nextElement()) {
        const before = cursor.pos;
        const depth = stack.length;
        value = open(cursor, stack);
        if (stack.length === depth) {
          top.items.push(value);
          // A character no rule knows must still be passed, or the loop would not end.
          if (cursor.pos === before) cursor.pos++;
        }
      } else {
        value = close(stack);
      }
      continue;
    }
    const key = cursor.nextMember();
    if (key === undefined) {
      value = close(stack);
    } else {
      top.key = key;
      const depth = stack.length;
      value = open(cursor, stack);
      if (stack.length === depth) setOwn(top.members, key, value);
    }
  }
}

type Frame =
  | { readonly kind: 'array'; readonly items: unknown[] }
  | { readonly kind: 'object'; readonly members: Record<string, unknown>; key: string };

/** Starts the value at the cursor: a container goes on the stack, a scalar is returned. */
function open(cursor: JsonCursor, stack: Frame[]): unknown {
  if (cursor.isObject()) {
    cursor.enter();
    stack.push({ kind: 'object', members: {}, key: '' });
    return undefined;
  }
  if (cursor.isArray()) {
    cursor.enter();
    stack.push({ kind: 'array', items: [] });
    return undefined;
  }
  return scalar(cursor);
}

function close(stack: Frame[]): unknown {
  const done = stack.pop();
  const value = done === undefined ? null : done.kind === 'array' ? done.items : done.members;
  const parent = stack.at(-1);
  if (parent?.kind === 'array') parent.items.push(value);
  else if (parent?.kind === 'object') setOwn(parent.members, parent.key, value);
  return value;
}

function scalar(cursor: JsonCursor): unknown {
  const start = cursor.pos;
  if (cursor.isString()) {
    const end = cursor.skip();
    return stringLiteral(cursor, start, end);
  }
  const end = cursor.skip();
  const word = cursor.text.slice(start, end);
  if (word === '') {
    if (start >= cursor.end) cursor.irregularities.noteCut(start);
    else cursor.irregularities.note(start, 'a missing value');
    return null;
  }
  try {
    return JSON.parse(word);
  } catch {
    // A word cut off at the end is no fault of its own.
    if (end >= cursor.end) cursor.irregularities.noteCut(start);
    else cursor.irregularities.note(start, /^[\w.+-]{1,20}$/.test(word) ? `${word}` : 'text without quotes');
    const plain = WORDS.get(word);
    if (plain !== undefined) return plain;
    const number = Number(word);
    return Number.isFinite(number) ? number : word;
  }
}

/** Python's and JavaScript's words for what JSON has no word for. */
const WORDS: ReadonlyMap<string, null | boolean> = new Map([
  ['NaN', null], ['-NaN', null], ['nan', null], ['Infinity', null], ['-Infinity', null], ['inf', null], ['-inf', null],
  ['undefined', null], ['None', null], ['True', true], ['False', false],
]);

function stringLiteral(cursor: JsonCursor, start: number, end: number): string {
  const { text } = cursor;
  const literal = text.slice(start, end);
  try {
    return JSON.parse(literal) as string;
  } catch {
    // Either cut off, or with characters or escapes that strict JSON does not allow.
  }
  const isClosed = cursor.irregularities.cutAt === undefined || cursor.irregularities.cutAt > start || end < cursor.end;
  const body = literal.slice(1, isClosed && literal.length > 1 && literal.endsWith('"') ? -1 : undefined);
  if (isClosed) cursor.irregularities.note(start, 'a string with characters that need escaping');
  return body.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]?))/g, (whole, hex: string | undefined, letter: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (letter === undefined || letter === '') return '';
    return ESCAPES[letter] ?? (letter === 'u' ? '' : whole);
  });
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** `JSON.parse` makes "__proto__" an own member; plain assignment would not. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}
