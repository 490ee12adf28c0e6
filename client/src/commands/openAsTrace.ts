/** Open as Trace: the active document, or the file given, read by the format picked. */
import * as vscode from 'vscode';
import { FORMATS, OPEN_AS, TRACES } from '../../../server/src/contract/protocol.ts';
import type { FormatsResult, OpenAsParams, OpenAsResult, TracesParams, TracesResult } from '../../../server/src/contract/protocol.ts';
import { sourceOf, wireUri } from '../uris.ts';
import { activeFile } from './activeFile.ts';
import type { CommandContext } from './commandContext.ts';
import { longRequest } from './longRequest.ts';
import { confirm, NO_TRACE, teach } from './target.ts';

interface FormatPick extends vscode.QuickPickItem { readonly format: string | null }

export async function openAsTrace({ server }: CommandContext, ...[given]: readonly unknown[]): Promise<void> {
  const document = given instanceof vscode.Uri ? given : typeof given === 'string' ? vscode.Uri.parse(given) : activeFile();
  if (document === undefined) return teach(NO_TRACE);
  const uri = wireUri(sourceOf(document));
  const of: TracesParams = { uri };
  const [{ formats }, shown] = await Promise.all([server.request<FormatsResult>(FORMATS, {}), server.request<TracesResult | null>(TRACES, of)]);
  const current = shown?.traces[0]?.format;
  const items: FormatPick[] = [
    { label: 'Detect again', description: 'the format that is surest of the file', format: null },
    ...formats.map(({ id, title }) => ({ label: title, description: id === current ? `${id} · current` : id, format: id })),
  ];
  const picked = await vscode.window.showQuickPick(items, { title: 'Open as Trace', placeHolder: 'Format to read this file by', matchOnDescription: true });
  if (picked === undefined) return;
  const params: OpenAsParams = { uri, format: picked.format };
  const result = await longRequest<OpenAsResult>(server, 'StepScope: reading this trace', { method: OPEN_AS, params });
  if (result === undefined) return confirm('Reading was cancelled.');
  if (result.kind === 'failed') return teach(result.message);
  confirm(`Read as ${result.title}: ${counted(result.traces, 'trace')}, ${counted(result.steps, 'step')}.`);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
