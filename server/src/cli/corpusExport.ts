/** `stepscope corpus export`: the corpus as a file for other programs. */
import { access, stat } from 'node:fs/promises';
import { cellsOf } from '../corpus/corpusTensor.ts';
import type { TensorAxes } from '../corpus/corpusTensor.ts';
import { UsageError } from './command.ts';
import type { CommandInput, CommandTools } from './command.ts';
import { corpusInput, readFilter } from './corpusInput.ts';
import { EXPORT_FORMATS, labelsFileOf, writeExport } from './corpusFiles.ts';

/** Numbers of a tensor, 1 GB. */
const MAX_CELLS = 2 ** 27;

export async function corpusExport(words: readonly string[], input: CommandInput, tools: CommandTools): Promise<boolean> {
  const to = input.option('--to');
  const format = EXPORT_FORMATS.find((f) => f === to);
  const [file, ...paths] = words;
  if (format === undefined) throw new UsageError(to === undefined ? 'corpus export needs --to csv, jsonl, parquet or npy.' : `--to is one of ${EXPORT_FORMATS.join(', ')}, not "${to}".`);
  if (file === undefined) throw new UsageError('corpus export needs the file to write, then the paths to score, if any.');
  if (await isFolder(file)) throw new UsageError(`${file} is a folder; name the file to write first, then the paths to score.`);
  const labelsFile = labelsFileOf(file);
  if (input.option('--overwrite') === undefined) for (const path of format === 'npy' ? [file, labelsFile] : [file]) if (await exists(path)) throw new UsageError(`${path} exists; --overwrite replaces it.`);
  const { level: _, ...filter } = readFilter(input);
  const { corpus, isClean } = await corpusInput(paths, tools, { memoryFile: input.option('--memory'), filter: { ...filter, ...selection(input), ...(input.option('--traces') === undefined ? {} : { level: 'trace' as const }) } });
  const axes: TensorAxes = metricsOf(input);
  if (format === 'npy' && cellsOf(corpus, axes) > MAX_CELLS) {
    tools.log(`The tensor would hold ${cellsOf(corpus, axes)} numbers; at most ${MAX_CELLS} are written. Narrow it with --metric, --dimension, --scorer or a filter, or export to parquet.`);
    return false;
  }
  await writeExport(corpus, { file, format, axes });
  const record = { kind: 'export', file, to: format, scorables: corpus.scorableIds.length, records: corpus.size, ...(format === 'npy' ? { labels: labelsFile } : {}) };
  await tools.output.write(record, `${file}: ${record.records} records of ${record.scorables} scorables`);
  return isClean;
}

function selection(input: CommandInput): { readonly dimensions?: readonly string[]; readonly scorers?: readonly string[] } {
  const dimensions = input.options('--dimension');
  const scorers = input.options('--scorer');
  return { ...(dimensions.length === 0 ? {} : { dimensions }), ...(scorers.length === 0 ? {} : { scorers }) };
}

function metricsOf(input: CommandInput): TensorAxes {
  const metrics = input.options('--metric');
  return metrics.length === 0 ? {} : { metrics };
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(() => true, () => false);
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then((s) => s.isDirectory(), () => false);
}
