/** Turns the OTLP receiver on and off as the settings say, and says what it does. */
import type * as contract from '../contract/protocol.ts';
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { ReceiverEnding, RunningReceiver, ServerPorts } from './ports.ts';

export interface ReceiverSwitch {
  /** Takes up settings and folder; resolves when the receiver is as they say. */
  apply(settings: EffectiveSettings, folder: string | undefined): Promise<void>;
  stop(): Promise<void>;
}

const MEGABYTE = 1_048_576;
/** A trace goes on in a next file from here on, or from what is still read of one, if that is less. */
const MOST_FILE_MB = 32;
const TELL_MS = 250;
/** A file that grows all the time is read this often, beside the time that reading takes. */
const READ_PAUSE_MS = 250;

export function createReceiverSwitch(options: {
  readonly ports: Pick<ServerPorts, 'startReceiver'>;
  /** In an untrusted workspace nothing is ever received. */
  readonly isTrusted: boolean;
  readonly onNotice: (notice: contract.NoticeParams) => void;
  /** Undefined when it does not listen. */
  readonly onStatus: (status: contract.ReceiverStatus | undefined) => void;
  /** A file has grown; the next call for it comes when the promise has settled. */
  readonly onFile: (path: string) => Promise<void>;
}): ReceiverSwitch {
  let running: { readonly receiver: RunningReceiver; readonly key: string } | undefined;
  let work = Promise.resolve();
  let tellTimer: NodeJS.Timeout | undefined;
  let spans = 0;
  let isStarted = false;
  const told = new Map<string, number>();
  const countByKind = new Map<string, number>();
  /** Files being shown, and whether they grew meanwhile. */
  const growing = new Map<string, boolean>();

  const tell = (): void => {
    clearTimeout(tellTimer);
    tellTimer = undefined;
    options.onStatus(running === undefined ? undefined : { port: running.receiver.port, spans });
  };
  const grew = (path: string): void => {
    if (growing.has(path)) return void growing.set(path, true);
    growing.set(path, false);
    void options.onFile(path).catch(() => undefined).then(() => {
      setTimeout(() => {
        const isMore = growing.get(path) === true;
        growing.delete(path);
        if (isMore) grew(path);
      }, READ_PAUSE_MS).unref();
    });
  };
  /** Says it the first time, the tenth, the hundredth…: a notice of one id shows once. */
  const count = (kind: string, by: number, sentence: (total: number) => string): void => {
    const total = (countByKind.get(kind) ?? 0) + by;
    countByKind.set(kind, total);
    const rung = Math.floor(Math.log10(total));
    if (rung <= (told.get(kind) ?? -1)) return;
    told.set(kind, rung);
    options.onNotice({ id: `receiver-${kind}-${10 ** rung}`, severity: 'warning', message: sentence(total) });
  };
  const note = (ending: ReceiverEnding): void => {
    if (ending.kind === 'written') {
      spans += ending.accepted;
      if (ending.rejected > 0) count('rejected', ending.rejected, (total) => `${total} received record${total === 1 ? ' was' : 's were'} left out so far. ${ending.reason}`);
      tellTimer ??= setTimeout(tell, TELL_MS);
      return;
    }
    count(ending.kind, 1, (total) => `${WORDS[ending.kind](total)} ${ending.message}`);
  };

  async function turn(settings: EffectiveSettings, folder: string | undefined): Promise<void> {
    const { enabled, port } = settings.receiver;
    const mostFileBytes = Math.min(MOST_FILE_MB, settings.limits.maxFileSizeMB) * MEGABYTE;
    const isWanted = options.isTrusted && enabled === true && folder !== undefined;
    const key = isWanted ? `${port}\n${mostFileBytes}\n${folder}` : undefined;
    const isFirst = !isStarted;
    isStarted = true;
    if (key !== undefined && running?.key === key) return;
    const before = running;
    running = undefined;
    if (before !== undefined) {
      await before.receiver.close();
      tell();
    }
    if (enabled === true && options.isTrusted && folder === undefined) options.onNotice({ id: 'receiver-folder', severity: 'warning', message: 'StepScope receives traces into the workspace: open a folder first.' });
    if (key === undefined || folder === undefined) return;
    try {
      const receiver = await options.ports.startReceiver({ workspaceFolder: folder, port, mostFileBytes, onWritten: grew, onEnding: note });
      running = { receiver, key };
      if (!isFirst) options.onNotice({ id: `receiver-on-${receiver.port}`, severity: 'information', message: `StepScope receives OpenTelemetry traces at http://127.0.0.1:${receiver.port} and writes them to ${receiver.folder}.` });
      tell();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      options.onNotice({ id: `receiver: ${message}`, severity: 'warning', message });
    }
  }

  const next = (job: () => Promise<void>): Promise<void> => (work = work.then(job));
  return {
    apply: (settings, folder) => next(() => turn(settings, folder)),
    stop: () => next(async () => {
      clearTimeout(tellTimer);
      const last = running;
      running = undefined;
      await last?.receiver.close();
      clearTimeout(tellTimer);
    }),
  };
}

const WORDS: Readonly<Record<Exclude<ReceiverEnding['kind'], 'written'>, (total: number) => string>> = {
  'turned-away': (total) => `${requests(total)} to the OTLP receiver ${were(total)} turned away so far; the latest:`,
  busy: (total) => `${requests(total)} to the OTLP receiver ${were(total)} put off so far, for their senders to repeat:`,
  failed: (total) => `${requests(total)} to the OTLP receiver could not be written so far, and ${were(total)} left for their senders to repeat:`,
};

const requests = (total: number): string => `${total} request${total === 1 ? '' : 's'}`;
const were = (total: number): string => (total === 1 ? 'was' : 'were');
