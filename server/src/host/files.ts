/** Reading files and walking folders, with every failure as a sentence. */
import { createHash } from 'node:crypto';
import { open, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export type FileRead =
  | { readonly kind: 'text'; readonly text: string; readonly sizeBytes: number; readonly modifiedMs: number }
  | { readonly kind: 'missing' }
  | { readonly kind: 'too-large'; readonly sizeBytes: number }
  | { readonly kind: 'failed'; readonly message: string };

/** Whole text of a file as UTF-8; broken bytes become U+FFFD. */
export async function readText(path: string, maxBytes: number): Promise<FileRead> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) return { kind: 'failed', message: `${path} is a folder.` };
    if (info.size > maxBytes) return { kind: 'too-large', sizeBytes: info.size };
    return { kind: 'text', text: await readFile(path, 'utf8'), sizeBytes: info.size, modifiedMs: info.mtimeMs };
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return { kind: 'missing' };
    if (code === 'EACCES' || code === 'EPERM') return { kind: 'failed', message: `${path} cannot be read: no permission.` };
    return { kind: 'failed', message: `${path} cannot be read (${error instanceof Error ? error.message : String(error)}).` };
  }
}

/** First bytes of a file as text, for detection; undefined where it cannot be read. */
export async function readHead(path: string, bytes: number): Promise<string | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(bytes);
      const { bytesRead } = await handle.read(buffer, 0, bytes, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

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
  return createHash('sha256').update(text).digest('hex');
}

/** The system's code of a failed file operation, '' where there is none. */
export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
