/** What a trace format is: how to recognise it and how to read it. */
import type { PlanTrace, TraceWarning } from '../core/planTrace.ts';

/** What detection may look at: at most 64 KB from the start of the file, and its name. */
export interface Sniff {
  /** File name or path as given; '' for standard input. */
  readonly path: string;
  readonly head: string;
  /** Whether `head` is the whole file. */
  readonly isWhole: boolean;
  /**
   * First values of the file, tolerant of a cut end: one for JSON, up to 40 lines for JSONL.
   * A value is what `JSON.parse` gives, or a partial one recovered from a cut file.
   */
  readonly values: readonly unknown[];
  readonly layout: 'json' | 'jsonl';
}

export interface ParseInput {
  readonly path: string;
  readonly text: string;
}

export interface ParsedFile {
  readonly format: string;
  readonly formatVersion: string;
  readonly traces: readonly PlanTrace[];
  /** Warnings about the file as a whole. */
  readonly warnings: readonly TraceWarning[];
}

/**
 * How a JSONL format of great length is read a window at a time. `record`: a line holds whole traces. `session`: lines in
 * order make up a trace, and a step stands near the lines that belong to it. `either`: the first window shows which.
 */
export interface Windows {
  readonly kind: 'session' | 'record' | 'either';
  /** Marks of lines of which the latest matters to all that follows, looked for near the start of a line. */
  readonly keep?: readonly string[];
  /** Marks of lines that change what stands far before them. */
  readonly rewinds?: readonly string[];
  /** Marks of the members whose values, together, tell which step a line belongs to, where a step's first line can stand far before its place. */
  readonly stepMembers?: readonly string[];
  /** Whether records name their parents, and going on from an earlier one leaves a branch behind. */
  readonly isTree?: boolean;
}

export interface TraceFormat {
  readonly id: string;
  readonly title: string;
  /** Undefined: the file is only read whole. */
  readonly windows?: Windows;
  /** Confidence 0–1; 0 means "not mine". Below 0.5 diagnostics need a matching glob or a click. */
  detect(sniff: Sniff): number;
  /** Total: any text gives a result; what could not be read is in the warnings. */
  parse(input: ParseInput): ParsedFile;
}
