/** The spill file: the words of steps on disk, where the main thread finds them again. */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionStep } from '../../core/planTrace.ts';
import type { HeavyFields } from '../../core/traceIndex.ts';

export interface Place {
  readonly at: number;
  readonly bytes: number;
}

/** Where a spill file stands; places in it count from `base`, so that those of an earlier one are told apart. */
export interface SpillFile {
  readonly path: string;
  readonly base: number;
}

export interface SpillWriter extends SpillFile {
  /** Past the last place given out. */
  readonly end: number;
  /** Takes what `heavyText` made of a step. */
  write(text: string): Place;
  /** Puts all that was written where a reader sees it. Throws what the file system says. */
  flush(): void;
  close(): void;
}

const PREFIX = 'stepscope-';
const SUFFIX = '.spill';
const BUFFERED_BYTES = 1 << 20;

/** Creates a spill file that only this user may read. Throws what the file system says. */
export function createSpill(base: number, folder: string = tmpdir()): SpillWriter {
  const path = join(folder, `${PREFIX}${process.pid}-${randomUUID()}${SUFFIX}`);
  const file = openSync(path, 'wx', 0o600);
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let end = base;
  const flush = (): void => {
    if (pending.length === 0) return;
    const bytes = Buffer.concat(pending);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at);
    pending = [];
    pendingBytes = 0;
  };
  return {
    path, base,
    get end() {
      return end;
    },
    write(text) {
      const bytes = Buffer.from(text);
      const place = { at: end, bytes: bytes.length };
      pending.push(bytes);
      pendingBytes += bytes.length;
      end += bytes.length;
      if (pendingBytes >= BUFFERED_BYTES) flush();
      return place;
    },
    flush,
    close: () => closeSync(file),
  };
}

/** The heavy fields of a step as they stand in the file. */
export function heavyText(step: ExecutionStep): string {
  const { description, input, output, reasoning, tools, logprobs, attributes, error } = step;
  const heavy = { description, input, output, reasoning, tools, logprobs, attributes, error };
  try {
    return JSON.stringify(heavy);
  } catch {
    // Nested too deep to print: the words are worth more than the rest.
    return JSON.stringify({ ...heavy, attributes: {}, tools: tools.map((tool) => ({ ...tool, args: null })) });
  }
}

export interface SpillReader {
  read(place: Place): HeavyFields | undefined;
  close(): void;
}

/** Opens a spill file for reading and takes it out of its folder where the system allows that for open files. Throws what the file system says. */
export function openSpill({ path, base }: SpillFile): SpillReader {
  const file = openSync(path, 'r');
  removeQuietly(path);
  return {
    read({ at, bytes }) {
      if (at < base) return undefined;
      const buffer = Buffer.allocUnsafe(bytes);
      for (let filled = 0; filled < bytes; ) {
        const read = readSync(file, buffer, filled, bytes - filled, at - base + filled);
        if (read === 0) return undefined;
        filled += read;
      }
      return JSON.parse(buffer.toString('utf8')) as HeavyFields;
    },
    close() {
      closeSync(file);
      removeQuietly(path);
    },
  };
}

/** Removes what processes left that ended without tidying up. */
export function sweepSpills(folder: string = tmpdir()): void {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return;
  }
  for (const name of names) {
    if (!name.startsWith(PREFIX) || !name.endsWith(SUFFIX)) continue;
    const pid = Number(/^\d+/.exec(name.slice(PREFIX.length))?.[0]);
    if (pid > 0 && !isRunning(pid)) removeQuietly(join(folder, name));
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EPERM';
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Another time.
  }
}
