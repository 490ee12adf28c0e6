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
  const starts = lineStarts(text);
  const lengthOfText = text.length;
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
