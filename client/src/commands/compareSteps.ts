/** Compare Two Steps: the ends of the selection, else the step under the cursor and one picked from its trace. */
import * as vscode from 'vscode';
import { COMPARE } from '../../../server/src/contract/protocol.ts';
import type { CompareParams, CompareResult, WireStep, WireTrace } from '../../../server/src/contract/protocol.ts';
import { sourceOf, wireUri } from '../uris.ts';
import type { CommandContext } from './commandContext.ts';
import { activeTraces, confirm, reveal, stepAt, teach } from './target.ts';

type Compared = Extract<CompareResult, { readonly kind: 'compared' }>;

interface VoteItem extends vscode.QuickPickItem { readonly step?: WireStep; readonly isCopy?: true }

export async function compareSteps(context: CommandContext): Promise<void> {
  const shown = await activeTraces(context);
  if (shown === undefined) return;
  const { selection, document } = shown.editor;
  const found = stepAt(shown.traces, selection.start);
  if (found === undefined) return teach('The cursor is in no step. Put it into the first of the two steps.');
  const { trace, step: first } = found;
  const end = stepAt([trace], selection.end)?.step;
  const second = end !== undefined && end.stepId !== first.stepId ? end : await pickOther(trace, first);
  if (second === undefined) return;
  const params: CompareParams = { uri: wireUri(sourceOf(document.uri)), traceId: trace.traceId, stepIds: [first.stepId, second.stepId] };
  const result = await context.server.request<CompareResult | null>(COMPARE, params);
  if (result === null) return teach('This file is not known as a trace any more.');
  if (result.kind === 'failed') return teach(result.message);
  const chosen = await vscode.window.showQuickPick(itemsOf(result, first, second), { title: result.verdict, placeHolder: 'Who votes how; Enter goes to a step' });
  if (chosen?.isCopy === true) {
    await vscode.env.clipboard.writeText(result.markdown);
    confirm('The comparison was copied as Markdown.');
  } else if (chosen?.step !== undefined) await reveal(document.uri, chosen.step.range.start);
}

async function pickOther(trace: WireTrace, first: WireStep): Promise<WireStep | undefined> {
  const others = trace.steps.filter((s) => s.stepId !== first.stepId);
  if (others.length === 0) {
    teach('This trace has one step only; there is nothing to compare it with.');
    return undefined;
  }
  const items = others.map((step) => ({ label: `${step.stepIndex + 1}. ${step.title}`, description: step.score === null ? 'not scored' : `${Math.round(step.score)}`, step }));
  const picked = await vscode.window.showQuickPick(items, { title: `Compare step ${first.stepIndex + 1} with`, placeHolder: 'Number, text or score', matchOnDescription: true });
  return picked?.step;
}

function itemsOf(result: Compared, first: WireStep, second: WireStep): readonly VoteItem[] {
  const votes = result.dimensions.flatMap(({ title, preferFirst, votes: all }): readonly VoteItem[] => [
    { label: `${title}: step ${first.stepIndex + 1} ${preferFirst}, step ${second.stepIndex + 1} ${100 - preferFirst}`, kind: vscode.QuickPickItemKind.Separator },
    ...all.map((vote): VoteItem => {
      const step = vote.preferFirst >= 50 ? first : second;
      return { label: `$(${step === first ? 'arrow-left' : 'arrow-right'}) ${vote.scorer}`, description: `step ${step.stepIndex + 1} with ${Math.max(vote.preferFirst, 100 - vote.preferFirst)} %, share ${vote.weight} %`, step };
    }),
  ]);
  return [...votes, { label: '', kind: vscode.QuickPickItemKind.Separator }, { label: '$(copy) Copy as Markdown', isCopy: true }];
}
