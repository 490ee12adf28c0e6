/**
 * Reads zip archives: the table of contents (zip64 too), then single members stored, deflated or compressed with zstd
 * (method 93, which no zip library for Node decodes). Sizes are checked before anything is unpacked.
 */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { ByteSource } from './byteSource.ts';
import { zstdFrames } from './zstdFrames.ts';

/** One member as the table of contents describes it. */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly crc32: number;
  readonly compressedBytes: number;
  /** Size unpacked. */
  readonly sizeBytes: number;
  /** Where the member's own header stands. */
  readonly offset: number;
}

export type ZipDirectory =
  | { readonly kind: 'entries'; /** By name; of members of one name the last counts. */ readonly entries: ReadonlyMap<string, ZipEntry> }
  | { readonly kind: 'failed'; readonly message: string };

export type ZipMember = { readonly kind: 'bytes'; readonly bytes: Buffer } | { readonly kind: 'failed'; readonly message: string };

/** The table of contents of an archive. */
export async function readZipDirectory(source: ByteSource): Promise<ZipDirectory> {
  const place = await findDirectory(source);
  if (place === undefined) return { kind: 'failed', message: 'The archive is cut off or damaged: its table of contents is missing.' };
  if (place.sizeBytes > MOST_DIRECTORY_BYTES) return { kind: 'failed', message: `The archive's table of contents takes ${megabytes(place.sizeBytes)}, more than the ${megabytes(MOST_DIRECTORY_BYTES)} that are read.` };
  const directory = await source.read(place.offset, place.sizeBytes);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  while (at + ENTRY_BYTES <= directory.length && directory.readUInt32LE(at) === ENTRY_SIGNATURE) {
    const nameBytes = directory.readUInt16LE(at + 28);
    const extraBytes = directory.readUInt16LE(at + 30);
    const commentBytes = directory.readUInt16LE(at + 32);
    const nameAt = at + ENTRY_BYTES;
    const extraAt = nameAt + nameBytes;
    const next = extraAt + extraBytes + commentBytes;
    if (next > directory.length) break;
    const entry = entryAt(directory, at, directory.toString('utf8', nameAt, extraAt), directory.subarray(extraAt, extraAt + extraBytes));
    if (entry !== undefined) entries.set(entry.name, entry);
    at = next;
  }
  // Members read before a damaged place are good.
  return entries.size === 0 && place.sizeBytes > 0 ? { kind: 'failed', message: 'The archive is damaged: its table of contents cannot be read.' } : { kind: 'entries', entries };
}

/** Unpacks one member, at most `maxBytes` of it. */
export async function readZipMember(source: ByteSource, entry: ZipEntry, maxBytes: number): Promise<ZipMember> {
  const { name, method, sizeBytes, compressedBytes } = entry;
  const failed = (what: string): ZipMember => ({ kind: 'failed', message: `"${name}" in the archive ${what}.` });
  if (entry.isEncrypted) return failed('is encrypted');
  if (sizeBytes > maxBytes) return failed(`unpacks to ${megabytes(sizeBytes)}, more than the ${megabytes(maxBytes)} there is room for`);
  if (compressedBytes > source.sizeBytes) return failed('is cut off');
  const header = await source.read(entry.offset, HEADER_BYTES);
  if (header.length < HEADER_BYTES || header.readUInt32LE(0) !== HEADER_SIGNATURE) return failed('is not where the table of contents says');
  const start = entry.offset + HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  const packed = await source.read(start, compressedBytes);
  if (packed.length < compressedBytes) return failed('is cut off');
  let bytes: Buffer;
  try {
    // One byte more than promised, so that a member that holds more is told from one that holds as much.
    const options = { maxOutputLength: sizeBytes + 1 };
    if (method === STORED) bytes = Buffer.from(packed);
    else if (method === DEFLATED) bytes = await inflateRaw(packed, options);
    else if (method === ZSTD || method === OLD_ZSTD) {
      if (!hasZstd()) return failed(NO_ZSTD);
      bytes = await unpackFrames(packed, sizeBytes);
    } else return failed(`is compressed with method ${method}, which is not read (stored, deflate and zstd are)`);
  } catch (error) {
    return failed(isTooLarge(error) ? 'unpacks to more than the table of contents says' : `cannot be unpacked (${error instanceof Error ? error.message : String(error)})`);
  }
  if (bytes.length !== sizeBytes) return failed('does not unpack to the size the table of contents says');
  if (zlib.crc32(bytes) !== entry.crc32) return failed('is damaged: its checksum does not match');
  return { kind: 'bytes', bytes };
}

