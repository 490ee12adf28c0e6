/** A multi-select list of scorers. */
import * as vscode from 'vscode';
import { TRACES } from '../../../server/src/contract/protocol.ts';
import type { TracesParams, TracesResult } from '../../../server/src/contract/protocol.ts';
import type { ServerProcess } from '../serverProcess.ts';
import { readSettings } from '../settings.ts';
import { wireUri } from '../uris.ts';

/** The ids picked; undefined when the list was closed. All scorers start ticked where the settings name none. */
export async function pickScorerIds(server: ServerProcess, title: string): Promise<{ readonly picked: readonly string[]; readonly known: readonly string[] } | undefined> {
  const known = await knownScorers(server);
  if (known.length === 0) return { picked: [], known };
  const { scorers } = readSettings();
  const items = known.map((id) => ({ label: id, picked: scorers.length === 0 || scorers.includes(id) }));
  const chosen = await vscode.window.showQuickPick(items, { title, canPickMany: true, placeHolder: 'Scorers to run' });
  return chosen === undefined ? undefined : { picked: chosen.map((item) => item.label), known };
}

/** The scorers the server has, learned through a trace that is open; those of the settings where none is. */
async function knownScorers(server: ServerProcess): Promise<readonly string[]> {
  const active = vscode.window.activeTextEditor?.document;
  const visible = vscode.window.visibleTextEditors.map((e) => e.document);
  for (const document of new Set([...(active === undefined ? [] : [active]), ...visible, ...vscode.workspace.textDocuments])) {
    const params: TracesParams = { uri: wireUri(document.uri) };
    const result = await server.request<TracesResult | null>(TRACES, params).catch(() => null);
    if (result !== null && result.scorers.length > 0) return result.scorers;
  }
  return readSettings().scorers;
}
