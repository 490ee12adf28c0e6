/** The files that received traces are appended to: one a trace, the next part where one is full. */
import { mkdir, open, stat, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { TraceLines } from './traceLines.ts';

export interface TraceFiles {
  /** Appends lines of one trace, all or none, and waits until they are on disk. Answers the file. Throws what the file system says. */
  append(trace: TraceLines): Promise<string>;
}

/** Spans of traces in which no agent has shown: a name that no glob takes for a trace. */
const OTHER = { name: 'other-spans', ending: '.jsonl' } as const;
const AGENT_ENDING = '.otlp.jsonl';
const UNTRACED = 'untraced';
const MOST_KNOWN = 10_000;

/** `mostBytes`: what does not fit goes into a next file; lines that came together stay together. */
export function createTraceFiles(folder: string, mostBytes: number): TraceFiles {
  /** By name of the file without part and ending: the part to append to. */
  const parts = new Map<string, number>();
  let isReady = false;

  const pathOf = (name: string, ending: string, part: number): string => join(folder, `${name}${part === 1 ? '' : `.${part}`}${ending}`);

  async function makeFolder(): Promise<void> {
    if (isReady) return;
    await mkdir(folder, { recursive: true });
    // Received texts are nobody's to commit by accident.
    await writeFile(join(folder, '.gitignore'), '*\n', { flag: 'wx' }).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
    isReady = true;
  }

  async function isKnownAgent(name: string): Promise<boolean> {
    return parts.has(name) || await exists(pathOf(name, AGENT_ENDING, 1));
  }

  async function lastPart(name: string, ending: string): Promise<number> {
    let part = 1;
    while (await exists(pathOf(name, ending, part + 1))) part++;
    return part;
  }

  async function appendTo(name: string, ending: string, bytes: Buffer): Promise<string> {
    const known = parts.get(name);
    let part = known ?? await lastPart(name, ending);
    for (;; part++) {
      const path = pathOf(name, ending, part);
      const handle = await open(path, 'a+');
      try {
        const { size } = await handle.stat();
        if (size > 0 && size + bytes.length > mostBytes) continue;
        const end = known === part ? size : await withoutHalfLine(handle, size);
        await appendWhole(handle, bytes, end);
        if (parts.size >= MOST_KNOWN) parts.clear();
        parts.set(name, part);
        return path;
      } finally {
        await handle.close();
      }
    }
  }

  return {
    async append(trace) {
      await makeFolder();
      const name = trace.traceId === '' ? UNTRACED : trace.traceId;
      const bytes = Buffer.from(trace.lines.join(''));
      try {
        if (trace.isAgent || await isKnownAgent(name)) return await appendTo(name, AGENT_ENDING, bytes);
        return await appendTo(OTHER.name, OTHER.ending, bytes);
      } catch (error) {
        // The folder may have been deleted meanwhile: the next try makes it again.
        isReady = false;
        parts.clear();
        throw error;
      }
    },
  };
}

/** In one write where the system takes all at once, as `appendFile` would not. */
async function appendWhole(handle: FileHandle, bytes: Buffer, end: number): Promise<void> {
  try {
    for (let written = 0; written < bytes.length;) written += (await handle.write(bytes, written)).bytesWritten;
    await handle.datasync();
  } catch (error) {
    await handle.truncate(end).catch(() => undefined);
    throw error;
  }
}

/** A last line that a crash cut was never acknowledged, so its sender sends it again. Answers the size that is left. */
async function withoutHalfLine(handle: FileHandle, size: number): Promise<number> {
  if (size === 0) return 0;
  const last = Buffer.alloc(1);
  await handle.read(last, 0, 1, size - 1);
  if (last[0] === NEWLINE) return size;
  const bytes = Buffer.alloc(size);
  await handle.read(bytes, 0, size, 0);
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  await handle.truncate(end);
  return end;
}

const NEWLINE = 10;

async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
