/** `stepscope receive`: takes OpenTelemetry traces from agents on this machine until it is stopped. */
import { once } from 'node:events';
import { resolve } from 'node:path';
import { receivedFolderOf } from '../receiver/receivedFolder.ts';
import { startReceiver } from '../receiver/receiver.ts';
import type { CliCommand } from './command.ts';
import { UsageError } from './command.ts';

const DEFAULT_PORT = 4318;
const HIGHEST_PORT = 65_535;
const MOST_FILE_BYTES = 33_554_432;

export const receiveCommand: CliCommand = {
  name: 'receive',
  usage: ['receive [--port N] [--folder DIR]', '  takes OpenTelemetry traces (OTLP over HTTP) of agents on this machine, until it is stopped'],
  options: {
    '--port': { value: 'N', help: `port of 127.0.0.1 and [::1], ${DEFAULT_PORT} unless given; 0 for any free one` },
    '--folder': { value: 'DIR', help: 'where the trace files go, .stepscope/otlp unless given' },
  },
  endsBySignal: true,
  async run(input, { output, signal, log }) {
    if (input.words.length > 0) throw new UsageError('receive takes options only; name the folder with --folder.');
    const port = Number(input.option('--port') ?? DEFAULT_PORT);
    if (!Number.isInteger(port) || port < 0 || port > HIGHEST_PORT) throw new UsageError(`--port needs a whole number from 0 to ${HIGHEST_PORT}, not "${input.option('--port') ?? ''}".`);
    const folder = resolve(input.option('--folder') ?? receivedFolderOf('.'));
    const seen = new Set<string>();
    const receiver = await startReceiver({
      folder, port, mostFileBytes: MOST_FILE_BYTES,
      onWritten: (file) => {
        if (seen.has(file)) return;
        seen.add(file);
        void output.write({ kind: 'receiving', file }, `Receiving ${file}`);
      },
      onEnding: (ending) => {
        if (ending.kind !== 'written') log(ending.message);
        else if (ending.rejected > 0) log(`${ending.rejected} left out. ${ending.reason}`);
      },
    });
    await output.write({ kind: 'listening', url: `http://127.0.0.1:${receiver.port}`, folder }, `Listening at http://127.0.0.1:${receiver.port}; traces go to ${folder}`);
    if (!signal.aborted) await once(signal, 'abort');
    await receiver.close();
    return true;
  },
};
