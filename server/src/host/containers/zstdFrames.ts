/** The frames a zstd file is made of. Node unpacks one frame and silently leaves the rest, so each is handed to it alone. */

/** The frames in order, those without data passed over. What does not end as a frame should, or is none, comes last and whole. */
export function* zstdFrames(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = frameEnd(bytes, at);
    if (end === undefined) {
      yield bytes.subarray(at);
      return;
    }
    if (bytes.readUInt32LE(at) === MAGIC) yield bytes.subarray(at, end);
    at = end;
  }
}

/** Offset after the frame that begins at `at`; undefined where it is cut off or none. */
function frameEnd(bytes: Buffer, at: number): number | undefined {
  if (at + 9 > bytes.length) return undefined;
  const magic = bytes.readUInt32LE(at);
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
    const end = at + 8 + bytes.readUInt32LE(at + 4);
    return end <= bytes.length ? end : undefined;
  }
  if (magic !== MAGIC) return undefined;
  const descriptor = bytes.readUInt8(at + 4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  let block = at + 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
  for (;;) {
    if (block + 3 > bytes.length) return undefined;
    const header = bytes.readUIntLE(block, 3);
    const isRepeatedByte = ((header >> 1) & 3) === 1;
    block += 3 + (isRepeatedByte ? 1 : header >> 3);
    if ((header & 1) === 1) break;
  }
  const end = block + ((descriptor & 4) === 0 ? 0 : CHECKSUM_BYTES);
  return end <= bytes.length ? end : undefined;
}

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const CHECKSUM_BYTES = 4;
