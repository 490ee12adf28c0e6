/** Every trace format the product reads. A format is one file and one line here; the editor also wants its mark (client/src/traceHead.ts) and its file names (`include` in core/settings.ts). */
import { atifFormat } from './atif.ts';
import { claudeCodeFormat } from './claudeCode.ts';
import type { TraceFormat } from './format.ts';
import { openaiMessagesFormat } from './openaiMessages.ts';
import { planTraceFormat } from './planTrace.ts';

/** In order of precedence where two are equally sure; the generic one last. */
export const FORMATS: readonly TraceFormat[] = [planTraceFormat, atifFormat, claudeCodeFormat, openaiMessagesFormat];

/** What the product reads, in words, for messages. */
export function formatTitles(): string {
  const titles = FORMATS.map((format) => format.title);
  return `${titles.slice(0, -1).join(', ')} and ${titles.at(-1) ?? ''}`;
}

/** The format of that id; undefined when there is none. */
export function findFormat(id: string): TraceFormat | undefined {
  return FORMATS.find((format) => format.id === id);
}
