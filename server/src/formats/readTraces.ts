/** From a file's text to its traces. */
import { detectFormat, sniff } from './detect.ts';
import type { ParsedFile, ParseInput } from './format.ts';
import { findFormat } from './registry.ts';

/** The traces of a file; undefined when it is no trace (no format takes it, or no step could be read). `format` skips detection. */
export function readTraces(input: ParseInput, format?: string): ParsedFile | undefined {
  const id = format ?? detectFormat(sniff(input.path, input.text))?.format;
  const parsed = id === undefined ? undefined : findFormat(id)?.parse(input);
  return parsed === undefined || !parsed.traces.some((trace) => trace.steps.length > 0) ? undefined : parsed;
}
