/** From the paths of the command line to traces: files, folders, standard input. */
import { access, constants, stat } from 'node:fs/promises';
import picomatch from 'picomatch';
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import { LABEL_FILE_NAME } from '../core/labels.ts';
import { detectFormat, sniff } from '../formats/detect.ts';
import type { ParsedFile } from '../formats/format.ts';
import { hasSteps, parseTraces } from '../formats/readTraces.ts';
import { formatTitles } from '../formats/registry.ts';
import { withoutPlaces } from '../formats/virtualText.ts';
import { readHead, readText, walkFiles } from '../host/files.ts';
import { UNRECORDED } from './recording.ts';
import type { FileStages } from './recording.ts';

export type Input =
  | { readonly kind: 'file'; readonly file: string; readonly text: string; readonly parsed: ParsedFile; /** The text was unpacked from the file: nothing in it has a range. */ readonly isVirtual: boolean }
  | { readonly kind: 'error'; readonly file: string; readonly message: string };

const HEAD_BYTES = 65_536;
const MEGABYTE = 1_048_576;
/** What a command holds of one file: as much as a string can. */
const MOST_MEGABYTES = 500;

/** Every trace file the paths name, sorted by path. What a folder holds besides traces is passed over; what was named is answered for. */
export async function* readInputs(paths: readonly string[], settings: EffectiveSettings, stages: FileStages = UNRECORDED): AsyncGenerator<Input> {
  const isIncluded = globMatcher(settings.include);
  for (const { path, isNamed, isUnlistable } of await expand(paths, settings)) {
    if (path === '-') {
      const input = fromText('-', { text: await readStandardInput() }, true);
      if (input !== undefined) yield input;
      continue;
    }
    if (isUnlistable) {
      yield { kind: 'error', file: path, message: 'The folder cannot be read: no permission.' };
      continue;
    }
    if (!isNamed && (stages.isRecord(path) || !(await mayBeTrace(path, isIncluded)))) continue;
    const maxBytes = Math.min(settings.limits.maxFileSizeMB, MOST_MEGABYTES) * MEGABYTE;
    const read = await stages.run({ file: path, name: 'load' }, () => readText(path, maxBytes), (found) => (found.kind === 'text' ? `${found.text.length} characters` : found.kind));
    if (read.kind === 'text') {
      const input = await stages.run({ file: path, name: 'read' }, () => fromText(path, read, isNamed), understood);
      if (input === undefined) stages.end(path);
      if (input !== undefined) yield input;
    } else if (read.kind === 'missing') yield { kind: 'error', file: path, message: 'There is no such file.' };
    else if (read.kind === 'too-large') yield { kind: 'error', file: path, message: tooLarge(read.sizeBytes, settings) };
    else yield { kind: 'error', file: path, message: read.message };
  }
}

function tooLarge(sizeBytes: number, { limits }: EffectiveSettings): string {
  const size = `The file has ${Math.round(sizeBytes / MEGABYTE)} MB`;
  return limits.maxFileSizeMB <= MOST_MEGABYTES ? `${size}; files above ${limits.maxFileSizeMB} MB are not read. Raise limits.maxFileSizeMB in .stepscope.json.`
    : `${size}; a command reads a file in one piece, up to ${MOST_MEGABYTES} MB. Open it in VS Code, which reads longer ones piece by piece, or split it.`;
}

async function expand(paths: readonly string[], settings: EffectiveSettings): Promise<readonly { readonly path: string; readonly isNamed: boolean; readonly isUnlistable: boolean }[]> {
  const found = new Map<string, boolean>();
  const unlistable = new Set<string>();
  const isExcluded = globMatcher(settings.exclude);
  for (const path of paths) {
    const info = path === '-' ? undefined : await stat(path).catch(() => undefined);
    if (info?.isDirectory() !== true) {
      found.set(path, true);
      continue;
    }
    if (!(await mayList(path))) {
      unlistable.add(path);
      found.set(path, true);
      continue;
    }
    const skip = (p: string): boolean => isExcluded(p) || isExcluded(`${p}/x`);
    for await (const file of walkFiles(path.length > 1 ? path.replace(/[/\\]+$/, '') : path, skip)) {
      if (!file.endsWith(LABEL_FILE_NAME) && !found.has(file)) found.set(file, false);
    }
  }
  return [...found].map(([path, isNamed]) => ({ path, isNamed, isUnlistable: unlistable.has(path) })).sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** Compiled once for thousands of files; what leads up to the path is no part of the match. */
function globMatcher(globs: readonly string[]): (path: string) => boolean {
  const matches = picomatch([...globs], { dot: true });
  return (path) => matches(path.replaceAll('\\', '/').replace(/^(\.?\.?\/)+/, ''));
}

async function mayList(folder: string): Promise<boolean> {
  return await access(folder, constants.R_OK | constants.X_OK).then(() => true, () => false);
}

async function mayBeTrace(path: string, isIncluded: (path: string) => boolean): Promise<boolean> {
  const head = await readHead(path, HEAD_BYTES);
  if (head === undefined || head.trim() === '') return false;
  const found = detectFormat(sniff(path, head, { isWhole: false }));
  if (found === undefined) return false;
  return found.confidence >= 0.5 || isIncluded(path);
}

function fromText(file: string, { text, isVirtual = false, notice }: { readonly text: string; readonly isVirtual?: boolean; readonly notice?: string }, isNamed: boolean): Input | undefined {
  const error = (message: string): Input | undefined => (isNamed ? { kind: 'error', file, message } : undefined);
  if (text.trim() === '') return error('The file is empty: there is no trace in it.');
  const parsed = parseTraces({ path: file, text });
  if (parsed === undefined) return error(`This is no trace that StepScope knows; it reads ${formatTitles()}.`);
  if (hasSteps(parsed)) return { kind: 'file', file, text, parsed: isVirtual ? withoutPlaces(parsed, notice) : parsed, isVirtual };
  return error(notice ?? parsed.warnings[0]?.message ?? 'The file looks like a trace but holds no step.');
}

/** What was made of a file, for whoever records it. */
function understood(input: Input | undefined): unknown {
  if (input?.kind !== 'file') return input?.message ?? 'no trace';
  const { format, traces } = input.parsed;
  return { format, traces: traces.length, steps: traces.reduce((sum, trace) => sum + trace.steps.length, 0) };
}

/** All of standard input as text. */
export async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
