/** The OTLP receiver: an HTTP server on the loopback addresses that appends what agents export to trace files of a folder. */
import { createServer, get, type Server } from 'node:http';
import { handle, WHO_PATH, type Ending } from './exchange.ts';
import { createIntake } from './intake.ts';
import { createTraceFiles } from './traceFiles.ts';

export interface ReceiverOptions {
  /** Folder of the trace files; made when the first span arrives. */
  readonly folder: string;
  /** 0 for any free port. */
  readonly port: number;
  /** A trace that does not fit goes on in a next file. */
  readonly mostFileBytes: number;
  /** Lines of a trace were written to this file and are on disk. */
  readonly onWritten: (file: string) => void;
  /** How a request ended. */
  readonly onEnding: (ending: Ending) => void;
}

export interface Receiver {
  readonly port: number;
  /** Takes no more requests, answers those it has, then frees the port. */
  close(): Promise<void>;
}

const HEADERS_MS = 10_000;
const BODY_MS = 30_000;
const WHO_MS = 1_000;
const MOST_CONNECTIONS = 256;
const SOLE_ADDRESS_ERRORS: ReadonlySet<unknown> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']);

/** Rejects with an Error whose message is one sentence for the user. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const intake = createIntake(createTraceFiles(options.folder, options.mostFileBytes), options.onWritten);
  const who = (): string => JSON.stringify({ receiver: 'stepscope', folder: options.folder, pid: process.pid });
  const make = (): Server => {
    const server = createServer({ headersTimeout: HEADERS_MS, requestTimeout: BODY_MS, connectionsCheckingInterval: 5_000 }, (request, response) => {
      // A sender that hangs up before its answer is none of our failures.
      response.on('error', () => undefined);
      handle(request, response, { intake, who }).then(
        (ending) => { if (ending !== undefined) options.onEnding(ending); },
        (error: unknown) => {
          response.destroy();
          options.onEnding({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
        },
      );
    });
    server.maxConnections = MOST_CONNECTIONS;
    return server;
  };
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
      // Senders that keep a half-sent request open must not hold up the end.
      setTimeout(() => server.closeAllConnections(), WHO_MS).unref();
    })));
    await intake.whenIdle();
  };
  const main = make();
  try {
    const port = await listen(main, options.port, '127.0.0.1');
    servers.push(main);
    const second = make();
    await listen(second, port, '::1').then(() => servers.push(second), (error: unknown) => {
      if (!SOLE_ADDRESS_ERRORS.has(codeOf(error))) throw error;
    });
    // What fails from here on, such as too many open files, must not end the process.
    for (const server of servers) server.on('error', (error) => options.onEnding({ kind: 'failed', message: `The port failed (${error.message}).` }));
    return { port, close };
  } catch (error) {
    await close();
    throw new Error(await failureSentence(error, options.port), { cause: error });
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

async function failureSentence(error: unknown, port: number): Promise<string> {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `Port ${port} is taken by ${await holderOf(port)}: nothing is received here. Close it, or set another stepscope.receiver.port.`;
    case 'EACCES':
      return `This system does not let StepScope listen on port ${port}: set another stepscope.receiver.port.`;
    default:
      return `StepScope cannot listen on port ${port} (${error instanceof Error ? error.message : String(error)}).`;
  }
}

/** Who answers at the port, in words. */
function holderOf(port: number): Promise<string> {
  return new Promise((resolve) => {
    const unknown = (): void => resolve('another program');
    const asking = get({ host: '127.0.0.1', port, path: WHO_PATH, timeout: WHO_MS, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        if (text.length < 10_000) text += piece;
      }).on('end', () => {
        const who = holderIn(text);
        resolve(who === undefined ? 'another program' : `StepScope in another window or terminal (process ${who.pid}), which writes to ${who.folder}`);
      });
    });
    // Destroying it is an error, too.
    asking.on('error', unknown).on('timeout', () => asking.destroy());
  });
}

function holderIn(text: string): { readonly folder: string; readonly pid: number } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('receiver' in value) || value.receiver !== 'stepscope') return undefined;
    return 'folder' in value && typeof value.folder === 'string' && 'pid' in value && typeof value.pid === 'number' ? { folder: value.folder, pid: value.pid } : undefined;
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
