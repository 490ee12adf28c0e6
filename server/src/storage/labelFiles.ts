/** Label files on disk: read whole, written by appending one line. */
import { open, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LABEL_FILE_NAME, parseLabels, printLabel } from '../core/labels.ts';
import type { LabelRecord } from '../core/labels.ts';

/** The label file of a trace file: in the same folder. */
export function labelFileOf(traceFile: string): string {
  return join(dirname(traceFile), LABEL_FILE_NAME);
}

/** Name under which a trace file stands in its label file. */
export function labelKeyOf(traceFile: string): string {
  return basename(traceFile);
}

/** All labels of a folder; empty where there is no file. */
export async function loadLabels(labelFile: string): Promise<ReturnType<typeof parseLabels>> {
  try {
    return parseLabels(await readFile(labelFile, 'utf8'));
  } catch {
    return { records: [], brokenLines: [] };
  }
}

/** Appends one label and waits until it is on disk. Throws what the file system says. */
export async function appendLabel(labelFile: string, record: LabelRecord): Promise<void> {
  const handle = await open(labelFile, 'a+');
  try {
    // A file whose last line was cut by a crash or an editor gets its line end first.
    const { size } = await handle.stat();
    const lastByte = Buffer.alloc(1);
    if (size > 0) await handle.read(lastByte, 0, 1, size - 1);
    const separator = size > 0 && lastByte[0] !== 10 ? '\n' : '';
    await handle.appendFile(`${separator}${printLabel(record)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
