/** Traces of a text that was unpacked from a file: they have pointers, and no place in the file itself. */
import type { PlanTrace, TraceWarning } from '../core/planTrace.ts';
import type { ParsedFile } from './format.ts';

/** The file with every range null. `notice` says what is missing from the text, and becomes the first warning. */
export function withoutPlaces(parsed: ParsedFile, notice?: string): ParsedFile {
  const missing: readonly TraceWarning[] = notice === undefined ? [] : [{ code: 'truncated-file', message: notice, range: null }];
  return { ...parsed, traces: parsed.traces.map(unplacedTrace), warnings: [...missing, ...parsed.warnings.map(unplacedWarning)] };
}

function unplacedTrace(trace: PlanTrace): PlanTrace {
  return {
    ...trace, goalRange: null, range: null, warnings: trace.warnings.map(unplacedWarning),
    steps: trace.steps.map((step) => ({ ...step, range: null, textRange: null })),
  };
}

function unplacedWarning(warning: TraceWarning): TraceWarning {
  return { ...warning, range: null };
}
