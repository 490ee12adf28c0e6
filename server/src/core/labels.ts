/** Labels given by people: one JSON line each in `stepscope-labels.jsonl` beside the traces; the last line about a step counts. */
import type { ExecutionStep } from './planTrace.ts';

export const LABEL_FILE_NAME = 'stepscope-labels.jsonl';

export type LabelValue = 'good' | 'bad' | 'first_bad';

export interface LabelRecord {
  /** Base name of the trace file, in the label file's own folder. */
  readonly file: string;
  readonly traceId: string;
  readonly stepId: string;
  readonly stepIndex: number;
  /** Hash of the step's words when it was labelled: finds the step again when ids change. */
  readonly textHash: string;
  /** null takes an earlier label back. */
  readonly label: LabelValue | null;
  readonly author: string;
  /** ISO 8601. */
  readonly time: string;
}

/** One line of the file, without its line end. */
export function printLabel(record: LabelRecord): string {
  const { file, traceId, stepId, stepIndex, textHash, label, author, time } = record;
  return JSON.stringify({ file, traceId, stepId, stepIndex, textHash, label, author, time });
}

/** Every readable line in order; `brokenLines` are 1-based numbers of lines that are not labels (merge markers, half lines). */
export function parseLabels(text: string): { readonly records: readonly LabelRecord[]; readonly brokenLines: readonly number[] } {
  const records: LabelRecord[] = [];
  const brokenLines: number[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '') return;
    const record = readRecord(line);
    if (record === undefined) brokenLines.push(index + 1);
    else records.push(record);
  });
  return { records, brokenLines };
}

/** The label of each step of one trace, by step id; a label whose id is gone is found by the step's words. */
export function matchLabels(
  records: readonly LabelRecord[],
  trace: { readonly file: string; readonly traceId: string; readonly steps: readonly ExecutionStep[]; readonly textHashOf: (step: ExecutionStep) => string },
): ReadonlyMap<string, LabelRecord> {
  const last = new Map<string, LabelRecord>();
  for (const record of records) {
    if (record.file !== trace.file || record.traceId !== trace.traceId) continue;
    last.set(record.stepId, record);
  }
  const matched = new Map<string, LabelRecord>();
  if (last.size === 0) return matched;
  const known = new Set(trace.steps.map((s) => s.stepId));
  const orphansByHash = new Map<string, LabelRecord>();
  for (const record of last.values()) {
    if (record.label === null) continue;
    if (known.has(record.stepId)) matched.set(record.stepId, record);
    else orphansByHash.set(record.textHash, record);
  }
  if (orphansByHash.size === 0) return matched;
  for (const step of trace.steps) {
    if (matched.has(step.stepId)) continue;
    const record = orphansByHash.get(trace.textHashOf(step));
    if (record !== undefined) matched.set(step.stepId, record);
  }
  return matched;
}

function readRecord(line: string): LabelRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const v = value as Record<string, unknown>;
  const label = v['label'];
  if (label !== null && label !== 'good' && label !== 'bad' && label !== 'first_bad') return undefined;
  if (typeof v['file'] !== 'string' || typeof v['traceId'] !== 'string' || typeof v['stepId'] !== 'string') return undefined;
  return {
    file: v['file'],
    traceId: v['traceId'],
    stepId: v['stepId'],
    stepIndex: typeof v['stepIndex'] === 'number' ? v['stepIndex'] : -1,
    textHash: typeof v['textHash'] === 'string' ? v['textHash'] : '',
    label,
    author: typeof v['author'] === 'string' ? v['author'] : '',
    time: typeof v['time'] === 'string' ? v['time'] : '',
  };
}
