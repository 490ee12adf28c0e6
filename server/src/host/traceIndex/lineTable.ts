/** Where the lines of a file begin, in bytes and in UTF-16 units, line by line as `\n` ends them. */

export interface LineTable {
  readonly count: number;
  push(atByte: number, at: number): void;
  byteOf(line: number): number;
  offsetOf(line: number): number;
  /** The line that holds the offset. */
  lineAt(offset: number): number;
  keep(count: number): void;
}

export function createLineTable(): LineTable {
  let bytes = new Float64Array(1024);
  let offsets = new Float64Array(1024);
  let count = 0;
  return {
    get count() {
      return count;
    },
    push(atByte, at) {
      if (count === bytes.length) {
        bytes = doubled(bytes);
        offsets = doubled(offsets);
      }
      bytes[count] = atByte;
      offsets[count++] = at;
    },
    byteOf: (line) => bytes[line] ?? 0,
    offsetOf: (line) => offsets[line] ?? 0,
    lineAt(offset) {
      let low = 0;
      let high = count - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((offsets[middle] ?? 0) <= offset) low = middle;
        else high = middle - 1;
      }
      return low;
    },
    keep(kept) {
      count = Math.min(count, kept);
    },
  };
}

function doubled(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** UTF-16 offsets at which lines of a text begin as editors see them (`\n`, `\r\n` or `\r` end one), but for its first; `base` is the text's own offset. */
export function editorLineStarts(text: string, base: number): number[] {
  const starts: number[] = [];
  if (!text.includes('\r')) {
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(base + at + 1);
    return starts;
  }
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 10 || (code === 13 && text.charCodeAt(i + 1) !== 10)) starts.push(base + i + 1);
  }
  return starts;
}
