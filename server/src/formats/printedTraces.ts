/** What printers of traces take and give. */
import type { ExecutionStep, PlanTrace } from '../core/planTrace.ts';
import type { ScoreRecord } from '../core/scoreRecord.ts';
import { LAST_DATE_MS } from './jsonFields.ts';

/** Scores, 0–1, to print into one trace beside those it came with. */
export interface TraceScores {
  readonly byStepId: ReadonlyMap<string, readonly ScoreRecord[]>;
  readonly ofTrace: readonly ScoreRecord[];
}

export interface PrintOptions {
  /** One a trace, in order; undefined for a trace without any. */
  readonly scores?: readonly (TraceScores | undefined)[];
}

export interface PrintedTraces {
  readonly text: string;
  /** In words what our own reader does not find again in `text`: "cached tokens of 3 steps". Empty where nothing was lost. */
  readonly lost: readonly string[];
}

/** The ids under which a reader will find a trace and its steps again. */
export interface PrintedIds {
  readonly trace: PlanTrace;
  readonly traceId: string;
  /** In the order of the trace's steps. */
  readonly stepIds: readonly string[];
}

/** As people read files: two spaces, a line break at the end. */
export function jsonDocument(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The only document as it is, several as a list. */
export function oneOrList(documents: readonly unknown[]): unknown {
  return documents.length === 1 ? documents[0] : documents;
}

/** The members that hold something. */
export function present(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** The record, or undefined for one without members. */
export function unlessEmpty(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined {
  return Object.keys(record).length === 0 ? undefined : record;
}

/** The time in ISO 8601; undefined for one that no date can show. */
export function isoTime(ms: number | undefined): string | undefined {
  return ms === undefined || !(Math.abs(ms) <= LAST_DATE_MS) ? undefined : new Date(ms).toISOString();
}

/** When the step ended: as recorded, else from its start and duration. */
export function endOf(step: ExecutionStep): number | undefined {
  return step.endTimeMs ?? (step.startTimeMs === undefined || step.durationMs === undefined ? undefined : step.startTimeMs + step.durationMs);
}

/** How long it took: as recorded, else from its start to its end. */
export function durationOf(step: ExecutionStep): number | undefined {
  return step.durationMs ?? (step.startTimeMs === undefined || step.endTimeMs === undefined || step.endTimeMs < step.startTimeMs ? undefined : Math.round((step.endTimeMs - step.startTimeMs) * 1000) / 1000);
}
