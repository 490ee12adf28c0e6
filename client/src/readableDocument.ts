/** The readable rendering of a trace as a virtual document, kept current while it is open. */
import * as vscode from 'vscode';
import { READABLE, READABLE_SCHEME } from '../../server/src/contract/protocol.ts';
import type { ReadableParams, ReadableResult } from '../../server/src/contract/protocol.ts';
import type { ServerProcess } from './serverProcess.ts';
import { isSameDocument, sourceOf, wireUri } from './uris.ts';

/** Scoring changes a trace many times a second; its text rarely. */
const REFRESH_PAUSE_MS = 250;

export function registerReadableDocuments(server: ServerProcess): vscode.Disposable {
  const changes = new vscode.EventEmitter<vscode.Uri>();
  const waiting = new Map<string, NodeJS.Timeout>();

  const refreshSoon = (uri: vscode.Uri): void => {
    const key = uri.toString();
    if (waiting.has(key)) return;
    waiting.set(key, setTimeout(() => {
      waiting.delete(key);
      changes.fire(uri);
    }, REFRESH_PAUSE_MS));
  };
  const provider: vscode.TextDocumentContentProvider = {
    onDidChange: changes.event,
    async provideTextDocumentContent(uri, token) {
      const params: ReadableParams = { uri: wireUri(sourceOf(uri)) };
      try {
        return (await server.request<ReadableResult>(READABLE, params, token)).text;
      } catch (error) {
        return `The trace could not be shown: ${error instanceof Error ? error.message : String(error)}\n`;
      }
    },
  };
  return vscode.Disposable.from(
    changes,
    vscode.workspace.registerTextDocumentContentProvider(READABLE_SCHEME, provider),
    server.onReadableChanged(({ uri }) => {
      for (const document of vscode.workspace.textDocuments) {
        if (document.uri.scheme === READABLE_SCHEME && isSameDocument(sourceOf(document.uri), uri)) refreshSoon(document.uri);
      }
    }),
    new vscode.Disposable(() => { for (const timer of waiting.values()) clearTimeout(timer); }),
  );
}
