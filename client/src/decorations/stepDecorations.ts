/** Tints bad and contested steps in every visible editor, as the server last told it. */
import * as vscode from 'vscode';
import type { DecorationsParams, WireDecoration, WireRange } from '../../../server/src/contract/protocol.ts';
import type { ServerProcess } from '../serverProcess.ts';
import { readSettings, SECTION } from '../settings.ts';
import { isSameDocument, wireUri } from '../uris.ts';

/** Hover text stays with the hover and the Problem of the same step: a third copy of one sentence helps nobody. */
export function createStepDecorations(server: ServerProcess): vscode.Disposable {
  const badStep = decorationType('badStep');
  const contestedStep = decorationType('contestedStep');
  const paramsByUri = new Map<string, DecorationsParams>();

  const clear = (editor: vscode.TextEditor): void => {
    editor.setDecorations(badStep, []);
    editor.setDecorations(contestedStep, []);
  };
  const paint = (editor: vscode.TextEditor): void => {
    const params = paramsByUri.get(wireUri(editor.document.uri));
    if (params === undefined || readSettings().inlineScores === 'off') {
      clear(editor);
      return;
    }
    // Ranges of an earlier text: the editor has moved the tint along, and the server sends again.
    if (params.version !== null && params.version !== editor.document.version) return;
    editor.setDecorations(badStep, params.bad.map(toRange));
    editor.setDecorations(contestedStep, params.contested.map(toRange));
  };
  const paintAll = (): void => {
    for (const editor of vscode.window.visibleTextEditors) paint(editor);
  };

  return vscode.Disposable.from(
    badStep, contestedStep,
    server.onDecorations((params) => {
      paramsByUri.set(params.uri, params);
      for (const editor of vscode.window.visibleTextEditors) if (isSameDocument(editor.document.uri, params.uri)) paint(editor);
    }),
    server.onState((state) => {
      if (state.kind !== 'stopped') return;
      paramsByUri.clear();
      paintAll();
    }),
    vscode.window.onDidChangeVisibleTextEditors(paintAll),
    vscode.workspace.onDidChangeConfiguration((change) => { if (change.affectsConfiguration(`${SECTION}.inlineScores`)) paintAll(); }),
    vscode.workspace.onDidCloseTextDocument((document) => {
      paramsByUri.delete(wireUri(document.uri));
      for (const editor of vscode.window.visibleTextEditors) if (editor.document === document) clear(editor);
    }),
  );
}

function decorationType(kind: 'badStep' | 'contestedStep'): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor(`stepscope.${kind}Background`),
    borderColor: new vscode.ThemeColor(`stepscope.${kind}Border`),
    borderStyle: kind === 'badStep' ? 'solid' : 'dotted',
    borderWidth: '1px',
    overviewRulerColor: new vscode.ThemeColor(`stepscope.${kind}OverviewRuler`),
    overviewRulerLane: kind === 'badStep' ? vscode.OverviewRulerLane.Right : vscode.OverviewRulerLane.Center,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
}

function toRange({ range }: WireDecoration): vscode.Range {
  return rangeOf(range);
}

function rangeOf({ start, end }: WireRange): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}
