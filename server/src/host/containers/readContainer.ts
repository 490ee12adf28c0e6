/** Files that hold a trace inside something else: an Inspect archive, a zstd or gzip file, a database of spans. Recognised by their first bytes. */
import { basename } from 'node:path';
import type { ByteSource } from './byteSource.ts';
import { readCompressed, type Compression } from './compressedFile.ts';
import { headerOf, inspectLines } from './inspectArchive.ts';
import { spanLines } from './spanDatabase.ts';
import { readZipDirectory } from './zipContainer.ts';

export interface ContainerLimits {
  /** The most bytes of text that are unpacked. */
  readonly maxTextBytes: number;
}

export type ContainerRead =
  | {
      readonly kind: 'text';
      readonly text: string;
      /** The text stands in no file: offsets are offsets into it. */
      readonly isVirtual: true;
      readonly title: string;
      /** Set where something is missing from the text: one sentence to show. */
      readonly notice?: string;
    }
  | { readonly kind: 'not-a-container' }
  | { readonly kind: 'failed'; readonly message: string };

/** How many bytes `mayBeContainer` wants to see. */
export const MAGIC_BYTES = 16;

/** Whether a file that begins like this is one that `readContainer` may take. */
export function mayBeContainer(head: Uint8Array): boolean {
  return isReadWhole(head) || compressionOf(head) !== undefined;
}

/** Whether the beginning of such a file says nothing without its end. */
export function isReadWhole(head: Uint8Array): boolean {
  return isZip(head) || isDatabase(head);
}

/** The text inside a container; never rejects. `path` is for the title, and to see what stands beside a database. */
export async function readContainer(path: string, source: ByteSource, limits: ContainerLimits): Promise<ContainerRead> {
  const maxBytes = Math.min(limits.maxTextBytes, MOST_TEXT_BYTES);
  const title = `${basename(path)} (unpacked)`;
  try {
    const head = await source.read(0, MAGIC_BYTES);
    const compression = compressionOf(head);
    if (compression !== undefined) {
      const read = await readCompressed(source, compression, maxBytes);
      if (read.kind === 'not-text') return { kind: 'not-a-container' };
      return read.kind === 'failed' ? read : { ...read, isVirtual: true, title };
    }
    if (isDatabase(head)) {
      const read = await spanLines(path, source, maxBytes);
      return read.kind === 'failed' ? read : { ...read, isVirtual: true, title };
    }
    if (!isZip(head)) return { kind: 'not-a-container' };
    const directory = await readZipDirectory(source);
    // Without a table of contents only the name says whether a damaged archive was one of ours.
    if (directory.kind === 'failed') return path.endsWith('.eval') ? directory : { kind: 'not-a-container' };
    if (headerOf(directory.entries) === undefined) return { kind: 'not-a-container' };
    const read = await inspectLines(source, directory.entries, maxBytes);
    return read.kind === 'failed' ? read : { ...read, isVirtual: true, title };
  } catch (error) {
    return { kind: 'failed', message: `The file cannot be read (${error instanceof Error ? error.message : String(error)}).` };
  }
}

function isZip(head: Uint8Array): boolean {
  return startsWith(head, [0x50, 0x4b, 0x03, 0x04]);
}

/** "SQLite format 3" and a NUL. */
const SQLITE_MAGIC = [...'SQLite format 3\0'].map((character) => character.charCodeAt(0));

function isDatabase(head: Uint8Array): boolean {
  return startsWith(head, SQLITE_MAGIC);
}

function compressionOf(head: Uint8Array): Compression | undefined {
  if (startsWith(head, [0x28, 0xb5, 0x2f, 0xfd])) return 'zstd';
  return startsWith(head, [0x1f, 0x8b, 0x08]) ? 'gzip' : undefined;
}

function startsWith(head: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => head[i] === byte);
}

/** Longer texts do not fit in one string. */
const MOST_TEXT_BYTES = 500_000_000;
