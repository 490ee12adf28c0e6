/** Says once that the window holds a trace: in the workspace, created later, or in a document opened. */
import * as vscode from 'vscode';
import { READABLE_SCHEME } from '../../server/src/contract/protocol.ts';
import { readSettings, SECTION } from './settings.ts';
import { HEAD_CHARACTERS, mayBeTrace, searchPatterns } from './traceHead.ts';

export const TRACE_SCHEMES = ['file', 'untitled', 'vscode-remote'] as const;
export const JSON_LANGUAGES = ['json', 'jsonc', 'jsonl'] as const;
const JSON_FILE = /\.(?:json|jsonl|ndjson)$/i;

/** Looks until the first trace is seen, then calls `onTrace` and stops. Dispose it to stop earlier. */
export function watchForTrace(onTrace: (reason: string) => void): vscode.Disposable {
  let search = new vscode.CancellationTokenSource();
  let watchers: vscode.Disposable[] = [];
  let isDone = false;

  const dispose = (): void => {
    isDone = true;
    search.cancel();
    search.dispose();
    for (const one of [...watchers, ...listeners]) one.dispose();
  };
  const found = (reason: string): void => {
    if (isDone) return;
    dispose();
    onTrace(reason);
  };
  const look = (document: vscode.TextDocument): void => {
    if (!isDone && isTraceLike(document)) found(`opened ${document.uri.path}`);
  };
  const lookInWorkspace = (): void => {
    search.cancel();
    search.dispose();
    search = new vscode.CancellationTokenSource();
    for (const watcher of watchers) watcher.dispose();
    watchers = [];
    if (isDone || (vscode.workspace.workspaceFolders?.length ?? 0) === 0) return;
    const { include, exclude } = readSettings();
    watchers = include.map((glob) => {
      const watcher = vscode.workspace.createFileSystemWatcher(glob, false, true, true);
      watcher.onDidCreate((uri) => {
        if (!exclude.some((pattern) => vscode.languages.match({ pattern }, describe(uri)) > 0)) found(`created ${uri.path}`);
      });
      return watcher;
    });
    const { token } = search;
    for (const pattern of searchPatterns(include)) {
      vscode.workspace.findFiles(pattern, braces(exclude), 1, token).then(
        ([first]) => { if (first !== undefined && !token.isCancellationRequested) found(`found ${first.path}`); },
        () => undefined,
      );
    }
  };

  const listeners: vscode.Disposable[] = [
    vscode.workspace.onDidOpenTextDocument(look),
    // A file that was empty when it was opened becomes a trace while it is written.
    vscode.workspace.onDidSaveTextDocument(look),
    vscode.workspace.onDidChangeWorkspaceFolders(lookInWorkspace),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration(`${SECTION}.include`) || change.affectsConfiguration(`${SECTION}.exclude`)) lookInWorkspace();
    }),
  ];
  for (const document of vscode.workspace.textDocuments) look(document);
  lookInWorkspace();
  return { dispose };
}

/** Whether the server should see this document: its name is a trace's, or it is JSON that begins like one. */
function isTraceLike(document: vscode.TextDocument): boolean {
  if (document.uri.scheme === READABLE_SCHEME) return true;
  if (!TRACE_SCHEMES.some((scheme) => scheme === document.uri.scheme)) return false;
  const { include, exclude } = readSettings();
  const matches = (pattern: string): boolean => vscode.languages.match({ pattern }, document) > 0;
  if (exclude.some(matches)) return false;
  if (include.some(matches)) return true;
  if (!JSON_LANGUAGES.some((id) => id === document.languageId) && !JSON_FILE.test(document.uri.path)) return false;
  return mayBeTrace(document.getText(new vscode.Range(new vscode.Position(0, 0), document.positionAt(HEAD_CHARACTERS))));
}

function braces(globs: readonly string[]): string | undefined {
  return globs.length === 0 ? undefined : globs.length === 1 ? globs[0] : `{${globs.join(',')}}`;
}

/** `languages.match` reads nothing of a document but these. */
function describe(uri: vscode.Uri): vscode.TextDocument {
  return { uri, languageId: '', fileName: uri.fsPath, isClosed: false } as vscode.TextDocument;
}
