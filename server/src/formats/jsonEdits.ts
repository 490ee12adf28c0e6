/** The least edits that make a JSON value in a text into another one; what is equal keeps its bytes. */
import type { OffsetRange } from '../core/planTrace.ts';
import { RawJson, isList, printJson } from './jsonPrinter.ts';
import type { JsonStyle, PrintableJson } from './jsonPrinter.ts';
import { JsonCursor } from './jsonSpans.ts';

/** `newText` in place of what stands at `start` to `end`. */
export interface TextEdit extends OffsetRange {
  readonly newText: string;
}

/** The text after edits that do not overlap and are in order. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const { start, end, newText } of edits) {
    pieces.push(text.slice(at, start), newText);
    at = end;
  }
  pieces.push(text.slice(at));
  return pieces.join('');
}

/** Edits, in order, after which the value at `range` is `value`; none where it already is, however it is spelled. */
export function valueEdits(text: string, range: OffsetRange, value: PrintableJson, style: JsonStyle): readonly TextEdit[] {
  const edits: TextEdit[] = [];
  compare({ text, style, edits }, range, value);
  return edits;
}

interface Target {
  readonly text: string;
  readonly style: JsonStyle;
  readonly edits: TextEdit[];
}

function compare(target: Target, range: OffsetRange, value: PrintableJson): void {
  const { text, edits, style } = target;
  const parts = partsOf(text, range, value);
  if (parts !== undefined) {
    for (const { at, value: part } of parts) compare(target, at, part);
  } else if (!isEqual(text.slice(range.start, range.end), value)) {
    edits.push({ start: range.start, end: range.end, newText: printJson(value, style, indentAt(text, range.start, style)) });
  }
}

interface Part {
  readonly at: OffsetRange;
  readonly value: PrintableJson;
}

/** Members or elements side by side; undefined unless both sides have the same ones in the same order. */
function partsOf(text: string, range: OffsetRange, value: PrintableJson): readonly Part[] | undefined {
  if (value === null || typeof value !== 'object' || value instanceof RawJson) return undefined;
  const cursor = new JsonCursor(text, range.start, range.end);
  const parts: Part[] = [];
  if (isList(value)) {
    if (!cursor.isArray()) return undefined;
    cursor.enter();
    while (cursor.nextElement()) {
      const part = value[parts.length];
      if (part === undefined) return undefined;
      parts.push({ at: { start: cursor.pos, end: passed(cursor) }, value: part });
    }
    return parts.length === value.length && cursor.irregularities.count === 0 ? parts : undefined;
  }
  if (!cursor.isObject()) return undefined;
  const wanted = Object.entries(value);
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    const member = wanted[parts.length];
    if (member === undefined || member[0] !== key) return undefined;
    parts.push({ at: { start: cursor.pos, end: passed(cursor) }, value: member[1] });
  }
  return parts.length === wanted.length && cursor.irregularities.count === 0 ? parts : undefined;
}

function passed(cursor: JsonCursor): number {
  cursor.passOver();
  return cursor.pos;
}

/** Of values without parts; `1.50` is 1.5. */
function isEqual(slice: string, value: PrintableJson): boolean {
  if (value instanceof RawJson) return slice === value.text;
  if (value !== null && typeof value === 'object') return false;
  const wanted = typeof value === 'number' && !Number.isFinite(value) ? null : value;
  try {
    return JSON.parse(slice) === wanted;
  } catch {
    return false;
  }
}

/** Blanks at the start of the line that holds the offset; '' in a text without lines. */
export function indentAt(text: string, offset: number, { newline }: Pick<JsonStyle, 'newline'>): string {
  if (newline === '') return '';
  const lineStart = text.lastIndexOf(newline === '\r' ? '\r' : '\n', offset - 1) + 1;
  let end = lineStart;
  while (end < offset && (text[end] === ' ' || text[end] === '\t')) end++;
  return text.slice(lineStart, end);
}
