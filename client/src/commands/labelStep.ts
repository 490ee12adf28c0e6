/** Label Step: `[uri, traceId, stepId, label | null]`, each part asked for where it is missing. */
import { userInfo } from 'node:os';
import * as vscode from 'vscode';
import { LABEL } from '../../../server/src/contract/protocol.ts';
import type { LabelParams, LabelResult, LabelValue } from '../../../server/src/contract/protocol.ts';
import type { ServerProcess } from '../serverProcess.ts';
import type { CommandContext } from './commandContext.ts';
import type { StepTarget } from './target.ts';
import { confirm, targetStep } from './target.ts';

const CHOICES: readonly { readonly value: LabelValue; readonly label: string; readonly description: string }[] = [
  { value: 'good', label: '$(check) Good', description: 'The step is right and sound' },
  { value: 'bad', label: '$(close) Bad', description: 'The step is wrong' },
  { value: 'first_bad', label: '$(flag) First bad step', description: 'The trace goes wrong here' },
];

export async function labelStep(context: CommandContext, ...args: readonly unknown[]): Promise<void> {
  const target = await targetStep(context, args);
  if (target === undefined) return;
  const given = args[3];
  const label = isLabel(given) ? given : await pickLabel(target.step?.label ?? null);
  if (label === undefined) return;
  const result = await sendLabel(context.server, target, label);
  if (result.kind === 'failed') {
    void vscode.window.showErrorMessage(result.message);
    return;
  }
  context.labels.push({ uri: target.uri, traceId: target.traceId, stepId: target.stepId, previous: result.previous });
  confirm(`${label === null ? 'Label taken back' : `Labelled ${label.replace('_', ' ')}`}. "StepScope: Undo Last Label" puts back what was there.`);
}

/** Gives or takes back a label; used by the undo too. */
export function sendLabel(server: ServerProcess, { uri, traceId, stepId }: StepTarget, label: LabelValue | null): Promise<LabelResult> {
  const author = userName();
  const params: LabelParams = { uri, traceId, stepId, label, ...(author === undefined ? {} : { author }) };
  return server.request<LabelResult>(LABEL, params);
}

/** Undefined when the list was closed. */
async function pickLabel(current: LabelValue | null): Promise<LabelValue | null | undefined> {
  const items = [
    ...CHOICES.map(({ value, label, description }) => ({ value, label, description: value === current ? `${description} (given)` : description })),
    ...(current === null ? [] : [{ value: null, label: '$(discard) Take the label back', description: '' }]),
  ];
  const picked = await vscode.window.showQuickPick(items, { title: 'Label this step', placeHolder: 'How good is this step?' });
  return picked?.value;
}

function isLabel(value: unknown): value is LabelValue | null {
  return value === null || value === 'good' || value === 'bad' || value === 'first_bad';
}

/** Systems without a user entry (some containers) throw here. */
function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
