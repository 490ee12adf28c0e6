/** The readable rendering of a trace as a read-only file of its own, kept current while it is open. VS Code opens files again after a reload, virtual documents it forgets. */
import * as vscode from 'vscode';
import { READABLE, READABLE_SCHEME } from '../../server/src/contract/protocol.ts';
import type { ReadableParams, ReadableResult } from '../../server/src/contract/protocol.ts';
import type { ServerProcess } from './serverProcess.ts';
import { isSameDocument, sourceOf } from './uris.ts';

/** Scoring changes a trace many times a second; its text rarely. */
const REFRESH_PAUSE_MS = 250;

export function registerReadableDocuments(server: ServerProcess): vscode.Disposable {
  const changes = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  const waiting = new Map<string, NodeJS.Timeout>();
  // VS Code reads a file again when its time of change has grown.
  let mtime = Date.now();

  const refreshSoon = (uri: vscode.Uri): void => {
    const key = uri.toString();
    if (waiting.has(key)) return;
    waiting.set(key, setTimeout(() => {
      waiting.delete(key);
      mtime++;
      changes.fire([{ type: vscode.FileChangeType.Changed, uri }]);
    }, REFRESH_PAUSE_MS));
  };
  const refuse = (uri: vscode.Uri): never => { throw vscode.FileSystemError.NoPermissions(uri); };
  const provider: vscode.FileSystemProvider = {
    onDidChangeFile: changes.event,
    watch: () => new vscode.Disposable(() => undefined),
    // The size is known once the text is made; VS Code reads to the end whatever stands here.
    stat: () => ({ type: vscode.FileType.File, ctime: 0, mtime, size: 0 }),
    async readFile(uri) {
      const params: ReadableParams = { uri: uri.toString() };
      const text = await server.request<ReadableResult>(READABLE, params)
        .then((result) => result.text, (error: unknown) => `The trace could not be shown: ${error instanceof Error ? error.message : String(error)}\n`);
      return new TextEncoder().encode(text);
    },
    readDirectory: () => [],
    createDirectory: refuse,
    writeFile: refuse,
    delete: refuse,
    rename: refuse,
  };
  return vscode.Disposable.from(
    changes,
    vscode.workspace.registerFileSystemProvider(READABLE_SCHEME, provider, { isReadonly: true, isCaseSensitive: true }),
    server.onReadableChanged(({ uri }) => {
      for (const document of vscode.workspace.textDocuments) {
        if (document.uri.scheme === READABLE_SCHEME && isSameDocument(sourceOf(document.uri), uri)) refreshSoon(document.uri);
      }
    }),
    new vscode.Disposable(() => { for (const timer of waiting.values()) clearTimeout(timer); }),
  );
}
