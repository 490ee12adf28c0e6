/** One HTTP request: who may send, what it must look like, how large it may be, and its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CONTENT_TYPES, failure, success } from './answers.ts';
import type { Encoding, Signal } from './exportRequest.ts';
import type { Intake, Outcome, Room } from './intake.ts';

/** How a request ended, for counting. `turned-away`: it was no request we take; `busy`: its sender was asked to come again. */
export type Ending =
  | { readonly kind: 'written'; readonly accepted: number; readonly rejected: number; readonly reason: string }
  | { readonly kind: 'turned-away' | 'busy' | 'failed'; readonly message: string };

/** Bytes of a body as it is sent. */
export const MOST_BODY_BYTES = 20_971_520;
const RETRY_AFTER_S = 1;
const SIGNALS: ReadonlyMap<string, Signal> = new Map([['/v1/traces', 'traces'], ['/v1/logs', 'logs']]);

/** Where another window asks who has the port. */
export const WHO_PATH = '/stepscope';

interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers one request. Resolves with how it ended; undefined for one that asked for nothing to be kept or went away. */
export async function handle(request: IncomingMessage, response: ServerResponse, to: { readonly intake: Intake; readonly who: () => string }): Promise<Ending | undefined> {
  const encoding = encodingOf(request) ?? 'json';
  const refuse = ({ status, message, headers }: Refusal): Ending => {
    response.writeHead(status, { 'content-type': CONTENT_TYPES[encoding], ...headers }).end(failure(encoding, message));
    return { kind: status === 503 ? 'busy' : 'turned-away', message };
  };
  const stranger = strangerIn(request);
  if (stranger !== undefined) return refuse({ status: 403, message: stranger });
  if (request.method === 'GET' && request.url === WHO_PATH) {
    response.writeHead(200, { 'content-type': CONTENT_TYPES.json }).end(to.who());
    return undefined;
  }
  const asked = wanted(request);
  if ('status' in asked) return refuse(asked);
  const room = to.intake.enter();
  if (room === undefined) return refuse(BUSY);
  try {
    const bytes = await read(request, room);
    if (bytes === 'gone') return undefined;
    if (bytes === 'too-large') return refuse(TOO_LARGE);
    if (bytes === 'busy') return refuse(BUSY);
    const outcome = await to.intake.take({ bytes, isGzip: asked.isGzip, encoding, signal: asked.signal });
    if (outcome.kind === 'written') {
      response.writeHead(200, { 'content-type': CONTENT_TYPES[encoding] }).end(success(asked.signal, encoding, outcome));
      return outcome;
    }
    const refused = refuse(refusalOf(outcome));
    return outcome.kind === 'failed' ? { kind: 'failed', message: outcome.message } : refused;
  } finally {
    room.leave();
  }
}

const BUSY: Refusal = { status: 503, message: 'More is being received than can be written: send again later.', headers: { 'retry-after': String(RETRY_AFTER_S) } };
const TOO_LARGE: Refusal = { status: 413, message: `The body is larger than ${MOST_BODY_BYTES / 1_048_576} MB: send fewer spans at once.` };

function refusalOf(outcome: Exclude<Outcome, { kind: 'written' }>): Refusal {
  switch (outcome.kind) {
    case 'unreadable':
      return { status: 400, message: outcome.message };
    case 'too-large':
      return { status: 413, message: outcome.message };
    case 'failed':
      return { status: 503, message: `The spans could not be written (${outcome.message}).`, headers: { 'retry-after': String(RETRY_AFTER_S) } };
  }
}

/** Browsers name where a request comes from; a page must not post here, nor reach us by a name of its own. */
function strangerIn({ headers }: IncomingMessage): string | undefined {
  if (headers.origin !== undefined || (headers['sec-fetch-site'] !== undefined && headers['sec-fetch-site'] !== 'none')) return 'Web pages may not send here.';
  return /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/i.test(headers.host ?? '') ? undefined : 'Only this machine may send here, to 127.0.0.1, localhost or [::1].';
}

function wanted(request: IncomingMessage): Refusal | { readonly signal: Signal; readonly isGzip: boolean } {
  const signal = SIGNALS.get((request.url ?? '').replace(/\?.*$/, ''));
  if (signal === undefined) return { status: 404, message: 'Spans are taken at /v1/traces, GenAI events at /v1/logs, nothing anywhere else.' };
  if (request.method !== 'POST') return { status: 405, message: 'Only POST is answered.', headers: { allow: 'POST' } };
  if (encodingOf(request) === undefined) return { status: 415, message: `The content type must be ${Object.values(CONTENT_TYPES).join(' or ')}.` };
  const packing = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (packing !== 'gzip' && packing !== 'identity') return { status: 415, message: `The content encoding must be gzip or none, not ${packing}.` };
  return Number(request.headers['content-length'] ?? 0) > MOST_BODY_BYTES ? TOO_LARGE : { signal, isGzip: packing === 'gzip' };
}

function encodingOf(request: IncomingMessage): Encoding | undefined {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  return type === CONTENT_TYPES.json ? 'json' : type === CONTENT_TYPES.protobuf ? 'protobuf' : undefined;
}

function read(request: IncomingMessage, room: Room): Promise<Buffer | 'too-large' | 'busy' | 'gone'> {
  return new Promise((resolve) => {
    let pieces: Buffer[] = [];
    let bytes = 0;
    // What comes after a refusal is read and thrown away, so that the sender gets to read the answer.
    let isRefused = false;
    const giveUp = (why: 'too-large' | 'busy'): void => {
      isRefused = true;
      pieces = [];
      resolve(why);
    };
    request.on('data', (piece: Buffer) => {
      if (isRefused) return;
      bytes += piece.length;
      if (bytes > MOST_BODY_BYTES) giveUp('too-large');
      else if (!room.grow(piece.length)) giveUp('busy');
      else pieces.push(piece);
    });
    request.on('end', () => resolve(Buffer.concat(pieces)));
    request.on('error', () => resolve('gone'));
    request.on('close', () => resolve('gone'));
  });
}
