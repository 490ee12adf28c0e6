/** One editor session: capabilities, request by request, and what the server tells of its own accord. */
import { TextDocument } from 'vscode-languageserver-textdocument';
import { CodeActionKind, DidChangeWatchedFilesNotification, DocumentDiagnosticReportKind, DocumentSymbolRequest, ResponseError, TextDocumentSyncKind, TextDocuments } from 'vscode-languageserver';
import type { Connection, Disposable, InitializeParams, InitializeResult } from 'vscode-languageserver';
import * as contract from '../contract/protocol.ts';
import { LABEL_FILE_NAME } from '../core/labels.ts';
import { FORMATS } from '../formats/registry.ts';
import { stepMarkdown } from '../features/hover.ts';
import { fileDiagnostics } from './fileDiagnostics.ts';
import { isRecord, readInitOptions, readSettings } from './fromLsp.ts';
import type { ServerPorts } from './ports.ts';
import { codeActions } from './requests/codeActions.ts';
import { codeLenses } from './requests/codeLens.ts';
import { compare } from './requests/compare.ts';
import { decorations } from './requests/decorations.ts';
import { documentSymbols } from './requests/documentSymbols.ts';
import { exportView } from './requests/export.ts';
import { foldingRanges } from './requests/foldingRanges.ts';
import { hover } from './requests/hover.ts';
import { inlayHints } from './requests/inlayHints.ts';
import { label } from './requests/label.ts';
import { nextBadStep } from './requests/nextBadStep.ts';
import { report } from './requests/report.ts';
import { traces } from './requests/traces.ts';
import { writeBack } from './requests/writeBack.ts';
import { stepById } from './stepAt.ts';
import type { TraceView } from '../features/traceFile.ts';
import { createReceiverSwitch } from './receiverSwitch.ts';
import type { ReceiverSwitch } from './receiverSwitch.ts';
import { sourceUriOf } from './readableUris.ts';
import { createTraceStore } from './traceStore.ts';
import type { TraceStore } from './traceStore.ts';

const SETTLE_MS = 25;
const EDIT_PAUSE_MS = 15;

