/** From the paths of `--data` to labelled traces: files, packed or not, folders, standard input. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { readLabelledTrace } from '../formats/labelledTrace.ts';
import type { LabelledTrace } from '../formats/labelledTrace.ts';
import { errorCode, walkFiles } from '../host/files.ts';

export interface LabelledFile {
  readonly file: string;
  readonly traces: readonly LabelledTrace[];
  readonly errors: readonly LabelledError[];
}

/** `line` counts from 1; missing where the whole file is meant. */
export interface LabelledError { readonly file: string; readonly line?: number; readonly message: string }

/** Broken lines told one by one; a file of another kind would have thousands. */
const TOLD_LINES = 20;

/** Every labelled file the paths name, folders walked in order. What a folder holds besides is passed over; what was named is answered for. */
export async function* readLabelledFiles(paths: readonly string[]): AsyncGenerator<LabelledFile> {
  for (const path of paths) {
    const info = path === '-' ? undefined : await stat(path).catch(() => undefined);
    if (info?.isDirectory() !== true) {
      yield await readLabelledFile(path);
      continue;
    }
    let found = 0;
    for await (const file of walkFiles(path.length > 1 ? path.replace(/[/\\]+$/, '') : path, (p) => /[/\\](node_modules|\.git)$/.test(p))) {
      if (!/\.jsonl(\.gz)?$/.test(file)) continue;
      const read = await readLabelledFile(file);
      if (read.traces.length === 0) continue;
      found++;
      yield read;
    }
    if (found === 0) yield { file: path, traces: [], errors: [{ file: path, message: 'The folder holds no labelled traces (.jsonl or .jsonl.gz).' }] };
  }
}

async function readLabelledFile(file: string): Promise<LabelledFile> {
  const traces: LabelledTrace[] = [];
  const errors: LabelledError[] = [];
  let broken = 0;
  let line = 0;
  try {
    for await (const text of linesOf(file)) {
      line++;
      if (text.trim() === '') continue;
      const read = readLabelledTrace(text);
      if (read.kind === 'trace') traces.push(read.trace);
      else if (++broken <= TOLD_LINES) errors.push({ file, line, message: read.message });
    }
  } catch (error) {
    errors.push({ file, ...(line === 0 ? {} : { line: line + 1 }), message: failure(error) });
  }
  if (broken > TOLD_LINES) errors.push({ file, message: `${broken - TOLD_LINES} more lines cannot be used.` });
  if (traces.length === 0 && errors.length === 0) errors.push({ file, message: 'The file is empty: there is no labelled trace in it.' });
  return { file, traces, errors };
}

/** Lines of the file or of standard input, through gunzip where it begins as gzip does, whatever it is called. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let half = '';
  const decoder = new TextDecoder();
  for await (const piece of await unpacked(file === '-' ? process.stdin : createReadStream(file))) {
    const parts = `${half}${decoder.decode(piece, { stream: true })}`.split('\n');
    half = parts.pop() ?? '';
    yield* parts;
  }
  if (half !== '') yield half;
}

async function unpacked(stream: Readable): Promise<AsyncIterable<Buffer>> {
  const pieces = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const first = await pieces.next();
  const whole = (async function* (): AsyncGenerator<Buffer> {
    for (let next = first; next.done !== true; next = await pieces.next()) yield next.value;
  })();
  if (first.done === true || first.value[0] !== 0x1f || first.value[1] !== 0x8b) return whole;
  // A failure comes out of the unpacked stream; nobody else need hear of it.
  return pipeline(Readable.from(whole), createGunzip(), () => undefined);
}

function failure(error: unknown): string {
  const code = errorCode(error);
  if (code === 'ENOENT') return 'There is no such file.';
  if (code === 'EACCES' || code === 'EPERM') return 'The file cannot be read: no permission.';
  if (code.startsWith('Z_')) return 'The packed file is damaged or cut short from here on; what stands before was used.';
  return `The file cannot be read (${error instanceof Error ? error.message : String(error)}).`;
}
