/** What single lines of a session say before they are parsed: that they go back, repeat a record, or matter to all that follows. */
import type { Windows } from '../../formats/format.ts';
import type { Piece } from './composite.ts';

export interface LineMarks {
  /** Of lines that are read for the first time: the line, already left behind, that one of them goes back to. */
  rewindIn(piece: Piece): number | undefined;
  /** The first line of the step that these members name. */
  firstLineOf(members: readonly string[]): number | undefined;
  /** Notes lines that the reader will not see again. */
  leave(piece: Piece): void;
  /** The latest lines left that matter to all that follows, in order, from `fromLine` on. */
  kept(fromLine: number): readonly Piece[];
}

/** A mark stands near the start of its line. */
const LOOKED_AT = 400;

export function createLineMarks({ keep = [], rewinds = [], stepMembers = [], isTree = false }: Windows): LineMarks {
  const keptByMark = new Map<string, Piece>();
  const lineByUuid = new Map<string, number>();
  const lineByStep = new Map<string, number>();
  let left = 0;
  return {
    rewindIn(piece) {
      if (rewinds.length === 0 && stepMembers.length === 0 && !isTree) return undefined;
      let found: number | undefined;
      for (const { line, start, end } of linesOf(piece)) {
        const head = piece.text.slice(start, Math.min(end, start + LOOKED_AT));
        if (rewinds.some((mark) => head.includes(mark))) found = 0;
        const begun = stepMembers.length === 0 ? undefined : beginningOf(head, line);
        if (begun !== undefined && begun < left && begun < (found ?? Infinity)) found = begun;
        if (!isTree) continue;
        const uuid = memberOf(piece.text, '"uuid":"', start, end);
        if (uuid !== undefined && !lineByUuid.has(uuid)) lineByUuid.set(uuid, line);
        const parent = parentLine(piece.text, head, { start, end });
        if (parent !== undefined && parent < left && parent < (found ?? Infinity)) found = parent;
      }
      return found;
    },
    firstLineOf: (members) => lineByStep.get(members.join('|')),
    leave(piece) {
      left = piece.firstLine + piece.lineCount;
      if (keep.length === 0) return;
      for (const { line, start, end } of linesOf(piece)) {
        const head = piece.text.slice(start, Math.min(end, start + LOOKED_AT));
        // A copy, lest it hold the whole window.
        for (const mark of keep) if (head.includes(mark)) keptByMark.set(mark, { firstLine: line, lineCount: 1, start: piece.start + start, text: Buffer.from(piece.text.slice(start, end)).toString() });
      }
    },
    kept(fromLine) {
      const byLine = new Map([...keptByMark.values()].filter((piece) => piece.firstLine >= fromLine).map((piece) => [piece.firstLine, piece] as const));
      return [...byLine.values()].sort((a, b) => a.firstLine - b.firstLine);
    },
  };

  /** The first line of the step that a line belongs to. */
  function beginningOf(head: string, line: number): number | undefined {
    const members = stepMembers.map((mark) => memberOf(head, mark, 0, head.length));
    if (members.includes(undefined)) return undefined;
    const step = members.join('|');
    const known = lineByStep.get(step);
    if (known === undefined) lineByStep.set(step, line);
    return known;
  }

  /** The line of the record that one of the main conversation goes on from; the first where it begins anew. */
  function parentLine(text: string, head: string, { start, end }: { readonly start: number; readonly end: number }): number | undefined {
    const isSpoken = head.includes('"type":"user"') || head.includes('"type":"assistant"') || (end - start > LOOKED_AT && /"type":"(?:user|assistant)"/.test(text.slice(end - LOOKED_AT, end)));
    if (!isSpoken || head.includes('"isSidechain":true')) return undefined;
    const parent = memberOf(text, '"parentUuid":"', start, end);
    if (parent !== undefined) return lineByUuid.get(parent);
    const before = memberOf(text, '"logicalParentUuid":"', start, end);
    if (before !== undefined) return lineByUuid.get(before);
    return head.includes('"parentUuid":null') ? 0 : undefined;
  }
}

function memberOf(text: string, key: string, start: number, end: number): string | undefined {
  const at = text.indexOf(key, start);
  if (at < 0 || at >= end) return undefined;
  const from = at + key.length;
  const quote = text.indexOf('"', from);
  return quote < 0 || quote > end ? undefined : Buffer.from(text.slice(from, quote)).toString();
}

function* linesOf(piece: Piece): Generator<{ readonly line: number; readonly start: number; readonly end: number }> {
  const { text } = piece;
  let line = piece.firstLine;
  for (let start = 0; start < text.length; line++) {
    const feed = text.indexOf('\n', start);
    const end = feed < 0 ? text.length : feed + 1;
    yield { line, start, end };
    start = end;
  }
}
