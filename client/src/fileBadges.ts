/** A badge in the Explorer on files that hold bad steps. */
import * as vscode from 'vscode';
import type { ServerProcess } from './serverProcess.ts';

/** Explorer badges hold two characters. */
const MOST_SHOWN = 99;

export function registerFileBadges(server: ServerProcess): vscode.Disposable {
  const badStepsByUri = new Map<string, number>();
  const changes = new vscode.EventEmitter<vscode.Uri | undefined>();
  const provider: vscode.FileDecorationProvider = {
    onDidChangeFileDecorations: changes.event,
    provideFileDecoration(uri) {
      const badSteps = badStepsByUri.get(uri.toString());
      if (badSteps === undefined) return undefined;
      const tooltip = badSteps === 1 ? 'StepScope: 1 bad step' : `StepScope: ${badSteps} bad steps`;
      return { badge: badSteps > MOST_SHOWN ? '!!' : String(badSteps), tooltip, color: new vscode.ThemeColor('list.warningForeground'), propagate: false };
    },
  };
  return vscode.Disposable.from(
    changes,
    vscode.window.registerFileDecorationProvider(provider),
    server.onBadge(({ uri, badSteps }) => {
      // In the editor's spelling, which is not always the server's.
      const document = vscode.Uri.parse(uri);
      const key = document.toString();
      if ((badStepsByUri.get(key) ?? 0) === badSteps) return;
      if (badSteps === 0) badStepsByUri.delete(key);
      else badStepsByUri.set(key, badSteps);
      changes.fire(document);
    }),
    server.onState((state) => {
      if (state.kind === 'running' || badStepsByUri.size === 0) return;
      badStepsByUri.clear();
      changes.fire(undefined);
    }),
  );
}
