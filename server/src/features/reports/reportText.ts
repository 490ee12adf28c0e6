/** What every report shares: links to steps, numbers, and the page for an empty memory. */
import type { ScorableFacts } from '../../core/scoreRecord.ts';
import { escapeMarkdown } from '../markdown.ts';

export interface ReportContext {
  /** Link to a file by its name in the corpus, without a line; undefined for one that a page cannot link to. */
  readonly linkOf: (file: string) => string | undefined;
}

/** A link to where the step stands: "run.json #7 search for flights". */
export function stepLink(facts: ScorableFacts | undefined, context: ReportContext): string {
  if (facts === undefined) return '–';
  const name = facts.file.slice(facts.file.lastIndexOf('/') + 1) || facts.traceId;
  const words = `${escapeMarkdown(name)} ${facts.stepId === '' ? '(whole trace)' : `\\#${facts.stepIndex + 1} ${escapeMarkdown(facts.title.slice(0, 60))}`}`;
  const link = facts.file === '' ? undefined : context.linkOf(facts.file);
  return link === undefined ? words : `[${words}](<${link}${facts.line === undefined ? '' : `#L${facts.line + 1}`}>)`;
}

/** 0–1 as a whole percent; a dash for what is missing. */
export function share(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : String(Math.round(value * 100));
}

/** Two digits behind the point; a dash for what is missing. */
export function decimal(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(2);
}

/** Universal time to the second; empty where there is none. */
export function timeText(timeMs: number | undefined): string {
  return timeMs === undefined ? '' : new Date(timeMs).toISOString().replace('T', ' ').slice(0, 19);
}

export const NOTHING_YET = [
  'Nothing is remembered yet. Scores are remembered as traces are scored: open a trace, or run **StepScope: Re-score Workspace…**. Traces are found by the patterns of the setting `stepscope.include`.', '',
];
