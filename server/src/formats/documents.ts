/** Finds the JSON values a trace file is made of: one document, several, or one a line. */
import { JsonCursor, lineOf, type Irregularities } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import type { TraceWarning } from '../core/planTrace.ts';

/** One line of a JSONL file, without blanks around it; `end` is exclusive. */
export interface Line {
  readonly start: number;
  readonly end: number;
  /** 0-based. */
  readonly index: number;
  /** False for a last line that no line break ends. */
  readonly isTerminated: boolean;
}

/** A record of a JSONL file, or of the list inside a JSON file. */
export interface FileRecord {
  readonly value: unknown;
  readonly start: number;
  readonly end: number;
  /** 0-based position among the file's lines or the list's elements. */
  readonly index: number;
}

/** The lines of a text that hold anything, from offset 0 on. */
export function* jsonLines(text: string): Generator<Line> {
  const length = text.length;
  let at = 0;
  let index = 0;
  while (at < length) {
    const newline = text.indexOf('\n', at);
    const lineEnd = newline < 0 ? length : newline;
    let start = at;
    let end = lineEnd;
    while (start < end && isBlank(text.charCodeAt(start))) start++;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    if (end > start) yield { start, end, index, isTerminated: newline >= 0 };
    at = lineEnd + 1;
    index++;
  }
}

/** Whether each line is a value of its own. One value on one line counts as JSON. */
export function isJsonLines(text: string): boolean {
  let whole = 0;
  let seen = 0;
  for (const line of jsonLines(text)) {
    const isWhole = isWholeValue(text, line);
    if (seen === 0 && isWhole && text.indexOf('\n', line.end) < 0) return false;
    if (seen === 0 && !isWhole && endsOpen(text, line.end)) return false;
    seen++;
    if (isWhole) whole++;
    if (seen >= 6) break;
  }
  return seen > 1 && whole > 0 && whole * 2 >= seen - 1;
}

/** Whether the line holds an object or array from its first character to its last. */
function isWholeValue(text: string, line: Line): boolean {
  const last = text.charCodeAt(line.end - 1);
  if ((last | 32) !== 125) return false;
  const cursor = new JsonCursor(text, line.start, line.end);
  return (cursor.isObject() || cursor.isArray()) && cursor.skip() === line.end && cursor.irregularities.cutAt === undefined;
}

function endsOpen(text: string, end: number): boolean {
  return '[{,:'.includes(text.charAt(end - 1));
}

function isBlank(code: number): boolean {
  return code <= 32 || code === 0xfeff || code === 0xa0;
}

/** What reading the records of a file found beside them. */
export interface RecordsRead {
  readonly records: readonly FileRecord[];
  /** Lines that are no JSON at all. */
  readonly brokenLines: readonly Line[];
  /** A last line still being written, which is no fault. */
  readonly hasOpenTail: boolean;
}

/** Parses every line; a half-written last line is left out. */
export function readLines(text: string, irregularities: Irregularities): RecordsRead {
  const records: FileRecord[] = [];
  const brokenLines: Line[] = [];
  let hasOpenTail = false;
  for (const line of jsonLines(text)) {
    const { start, end, index } = line;
    try {
      records.push({ value: JSON.parse(text.slice(start, end)), start, end, index });
      continue;
    } catch {
      // Read leniently below.
    }
    const first = text.charCodeAt(start);
    if (first !== 123 && first !== 91) {
      brokenLines.push(line);
      continue;
    }
    const before = irregularities.cutAt;
    irregularities.cutAt = undefined;
    const value = parseSlice(text, start, end, irregularities);
    const wasCut = irregularities.cutAt !== undefined;
    irregularities.cutAt = before;
    if (wasCut && !line.isTerminated) hasOpenTail = true;
    else if (wasCut) brokenLines.push(line);
    else records.push({ value, start, end, index });
  }
  return { records, brokenLines, hasOpenTail };
}

/**
 * Hands each line that begins an object or array to `read`, and returns the lines that are no JSON or end inside a value.
 * A last line that no line break ends counts as a cut of the file instead.
 */
export function readEachLine(text: string, irregularities: Irregularities, read: (cursor: JsonCursor, line: Line) => void): readonly Line[] {
  const brokenLines: Line[] = [];
  for (const line of jsonLines(text)) {
    const cursor = new JsonCursor(text, line.start, line.end, irregularities);
    if (!cursor.isObject() && !cursor.isArray()) {
      brokenLines.push(line);
      continue;
    }
    read(cursor, line);
    if (irregularities.cutAt === undefined || !line.isTerminated) continue;
    brokenLines.push(line);
    irregularities.cutAt = undefined;
  }
  return brokenLines;
}

/** The file-wide warnings that reading gave, each at most once. */
export function readWarnings(text: string, irregularities: Irregularities, brokenLines: readonly Line[] = []): TraceWarning[] {
  const warnings: TraceWarning[] = [];
  const { first, count, cutAt } = irregularities;
  if (first !== undefined) {
    const more = count > 1 ? `, and ${count - 1} more` : '';
    warnings.push({
      code: 'file-not-strict-json',
      message: `Line ${lineOf(text, first.offset)} holds ${first.what}${more}: this file is not strict JSON. What could be read is shown.`,
      range: { start: first.offset, end: Math.min(first.offset + 1, text.length) },
    });
  }
  if (cutAt !== undefined) {
    warnings.push({
      code: 'truncated-file',
      message: `The file ends inside the value that begins on line ${lineOf(text, Math.min(cutAt, text.length))}. What comes before the end is shown.`,
      range: { start: Math.min(cutAt, text.length), end: text.length },
    });
  }
  const broken = brokenLines[0];
  if (broken !== undefined) {
    const line = broken.index + 1;
    warnings.push({
      code: 'broken-record',
      message:
        brokenLines.length === 1
          ? `Line ${line} cannot be read as JSON to its end. What could not be read was passed over.`
          : `${brokenLines.length} lines cannot be read as JSON to their end, the first being line ${line}. What could not be read was passed over.`,
      range: { start: broken.start, end: broken.end },
    });
  }
  const replacement = text.indexOf('\ufffd');
  if (replacement >= 0) {
    warnings.push({
      code: 'bad-encoding',
      message: `Line ${lineOf(text, replacement)} holds a character that is not valid UTF-8. It is shown as \ufffd.`,
      range: { start: replacement, end: replacement + 1 },
    });
  }
  return warnings;
}
