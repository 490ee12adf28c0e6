/** Writes a corpus to a file: CSV, JSONL, Parquet, or a NumPy tensor with its labels beside it. */
import { createWriteStream } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { fileWriter, parquetWriteRows } from 'hyparquet-writer';
import { npyChunks, npyLabels } from '../corpus/corpusExportNpy.ts';
import { exportTable } from '../corpus/corpusExportTable.ts';
import { csvLines, jsonLines } from '../corpus/corpusExportText.ts';
import type { TensorAxes } from '../corpus/corpusTensor.ts';
import type { ScoreCorpus } from '../corpus/scoreCorpus.ts';

export const EXPORT_FORMATS = ['csv', 'jsonl', 'parquet', 'npy'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

const CHUNK = 1 << 20;
const PARQUET_TYPES = { text: 'STRING', number: 'DOUBLE', integer: 'INT32', boolean: 'BOOLEAN' } as const;
/** Rows held at once. */
const ROW_GROUP = 20_000;

/** Where the labels of a tensor's axes stand. */
export function labelsFileOf(file: string): string {
  return `${file}.labels.json`;
}

/** Replaces the file. Throws what the file system says; a half-written file never has the name. */
export async function writeExport(corpus: ScoreCorpus, to: { readonly file: string; readonly format: ExportFormat; readonly axes?: TensorAxes }): Promise<void> {
  const { file, format } = to;
  const half = `${file}.part-${process.pid}`;
  try {
    if (format === 'npy') {
      const tensor = corpus.toTensor(to.axes);
      await write(half, npyChunks(tensor));
      await writeFile(labelsFileOf(file), npyLabels(tensor));
    } else if (format === 'parquet') writeParquet(half, corpus);
    else await write(half, format === 'csv' ? csvLines(corpus) : jsonLines(corpus));
    await rename(half, file);
  } catch (error) {
    await rm(half, { force: true });
    throw error;
  }
}

async function write(file: string, pieces: Iterable<string | Uint8Array>): Promise<void> {
  await pipeline(gathered(pieces), createWriteStream(file));
}

/** Lines gathered into pieces worth writing. */
function* gathered(pieces: Iterable<string | Uint8Array>): Generator<string | Uint8Array> {
  let text = '';
  for (const piece of pieces) {
    if (typeof piece !== 'string') {
      yield piece;
      continue;
    }
    text += piece;
    if (text.length < CHUNK) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

function writeParquet(file: string, corpus: ScoreCorpus): void {
  const table = exportTable(corpus);
  const rows = function* (): Generator<Record<string, unknown>> {
    for (const cells of table.rows()) yield Object.fromEntries(table.columns.map(({ name }, i) => [name, cells[i]]));
  };
  void parquetWriteRows({ writer: fileWriter(file), rows: rows(), columns: table.columns.map(({ name, type }) => ({ name, type: PARQUET_TYPES[type] })), rowGroupSize: ROW_GROUP, createdBy: 'stepscope' });
}
