/** Reads a text by a format at hand, for tests of one format. */
import type { ExecutionStep, PlanTrace } from '../../server/src/core/planTrace.ts';
import type { TraceFormat } from '../../server/src/formats/format.ts';

export interface ReadFile {
  readonly traces: readonly PlanTrace[];
  /** The first trace. */
  readonly trace: PlanTrace;
  readonly steps: readonly ExecutionStep[];
  readonly step: (index: number) => ExecutionStep;
  readonly codes: readonly string[];
}

/** Parses a text; throws when it holds no trace. */
export function readAs(format: TraceFormat, text: string, path = 'file.json'): ReadFile {
  const parsed = format.parse({ path, text });
  const trace = parsed.traces[0];
  if (trace === undefined) throw new Error('no trace was read');
  const step = (index: number): ExecutionStep => {
    const found = trace.steps[index];
    if (found === undefined) throw new Error(`no step ${index}`);
    return found;
  };
  return { traces: parsed.traces, trace, steps: trace.steps, step, codes: parsed.warnings.map((warning) => warning.code) };
}

/** One JSON value a line. */
export function jsonLinesOf(...values: readonly unknown[]): string {
  return `${values.map((value) => JSON.stringify(value)).join('\n')}\n`;
}

/** The text of a range. */
export function textAt(text: string, range: { readonly start: number; readonly end: number } | null): string | undefined {
  return range === null ? undefined : text.slice(range.start, range.end);
}