/** Attaches the server to a connection. Answers a function that brings everything to rest. */
export function startSession(connection: Connection, ports: ServerPorts): () => Promise<void> {
  const documents = new TextDocuments(TextDocument);
  let store: TraceStore | undefined;
  let receiver: ReceiverSwitch | undefined;
  let receiving: contract.ReceiverStatus | undefined;
  let folders: readonly string[] = [];
  let lastStatus: contract.ServerStatus = { kind: 'idle', traces: 0, steps: 0, following: 0, isPaused: false };
  let client: InitializeParams['capabilities'] = {};
  const editTimers = new Map<string, NodeJS.Timeout>();
  const edits = new Map<string, Promise<void>>();
  const changedUris = new Set<string>();
  let refreshTimer: NodeJS.Timeout | undefined;
  let lastRefreshMs = Number.NEGATIVE_INFINITY;
  let outline: Promise<Disposable> | undefined;
  let isOutlineStale = false;

  const need = (): TraceStore => {
    if (store === undefined) throw new ResponseError(-32002, 'The server has not been initialised.');
    return store;
  };
  /** What a document shows, after every edit that has arrived. */
  const current = async (uri: string): Promise<TraceView | undefined> => {
    const source = sourceUriOf(uri);
    const timer = editTimers.get(source);
    if (timer !== undefined) {
      clearTimeout(timer);
      takeEdit(source);
    }
    await edits.get(source);
    return store?.view(uri);
  };
  const takeEdit = (uri: string): void => {
    editTimers.delete(uri);
    const work = need().change(uri).catch(() => undefined).then(() => {
      if (edits.get(uri) === work) edits.delete(uri);
    });
    edits.set(uri, work);
  };

  const hasDynamicOutline = (): boolean => client.textDocument?.documentSymbol?.dynamicRegistration === true;
  /** The protocol has no word for "ask for the outline again": offering it anew is what makes editors do so. */
  const offerOutline = async (): Promise<void> => {
    if (!hasDynamicOutline()) return;
    const old = outline;
    outline = connection.client.register(DocumentSymbolRequest.type, { documentSelector: null, label: 'StepScope' });
    await outline;
    (await old)?.dispose();
  };

  /** Tells the editor to ask again: at once, then at most once a pause. */
  const refresh = (uri: string): void => {
    changedUris.add(uri);
    isOutlineStale = true;
    if (refreshTimer !== undefined) return;
    const pause = Math.min(SETTLE_MS, lastRefreshMs + SETTLE_MS - ports.nowMs());
    if (pause <= 0) return tellChanged();
    refreshTimer = setTimeout(() => {
      refreshTimer = undefined;
      tellChanged();
    }, pause);
  };
  const tellChanged = (): void => {
    lastRefreshMs = ports.nowMs();
    const changed = [...changedUris];
    changedUris.clear();
    const affected = documents.all().filter((d) => changed.includes(sourceUriOf(d.uri)));
    for (const document of affected) {
      const shown = store?.view(document.uri);
      void connection.sendNotification(contract.DECORATIONS, shown === undefined ? { uri: document.uri, version: document.version, bad: [], contested: [] } : decorations(shown, document.version));
    }
    for (const uriOfChange of changed) void connection.sendNotification(contract.READABLE_CHANGED, { uri: uriOfChange });
    if (affected.length === 0) return;
    const { workspace } = client;
    const quietly = (work: Promise<unknown>): void => void work.catch(() => undefined);
    if (workspace?.inlayHint?.refreshSupport === true) quietly(connection.languages.inlayHint.refresh());
    if (workspace?.codeLens?.refreshSupport === true) quietly(connection.sendRequest('workspace/codeLens/refresh'));
    if (workspace?.diagnostics?.refreshSupport === true) quietly(connection.languages.diagnostics.refresh());
  };

  const sendStatus = (status: contract.ServerStatus): void => {
    lastStatus = status;
    void connection.sendNotification(contract.STATUS, receiving === undefined ? status : { ...status, receiver: receiving });
  };
  /** The receiver writes into the first folder. */
  const turnReceiver = async (settings = need().settings()): Promise<void> => receiver?.apply(settings, folders[0]);

  connection.onInitialize((params): InitializeResult => {
    client = params.capabilities;
    const init = readInitOptions(params.initializationOptions);
    folders = (params.workspaceFolders ?? []).flatMap((f) => ports.uriToPath(f.uri) ?? []);
    store = createTraceStore({
      init, ports, folders,
      events: {
        onStatus: (status) => {
          sendStatus(status);
          if (status.kind !== 'idle' || !isOutlineStale) return;
          isOutlineStale = false;
          offerOutline().catch(() => undefined);
        },
        onNotice: (notice) => void connection.sendNotification(contract.NOTICE, notice),
        onChanged: refresh,
        onBadge: (badge) => void connection.sendNotification(contract.BADGE, badge),
        log: (message) => connection.console.log(message),
      },
    });
    receiver = createReceiverSwitch({
      ports, isTrusted: init.isTrusted,
      onNotice: (notice) => void connection.sendNotification(contract.NOTICE, notice),
      onStatus: (status) => {
        receiving = status;
        sendStatus(lastStatus);
      },
      onFile: (path) => need().fileEvent(ports.pathToUri(path)),
    });
    return {
      serverInfo: { name: 'StepScope', version: String(contract.PROTOCOL_VERSION) },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
        inlayHintProvider: true, codeLensProvider: { resolveProvider: false }, hoverProvider: true,
        ...(hasDynamicOutline() ? {} : { documentSymbolProvider: { label: 'StepScope' } }),
        foldingRangeProvider: true, documentLinkProvider: { resolveProvider: false }, codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
        diagnosticProvider: { identifier: 'stepscope', interFileDependencies: false, workspaceDiagnostics: true },
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      },
    };
  });

  connection.onInitialized(() => {
    if (client.workspace?.didChangeWatchedFiles?.dynamicRegistration === true) {
      const watchers = [...need().settings().include, `**/${LABEL_FILE_NAME}`, '**/.stepscope.json'].map((globPattern) => ({ globPattern }));
      void connection.client.register(DidChangeWatchedFilesNotification.type, { watchers });
    }
    if (client.workspace?.workspaceFolders === true) {
      connection.workspace.onDidChangeWorkspaceFolders(async () => {
        folders = (await connection.workspace.getWorkspaceFolders() ?? []).flatMap((f) => ports.uriToPath(f.uri) ?? []);
        void turnReceiver();
        await need().setFolders(folders);
      });
    }
    offerOutline().catch(() => undefined);
    void need().scan();
    void turnReceiver();
  });

  documents.onDidOpen(({ document }) => store?.open(document.uri, document));
  documents.onDidChangeContent(({ document }) => {
    if (document.version === 1 || store === undefined) return;
    clearTimeout(editTimers.get(document.uri));
    editTimers.set(document.uri, setTimeout(() => takeEdit(document.uri), EDIT_PAUSE_MS));
  });
  documents.onDidClose(({ document }) => void store?.close(document.uri));

  connection.onDidChangeConfiguration(({ settings }: { settings: unknown }) => {
    const ours = isRecord(settings) && isRecord(settings['stepscope']) ? settings['stepscope'] : settings;
    const next = readSettings(ours);
    void need().reconfigure(next);
    void turnReceiver(next);
  });
  connection.onDidChangeWatchedFiles(async ({ changes }) => {
    for (const { uri } of changes) await need().fileEvent(uri);
  });

  connection.languages.inlayHint.on(async ({ textDocument, range }) => {
    const shown = await current(textDocument.uri);
    if (shown === undefined) return [];
    need().look(shown, { start: shown.lines.offsetAt(range.start), end: shown.lines.offsetAt(range.end) });
    return inlayHints(shown, range, need().settings().inlineScores);
  });
  connection.onCodeLens(async ({ textDocument }) => {
    const shown = await current(textDocument.uri);
    return shown === undefined ? [] : codeLenses(shown);
  });
  connection.onHover(async ({ textDocument, position }) => {
    const shown = await current(textDocument.uri);
    return shown === undefined ? null : hover(shown, position);
  });
  connection.onDocumentSymbol(async ({ textDocument }) => {
    const shown = await current(textDocument.uri);
    return shown === undefined ? null : documentSymbols(shown);
  });
  connection.onFoldingRanges(async ({ textDocument }) => {
    const shown = await current(textDocument.uri);
    return shown === undefined ? null : foldingRanges(shown);
  });
  connection.onCodeAction(async ({ textDocument, range, context }) => {
    const shown = await current(textDocument.uri);
    return shown === undefined ? [] : codeActions(shown, range, context);
  });
  connection.languages.diagnostics.on(async ({ textDocument }) => {
    const shown = await current(textDocument.uri);
    const items = shown === undefined ? need().reports.get(textDocument.uri) ?? [] : fileDiagnostics(shown, ports.problemPage);
    return { kind: DocumentDiagnosticReportKind.Full, items: [...items] };
  });
  connection.languages.diagnostics.onWorkspace(async ({ previousResultIds }, token) => {
    const items = await need().reports.poll(new Map(previousResultIds.map((p) => [p.uri, p.value])), token);
    return { items };
  });

  connection.onRequest(contract.TRACES, async ({ uri }: contract.TracesParams) => {
    const shown = await current(uri) ?? await need().viewOrLoad(uri);
    return shown === undefined ? null : traces(shown, need().scorers());
  });
  connection.onRequest(contract.RESCORE, async (params: contract.RescoreParams, token): Promise<contract.RescoreResult> => {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort());
    const progress = params.workDoneToken === undefined ? undefined : connection.window.attachWorkDoneProgress(params.workDoneToken);
    progress?.begin('Scoring', 0, undefined, false);
    const result = await need().rescore(params, { signal: abort.signal, onProgress: (done, total) => progress?.report(Math.round((done / Math.max(1, total)) * 100), `${done}/${total}`) });
    progress?.done();
    return result;
  });
  connection.onRequest(contract.SCORE_DOCUMENT, async ({ uri }: contract.ScoreDocumentParams, token) => {
    token.onCancellationRequested(() => need().stopScoring(uri));
    return need().scoreDocument(uri);
  });
  connection.onRequest(contract.FORMATS, (): contract.FormatsResult => ({ formats: FORMATS.map(({ id, title }) => ({ id, title })) }));
  connection.onRequest(contract.OPEN_AS, async ({ uri, format }: contract.OpenAsParams, token): Promise<unknown> => {
    const source = sourceUriOf(uri);
    await current(source);
    token.onCancellationRequested(() => need().stopScoring(source));
    return need().openAs(source, format ?? undefined);
  });
  connection.onRequest(contract.LABEL, async (params: contract.LabelParams): Promise<unknown> => label(need(), params, ports));
  connection.onRequest(contract.NEXT_BAD_STEP, async (params: contract.NextBadStepParams) => {
    const shown = await current(params.uri) ?? await need().viewOrLoad(params.uri);
    return shown === undefined ? null : nextBadStep(shown, params, need().otherPages(params.uri));
  });
  connection.onDocumentLinks(({ textDocument }) => [...need().pageLinks(textDocument.uri)]);
  connection.onRequest(contract.READABLE, async ({ uri }: contract.ReadableParams): Promise<contract.ReadableResult> => ({ text: await need().readable(uri) ?? 'No trace was found in this file.\n' }));
  connection.onRequest(contract.EXPLAIN, async ({ uri, traceId, stepId }: contract.ExplainParams) => {
    const shown = await current(uri) ?? await need().viewOrLoad(uri);
    const found = shown === undefined ? undefined : stepById(shown, traceId, stepId);
    return found === undefined ? null : { markdown: stepMarkdown(found.scored, found.step.stepIndex) };
  });
  connection.onRequest(contract.COMPARE, async (params: contract.CompareParams): Promise<unknown> => {
    const shown = await current(params.uri) ?? await need().viewOrLoad(params.uri);
    return shown === undefined ? null : compare(shown, params, need().manifest());
  });
  connection.onRequest(contract.REPORT, async (params: contract.ReportParams): Promise<contract.ReportResult> => ({ text: await report(params, { memory: need().memory, ports, thresholds: need().reportThresholds() }) }));
  connection.onRequest(contract.WRITE_BACK, async ({ uri, workDoneToken }: contract.WriteBackParams, token): Promise<unknown> => {
    const source = sourceUriOf(uri);
    const abort = new AbortController();
    // A token that was cancelled before its request began calls nobody.
    if (token.isCancellationRequested) abort.abort();
    else token.onCancellationRequested(() => abort.abort());
    const progress = workDoneToken === undefined ? undefined : connection.window.attachWorkDoneProgress(workDoneToken);
    progress?.begin('Writing scores', 0, undefined, false);
    const result = await writeBack({
      document() {
        const open = documents.get(source);
        return open === undefined ? undefined : { text: open.getText(), version: open.version };
      },
      view: () => current(source), scored: (onProgress) => need().complete(source, onProgress), signal: abort.signal,
      onProgress: (share, message) => progress?.report(Math.round(share * 100), message),
    });
    progress?.done();
    return result;
  });
  connection.onRequest(contract.EXPORT, async (params: contract.ExportParams): Promise<unknown> => exportView(await current(params.uri) ?? await need().viewOrLoad(params.uri), params.format));
  connection.onRequest(contract.COUNTERS, () => need().counters());
  connection.onRequest(contract.SETTLED, async () => {
    for (const uri of [...editTimers.keys()]) await current(uri);
    return need().settled();
  });

  const stop = async (): Promise<void> => {
    clearTimeout(refreshTimer);
    for (const timer of editTimers.values()) clearTimeout(timer);
    editTimers.clear();
    await receiver?.stop();
    await store?.shutdown();
  };
  connection.onShutdown(stop);
  documents.listen(connection);
  connection.listen();
  return stop;
}
