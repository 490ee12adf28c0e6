/** What "Open With… StepScope: Readable View" does: the readable document takes the place of the tab that asked for it. */
import * as vscode from 'vscode';
import { READABLE_EDITOR } from './packedFiles.ts';
import { readableUri } from './uris.ts';

/** A text document has chips, Problems and an outline and comes back after a reload; a webview would have none of that. */
export function registerReadableEditor(): vscode.Disposable {
  const provider: vscode.CustomReadonlyEditorProvider = {
    openCustomDocument: (uri) => ({ uri, dispose: () => undefined }),
    async resolveCustomEditor({ uri }, panel) {
      const tab = tabOf(uri, panel.viewColumn);
      // One side of a comparison has no tab to be replaced.
      if (tab === undefined) {
        panel.webview.html = page('Packed traces cannot be compared here. "Open Readable View" in the menu of the file in the Explorer shows this one.');
        return;
      }
      await vscode.commands.executeCommand('vscode.open', readableUri(uri), { viewColumn: tab.group.viewColumn, preserveFocus: !panel.active, preview: tab.isPreview });
      panel.dispose();
    },
  };
  return vscode.window.registerCustomEditorProvider(READABLE_EDITOR.viewType, provider);
}

function tabOf(uri: vscode.Uri, column: vscode.ViewColumn | undefined): vscode.Tab | undefined {
  return vscode.window.tabGroups.all.filter((group) => group.viewColumn === column).flatMap((group) => group.tabs)
    .find(({ input }) => input instanceof vscode.TabInputCustom && input.viewType === READABLE_EDITOR.viewType && input.uri.toString() === uri.toString());
}

function page(sentence: string): string {
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'"><title>StepScope</title></head><body><p>${sentence}</p></body></html>`;
}
