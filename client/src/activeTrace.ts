/** What the active editor shows, for context keys (`stepscope.isTrace`, `stepscope.isSingleLineTrace`, `stepscope.isRunning`). */
import * as vscode from 'vscode';
import { READABLE_SCHEME, TRACES } from '../../server/src/contract/protocol.ts';
import type { TracesParams, TracesResult } from '../../server/src/contract/protocol.ts';
import type { ServerProcess } from './serverProcess.ts';
import { isSameDocument, wireUri } from './uris.ts';

const PAUSE_MS = 100;

export function trackActiveTrace(server: ServerProcess): vscode.Disposable {
  const known = new Map<string, unknown>();
  let timer: NodeJS.Timeout | undefined;
  let pending = new vscode.CancellationTokenSource();

  const setKey = (key: string, value: boolean): void => {
    if (known.get(key) === value) return;
    known.set(key, value);
    void vscode.commands.executeCommand('setContext', `stepscope.${key}`, value);
  };
  const describe = (uri: vscode.Uri | undefined, result: TracesResult | null): void => {
    const isTrace = result !== null && result.traces.length > 0;
    setKey('isTrace', isTrace);
    setKey('isSingleLineTrace', isTrace && result.isSingleLine && uri?.scheme !== READABLE_SCHEME);
  };
  const ask = async (): Promise<void> => {
    pending.cancel();
    pending.dispose();
    pending = new vscode.CancellationTokenSource();
    const { token } = pending;
    const uri = vscode.window.activeTextEditor?.document.uri;
    if (uri === undefined || server.state.kind !== 'running') return describe(uri, null);
    const params: TracesParams = { uri: wireUri(uri) };
    const result = await server.request<TracesResult | null>(TRACES, params, token).catch(() => null);
    if (!token.isCancellationRequested) describe(uri, result);
  };
  const askSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), PAUSE_MS);
  };

  return vscode.Disposable.from(
    vscode.window.onDidChangeActiveTextEditor(() => {
      describe(undefined, null);
      askSoon();
    }),
    server.onState((state) => {
      setKey('isRunning', state.kind === 'running');
      askSoon();
    }),
    // The first tint of a document says that it has been read; while it is a trace, more tints tell nothing new.
    server.onDecorations(({ uri }) => {
      const active = vscode.window.activeTextEditor?.document.uri;
      if (known.get('isTrace') !== true && active !== undefined && isSameDocument(active, uri)) askSoon();
    }),
    new vscode.Disposable(() => {
      clearTimeout(timer);
      pending.dispose();
    }),
  );
}
