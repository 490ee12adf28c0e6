/** One metric of one dimension as a matrix. */
import type { DimensionMatrix } from './scoreCorpus.ts';
import type { ScoreSheet } from './scoreSheet.ts';

/** Rows are the scorables with at least one value; scorers without any are no columns. */
export function matrixOf(dimension: string, ids: readonly string[], sheets: readonly ScoreSheet[], metric: string): DimensionMatrix {
  const parts = sheets.flatMap((s) => { const column = s.column(metric); return column === undefined ? [] : [{ scorer: s.scorer, ...column }]; });
  const placeOf = new Int32Array(ids.length);
  for (const { rows, values } of parts) for (let i = 0; i < rows.length; i++) if (!Number.isNaN(values[i])) placeOf[rows[i] ?? 0] = 1;
  const rowIds: string[] = [];
  for (let row = 0; row < ids.length; row++) placeOf[row] = placeOf[row] === 1 ? rowIds.push(ids[row] ?? '') - 1 : -1;
  const columns = parts.map(({ rows, values }) => {
    const column = new Float64Array(rowIds.length).fill(Number.NaN);
    for (let i = 0; i < rows.length; i++) {
      const place = placeOf[rows[i] ?? 0] ?? -1;
      if (place >= 0) column[place] = values[i] ?? Number.NaN;
    }
    return column;
  });
  return { dimension, rowIds, scorers: parts.map((p) => p.scorer), columns };
}

/** These rows, -1 for one that the corpus does not have. */
export function matrixOfRows(dimension: string, at: { readonly ids: readonly string[]; readonly rows: Int32Array }, sheets: readonly ScoreSheet[], metric: string): DimensionMatrix {
  const having = sheets.filter((s) => s.column(metric) !== undefined);
  return { dimension, rowIds: at.ids, scorers: having.map((s) => s.scorer), columns: having.map((s) => Float64Array.from(at.rows, (row) => s.value(row, metric))) };
}
