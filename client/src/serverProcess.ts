/** The server's life: start on demand, start again after a crash with back-off, stop cleanly. */
import { createRequire } from 'node:module';
import * as vscode from 'vscode';
import { BADGE, CLIENT_COMMANDS, DECORATIONS, NOTICE, PROTOCOL_VERSION, READABLE_CHANGED, STATUS } from '../../server/src/contract/protocol.ts';
import type { BadgeParams, DecorationsParams, InitOptions, NoticeParams, ReadableParams, ServerStatus, WireSettings } from '../../server/src/contract/protocol.ts';
import type { LanguageClient, WorkDone } from './languageClient.ts';
import { chooseNode, runSelfCheck, serverModulePath } from './nodeRuntime.ts';
import type { NodeChoice, SelfCheckResult } from './nodeRuntime.ts';
import { createRestartPolicy } from './restartPolicy.ts';
import { needsRestart, readNodePath, readSettings, SECTION } from './settings.ts';

export type ServerState =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'running' }
  | { readonly kind: 'waiting'; readonly delayMs: number }
  | { readonly kind: 'failed'; readonly message: string };

export interface ServerProcess extends vscode.Disposable {
  readonly state: ServerState;
  readonly onState: vscode.Event<ServerState>;
  readonly onStatus: vscode.Event<ServerStatus>;
  readonly onDecorations: vscode.Event<DecorationsParams>;
  readonly onReadableChanged: vscode.Event<ReadableParams>;
  readonly onBadge: vscode.Event<BadgeParams>;
  /** Starts the server, or waits for the start under way. Rejects with a sentence when it does not come up. */
  start(reason: string): Promise<void>;
  /** A fresh process, its crashes forgotten. */
  restart(reason: string): Promise<void>;
  /** Asks the server; starts it first. */
  request<Result>(method: string, params: object, token?: vscode.CancellationToken): Promise<Result>;
  /** Progress the server reports for a token of ours; nothing while it does not run. */
  onWorkDone(token: string, handler: (report: WorkDone) => void): vscode.Disposable;
  stop(): Promise<void>;
}

interface Attempt {
  readonly client: LanguageClient;
  readonly onWorkDone: (token: string, handler: (report: WorkDone) => void) => vscode.Disposable;
  /** Set when it is over, so that one death counts once. */
  hasEnded: boolean;
}

const STOP_TIMEOUT_MS = 4_000;

