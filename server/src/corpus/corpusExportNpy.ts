/** The tensor as a NumPy file with its labels beside it. */
import type { ScoreTensor } from './corpusTensor.ts';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0];
/** The data begins at a multiple of it. */
const ALIGNMENT = 64;

/** What stands before the data in a .npy file, version 1.0 (numpy.lib.format): 64-bit floats, row-major, NaN missing. */
export function npyHeader(shape: readonly number[]): Uint8Array {
  const order = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? '<' : '>';
  const dict = `{'descr': '${order}f8', 'fortran_order': False, 'shape': (${shape.map((n) => `${n},`).join(' ')}), }`;
  const length = Math.ceil((MAGIC.length + 2 + dict.length + 1) / ALIGNMENT) * ALIGNMENT;
  const text = `${dict.padEnd(length - MAGIC.length - 2 - 1, ' ')}\n`;
  const header = new Uint8Array(length);
  header.set(MAGIC);
  header.set([text.length & 0xff, text.length >> 8], MAGIC.length);
  header.set(Uint8Array.from(text, (c) => c.charCodeAt(0)), MAGIC.length + 2);
  return header;
}

/** Header and data, one after the other. */
export function npyChunks({ shape, values }: ScoreTensor): readonly Uint8Array[] {
  return [npyHeader(shape), new Uint8Array(values.buffer, values.byteOffset, values.byteLength)];
}

/** What the places along each axis are, in the order of the shape. */
export function npyLabels({ shape, labels }: ScoreTensor): string {
  const axes = ['scorables', 'dimensions', 'scorers', 'metrics'].slice(0, shape.length);
  return `${JSON.stringify({ axes, shape, ...labels }, null, 1)}\n`;
}
