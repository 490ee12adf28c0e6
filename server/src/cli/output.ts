/** Writes results to standard output in the asked form, waiting where the reader is slow. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { OutputFormat } from './arguments.ts';

export interface Output {
  /** One result; `text` is its line for a terminal, undefined for what a terminal need not see. */
  write(record: Readonly<Record<string, unknown>>, text: string | undefined): Promise<void>;
  /** Whether the reader went away (`| head`): nothing more need be computed. */
  isClosed(): boolean;
  /** Writes what is left and waits until the stream has taken all of it. */
  end(): Promise<void>;
}

/** `signal` ends the waiting for a reader that takes nothing. */
export function createOutput(stream: Writable, format: OutputFormat, signal: AbortSignal): Output {
  let isFirst = true;
  let isBroken = false;
  // A reader that went away ends the output quietly.
  stream.on('error', () => {
    isBroken = true;
  });
  const put = async (piece: string): Promise<void> => {
    if (!isBroken && !stream.write(piece)) await once(stream, 'drain', { signal }).catch(() => undefined);
  };
  return {
    async write(record, text) {
      if (format === 'text') {
        if (text !== undefined) await put(`${text}\n`);
      } else if (format === 'ndjson') await put(`${JSON.stringify(record)}\n`);
      else {
        await put(`${isFirst ? '[' : ','}\n${JSON.stringify(record)}`);
        isFirst = false;
      }
    },
    isClosed: () => isBroken,
    async end() {
      if (format === 'json') await put(isFirst ? '[]\n' : '\n]\n');
      if (!isBroken) await new Promise<void>((resolve) => stream.write('', () => resolve()));
    },
  };
}
