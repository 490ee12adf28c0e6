/** A text put together of pieces of a file, for a reader that is to see only part of it: each line keeps its number, blank lines stand for what is left out. */
import type { OffsetRange } from '../../core/planTrace.ts';

/** Whole lines of the file. */
export interface Piece {
  readonly firstLine: number;
  readonly lineCount: number;
  /** UTF-16 offset in the file. */
  readonly start: number;
  readonly text: string;
}

export interface Composite {
  readonly text: string;
  /** Offset in the file of one in the text. */
  toFile(offset: number): number;
  rangeInFile(range: OffsetRange): OffsetRange;
}

/** `pieces` in order, without overlap. */
export function compose(pieces: readonly Piece[]): Composite {
  const parts: string[] = [];
  const startsHere: number[] = [];
  const startsInFile: number[] = [];
  let length = 0;
  let line = 0;
  for (const piece of pieces) {
    const blank = '\n'.repeat(Math.max(0, piece.firstLine - line));
    parts.push(blank, piece.text);
    startsHere.push(length + blank.length);
    startsInFile.push(piece.start);
    length += blank.length + piece.text.length;
    line = piece.firstLine + piece.lineCount;
  }
  const shiftAt = (offset: number): number => {
    let low = 0;
    let high = startsHere.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((startsHere[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return (startsInFile[low] ?? 0) - (startsHere[low] ?? 0);
  };
  const toFile = (offset: number): number => offset + shiftAt(offset);
  return {
    text: parts.join(''),
    toFile,
    rangeInFile: ({ start, end }) => ({ start: toFile(start), end: end > start ? toFile(end - 1) + 1 : toFile(end) }),
  };
}
