/** textDocument/codeLens: one summary line a trace, with what one does about it. */
import type { CodeLens } from 'vscode-languageserver';
import { CLIENT_COMMANDS } from '../../contract/protocol.ts';
import { summariseTrace, summaryText } from '../../features/traceSummary.ts';
import { toPosition } from '../toLsp.ts';
import type { TraceView } from '../../features/traceFile.ts';

export function codeLenses(view: TraceView): CodeLens[] {
  return view.traces.flatMap((scored): CodeLens[] => {
    const { trace } = scored;
    const start = toPosition(trace.range?.start ?? trace.steps[0]?.range?.start ?? 0, view.lines);
    const range = { start, end: start };
    const worst = summariseTrace(scored).worstStepIndex;
    const worstRange = worst === undefined ? undefined : trace.steps[worst]?.range;
    const title = summaryText(scored);
    const summary: CodeLens = worstRange === undefined || worstRange === null
      ? { range, command: { title, command: '' } }
      : { range, command: { title, tooltip: 'Go to the worst step', command: CLIENT_COMMANDS.goToStep, arguments: [view.uri, toPosition(worstRange.start, view.lines)] } };
    const rescore: CodeLens = { range, command: { title: 'Re-score', tooltip: 'Compute every score of this trace again', command: CLIENT_COMMANDS.rescoreTrace, arguments: [view.source.uri, trace.traceId] } };
    const readable: CodeLens[] = view.isSingleLine ? [{ range, command: { title: 'Open readable view', command: CLIENT_COMMANDS.openReadable, arguments: [view.source.uri] } }] : [];
    return [summary, rescore, ...readable];
  });
}
