/** `stepscope memory`: what is remembered, and the file that holds it. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { memoryFileOf } from '../host/memoryFile.ts';
import { openDatabase, openForReading } from '../storage/database.ts';
import { storeOf } from '../storage/store.ts';
import type { Store } from '../storage/store.ts';
import { importMemory } from '../storage/transfer.ts';
import { infoOf, keepWithinLimit, vacuum } from '../storage/upkeep.ts';
import { UsageError } from './command.ts';
import type { CliCommand, CommandTools } from './command.ts';

const ACTIONS = ['info', 'export', 'import', 'vacuum'] as const;
type Action = (typeof ACTIONS)[number];
const MEGABYTE = 2 ** 20;

export const memoryCommand: CliCommand = {
  name: 'memory',
  usage: [
    'memory info | export FILE | import FILE | vacuum',
    '                  what is remembered of this folder; write it to one file; take in what such a',
    '                  file holds, nothing doubled; give free room back to the disk',
  ],
  options: { '--memory': { value: 'FILE', help: 'the memory in this file; else that of the current folder' } },
  run: async (input, tools) => {
    const [word, file, ...more] = input.words;
    const action = ACTIONS.find((a) => a === word);
    const needsFile = action === 'export' || action === 'import';
    if (action === undefined || more.length > 0 || needsFile !== (file !== undefined)) throw new UsageError(`memory needs one of: info, export FILE, import FILE, vacuum.`);
    const path = resolve(input.option('--memory') ?? memoryFileOf(tools.settings, process.cwd()));
    const complaint = await act(action, { path, file: file === undefined ? '' : resolve(file) }, tools);
    if (complaint === undefined) return true;
    await tools.output.write({ kind: 'error', file: path, message: complaint }, complaint);
    return false;
  },
};

/** Answers what went wrong, as a sentence. */
async function act(action: Action, { path, file }: { readonly path: string; readonly file: string }, { output, log }: CommandTools): Promise<string | undefined> {
  if (action !== 'import' && !existsSync(path)) return `There is no score memory at ${path} yet.`;
  try {
    const opened = openDatabase(path);
    if (opened.notice !== undefined) log(opened.notice);
    const store = storeOf(opened.db);
    try {
      switch (action) {
        case 'info': return await tellInfo(store, path, output);
        case 'export': return await exportTo(store, file, output);
        case 'import': return opened.isReadOnly ? `${path} is read-only.` : await importFrom(store, file, output);
        case 'vacuum': return opened.isReadOnly ? `${path} is read-only.` : await tidy(store, path, output);
      }
    } finally {
      store.db.close();
    }
  } catch (error) {
    return `The score memory ${path} cannot be used (${messageOf(error)}).`;
  }
}

async function tellInfo(store: Store, path: string, output: CommandTools['output']): Promise<undefined> {
  const info = infoOf(store);
  const when = (ms: number | null): string => (ms === null ? 'never' : new Date(ms).toISOString());
  await output.write({ kind: 'memory', path, ...info }, [
    `${path}  schema ${info.schema}, ${megabytes(info.sizeBytes)}, ${megabytes(info.freeBytes)} of it free`,
    `scored from ${when(info.oldestMs)} to ${when(info.newestMs)}`,
    ...Object.entries(info.rows).map(([table, rows]) => `  ${table}: ${rows}`),
    ...info.attributes.map(({ key, count, mean, min, max }) => `  ${key}: ${count} values, mean ${mean?.toPrecision(4)}, ${min?.toPrecision(4)} to ${max?.toPrecision(4)}`),
  ].join('\n'));
  return undefined;
}

/** Written beside its place and renamed into it: a file that is there is whole. */
async function exportTo(store: Store, file: string, output: CommandTools['output']): Promise<string | undefined> {
  if (existsSync(file)) return `${file} exists already; name another file or remove it.`;
  const unfinished = join(`${file}.part-${process.pid}`);
  try {
    store.db.prepare('VACUUM INTO ?').run(unfinished);
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    return `${file} could not be written (${messageOf(error)}).`;
  }
  const { rows, sizeBytes } = infoOf(store);
  await output.write({ kind: 'export', file, scorables: rows['scorables'], evaluations: rows['evaluations'], sizeBytes }, `${file}: ${rows['scorables']} scorables, ${rows['evaluations']} evaluations`);
  return undefined;
}

async function importFrom(store: Store, file: string, output: CommandTools['output']): Promise<string | undefined> {
  if (!existsSync(file)) return `There is no file ${file}.`;
  let source;
  try {
    source = openForReading(file);
  } catch (error) {
    return `${file} cannot be taken in: ${messageOf(error)}.`;
  }
  try {
    const result = importMemory(store, source);
    keepWithinLimit(store);
    await output.write({ kind: 'import', file, ...result }, `${file}: ${result.added} evaluations taken in, ${result.alreadyHere} were here already${result.unreadable === 0 ? '' : `, ${result.unreadable} pieces could not be read`}`);
    return undefined;
  } finally {
    source.close();
  }
}

async function tidy(store: Store, path: string, output: CommandTools['output']): Promise<undefined> {
  const before = infoOf(store).sizeBytes;
  keepWithinLimit(store);
  vacuum(store);
  const after = infoOf(store).sizeBytes;
  await output.write({ kind: 'vacuum', path, sizeBytesBefore: before, sizeBytes: after }, `${path}: ${megabytes(before)} before, ${megabytes(after)} after`);
  return undefined;
}

function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(1)} MB`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
