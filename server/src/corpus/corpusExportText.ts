/** The corpus as lines of text: CSV for tables, JSONL for programs. */
import { exportTable } from './corpusExportTable.ts';
import type { Cell } from './corpusExportTable.ts';
import type { ScoreCorpus } from './scoreCorpus.ts';
import { rowsOf } from './corpusTensor.ts';

/**
 * RFC 4180 with a header line; every line ends with \n. Numbers have as many digits as it takes to read them back to the
 * bit (pandas before 3 needs `float_precision='round_trip'` for that). A missing value is empty, an empty text is "".
 */
export function* csvLines(corpus: ScoreCorpus): Generator<string> {
  const table = exportTable(corpus);
  yield `${table.columns.map((c) => csvCell(c.name)).join(',')}\n`;
  for (const cells of table.rows()) yield `${cells.map(csvCell).join(',')}\n`;
}

/** One record a line, as `toList` has it: attributes as they came, nothing left out. */
export function* jsonLines(corpus: ScoreCorpus): Generator<string> {
  for (const row of rowsOf(corpus)) yield `${JSON.stringify(row)}\n`;
}

function csvCell(value: Cell): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
