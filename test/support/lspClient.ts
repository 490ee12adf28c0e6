/**
 * A scripted editor: speaks LSP over stdio to the real server (dist/server/main.js), the way a test says.
 * What the server asks and nobody answers is remembered, and `close()` fails on it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CancellationTokenSource, createMessageConnection, ErrorCodes, type InitializeParams, type InitializeResult, type MessageConnection,
  ResponseError, StreamMessageReader, StreamMessageWriter, type TextDocumentContentChangeEvent,
} from 'vscode-languageserver/node';

export interface LspClientOptions {
  /** What the editor can do. `FULL_CAPABILITIES` when absent. */
  readonly capabilities?: InitializeParams['capabilities'];
  readonly initializationOptions?: unknown;
  /** Folders open in the editor, as paths. */
  readonly workspaceFolders?: readonly string[];
  /** Answers `workspace/configuration`: the value of a section, `null` when it says nothing. */
  readonly configuration?: (section: string | undefined, scopeUri: string | undefined) => unknown;
  /** The server's entry and its arguments. `dist/server/main.js --stdio` when absent. */
  readonly server?: { readonly entry?: string; readonly args?: readonly string[]; readonly env?: NodeJS.ProcessEnv };
  /** How long one answer or notification may take. 30 s when absent. */
  readonly timeoutMs?: number;
}

export interface ServerNotification { readonly method: string; readonly params: unknown }

/** An editor that can do everything the server may make use of. */
export const FULL_CAPABILITIES: InitializeParams['capabilities'] = {
  general: { positionEncodings: ['utf-16'] },
  window: { workDoneProgress: true, showDocument: { support: true } },
  workspace: {
    configuration: true,
    workspaceFolders: true,
    applyEdit: true,
    workspaceEdit: { documentChanges: true },
    didChangeConfiguration: { dynamicRegistration: true },
    didChangeWatchedFiles: { dynamicRegistration: true, relativePatternSupport: true },
    diagnostics: { refreshSupport: true },
    inlayHint: { refreshSupport: true },
    codeLens: { refreshSupport: true },
  },
  textDocument: {
    synchronization: { dynamicRegistration: true, didSave: true },
    diagnostic: { dynamicRegistration: true, relatedDocumentSupport: true },
    publishDiagnostics: { relatedInformation: true, codeDescriptionSupport: true, dataSupport: true },
    inlayHint: { dynamicRegistration: true, resolveSupport: { properties: ['tooltip', 'label.tooltip'] } },
    codeLens: { dynamicRegistration: true },
    hover: { contentFormat: ['markdown', 'plaintext'] },
    documentSymbol: { dynamicRegistration: true, hierarchicalDocumentSymbolSupport: true },
    foldingRange: { lineFoldingOnly: true },
    documentLink: { tooltipSupport: true },
    codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ['', 'quickfix', 'refactor', 'source'] } }, dataSupport: true, resolveSupport: { properties: ['edit', 'command'] } },
  },
};

export class LspClient {
  readonly process: ChildProcess;
  readonly connection: MessageConnection;
  /** Every notification of the server, oldest first. */
  readonly notifications: ServerNotification[] = [];
  /** Methods of the requests that the server made, oldest first. */
  readonly serverRequests: string[] = [];
  /** What the server registered dynamically, by method. */
  readonly registrations = new Map<string, unknown>();
  initializeResult: InitializeResult | undefined;

  readonly #options: LspClientOptions;
  readonly #timeoutMs: number;
  readonly #unhandled: string[] = [];
  readonly #waiting = new Set<(notification: ServerNotification) => void>();
  readonly #exited: Promise<number | string>;
  #stderr = '';
  #isClosed = false;

