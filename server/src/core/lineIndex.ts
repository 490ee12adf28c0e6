/** Offsets to lines and back, without keeping the text. */

export interface Position {
  /** From 0. */
  readonly line: number;
  /** UTF-16 code units from the start of the line. */
  readonly character: number;
}

export interface LineIndex {
  readonly lineCount: number;
  positionAt(offset: number): Position;
  offsetAt(position: Position): number;
}

/** Index of a text; `\n`, `\r\n` and `\r` end a line, as in editors. Offsets outside the text are clamped. */
export function buildLineIndex(text: string): LineIndex {
  return indexOf(lineStarts(text), text.length);
}

/** The index of a text that arrives in pieces. */
export interface GrowingLineIndex {
  /** Further offsets at which lines begin, the first being 0, and the length of the text by now. */
  append(starts: Uint32Array, textLength: number): void;
  /** The index as it stands; later pieces leave it alone. */
  now(): LineIndex;
}

export function createGrowingLineIndex(): GrowingLineIndex {
  let starts = new Uint32Array(1024);
  let count = 0;
  let length = 0;
  return {
    append(more, textLength) {
      if (count + more.length > starts.length) {
        const larger = new Uint32Array(Math.max(2 * starts.length, count + more.length));
        larger.set(starts.subarray(0, count));
        starts = larger;
      }
      starts.set(more, count);
      count += more.length;
      length = textLength;
    },
    now: () => indexOf(starts.subarray(0, Math.max(1, count)), length),
  };
}

function indexOf(starts: Uint32Array, lengthOfText: number): LineIndex {
  return {
    lineCount: starts.length,
    positionAt(offset) {
      const at = Math.max(0, Math.min(offset, lengthOfText));
      let lo = 0;
      let hi = starts.length - 1;
      while (lo < hi) {
        const mid = (lo + hi + 1) >> 1;
        if ((starts[mid] ?? 0) <= at) lo = mid;
        else hi = mid - 1;
      }
      return { line: lo, character: at - (starts[lo] ?? 0) };
    },
    offsetAt(position) {
      const start = starts[Math.max(0, Math.min(position.line, starts.length - 1))] ?? 0;
      return Math.min(start + Math.max(0, position.character), starts[position.line + 1] ?? lengthOfText, lengthOfText);
    },
  };
}

function lineStarts(text: string): Uint32Array {
  const starts: number[] = [0];
  const hasCarriageReturn = text.includes('\r');
  if (!hasCarriageReturn) {
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    return Uint32Array.from(starts);
  }
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 10) starts.push(i + 1);
    else if (code === 13 && text.charCodeAt(i + 1) !== 10) starts.push(i + 1);
  }
  return Uint32Array.from(starts);
}
