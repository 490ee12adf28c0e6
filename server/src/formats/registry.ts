/** Every trace format the product reads. A format is one file and one line here; the editor also wants its mark (client/src/traceHead.ts) and its file names (`include` in core/settings.ts). */
import { atifFormat } from './atif.ts';
import { claudeCodeFormat } from './claudeCode.ts';
import { codexFormat } from './codex.ts';
import { copilotSpansFormat } from './copilotSpans.ts';
import { dspyFormat } from './dspy.ts';
import type { TraceFormat } from './format.ts';
import { geminiCliFormat } from './geminiCli.ts';
import { inspectFormat } from './inspect.ts';
import { langSmithFormat } from './langSmith.ts';
import { langfuseFormat } from './langfuse.ts';
import { latsFormat } from './lats.ts';
import { miniSweAgentFormat } from './miniSweAgent.ts';
import { mlflowFormat } from './mlflow.ts';
import { openHandsFormat } from './openHands.ts';
import { openaiAgentsFormat } from './openaiAgents.ts';
import { openaiMessagesFormat } from './openaiMessages.ts';
import { openaiResponsesFormat } from './openaiResponses.ts';
import { otlpFormat } from './otlp.ts';
import { phoenixFormat } from './phoenix.ts';
import { planTraceFormat } from './planTrace.ts';
import { planTraceLogFormat } from './planTraceLog.ts';
import { reactTextFormat } from './reactText.ts';
import { sweAgentFormat } from './sweAgent.ts';
import { tauBenchFormat } from './tauBench.ts';

/** In order of precedence where two are equally sure; the generic one last. */
export const FORMATS: readonly TraceFormat[] = [
  planTraceLogFormat, planTraceFormat, atifFormat, inspectFormat, codexFormat, geminiCliFormat, sweAgentFormat, miniSweAgentFormat, openHandsFormat, langfuseFormat,
  claudeCodeFormat, mlflowFormat, langSmithFormat, openaiAgentsFormat, tauBenchFormat, otlpFormat, phoenixFormat, copilotSpansFormat, dspyFormat, latsFormat, reactTextFormat, openaiResponsesFormat,
  openaiMessagesFormat,
];

/** What the product reads, in words, for messages. */
export function formatTitles(): string {
  const titles = FORMATS.map((format) => format.title);
  return `${titles.slice(0, -1).join(', ')} and ${titles.at(-1) ?? ''}`;
}

/** The format of that id; undefined when there is none. */
export function findFormat(id: string): TraceFormat | undefined {
  return FORMATS.find((format) => format.id === id);
}