async function unpackFrames(packed: Buffer, sizeBytes: number): Promise<Buffer> {
  const unpack = promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);
  const pieces: Buffer[] = [];
  let left = sizeBytes + 1;
  for (const frame of zstdFrames(packed)) {
    const piece = await unpack(frame, { maxOutputLength: Math.max(1, left) });
    left -= piece.length;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

const inflateRaw = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflateRaw);

/** Whether this Node knows zstd (22.15 and later do). */
export function hasZstd(): boolean {
  return typeof zlib.zstdDecompress === 'function' && typeof zlib.createZstdDecompress === 'function';
}

/** Ends the sentence about a file that needs it. */
export const NO_ZSTD = 'is compressed with zstd, which needs Node 22.15 or later';

/** Whether unpacking failed because of `maxOutputLength`. */
function isTooLarge(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}

/** A size for messages. */
export function megabytes(bytes: number): string {
  const mb = bytes / 1e6;
  return mb < 10 ? `${Math.round(mb * 10) / 10} MB` : `${Math.round(mb)} MB`;
}

interface DirectoryPlace {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Where the table of contents stands: the record at the end of the file says it, for large archives the zip64 one before it. */
async function findDirectory(source: ByteSource): Promise<DirectoryPlace | undefined> {
  const tailBytes = Math.min(source.sizeBytes, END_BYTES + MOST_COMMENT_BYTES);
  const tailAt = source.sizeBytes - tailBytes;
  const tail = await source.read(tailAt, tailBytes);
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE || at + END_BYTES + tail.readUInt16LE(at + 20) > tail.length) continue;
    const place = (await zip64Directory(source, tailAt + at)) ?? { sizeBytes: tail.readUInt32LE(at + 12), offset: tail.readUInt32LE(at + 16) };
    if (place.offset + place.sizeBytes <= tailAt + at) return place;
  }
  return undefined;
}

async function zip64Directory(source: ByteSource, endAt: number): Promise<DirectoryPlace | undefined> {
  if (endAt < LOCATOR_BYTES) return undefined;
  const locator = await source.read(endAt - LOCATOR_BYTES, LOCATOR_BYTES);
  if (locator.length < LOCATOR_BYTES || locator.readUInt32LE(0) !== LOCATOR_SIGNATURE) return undefined;
  const recordAt = safeInteger(locator, 8);
  if (recordAt === undefined) return undefined;
  const record = await source.read(recordAt, END64_BYTES);
  if (record.length < END64_BYTES || record.readUInt32LE(0) !== END64_SIGNATURE) return undefined;
  const sizeBytes = safeInteger(record, 40);
  const offset = safeInteger(record, 48);
  return sizeBytes === undefined || offset === undefined ? undefined : { sizeBytes, offset };
}

/** One entry of the table of contents; undefined for a folder or where its numbers are beyond any file. */
function entryAt(directory: Buffer, at: number, name: string, extra: Buffer): ZipEntry | undefined {
  if (name.endsWith('/')) return undefined;
  let compressedBytes: number | undefined = directory.readUInt32LE(at + 20);
  let sizeBytes: number | undefined = directory.readUInt32LE(at + 24);
  let offset: number | undefined = directory.readUInt32LE(at + 42);
  // What does not fit in 32 bits stands in the zip64 field, in this order and only where needed.
  const wide = extraField(extra, ZIP64_FIELD);
  let wideAt = 0;
  const widened = (value: number): number | undefined => {
    if (value !== NOT_IN_32_BITS || wide === undefined) return value;
    const found = wideAt + 8 <= wide.length ? safeInteger(wide, wideAt) : undefined;
    wideAt += 8;
    return found;
  };
  sizeBytes = widened(sizeBytes);
  compressedBytes = widened(compressedBytes);
  offset = widened(offset);
  if (sizeBytes === undefined || compressedBytes === undefined || offset === undefined) return undefined;
  return { name, method: directory.readUInt16LE(at + 10), isEncrypted: (directory.readUInt16LE(at + 8) & 1) === 1, crc32: directory.readUInt32LE(at + 16), compressedBytes, sizeBytes, offset };
}

function extraField(extra: Buffer, id: number): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === id) return extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
  }
  return undefined;
}

function safeInteger(bytes: Buffer, at: number): number | undefined {
  const value = bytes.readBigUInt64LE(at);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

const STORED = 0;
const DEFLATED = 8;
const OLD_ZSTD = 20;
const ZSTD = 93;
const HEADER_SIGNATURE = 0x04034b50;
const HEADER_BYTES = 30;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const END64_SIGNATURE = 0x06064b50;
const END64_BYTES = 56;
const LOCATOR_SIGNATURE = 0x07064b50;
const LOCATOR_BYTES = 20;
const MOST_COMMENT_BYTES = 0xffff;
const MOST_DIRECTORY_BYTES = 64 * 1024 * 1024;
const ZIP64_FIELD = 1;
const NOT_IN_32_BITS = 0xffffffff;
