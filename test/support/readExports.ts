/** Readers of exported files that share nothing with their writers. */

export interface Table {
  readonly header: readonly string[];
  /** Undefined for an empty cell without quotes. */
  readonly rows: readonly (readonly (string | undefined)[])[];
}

/** RFC 4180: character by character. */
export function readCsv(text: string): Table {
  const rows: (string | undefined)[][] = [];
  let row: (string | undefined)[] = [];
  let cell: string | undefined;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (isQuoted) {
      if (c !== '"') cell = (cell ?? '') + c;
      else if (text[i + 1] === '"') {
        cell = `${cell ?? ''}"`;
        i++;
      } else isQuoted = false;
    } else if (c === '"') {
      isQuoted = true;
      cell ??= '';
    } else if (c === ',' || c === '\n') {
      row.push(cell);
      cell = undefined;
      if (c === '\n') {
        rows.push(row);
        row = [];
      }
    } else cell = (cell ?? '') + c;
  }
  return { header: (rows[0] ?? []).map((c) => c ?? ''), rows: rows.slice(1) };
}

/** A .npy file of 64-bit floats: its shape and numbers. */
export function readNpy(bytes: Uint8Array): { readonly shape: readonly number[]; readonly values: readonly number[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint16(8, true);
  const header = new TextDecoder('latin1').decode(bytes.subarray(10, 10 + length));
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '').split(',').flatMap((n) => (n.trim() === '' ? [] : [Number(n)]));
  const isLittle = header.includes("'<f8'");
  const values = Array.from({ length: (bytes.byteLength - 10 - length) / 8 }, (_, i) => view.getFloat64(10 + length + i * 8, isLittle));
  return { shape, values };
}
