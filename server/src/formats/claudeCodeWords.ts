/** Finds where the words of a Claude Code record stand, without parsing it again. */
import type { OffsetRange } from '../core/planTrace.ts';
import type { FileRecord } from './documents.ts';
import { insideQuotes, JsonCursor } from './jsonSpans.ts';

export type WordKind = 'text' | 'thinking' | 'input';

export interface WordsRange extends OffsetRange {
  readonly kind: WordKind;
}

const RANK: Readonly<Record<WordKind, number>> = { text: 0, thinking: 1, input: 2 };

/** Of two places the one that says more: words before thoughts, thoughts before what a tool is called with. */
export function betterWords(known: WordsRange | undefined, found: WordsRange | undefined): WordsRange | undefined {
  return known === undefined || (found !== undefined && RANK[found.kind] < RANK[known.kind]) ? found : known;
}

/** Where the words of a record stand: its first text that says anything, else its thought, else what it calls a tool with. */
export function recordWords(text: string, record: FileRecord): WordsRange | undefined {
  const cursor = new JsonCursor(text, record.start, record.end);
  if (!cursor.isObject() || !descend(cursor, 'message') || !cursor.isObject() || !descend(cursor, 'content')) return undefined;
  if (cursor.isString()) return wordsHere(cursor, 'text');
  if (!cursor.isArray()) return undefined;
  let best: WordsRange | undefined;
  cursor.enter();
  while (cursor.enterNextObject()) {
    for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
      if (isWordKind(key)) best = betterWords(best, wordsHere(cursor, key));
      else cursor.skip();
    }
    // Nothing says more than a text.
    if (best?.kind === 'text') return best;
  }
  return best;
}

function isWordKind(key: string): key is WordKind {
  return key === 'text' || key === 'thinking' || key === 'input';
}

/** Passes over the value at the cursor and says where its words stand; undefined where it has none. */
function wordsHere(cursor: JsonCursor, kind: WordKind): WordsRange | undefined {
  const start = cursor.pos;
  const isString = cursor.isString();
  const end = cursor.skip();
  if (!isString) return kind === 'input' && end - start > 2 ? { start, end, kind } : undefined;
  const range = insideQuotes(cursor.text, start, end);
  return range === undefined || /^(?:\\[nrt]|\s)*$/.test(cursor.text.slice(range.start, Math.min(range.end, range.start + 40))) ? undefined : { ...range, kind };
}

/** Moves from an object to one of its members. */
function descend(cursor: JsonCursor, member: string): boolean {
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    if (key === member) return true;
    cursor.skip();
  }
  return false;
}
