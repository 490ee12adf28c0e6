/** Go to Step: `[uri, position]`, else one picked from the list of the active trace. */
import * as vscode from 'vscode';
import type { WireStep, WireTrace } from '../../../server/src/contract/protocol.ts';
import type { CommandContext } from './commandContext.ts';
import { activeTraces, isPosition, reveal } from './target.ts';

interface StepItem extends vscode.QuickPickItem { readonly step?: WireStep }

export async function goToStep(context: CommandContext, ...[uri, position]: readonly unknown[]): Promise<void> {
  if (typeof uri === 'string' && isPosition(position)) return reveal(vscode.Uri.parse(uri), position);
  const shown = await activeTraces(context);
  if (shown === undefined) return;
  const items = shown.traces.flatMap((trace) => itemsOf(trace, shown.traces.length > 1));
  const picked = await vscode.window.showQuickPick(items, { title: 'Go to step', placeHolder: 'Number, type, text or score', matchOnDescription: true, matchOnDetail: true });
  if (picked?.step !== undefined) await reveal(shown.editor.document.uri, picked.step.range.start);
}

function itemsOf(trace: WireTrace, isNamed: boolean): readonly StepItem[] {
  const steps = trace.steps.map((step): StepItem => ({
    label: `${step.isBad ? '$(warning)' : '$(circle-small)'} ${step.stepIndex + 1}. ${step.title}`,
    description: [step.stepType, step.score === null ? 'not scored' : `${Math.round(step.score)}`, step.label?.replace('_', ' ')].filter((part) => part !== undefined && part !== '').join(' · '),
    step,
  }));
  return isNamed ? [{ label: trace.goal || trace.traceId, kind: vscode.QuickPickItemKind.Separator }, ...steps] : steps;
}
