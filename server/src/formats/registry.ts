/** Every trace format the product reads. A format is one file and one line here. */
import { atifFormat } from './atif.ts';
import { claudeCodeFormat } from './claudeCode.ts';
import type { TraceFormat } from './format.ts';
import { openaiMessagesFormat } from './openaiMessages.ts';
import { planTraceFormat } from './planTrace.ts';

/** In order of precedence where two are equally sure; the generic one last. */
export const FORMATS: readonly TraceFormat[] = [planTraceFormat, atifFormat, claudeCodeFormat, openaiMessagesFormat];

/** The format of that id; undefined when there is none. */
export function findFormat(id: string): TraceFormat | undefined {
  return FORMATS.find((format) => format.id === id);
}
