/** Where the members of a trace object stand in its text, and in what style they are written. */
import type { OffsetRange } from '../core/planTrace.ts';
import { indentAt } from './jsonEdits.ts';
import type { JsonStyle } from './jsonPrinter.ts';
import { JsonCursor, closingQuote } from './jsonSpans.ts';

export interface ObjectMembers {
  /** The value of a key; of a repeated one the last, which is the one that readers see. */
  readonly valueByKey: ReadonlyMap<string, OffsetRange>;
  /** The last member with what stands before its key and between key and value. */
  readonly last: { readonly value: OffsetRange; readonly gap: string; readonly colon: string };
  /** Offset of the closing brace. */
  readonly closeAt: number;
}

/** `object`: from its first to after its last character. Undefined where there is no member, or no closing brace of its own at the end. */
export function membersOf(text: string, object: OffsetRange): ObjectMembers | undefined {
  const cursor = new JsonCursor(text, object.start, object.end);
  if (!cursor.isObject()) return undefined;
  const valueByKey = new Map<string, OffsetRange>();
  let between = { start: 0, end: 0 };
  let value: OffsetRange | undefined;
  cursor.enter();
  for (let from = cursor.pos, key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    between = { start: from, end: cursor.pos };
    value = { start: cursor.pos, end: cursor.skip() };
    valueByKey.set(key, value);
    from = cursor.pos;
  }
  // The brace of the object itself stands after its last value, and where the reader, who goes deeper, saw it too.
  if (value === undefined || cursor.irregularities.cutAt !== undefined || cursor.pos <= value.end || cursor.pos !== object.end || text[cursor.pos - 1] !== '}') return undefined;
  return { valueByKey, last: { value, ...splitBefore(text.slice(between.start, between.end)) }, closeAt: cursor.pos - 1 };
}

const TRIVIA = /^(?:[\s,\ufeff]|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*/;
const COLON = /^[ \t]*:[ \t]*$/;

/** What stands before a value: blanks and comments, the key, the colon. */
function splitBefore(before: string): { readonly gap: string; readonly colon: string } {
  const [gap = ''] = TRIVIA.exec(before) ?? [];
  const keyEnd = before[gap.length] === '"' ? closingQuote(before, gap.length + 1) + 1 : 0;
  const colon = before.slice(keyEnd);
  return { gap, colon: keyEnd > 0 && COLON.test(colon) ? colon : ': ' };
}

/** The style of an object's members, with their indentation. */
export function styleOf(text: string, object: OffsetRange, members: ObjectMembers): JsonStyle & { readonly indent: string } {
  const { last, closeAt } = members;
  const [newline] = /\r\n|\n|\r/.exec(last.gap) ?? [];
  if (newline === undefined) {
    const [, blanks] = /,([ \t]*)$/.exec(last.gap) ?? [];
    return { newline: '', unit: '', indent: '', colon: last.colon, comma: blanks === undefined ? (last.colon === ':' ? ',' : ', ') : `,${blanks}` };
  }
  const lines = { newline: newline === '\r\n' || newline === '\r' ? newline : '\n' } as const;
  const [indent = ''] = /[ \t]*$/.exec(last.gap.replace(/\/\*[\s\S]*?\*\/[ \t]*$/, '')) ?? [];
  const outer = [indentAt(text, closeAt, lines), indentAt(text, object.start, lines)].find((o) => indent.startsWith(o) && indent.length > o.length);
  return { ...lines, indent, unit: outer === undefined ? '  ' : indent.slice(outer.length), colon: last.colon, comma: ', ' };
}
