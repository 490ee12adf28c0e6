/** A file read from front to back, whole lines at a time; what was read before is recognised when the file is read again. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { editorLineStarts, createLineTable, type LineTable } from './lineTable.ts';
import type { Piece } from './composite.ts';

/** Whole lines of the file. */
export interface FileWindow extends Piece {
  /** Line starts as editors count them. */
  readonly lineStarts: readonly number[];
}

/** How far a file has been read, and how to recognise it. */
export interface FileProgress {
  readonly lines: LineTable;
  /** Bytes of whole lines taken. */
  bytes: number;
  /** The same in UTF-16 units. */
  offset: number;
  /** As many as there are line breaks before `bytes`. */
  line: number;
  identity: string;
  headKey: string;
  /** How many bytes `headKey` names. */
  headBytes: number;
  tailKey: string;
  sizeBytes: number;
  modifiedMs: number;
}

export function newProgress(): FileProgress {
  return { lines: createLineTable(), bytes: 0, offset: 0, line: 0, identity: '', headKey: '', headBytes: 0, tailKey: '', sizeBytes: -1, modifiedMs: -1 };
}

const MARKED_BYTES = 4096;
/** A string cannot be longer than this many UTF-16 units. */
export const LONGEST_TEXT = 0x1fffffe8;

/** An open file, of which only what it held on opening is read. */
export interface OpenFile {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly identity: string;
  readonly isFolder: boolean;
  bytes(from: number, to: number): Buffer;
  close(): void;
}

/** Throws what the file system says. */
export function openFile(path: string): OpenFile {
  const file = openSync(path, 'r');
  const info = fstatSync(file);
  return {
    sizeBytes: info.size, modifiedMs: info.mtimeMs, identity: `${info.dev}:${info.ino}`, isFolder: info.isDirectory(),
    bytes(from, to) {
      const buffer = Buffer.allocUnsafe(Math.max(0, to - from));
      let filled = 0;
      while (filled < buffer.length) {
        const read = readSync(file, buffer, filled, buffer.length - filled, from + filled);
        // The file became shorter while it was read.
        if (read === 0) break;
        filled += read;
      }
      return buffer.subarray(0, filled);
    },
    close: () => closeSync(file),
  };
}

/** Whether what was read of the file still stands there, as far as its beginning and the bytes before the place reached tell. */
export function isContinued(file: OpenFile, progress: FileProgress): boolean {
  if (progress.identity !== file.identity || file.sizeBytes < progress.sizeBytes) return false;
  // Written again without growing: something in the middle may differ.
  if (file.sizeBytes === progress.sizeBytes && file.modifiedMs !== progress.modifiedMs) return false;
  return keyOf(file.bytes(0, progress.headBytes)) === progress.headKey && isSameTail(file, progress);
}

function isSameTail(file: OpenFile, progress: FileProgress): boolean {
  return keyOf(file.bytes(Math.max(0, progress.bytes - MARKED_BYTES), progress.bytes)) === progress.tailKey;
}

/** Notes what the file looks like now. Its beginning is noted once: written over while the rest is read, it would hide that. */
export function markProgress(file: OpenFile, progress: FileProgress): void {
  progress.identity = file.identity;
  progress.sizeBytes = file.sizeBytes;
  progress.modifiedMs = file.modifiedMs;
  const headBytes = Math.min(MARKED_BYTES, progress.bytes);
  if (progress.headKey === '' || headBytes !== progress.headBytes) {
    progress.headBytes = headBytes;
    progress.headKey = keyOf(file.bytes(0, headBytes));
  }
  progress.tailKey = keyOf(file.bytes(Math.max(0, progress.bytes - MARKED_BYTES), progress.bytes));
}

function keyOf(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('base64');
}

/** The next whole lines, about `wantedBytes` of them and at least `fewestLines` where the file has them; undefined where none ends. */
export function nextWindow(file: OpenFile, progress: FileProgress, wanted: { readonly bytes: number; readonly fewestLines: number }): FileWindow | undefined {
  for (let size = wanted.bytes; ; size *= 2) {
    const to = Math.min(file.sizeBytes, progress.bytes + size);
    const bytes = file.bytes(progress.bytes, to);
    const end = bytes.lastIndexOf(LINE_FEED) + 1;
    const isAll = to >= file.sizeBytes || bytes.length < to - progress.bytes;
    if (!isAll && (end === 0 || !hasLines(bytes, wanted.fewestLines))) continue;
    return end === 0 ? undefined : taken(bytes.subarray(0, end), progress);
  }
}

const LINE_FEED = 10;

function hasLines(bytes: Buffer, fewest: number): boolean {
  let found = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0 && found < fewest; at = bytes.indexOf(LINE_FEED, at + 1)) found++;
  return found >= fewest;
}

function taken(bytes: Buffer, progress: FileProgress): FileWindow {
  const text = bytes.toString('utf8');
  const { bytes: firstByte, offset: start, line: firstLine, lines } = progress;
  let lineCount = 0;
  for (let atByte = 0, at = 0; atByte < bytes.length; lineCount++) {
    lines.push(firstByte + atByte, start + at);
    atByte = bytes.indexOf(LINE_FEED, atByte) + 1;
    at = text.indexOf('\n', at) + 1;
  }
  progress.bytes += bytes.length;
  progress.offset += text.length;
  progress.line += lineCount;
  return { firstLine, lineCount, start, text, lineStarts: editorLineStarts(text, start) };
}

/** What stands after the last line break. */
export function openTail(file: OpenFile, progress: FileProgress): Piece {
  return { firstLine: progress.line, lineCount: 0, start: progress.offset, text: file.bytes(progress.bytes, file.sizeBytes).toString('utf8') };
}

/** Lines that were read before, once more; `to` is exclusive and at most `progress.line`. */
export function linesAgain(file: OpenFile, progress: FileProgress, from: number, to: number): Piece {
  const byteAt = (line: number): number => (line >= progress.line ? progress.bytes : progress.lines.byteOf(line));
  return { firstLine: from, lineCount: Math.max(0, to - from), start: progress.lines.offsetOf(from), text: file.bytes(byteAt(from), byteAt(to)).toString('utf8') };
}
