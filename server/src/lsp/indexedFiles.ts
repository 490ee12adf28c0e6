/** Files too long to hold, and files that grow: read through an index off the main thread, and followed while an agent writes them. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { LabelRecord } from '../core/labels.ts';
import type { TraceWarning } from '../core/planTrace.ts';
import type { IndexOutcome } from '../core/traceIndex.ts';
import { modelsKeyOf } from '../scoring/traceWork.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import type { TraceFile } from '../features/traceFile.ts';
import { createIndexedFile } from './indexedFile.ts';
import type { IndexedFile } from './indexedFile.ts';
import type { ServerPorts } from './ports.ts';

/** What an index needs to know of its file. */
export interface IndexedSource {
  readonly uri: string;
  readonly path: string;
  readonly settings: EffectiveSettings;
  readonly labels: readonly LabelRecord[];
  readonly manifest: ModelManifest | undefined;
  /** A format a user chose. */
  readonly format: string | undefined;
  /** Least confidence of detection, 0–1. */
  readonly minConfidence: number;
}

/** What one batch of a file brought. */
export interface IndexedNews {
  readonly file: TraceFile;
  /** Ids of the steps that are new or changed, in order. */
  readonly changed: readonly string[];
  /** Whether the file is being read for the first time, or anew from its start. */
  readonly isReading: boolean;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

interface Open {
  readonly indexed: IndexedFile;
  source: IndexedSource;
  reading: Promise<IndexOutcome>;
  /** Readings asked for that have not ended. */
  readings: number;
  isVirtual: boolean;
  warnings: readonly TraceWarning[];
  /** Stops the watch; set while the file is followed. */
  unwatch?: () => void;
  quietTimer?: NodeJS.Timeout;
}

export interface IndexedFiles {
  has(uri: string): boolean;
  /** Whether the file is followed, or somebody waits for what a reading of it comes to. */
  isInUse(uri: string): boolean;
  /** Reads what is new in a file, all of it at first; reports batch by batch. Calls for one file follow each other. */
  read(source: IndexedSource): Promise<IndexOutcome>;
  /** Watches a file that is being written; a change is read at once. Ends by itself when nothing comes for a while. */
  follow(uri: string): void;
  /** Files that are followed now. */
  followed(): readonly string[];
  /** The file as it stands. */
  file(uri: string): TraceFile | undefined;
  relabel(uri: string, labels: readonly LabelRecord[]): void;
  close(uri: string): void;
  closeAll(): void;
}

/** Nothing was written for so long: the run is over, or somebody sleeps. */
const FOLLOW_MS = 10 * 60_000;
/** Pause after which a last step that nobody went on writing counts as finished. */
const QUIET_MS = 5_000;

export function createIndexedFiles(options: {
  readonly ports: Pick<ServerPorts, 'openIndex' | 'watchFile' | 'sha256'>;
  readonly onNews: (news: IndexedNews) => void;
  /** A followed file was read to its end, or went away. */
  readonly onOutcome: (uri: string, outcome: IndexOutcome) => void;
  readonly onFollowing: (uri: string, isFollowed: boolean) => void;
}): IndexedFiles {
  const { ports } = options;
  const open = new Map<string, Open>();

  function begin(source: IndexedSource): Open {
    const { settings, manifest, format, minConfidence } = source;
    const index = ports.openIndex(source.path, {
      maxStepCharacters: settings.limits.maxStepCharacters, maxBytes: settings.limits.maxFileSizeMB * 1_048_576, quietMs: QUIET_MS, minConfidence,
      ...(manifest === undefined ? {} : { modelsKey: modelsKeyOf(manifest, ports.sha256) }), ...(format === undefined ? {} : { format }),
    });
    const known: Open = { indexed: createIndexedFile(index, { uri: source.uri, path: source.path, maxStepCharacters: settings.limits.maxStepCharacters }), source, reading: Promise.resolve({ kind: 'cancelled' }), readings: 0, isVirtual: false, warnings: [] };
    open.set(source.uri, known);
    return known;
  }

  const fileOf = (known: Open): TraceFile | undefined => known.indexed.file({ settings: known.source.settings, labels: known.source.labels, warnings: known.warnings, isVirtual: known.isVirtual });

  async function readNow(known: Open): Promise<IndexOutcome> {
    let isReading = false;
    const outcome = await known.indexed.index.read((batch) => {
      if (open.get(known.source.uri) !== known) return;
      isReading ||= batch.isReset;
      const changed = known.indexed.take(batch);
      const file = fileOf(known);
      if (file !== undefined) options.onNews({ file, changed, isReading, bytesDone: batch.bytesDone, bytesTotal: batch.bytesTotal });
    });
    if (outcome.kind === 'failed' || outcome.kind === 'too-large') tellWarnings(known, [{ code: 'truncated-file', message: outcome.message, range: null }], isReading);
    if (outcome.kind !== 'read') return outcome;
    const isNews = known.isVirtual !== outcome.isVirtual || known.warnings.length !== outcome.warnings.length;
    known.isVirtual = outcome.isVirtual;
    if (isNews) tellWarnings(known, outcome.warnings, isReading);
    else known.warnings = outcome.warnings;
    return outcome;
  }

  function tellWarnings(known: Open, warnings: readonly TraceWarning[], isReading: boolean): void {
    known.warnings = warnings;
    const file = open.get(known.source.uri) === known ? fileOf(known) : undefined;
    if (file !== undefined) options.onNews({ file, changed: [], isReading, bytesDone: file.textLength, bytesTotal: file.textLength });
  }

  function read(known: Open): Promise<IndexOutcome> {
    known.readings++;
    return known.reading = known.reading.then(() => readNow(known)).finally(() => known.readings--);
  }

  function stopFollowing(known: Open): void {
    clearTimeout(known.quietTimer);
    known.unwatch?.();
    delete known.unwatch;
    delete known.quietTimer;
    options.onFollowing(known.source.uri, false);
  }

  /** Reads what a followed file has grown by; several signs of one change are one reading. */
  function createTail(known: Open): () => void {
    let isWaiting = false;
    const tail = (): void => {
      if (isWaiting) return;
      isWaiting = true;
      known.reading.then(() => {
        isWaiting = false;
        return read(known);
      }).then((outcome) => {
        if (open.get(known.source.uri) !== known || known.unwatch === undefined) return;
        const hasChanged = outcome.kind !== 'read' || outcome.hasChanged;
        if (hasChanged) options.onOutcome(known.source.uri, outcome);
        if (outcome.kind !== 'read' && outcome.kind !== 'cancelled') return stopFollowing(known);
        if (!hasChanged && outcome.kind === 'read' && !outcome.isProvisional) return;
        clearTimeout(known.quietTimer);
        // Once more when it has been quiet for a while: then the last step is finished.
        const isOpen = outcome.kind === 'read' && outcome.isProvisional && hasChanged;
        known.quietTimer = setTimeout(isOpen ? tail : () => stopFollowing(known), isOpen ? QUIET_MS + 100 : FOLLOW_MS);
      }).catch(() => undefined);
    };
    return tail;
  }

  const close = (uri: string): void => {
    const known = open.get(uri);
    if (known === undefined) return;
    open.delete(uri);
    if (known.unwatch !== undefined) stopFollowing(known);
    known.indexed.close();
  };

  return {
    has: (uri) => open.has(uri),
    isInUse(uri) {
      const known = open.get(uri);
      return known !== undefined && (known.unwatch !== undefined || known.readings > 0);
    },
    read(source) {
      const known = open.get(source.uri) ?? begin(source);
      known.source = source;
      return read(known);
    },
    follow(uri) {
      const known = open.get(uri);
      if (known === undefined || known.unwatch !== undefined) return;
      const tail = createTail(known);
      known.unwatch = ports.watchFile(known.source.path, tail);
      known.quietTimer = setTimeout(() => stopFollowing(known), FOLLOW_MS);
      options.onFollowing(uri, true);
    },
    followed: () => [...open.values()].flatMap((known) => (known.unwatch === undefined ? [] : [known.source.uri])),
    file(uri) {
      const known = open.get(uri);
      return known === undefined ? undefined : fileOf(known);
    },
    relabel(uri, labels) {
      const known = open.get(uri);
      if (known !== undefined) known.source = { ...known.source, labels };
    },
    close,
    closeAll() {
      for (const uri of [...open.keys()]) close(uri);
    },
  };
}
