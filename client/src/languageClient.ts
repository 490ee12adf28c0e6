/** The language client itself: loaded only when the server starts, because it is most of the bundle. */
import * as vscode from 'vscode';
import { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn, TransportKind, WorkDoneProgress } from 'vscode-languageclient/node';
import type { LanguageClientOptions, ServerOptions } from 'vscode-languageclient/node';
import type { InitOptions } from '../../server/src/contract/protocol.ts';
import { READABLE_SCHEME } from '../../server/src/contract/protocol.ts';
import { JSON_LANGUAGES, TRACE_SCHEMES } from './traceWatch.ts';
import { wireUri } from './uris.ts';

export type { LanguageClient };

export interface LanguageClientSetup {
  readonly serverModule: string;
  /** Node to run it with; undefined for the editor's own. */
  readonly nodePath: string | undefined;
  readonly initOptions: InitOptions;
  readonly output: vscode.LogOutputChannel;
  /** The connection ended although nobody stopped it. */
  readonly onClosed: () => void;
}

export function createLanguageClient(setup: LanguageClientSetup): LanguageClient {
  const server: ServerOptions = {
    module: setup.serverModule,
    transport: TransportKind.ipc,
    ...(setup.nodePath === undefined ? {} : { runtime: setup.nodePath }),
  };
  const options: LanguageClientOptions = {
    documentSelector: selector(setup.initOptions.settings.include),
    initializationOptions: setup.initOptions,
    outputChannel: setup.output,
    traceOutputChannel: setup.output,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    diagnosticCollectionName: 'stepscope',
    diagnosticPullOptions: { onChange: true, onSave: false, onFocus: false },
    // Trace text ends up in hovers: no commands, no HTML.
    markdown: { isTrusted: false, supportHtml: false },
    uriConverters: { code2Protocol: wireUri, protocol2Code: (uri) => vscode.Uri.parse(uri) },
    errorHandler: {
      error: (_error, _message, count) => ({ action: (count ?? 0) <= 3 ? ErrorAction.Continue : ErrorAction.Shutdown, handled: true }),
      closed: () => {
        setup.onClosed();
        return { action: CloseAction.DoNotRestart, handled: true, message: 'The connection to the server ended.' };
      },
    },
    initializationFailedHandler: (error) => {
      setup.output.error(`The server did not initialise: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    },
  };
  return new LanguageClient('stepscope', 'StepScope', server, options);
}

export interface WorkDone { readonly percentage: number | undefined; readonly message: string | undefined }

/** Listens to the progress the server reports for a token of ours. */
export function onWorkDone(client: LanguageClient, token: string, handler: (report: WorkDone) => void): vscode.Disposable {
  return client.onProgress(WorkDoneProgress.type, token, (value) => {
    if (value.kind === 'report' || value.kind === 'begin') handler({ percentage: value.percentage, message: value.message });
  });
}

function selector(include: readonly string[]): { scheme: string; language?: string; pattern?: string }[] {
  return [
    ...TRACE_SCHEMES.flatMap((scheme) => [
      ...JSON_LANGUAGES.map((language) => ({ scheme, language })),
      { scheme, language: 'plaintext' },
      ...(scheme === 'untitled' ? [] : include.map((pattern) => ({ scheme, pattern }))),
    ]),
    { scheme: READABLE_SCHEME },
  ];
}
