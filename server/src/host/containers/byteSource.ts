/** Bytes read by position, so that a large archive is never held whole. */
import type { FileHandle } from 'node:fs/promises';

export interface ByteSource {
  readonly sizeBytes: number;
  /** The bytes from `offset` on; fewer than `length` only at the end. Rejects where the file cannot be read. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** Bytes already in memory. */
export function bufferSource(bytes: Uint8Array): ByteSource {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { sizeBytes: buffer.length, read: (offset, length) => Promise.resolve(buffer.subarray(offset, offset + length)) };
}

/** An open file of known size. The caller closes it. */
export function fileSource(file: FileHandle, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    read: async (offset, length) => {
      const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, sizeBytes - offset)));
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, offset + filled);
        // The file became shorter while it was read.
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    },
  };
}

/** The bytes of a source from its start, piece by piece. */
export async function* piecesOf(source: ByteSource, pieceBytes = 1 << 20): AsyncGenerator<Buffer> {
  for (let at = 0; at < source.sizeBytes; ) {
    const piece = await source.read(at, pieceBytes);
    if (piece.length === 0) return;
    at += piece.length;
    yield piece;
  }
}
