/** Puts text into a file on disk: all of it or nothing, and only into the file that was read. */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { access, constants, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { OffsetRange } from '../core/planTrace.ts';
import { errorCode } from './files.ts';

/** `newText` in place of the characters at `start` to `end`. */
type Edit = OffsetRange & { readonly newText: string };

export type FileEdited =
  | { readonly kind: 'written' | 'checked'; readonly sizeBytes: number }
  /** The file is as it was; `message` is a sentence. */
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Makes `edits`, in order, in the file whose text was read as `text`; every other byte stays. A new file beside it is
 * written, flushed and put in its place, with its mode, so that a crash leaves the one or the other whole.
 * `isDryRun` checks everything that can be checked without writing.
 */
export async function editFile(path: string, text: string, edits: readonly Edit[], options: { readonly isDryRun?: boolean } = {}): Promise<FileEdited> {
  try {
    // A link stays a link: its target is replaced.
    const target = await realpath(path);
    const before = await stat(target);
    const bytes = await readFile(target);
    if (!isUtf8(bytes)) return failed(path, 'it holds bytes that are no UTF-8, which writing would change. Save it as UTF-8 first');
    if (bytes.toString('utf8') !== text) return failed(path, CHANGED);
    // Mode bits are asked beside the system: to an administrator every file is writable.
    if ((before.mode & 0o222) === 0) return failed(path, READ_ONLY);
    const pieces = splice(bytes, text, edits);
    const sizeBytes = pieces.reduce((sum, p) => sum + p.length, 0);
    await access(target, constants.W_OK);
    await access(dirname(target), constants.W_OK);
    if (options.isDryRun === true) return { kind: 'checked', sizeBytes };
    const isReplaced = await replace(target, before, pieces);
    return isReplaced ? { kind: 'written', sizeBytes } : failed(path, CHANGED);
  } catch (error) {
    return failed(path, SENTENCES[errorCode(error)] ?? (error instanceof Error ? error.message : String(error)));
  }
}

const READ_ONLY = 'the file or its folder is read-only. Make it writable and write again';
const CHANGED = 'it has changed since it was read. Nothing was written; run the command again';
const SENTENCES: Readonly<Record<string, string>> = {
  EACCES: READ_ONLY, EPERM: READ_ONLY, EROFS: READ_ONLY, ENOENT: 'it is gone',
  ENOSPC: 'the disk is full. Nothing was written', EDQUOT: 'the disk quota is used up. Nothing was written', EBUSY: 'another program has it open. Close it there and write again',
};

function failed(path: string, why: string): FileEdited {
  return { kind: 'failed', message: `${path} was left as it is: ${why}.` };
}

/** The bytes around the edits are those of the file, never of its text. */
function splice(bytes: Buffer, text: string, edits: readonly Edit[]): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  let byteAt = 0;
  for (const { start, end, newText } of edits) {
    const byteStart = byteAt + Buffer.byteLength(text.slice(at, start));
    pieces.push(bytes.subarray(byteAt, byteStart), Buffer.from(newText));
    byteAt = byteStart + Buffer.byteLength(text.slice(start, end));
    at = end;
  }
  pieces.push(bytes.subarray(byteAt));
  return pieces;
}

/** Answers false, with nothing done, where the file was changed meanwhile. */
async function replace(target: string, before: Stats, pieces: readonly Buffer[]): Promise<boolean> {
  const beside = join(dirname(target), `.${basename(target).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const handle = await open(beside, 'wx', before.mode & 0o7777);
    try {
      await handle.writeFile(Buffer.concat(pieces));
      await keepOwner(handle, before);
      await handle.chmod(before.mode & 0o7777);
      await handle.sync();
    } finally {
      await handle.close();
    }
    const now = await stat(target);
    if (now.mtimeMs !== before.mtimeMs || now.size !== before.size || now.ino !== before.ino) {
      await rm(beside, { force: true });
      return false;
    }
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw error;
  }
  await flushFolder(dirname(target));
  return true;
}

/** Only an administrator may give files away; for others the owner is the same anyway. */
async function keepOwner(handle: FileHandle, before: Stats): Promise<void> {
  await handle.chown(before.uid, before.gid).catch(() => undefined);
}

/** Makes the new name last; where folders cannot be flushed (Windows) the system does it in its time. */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The file itself is safe.
  }
}