  constructor(options: LspClientOptions = {}) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    const entry = options.server?.entry ?? join(import.meta.dirname, '../../dist/server/main.js');
    this.process = spawn(process.execPath, [entry, ...options.server?.args ?? ['--stdio']], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...options.server?.env } });
    const { stdin, stdout, stderr } = this.process;
    if (!stdin || !stdout || !stderr) throw new Error('The server has no pipes.');
    stderr.on('data', (text) => { this.#stderr += String(text); });
    stdin.on('error', () => undefined);
    this.#exited = new Promise((resolve) => this.process.on('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')));
    this.connection = createMessageConnection(new StreamMessageReader(stdout), new StreamMessageWriter(stdin));
    this.#answerServer();
    this.connection.listen();
  }

  /** Starts a server and shakes hands with it. */
  static async start(options: LspClientOptions = {}): Promise<LspClient> {
    const client = new LspClient(options);
    const folders = (options.workspaceFolders ?? []).map((path) => ({ uri: pathToFileURL(path).href, name: path.slice(path.lastIndexOf('/') + 1) }));
    const params: InitializeParams = {
      processId: process.pid,
      clientInfo: { name: 'stepscope-test' },
      rootUri: folders[0]?.uri ?? null,
      workspaceFolders: folders,
      capabilities: options.capabilities ?? FULL_CAPABILITIES,
      initializationOptions: options.initializationOptions,
    };
    client.initializeResult = await client.request<InitializeResult>('initialize', params);
    await client.connection.sendNotification('initialized', {});
    return client;
  }

  /** What the server wrote to stderr: its log. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves with the exit status (or the signal) of the server. */
  get exited(): Promise<number | string> {
    return this.#exited;
  }

  /** One request; rejects with the server's error, when the server dies, or when it takes too long. */
  async request<T = unknown>(method: string, params?: unknown, signal?: AbortSignal): Promise<T> {
    const cancellation = new CancellationTokenSource();
    signal?.addEventListener('abort', () => cancellation.cancel(), { once: true });
    return await this.#inTime(`answer to ${method}`, this.connection.sendRequest(method, params, cancellation.token) as Promise<T>);
  }

  async notify(method: string, params?: unknown): Promise<void> {
    await this.connection.sendNotification(method, params);
  }

  async openDocument(uri: string, text: string, options: { readonly languageId?: string; readonly version?: number } = {}): Promise<void> {
    await this.notify('textDocument/didOpen', { textDocument: { uri, languageId: options.languageId ?? 'json', version: options.version ?? 1, text } });
  }

  async change(uri: string, version: number, ...contentChanges: readonly TextDocumentContentChangeEvent[]): Promise<void> {
    await this.notify('textDocument/didChange', { textDocument: { uri, version }, contentChanges });
  }

  async closeDocument(uri: string): Promise<void> {
    await this.notify('textDocument/didClose', { textDocument: { uri } });
  }

  /** The first notification of `method` that `matches`, among those that came already and those to come. */
  async notification<T = unknown>(method: string, matches: (params: T) => boolean = () => true): Promise<T> {
    const fits = (each: ServerNotification): boolean => each.method === method && matches(each.params as T);
    const seen = this.notifications.find(fits);
    if (seen) return seen.params as T;
    return await this.nextNotification(method, matches);
  }

  /** As `notification`, but only what comes from here on. */
  async nextNotification<T = unknown>(method: string, matches: (params: T) => boolean = () => true): Promise<T> {
    let stop = (): void => undefined;
    const arrival = new Promise<T>((resolve) => {
      const look = (each: ServerNotification): void => { if (each.method === method && matches(each.params as T)) resolve(each.params as T); };
      this.#waiting.add(look);
      stop = () => { this.#waiting.delete(look); };
    });
    return await this.#inTime(`notification ${method}`, arrival).finally(stop);
  }

  /** Answers a request of the server in a way of the test's own, in place of the usual answer. */
  answer(method: string, handler: (params: unknown) => unknown): void {
    this.connection.onRequest(method, (params: unknown) => { this.serverRequests.push(method); return handler(params); });
  }

  /** `shutdown`, `exit`; fails unless the server ends with status 0 and everything it asked was understood. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      await this.request('shutdown');
      await this.connection.sendNotification('exit');
      const status = await this.#inTime('end of the server', this.#exited);
      if (status !== 0) throw new Error(`The server ended with ${status}, not 0. Its log:\n${this.#stderr}`);
      if (this.#unhandled.length > 0) throw new Error(`The server sent what the client does not know: ${this.#unhandled.join('; ')}. Teach test/support/lspClient.ts, or stop sending it.`);
    } finally {
      this.connection.dispose();
      this.process.kill('SIGKILL');
    }
  }

  /** Ends the server without ceremony: for tests of crashes. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | string> {
    this.#isClosed = true;
    this.process.kill(signal);
    const status = await this.#inTime(`end of the server after ${signal}`, this.#exited);
    this.connection.dispose();
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #answerServer(): void {
    const usual: Readonly<Record<string, (params: never) => unknown>> = {
      'workspace/configuration': (params: { items: readonly { section?: string; scopeUri?: string }[] }) => params.items.map((item) => this.#options.configuration?.(item.section, item.scopeUri) ?? null),
      'client/registerCapability': (params: { registrations: readonly { method: string; registerOptions?: unknown }[] }) => {
        for (const each of params.registrations) this.registrations.set(each.method, each.registerOptions);
        return null;
      },
      'client/unregisterCapability': (params: { unregisterations: readonly { method: string }[] }) => {
        for (const each of params.unregisterations) this.registrations.delete(each.method);
        return null;
      },
      'window/workDoneProgress/create': () => null,
      'workspace/workspaceFolders': () => (this.#options.workspaceFolders ?? []).map((path) => ({ uri: pathToFileURL(path).href, name: path })),
      'workspace/applyEdit': () => ({ applied: true }),
      'workspace/diagnostic/refresh': () => null,
      'workspace/inlayHint/refresh': () => null,
      'workspace/codeLens/refresh': () => null,
    };
    for (const [method, handler] of Object.entries(usual)) this.answer(method, handler as (params: unknown) => unknown);
    this.connection.onRequest((method) => {
      this.#unhandled.push(`request ${method}`);
      return new ResponseError(ErrorCodes.MethodNotFound, `${method} is not known to the test client`);
    });
    this.connection.onNotification((method, params) => this.#arrived(method, params));
    this.connection.onUnhandledProgress((progress) => this.#arrived('$/progress', progress));
    this.connection.onError(([error]) => { this.#unhandled.push(`unreadable message (${error.message})`); });
  }

  #arrived(method: string, params: unknown): void {
    const notification = { method, params };
    this.notifications.push(notification);
    for (const look of [...this.#waiting]) look(notification);
  }

  /** Waits for `work`, but neither for ever nor on a dead server. */
  async #inTime<T>(what: string, work: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`No ${what} within ${this.#timeoutMs / 1000} s. The server's log:\n${this.#stderr}`)), this.#timeoutMs);
    const died = this.#exited.then((status) => { throw new Error(`No ${what}: the server ended with ${status}. Its log:\n${this.#stderr}`); });
    died.catch(() => undefined);
    try {
      return await Promise.race([work, late.promise, died]);
    } finally {
      clearTimeout(timer);
    }
  }
}
