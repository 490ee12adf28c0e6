/** From a file's text to its traces: detection, then the format that is surest. */
import { detectFormat, sniff } from './detect.ts';
import type { ParsedFile, ParseInput } from './format.ts';
import { findFormat } from './registry.ts';

/** What the surest format makes of a text, steps or not; undefined where none takes it or `isEnough` refuses its confidence (0–1). */
export function parseTraces(input: ParseInput, isEnough: (confidence: number) => boolean = () => true): ParsedFile | undefined {
  const found = detectFormat(sniff(input.path, input.text));
  return found === undefined || !isEnough(found.confidence) ? undefined : findFormat(found.format)?.parse(input);
}

/** Whether a file has anything to score. */
export function hasSteps(parsed: ParsedFile): boolean {
  return parsed.traces.some((trace) => trace.steps.length > 0);
}

/** The traces of a file; undefined when it is no trace (no format takes it, or no step could be read). `format` skips detection. */
export function readTraces(input: ParseInput, format?: string): ParsedFile | undefined {
  const parsed = format === undefined ? parseTraces(input) : findFormat(format)?.parse(input);
  return parsed !== undefined && hasSteps(parsed) ? parsed : undefined;
}
