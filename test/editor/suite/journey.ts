/** How a journey is written: a name, what a user does through the `vscode` API, and waiting for events. */
import { access } from 'node:fs/promises';
import * as vscode from 'vscode';

export interface Journey { readonly name: string; readonly walk: () => Promise<void> }

export const journeys: Journey[] = [];

/** Registers a journey; they run in the order of file names, in one window, one after another. */
export function journey(name: string, walk: () => Promise<void>): void {
  journeys.push({ name, walk });
}

/**
 * Waits until `probe` answers something other than `undefined` or `false`, looking again whenever one of `events` fires.
 * Fails after `timeoutMs` with the sentence `what`.
 */
export async function until<T>(
  what: string,
  events: readonly vscode.Event<unknown>[],
  probe: () => T | undefined | false | Thenable<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const listening = events.map((event) => event(() => { void look(); }));
    const timer = setTimeout(() => finish(() => reject(new Error(`${what}: not within ${timeoutMs / 1000} s`))), timeoutMs);
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      for (const each of listening) each.dispose();
      settle();
    };
    const look = async (): Promise<void> => {
      try {
        const found = await probe();
        if (found !== undefined && found !== false) finish(() => resolve(found as T));
      } catch (error) {
        finish(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    };
    void look();
  });
}

/** Waits for the diagnostics of a file to satisfy `isEnough` (by default: there are some). */
export async function untilDiagnostics(uri: vscode.Uri, isEnough = (found: readonly vscode.Diagnostic[]): boolean => found.length > 0): Promise<readonly vscode.Diagnostic[]> {
  return await until(`Problems of ${uri.path}`, [vscode.languages.onDidChangeDiagnostics], () => {
    const found = vscode.languages.getDiagnostics(uri);
    return isEnough(found) ? found : undefined;
  });
}

/** A file of the opened folder. Throws when it is not there. */
export async function sample(path: string): Promise<vscode.Uri> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (!folder) throw new Error('No folder is open.');
  const uri = vscode.Uri.joinPath(folder.uri, path);
  await access(uri.fsPath);
  return uri;
}
