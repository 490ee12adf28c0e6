/** A filter over scorables in SQL's words; the table goes by the name `o`. */
import type { ScorableFilter } from '../corpus/scoreMemory.ts';

export interface Condition {
  /** Holds for everything where nothing was asked. */
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

export function conditionOf(filter: ScorableFilter): Condition {
  const parts: { readonly sql: string; readonly values: readonly (string | number)[] }[] = [];
  const equals = (column: string, value: string | undefined): void => {
    if (value !== undefined) parts.push({ sql: `o.${column} = ?`, values: [value] });
  };
  equals('file', filter.file);
  equals('trace_id', filter.traceId);
  equals('step_type', filter.stepType);
  equals('agent', filter.agent);
  equals('model', filter.model);
  if (filter.goal !== undefined) parts.push({ sql: 'o.goal_id IN (SELECT id FROM goals WHERE text = ?)', values: [filter.goal] });
  if (filter.tool !== undefined) parts.push({ sql: "EXISTS (SELECT 1 FROM json_each(o.facts, '$.tools') WHERE value = ?)", values: [filter.tool] });
  if (filter.isError !== undefined) parts.push({ sql: 'o.is_error = ?', values: [filter.isError ? 1 : 0] });
  if (filter.outcome !== undefined) parts.push({ sql: 'o.outcome BETWEEN ? AND ?', values: filter.outcome });
  if (filter.timeMs !== undefined) parts.push({ sql: 'o.time_ms BETWEEN ? AND ?', values: filter.timeMs });
  return { sql: parts.length === 0 ? '1' : parts.map((p) => p.sql).join(' AND '), values: parts.flatMap((p) => p.values) };
}
