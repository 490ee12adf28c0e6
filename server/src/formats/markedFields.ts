/** The fields DSPy's chat adapter writes into a text, each after a line `[[ ## name ## ]]`. */
import type { OffsetRange } from '../core/planTrace.ts';

/** The fields of a text in order; of a name given twice, the last. Empty when it has none. */
export function markedFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const { name, start, end } of marked(text, MARKER)) {
    // The chat adapter ends what it asks with how to answer.
    const value = text.slice(start, end).replace(/\n\nRespond with the corresponding output fields[^]*$/, '').trim();
    fields.set(name, value);
  }
  return fields;
}

/** Where the fields stand inside a JSON string at `range`, its escapes in place; blank fields are left out. */
export function markedRanges(text: string, range: OffsetRange): ReadonlyMap<string, OffsetRange> {
  const ranges = new Map<string, OffsetRange>();
  const raw = text.slice(range.start, range.end);
  for (const { name, start, end } of marked(raw, RAW_MARKER)) {
    const value = raw.slice(start, end);
    const before = /^(?:\\[nrt]|\s)*/.exec(value)?.[0].length ?? 0;
    const kept = value.length - trailingBlanks(value);
    if (kept > before) ranges.set(name, { start: range.start + start + before, end: range.start + start + kept });
  }
  return ranges;
}

const MARKER = /(?:^|\n)[^\S\n]*\[\[ ## (\w+) ## \]\]/g;
const RAW_MARKER = /(?:^|\\n)[^\S\n]*\[\[ ## (\w+) ## \]\]/g;

function* marked(text: string, marker: RegExp): Generator<{ readonly name: string; readonly start: number; readonly end: number }> {
  let open: { readonly name: string; readonly start: number } | undefined;
  for (const found of text.matchAll(marker)) {
    if (open !== undefined) yield { ...open, end: found.index };
    open = { name: found[1] ?? '', start: found.index + found[0].length };
  }
  if (open !== undefined) yield { ...open, end: text.length };
}

/** How many characters at the end are blanks or escaped line breaks. */
function trailingBlanks(raw: string): number {
  let end = raw.length;
  for (;;) {
    const last = raw.charCodeAt(end - 1);
    if (end > 0 && last <= 32) end--;
    else if (end > 1 && (last === 110 || last === 114) && raw.charAt(end - 2) === '\\' && raw.charAt(end - 3) !== '\\') end -= 2;
    else return raw.length - end;
  }
}
