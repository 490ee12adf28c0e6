/** textDocument/codeAction: what one can do about a step or a problem on it. */
import { CodeActionKind } from 'vscode-languageserver';
import type { CodeAction, CodeActionContext, Range } from 'vscode-languageserver';
import { CLIENT_COMMANDS } from '../../contract/protocol.ts';
import type { LabelValue } from '../../contract/protocol.ts';
import { isDiagnosticData } from '../fromLsp.ts';
import { stepAtOffset } from '../stepAt.ts';
import type { TraceView } from '../../features/traceFile.ts';

const LABELS: readonly (readonly [LabelValue, string])[] = [['good', 'Label step: good'], ['bad', 'Label step: bad'], ['first_bad', 'Label step: first bad step']];

export function codeActions(view: TraceView, range: Range, context: CodeActionContext): CodeAction[] {
  const ours = context.diagnostics.filter((d) => d.source === 'StepScope');
  const actions: CodeAction[] = [];
  const uri = view.source.uri;
  const found = stepAtOffset(view, view.lines.offsetAt(range.start));
  const dataOf = ours.map((d) => d.data as unknown).find(isDiagnosticData);
  const traceId = dataOf?.traceId ?? found?.scored.trace.traceId;
  const stepId = dataOf?.stepId ?? found?.step.stepId;
  const quickFix = (title: string, command: string, args: readonly unknown[]): void => {
    actions.push({ title, kind: CodeActionKind.QuickFix, diagnostics: ours, command: { title, command, arguments: [...args] } });
  };
  if (traceId !== undefined && stepId !== undefined && stepId !== null) {
    const scored = view.traces.find((t) => t.trace.traceId === traceId);
    const index = scored?.trace.steps.findIndex((s) => s.stepId === stepId) ?? -1;
    const label = scored?.steps[index]?.label?.label;
    quickFix('Re-score this step', CLIENT_COMMANDS.rescoreStep, [uri, traceId, stepId]);
    for (const [value, title] of LABELS) if (value !== label) quickFix(title, CLIENT_COMMANDS.labelStep, [uri, traceId, stepId, value]);
    if (label !== undefined) quickFix('Take the label back', CLIENT_COMMANDS.labelStep, [uri, traceId, stepId, null]);
    quickFix('Go to the next bad step', CLIENT_COMMANDS.nextBadStep, [view.uri, range.start]);
    quickFix('Copy the explanation', CLIENT_COMMANDS.copyExplanation, [uri, traceId, stepId]);
    quickFix('Show the score history', CLIENT_COMMANDS.scoreHistory, [uri, traceId, stepId]);
  }
  for (const code of new Set(ours.map((d) => String(d.code)))) quickFix(`Mute ${code} in this workspace`, CLIENT_COMMANDS.muteCode, [code]);
  return actions;
}
