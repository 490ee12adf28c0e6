/** Reading files and walking folders, with every failure as a sentence. */
import { hash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileState, FileText } from '../lsp/ports.ts';
import { fileSource } from './containers/byteSource.ts';
import { isReadWhole, MAGIC_BYTES, mayBeContainer, readContainer } from './containers/readContainer.ts';

/** Size and time of a file's last change; undefined where it cannot be told. */
export async function fileState(path: string): Promise<FileState | undefined> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { sizeBytes: size, modifiedMs: mtimeMs };
  } catch {
    return undefined;
  }
}

/** Whole text of a file as UTF-8, or of what is packed in it; broken bytes become U+FFFD. */
export async function readText(path: string, maxBytes: number): Promise<FileText> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) return { kind: 'failed', message: `${path} is a folder.` };
    if (info.size > maxBytes) return { kind: 'too-large', sizeBytes: info.size };
    const known = { sizeBytes: info.size, modifiedMs: info.mtimeMs };
    const handle = await open(path, 'r');
    try {
      const packed = await readPacked(path, handle, info.size, maxBytes);
      if (packed?.kind === 'text') return { kind: 'text', text: packed.text, isVirtual: true, ...known, ...(packed.notice === undefined ? {} : { notice: packed.notice }) };
      if (packed?.kind === 'failed') return packed;
      return { kind: 'text', text: await handle.readFile('utf8'), ...known };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return unreadable(path, error);
  }
}

/** What a failed attempt to read a file comes to. */
export function unreadable(path: string, error: unknown): { readonly kind: 'missing' } | { readonly kind: 'failed'; readonly message: string } {
  const code = errorCode(error);
  if (code === 'ENOENT') return { kind: 'missing' };
  if (code === 'EACCES' || code === 'EPERM') return { kind: 'failed', message: `${path} cannot be read: no permission.` };
  return { kind: 'failed', message: `${path} cannot be read (${error instanceof Error ? error.message : String(error)}).` };
}

/** What is packed in a file; undefined for files that hold their text themselves. Leaves the file at its start. */
async function readPacked(path: string, handle: FileHandle, sizeBytes: number, maxTextBytes: number): Promise<{ readonly kind: 'text'; readonly text: string; readonly notice?: string } | { readonly kind: 'failed'; readonly message: string } | undefined> {
  const source = fileSource(handle, sizeBytes);
  if (!mayBeContainer(await source.read(0, MAGIC_BYTES))) return undefined;
  const found = await readContainer(path, source, { maxTextBytes });
  return found.kind === 'not-a-container' ? undefined : found;
}

/** First bytes of a file as text, for detection; undefined where it cannot be read. Of a packed file, what its first bytes unpack to. */
export async function readHead(path: string, bytes: number): Promise<string | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(bytes);
      const { bytesRead } = await handle.read(buffer, 0, bytes, 0);
      const head = buffer.subarray(0, bytesRead);
      if (!mayBeContainer(head)) return head.toString('utf8');
      const { size } = await handle.stat();
      // The table of contents of an archive stands at its end; a stream can be cut off and read so far.
      const isWhole = isReadWhole(head);
      const packed = await readPacked(path, handle, isWhole ? size : Math.min(size, PACKED_HEAD_BYTES), isWhole ? ARCHIVE_HEAD_BYTES : HEAD_TEXT_BYTES);
      if (packed !== undefined) return packed.kind === 'text' ? packed.text.slice(0, bytes) : undefined;
      return head.toString('utf8');
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

/** More than the largest block of zstd, so that at least one is whole. */
const PACKED_HEAD_BYTES = 262_144;
/** The most that they may unpack to. */
const HEAD_TEXT_BYTES = 67_108_864;
/** Room for what an archive says about itself and a sample or two. */
const ARCHIVE_HEAD_BYTES = 8_388_608;

/** Files under a folder in a fixed order; folders that cannot be read are passed over. `skip` names folders not entered. */
export async function* walkFiles(folder: string, skip: (path: string) => boolean): AsyncGenerator<string> {
  let entries;
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch {
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (skip(path)) continue;
    if (entry.isDirectory()) yield* walkFiles(path, skip);
    else if (entry.isFile()) yield path;
  }
}

/** SHA-256 of text, 64 hex digits. */
export function sha256(text: string): string {
  return hash('sha256', text);
}

/** The system's code of a failed file operation, '' where there is none. */
export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
