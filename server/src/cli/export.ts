/** `stepscope export`: traces of any format as PlanTrace JSON, ATIF or OTLP. */
import { once } from 'node:events';
import { access, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlanTrace } from '../core/planTrace.ts';
import { EXPORT_TARGETS, exportName, exportScored, exportTraces, isExportTarget } from '../features/exportTrace.ts';
import type { ExportTarget } from '../features/exportTrace.ts';
import type { ScoredTrace } from '../features/scoredTrace.ts';
import type { PrintedTraces } from '../formats/printedTraces.ts';
import { UniqueIds } from '../formats/traceAssembly.ts';
import { MEMORY_OPTION, UsageError, needPaths } from './command.ts';
import type { CliCommand, CommandInput, CommandTools } from './command.ts';
import { readInputs } from './inputs.ts';
import type { Input } from './inputs.ts';
import { scoredView } from './scoredView.ts';

export const exportCommand: CliCommand = {
  name: 'export',
  usage: ['export <path>… --to plantrace|atif|otlp   print traces of any format in a format for exchange; what it cannot hold is listed on stderr'],
  options: {
    '--to': { value: 'FORMAT', help: 'plantrace (PlanTrace JSON), atif (ATIF trajectory) or otlp (OTLP JSON)' },
    '--out': { value: 'PATH', help: 'a file for all traces, or a folder (ending in / where it is new) for one a trace file' },
    '--scores': { value: '', help: 'score the traces and export the scores with them' },
    '--overwrite': { value: '', help: 'replace files that exist' },
    ...MEMORY_OPTION,
  },
  run: exportFiles,
};

interface Job {
  readonly target: ExportTarget;
  readonly isScored: boolean;
  readonly isReplacing: boolean;
  readonly memoryFile: string | undefined;
  /** Standard output carries the traces themselves, so nothing else goes there. */
  readonly isPiped: boolean;
}

async function exportFiles(input: CommandInput, tools: CommandTools): Promise<boolean> {
  const paths = needPaths(input, 'export');
  const to = input.option('--to');
  if (to === undefined || !isExportTarget(to)) throw new UsageError(to === undefined ? `export needs --to ${Object.keys(EXPORT_TARGETS).join(', ')}.` : `--to is one of ${Object.keys(EXPORT_TARGETS).join(', ')}, not "${to}".`);
  const out = input.option('--out');
  const job: Job = { target: to, isScored: input.option('--scores') !== undefined, isReplacing: input.option('--overwrite') !== undefined, memoryFile: input.option('--memory'), isPiped: out === undefined };
  const isFolder = out !== undefined && (/[/\\]$/.test(out) || (await stat(out).then((s) => s.isDirectory(), () => false)));
  if (out !== undefined && !isFolder) await refuseToReplace(out, job);
  return isFolder ? exportEach(paths, { ...job, folder: out }, tools) : exportAll(paths, { ...job, out }, tools);
}

/** One file a trace file. */
async function exportEach(paths: readonly string[], job: Job & { readonly folder: string }, tools: CommandTools): Promise<boolean> {
  await mkdir(job.folder, { recursive: true });
  const names = new UniqueIds();
  let isClean = true;
  for await (const input of readInputs(paths, tools.settings)) {
    if (tools.signal.aborted || tools.output.isClosed()) break;
    const content = await contentOf(input, job, tools);
    if (content === undefined) {
      isClean = false;
      continue;
    }
    if (tools.signal.aborted) break;
    const file = join(job.folder, names.take(exportName(input.file, job.target)));
    if (!job.isReplacing && (await exists(file))) {
      isClean = false;
      const message = `${file} exists; --overwrite replaces it.`;
      await tools.output.write({ kind: 'error', file: input.file, message }, `${input.file}: ${message}`);
      continue;
    }
    await save(file, content.traces, { printed: printed(content, job), job, tools });
  }
  return isClean;
}

/** Every trace in one document: to a file, else to standard output. */
async function exportAll(paths: readonly string[], job: Job & { readonly out: string | undefined }, tools: CommandTools): Promise<boolean> {
  const contents: Content[] = [];
  let isClean = true;
  for await (const input of readInputs(paths, tools.settings)) {
    if (tools.signal.aborted) return false;
    const content = await contentOf(input, job, tools);
    if (content === undefined) isClean = false;
    else contents.push(content);
  }
  if (tools.signal.aborted) return false;
  if (contents.length === 0) {
    tools.log('There is no trace to export.');
    return false;
  }
  const all = withUniqueIds(contents);
  const result = printed(all, job);
  if (job.out !== undefined) await save(job.out, all.traces, { printed: result, job, tools });
  else {
    for (const words of result.lost) tools.log(`not in ${EXPORT_TARGETS[job.target].title}: ${words}`);
    if (!tools.output.isClosed() && !process.stdout.write(result.text)) await once(process.stdout, 'drain', { signal: tools.signal }).catch(() => undefined);
  }
  return isClean;
}

interface Content {
  readonly traces: readonly PlanTrace[];
  /** Undefined where no scores were asked for. */
  readonly scored: readonly ScoredTrace[] | undefined;
}

/** Undefined, after a word to the user, where there is no trace. */
async function contentOf(input: Input, job: Job, tools: CommandTools): Promise<Content | undefined> {
  if (input.kind === 'error') {
    const words = `${input.file}: ${input.message}`;
    if (job.isPiped) tools.log(words);
    else await tools.output.write(input, words);
    return undefined;
  }
  const { traces } = input.parsed;
  if (!job.isScored) return { traces, scored: undefined };
  const engine = await tools.engine(job.memoryFile === undefined ? {} : { memoryFile: job.memoryFile });
  return { traces, scored: (await scoredView(input, { ...tools, engine })).traces };
}

/** Several files may name their traces alike. */
function withUniqueIds(contents: readonly Content[]): Content {
  const ids = new UniqueIds();
  const traces = contents.flatMap((content) => content.traces).map((trace) => ({ ...trace, traceId: ids.take(trace.traceId) }));
  const scored = contents.flatMap((content) => content.scored ?? []).map((of, i) => ({ ...of, trace: traces[i] ?? of.trace }));
  return { traces, scored: contents.some((content) => content.scored !== undefined) ? scored : undefined };
}

function printed({ traces, scored }: Content, { target }: Job): PrintedTraces {
  return scored === undefined ? exportTraces(traces, target) : exportScored(scored, target);
}

/** A half-written file never has the name. */
async function save(file: string, traces: readonly PlanTrace[], of: { readonly printed: PrintedTraces; readonly job: Job; readonly tools: CommandTools }): Promise<void> {
  const { text, lost } = of.printed;
  const half = `${file}.part-${process.pid}`;
  try {
    await writeFile(half, text);
    await refuseToReplace(file, of.job);
    await rename(half, file);
  } catch (error) {
    await rm(half, { force: true });
    throw error;
  }
  const steps = traces.reduce((sum, trace) => sum + trace.steps.length, 0);
  const record = { kind: 'export', file, to: of.job.target, traces: traces.length, steps, sizeBytes: Buffer.byteLength(text), lost };
  await of.tools.output.write(record, [`${file}: ${steps} steps of ${traces.length === 1 ? '1 trace' : `${traces.length} traces`}`, ...lost.map((words) => `  not in ${EXPORT_TARGETS[of.job.target].title}: ${words}`)].join('\n'));
}

async function refuseToReplace(file: string, { isReplacing }: Job): Promise<void> {
  if (!isReplacing && (await exists(file))) throw new UsageError(`${file} exists; --overwrite replaces it.`);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(() => true, () => false);
}