export function createServerProcess(context: vscode.ExtensionContext, output: vscode.LogOutputChannel): ServerProcess {
  const stateEvents = new vscode.EventEmitter<ServerState>();
  const statusEvents = new vscode.EventEmitter<ServerStatus>();
  const decorationEvents = new vscode.EventEmitter<DecorationsParams>();
  const readableEvents = new vscode.EventEmitter<ReadableParams>();
  const badgeEvents = new vscode.EventEmitter<BadgeParams>();
  const policy = createRestartPolicy();
  const shownNotices = new Set<string>();
  const serverModule = serverModulePath(context.extensionPath);
  let state: ServerState = { kind: 'stopped' };
  let attempt: Attempt | undefined;
  let starting: Promise<void> | undefined;
  let restartTimer: NodeJS.Timeout | undefined;
  let wasmBecause: string | undefined;
  let isDisposed = false;

  const setState = (next: ServerState): void => {
    state = next;
    stateEvents.fire(next);
  };

  const settingsNow = (): WireSettings => {
    const settings = readSettings();
    return wasmBecause === undefined || settings.executionProvider === 'wasm' ? settings : { ...settings, executionProvider: 'wasm' };
  };

  /** The check costs a process, so its answer is kept per version, Node and machine. */
  async function selfCheck(node: NodeChoice): Promise<void> {
    const nodeName = node.kind === 'path' ? `${node.path}@${node.version}` : process.version;
    const key = `selfcheck:${String(context.extension.packageJSON['version'])}:${nodeName}:${process.platform}-${process.arch}`;
    let result = context.globalState.get<SelfCheckResult>(key);
    const isFirst = result === undefined;
    if (result === undefined) {
      result = await runSelfCheck(serverModule, node);
      if (result === undefined) {
        output.warn('The self-check of the native modules gave no answer; the server tries them itself.');
        return;
      }
      output.info(`Self-check: onnxruntime ${result.onnxFailure ?? 'loads'}, SQLite ${result.sqliteFailure ?? 'loads'}.`);
      // A failure is tried again next time: the user may install what is missing.
      if (result.onnxFailure === undefined && result.sqliteFailure === undefined) await context.globalState.update(key, result);
    }
    wasmBecause = result.onnxFailure;
    if (!isFirst) return;
    if (result.onnxFailure !== undefined) {
      notice({ id: 'wasm', severity: 'warning', message: `The native model runtime does not load here (${result.onnxFailure}). Scores are computed with WebAssembly instead: the same numbers, more slowly.` });
    }
    if (result.sqliteFailure !== undefined) {
      notice({ id: 'sqlite', severity: 'warning', message: `The score store does not load here (${result.sqliteFailure}). Scores are computed afresh in each session.` });
    }
  }

  async function launch(reason: string): Promise<void> {
    setState({ kind: 'starting' });
    output.info(`Starting the server: ${reason}.`);
    const chosen = await chooseNode(readNodePath());
    if (chosen.kind === 'unusable') offerSetting(chosen.message, 'server.nodePath');
    const node: NodeChoice = chosen.kind === 'unusable' ? { kind: 'editor' } : chosen;
    await selfCheck(node);
    const initOptions: InitOptions = { protocolVersion: PROTOCOL_VERSION, settings: settingsNow(), dataFolder: '', isTrusted: vscode.workspace.isTrusted };
    const { createLanguageClient, onWorkDone } = loadLanguageClient();
    if (isDisposed) return;
    const client = createLanguageClient({ serverModule, nodePath: node.kind === 'path' ? node.path : undefined, initOptions, output, onClosed: () => ended(mine) });
    const mine: Attempt = { client, onWorkDone: (token, handler) => onWorkDone(client, token, handler), hasEnded: false };
    attempt = mine;
    client.onNotification(STATUS, (status: ServerStatus) => statusEvents.fire(status));
    client.onNotification(DECORATIONS, (params: DecorationsParams) => decorationEvents.fire(params));
    client.onNotification(BADGE, (params: BadgeParams) => badgeEvents.fire(params));
    client.onNotification(READABLE_CHANGED, (params: ReadableParams) => readableEvents.fire(params));
    client.onNotification(NOTICE, notice);
    try {
      await client.start();
    } catch (error) {
      ended(mine);
      throw error;
    }
    if (mine.hasEnded) throw new Error('The server ended while it started.');
    setState({ kind: 'running' });
  }

  function ended(which: Attempt): void {
    if (which.hasEnded) return;
    which.hasEnded = true;
    if (attempt === which) attempt = undefined;
    if (isDisposed) return;
    const decision = policy.crashed(Date.now());
    if (decision.kind === 'give-up') {
      const message = `The server ended ${decision.crashes} times in three minutes and is not started again.`;
      output.error(message);
      setState({ kind: 'failed', message });
      void offerHelp(`StepScope: ${message} The output says what happened; a different Node can be set as stepscope.server.nodePath.`);
      return;
    }
    output.warn(`The server ended unexpectedly; it starts again in ${decision.delayMs / 1000} s.`);
    setState({ kind: 'waiting', delayMs: decision.delayMs });
    vscode.window.setStatusBarMessage('StepScope: the server ended unexpectedly and is started again.', 5_000);
    clearTimeout(restartTimer);
    restartTimer = setTimeout(() => {
      start('it ended unexpectedly').catch((error: unknown) => output.error(`The server did not start: ${sentence(error)}`));
    }, decision.delayMs);
  }

  function start(reason: string): Promise<void> {
    if (isDisposed) return Promise.reject(new Error('StepScope is shutting down.'));
    if (state.kind === 'running') return Promise.resolve();
    clearTimeout(restartTimer);
    starting ??= launch(reason)
      .catch((error: unknown) => {
        if (state.kind === 'starting') setState({ kind: 'failed', message: sentence(error) });
        throw error;
      })
      .finally(() => { starting = undefined; });
    return starting;
  }

  async function stop(): Promise<void> {
    clearTimeout(restartTimer);
    await starting?.catch(() => undefined);
    clearTimeout(restartTimer);
    const current = attempt;
    attempt = undefined;
    if (current !== undefined) {
      current.hasEnded = true;
      // The server finishes the run in flight before it answers; ending it sooner would abort the process.
      await current.client.stop(STOP_TIMEOUT_MS).catch((error: unknown) => output.warn(`Stopping the server: ${sentence(error)}`));
    }
    setState({ kind: 'stopped' });
  }

  /** Restarts run one after another: two settings may change at once. */
  let restarts: Promise<void> = Promise.resolve();
  function restart(reason: string): Promise<void> {
    policy.reset();
    const run = async (): Promise<void> => {
      await stop();
      await start(reason);
    };
    restarts = restarts.then(run, run);
    return restarts;
  }

  function notice(params: NoticeParams): void {
    if (shownNotices.has(params.id)) return;
    shownNotices.add(params.id);
    const show = { error: vscode.window.showErrorMessage, warning: vscode.window.showWarningMessage, information: vscode.window.showInformationMessage }[params.severity];
    const { goTo } = params;
    void show(params.message, goTo === undefined ? 'Show Output' : 'Go to Step').then((choice) => {
      if (choice === undefined) return;
      if (goTo === undefined) output.show();
      else void vscode.commands.executeCommand(CLIENT_COMMANDS.goToStep, goTo.uri, goTo.position);
    });
  }

  async function offerHelp(message: string): Promise<void> {
    const choice = await vscode.window.showErrorMessage(message, 'Restart', 'Show Output');
    if (choice === 'Restart') await restart('asked to').catch((error: unknown) => output.error(sentence(error)));
    else if (choice === 'Show Output') output.show();
  }

  function offerSetting(message: string, key: string): void {
    output.error(message);
    void vscode.window.showErrorMessage(message, 'Open Setting').then((choice) => {
      if (choice !== undefined) void vscode.commands.executeCommand('workbench.action.openSettings', `${SECTION}.${key}`);
    });
  }

  function takeUpSettings(change: vscode.ConfigurationChangeEvent): void {
    if (!change.affectsConfiguration(SECTION) || state.kind === 'stopped') return;
    if (needsRestart(change)) {
      restart('a setting changed').catch((error: unknown) => output.error(sentence(error)));
      return;
    }
    if (state.kind !== 'running') return;
    attempt?.client.sendNotification('workspace/didChangeConfiguration', { settings: { [SECTION]: settingsNow() } })
      .catch((error: unknown) => output.warn(`The settings did not reach the server: ${sentence(error)}`));
  }

  const subscriptions = [
    stateEvents, statusEvents, decorationEvents, readableEvents, badgeEvents,
    vscode.workspace.onDidChangeConfiguration(takeUpSettings),
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      if (state.kind !== 'stopped') restart('the workspace is trusted').catch((error: unknown) => output.error(sentence(error)));
    }),
  ];

  return {
    get state() { return state; },
    onState: stateEvents.event,
    onStatus: statusEvents.event,
    onDecorations: decorationEvents.event,
    onReadableChanged: readableEvents.event,
    onBadge: badgeEvents.event,
    start, restart, stop,
    async request<Result>(method: string, params: object, token?: vscode.CancellationToken): Promise<Result> {
      await start('a command needs it');
      const current = attempt;
      if (current === undefined) throw new Error('The server does not run. Restart it with "StepScope: Restart Server".');
      return token === undefined ? current.client.sendRequest<Result>(method, params) : current.client.sendRequest<Result>(method, params, token);
    },
    onWorkDone: (token, handler) => attempt?.onWorkDone(token, handler) ?? new vscode.Disposable(() => undefined),
    dispose() {
      isDisposed = true;
      clearTimeout(restartTimer);
      for (const one of subscriptions) one.dispose();
    },
  };
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The language client is most of the code: a bundle of its own, read when the server starts, so that activation stays cheap. */
function loadLanguageClient(): typeof import('./languageClient.ts') {
  return createRequire(__filename)('./languageClient.js') as typeof import('./languageClient.ts');
}
