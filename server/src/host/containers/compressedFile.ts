/** Whole files compressed with zstd (Codex sessions, `.jsonl.zst`) or gzip. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import zlib from 'node:zlib';
import { piecesOf, type ByteSource } from './byteSource.ts';
import { hasZstd, megabytes, NO_ZSTD } from './zipContainer.ts';
import { zstdFrames } from './zstdFrames.ts';

export type Compression = 'zstd' | 'gzip';

export type Unpacked =
  | { readonly kind: 'text'; readonly text: string; /** Set where only the beginning could be unpacked: one sentence. */ readonly notice?: string }
  | { readonly kind: 'not-text' }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * The text of a compressed file, at most `maxBytes` of it unpacked. Of a file that is cut off or damaged what comes before
 * the damage is kept, since its lines are whole records.
 */
export async function readCompressed(source: ByteSource, compression: Compression, maxBytes: number): Promise<Unpacked> {
  if (compression === 'zstd' && !hasZstd()) return { kind: 'failed', message: `The file ${NO_ZSTD}.` };
  if (source.sizeBytes > maxBytes) return { kind: 'failed', message: `The file takes ${megabytes(source.sizeBytes)} packed, more than the ${megabytes(maxBytes)} that are read.` };
  const text = new StringDecoder('utf8');
  const pieces: string[] = [];
  let sizeBytes = 0;
  let stop: Unpacked | undefined;
  const collect = async (unpacked: AsyncIterable<Buffer>): Promise<void> => {
    for await (const piece of unpacked) {
      if (sizeBytes === 0 && piece.subarray(0, LOOKED_AT_BYTES).includes(0)) stop = { kind: 'not-text' };
      sizeBytes += piece.length;
      if (sizeBytes > maxBytes) stop = { kind: 'failed', message: `The file unpacks to more than ${megabytes(maxBytes)}, the most that is read.` };
      if (stop !== undefined) return;
      pieces.push(text.write(piece));
    }
  };
  try {
    if (compression === 'gzip') await pipeline(Readable.from(piecesOf(source)), zlib.createGunzip(), collect);
    else for (const frame of zstdFrames(await source.read(0, source.sizeBytes))) if (stop === undefined) await pipeline(Readable.from([frame]), zlib.createZstdDecompress(), collect);
  } catch (error) {
    if (stop !== undefined) return stop;
    const reason = error instanceof Error ? error.message : String(error);
    if (pieces.length === 0) return { kind: 'failed', message: `The file cannot be unpacked: its ${compression} data is damaged (${reason}).` };
    return { kind: 'text', text: pieces.join(''), notice: `Only the first ${megabytes(sizeBytes)} of the file could be unpacked: its ${compression} data is cut off or damaged (${reason}).` };
  }
  return stop ?? { kind: 'text', text: pieces.join('') + text.end() };
}

/** A binary file shows itself within this many bytes. */
const LOOKED_AT_BYTES = 4096;
