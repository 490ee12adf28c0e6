/** The index of one file in the worker: reads what is there and what comes, and says what changed. */
import { StringDecoder } from 'node:string_decoder';
import type { IndexBatch, IndexOutcome, IndexSettings, TraceChange } from '../../core/traceIndex.ts';
import { detectFormat, sniff } from '../../formats/detect.ts';
import { isJsonLines } from '../../formats/documents.ts';
import type { ParsedFile, TraceFormat } from '../../formats/format.ts';
import { hasSteps, parseTraces, readTraces } from '../../formats/readTraces.ts';
import { findFormat } from '../../formats/registry.ts';
import { withoutPlaces } from '../../formats/virtualText.ts';
import { MAGIC_BYTES, mayBeContainer } from '../containers/readContainer.ts';
import { errorCode, readText, unreadable } from '../files.ts';
import { isContinued, LONGEST_TEXT, markProgress, newProgress, nextWindow, openFile, openTail, type FileProgress, type OpenFile } from './fileReading.ts';
import { editorLineStarts } from './lineTable.ts';
import type { IndexWorkerStart } from './messages.ts';
import { createPartWarnings, type PartWarnings } from './partWarnings.ts';
import { createRecordReader } from './recordWindows.ts';
import { createSessionReader, type WindowReader } from './sessionWindows.ts';
import { createSpill, type SpillWriter } from './spill.ts';
import { wholeFileChanges } from './wholeFile.ts';

export interface IndexedFile {
  read(settings: IndexSettings, talk: IndexTalk): Promise<IndexOutcome>;
  close(): void;
}

/** What a read tells while it goes on. */
export interface IndexTalk {
  onSpill(spill: SpillWriter): void;
  onBatch(batch: IndexBatch): void;
  /** Lets messages in, then says whether to stop. */
  isCancelled(): Promise<boolean>;
}

/** What was made of the file so far. */
interface Reading {
  readonly spill: SpillWriter;
  readonly progress: FileProgress;
  readonly warnings: PartWarnings;
  readonly unknownByTrace: Map<number, Readonly<Record<string, number>>>;
  format: TraceFormat | undefined;
  reader: WindowReader | undefined;
  steps: number;
  formatVersion: string;
  isVirtual: boolean;
  isProvisional: boolean;
  /** Everything up to the end the file had is taken in. */
  isComplete: boolean;
  wholeWarnings: ParsedFile['warnings'];
  textLength: number;
}

const BATCH_EVERY_MS = 250;
const QUIET_MS = 5000;
const SNIFFED_BYTES = 262_144;
/** `isJsonLines` looks at so many. */
const LINES_THAT_TELL = 7;

export function createIndexedFile(path: string, start: IndexWorkerStart): IndexedFile {
  let reading: Reading | undefined;
  let spillEnd = 0;

  function begin(talk: IndexTalk): Reading {
    forget();
    const spill = createSpill(spillEnd, start.spillFolder);
    talk.onSpill(spill);
    reading = {
      spill, progress: newProgress(), warnings: createPartWarnings(), unknownByTrace: new Map(), format: undefined, reader: undefined, steps: 0, formatVersion: '', isVirtual: false,
      isProvisional: false, isComplete: false, wholeWarnings: [], textLength: 0,
    };
    return reading;
  }

  function forget(): void {
    if (reading === undefined) return;
    spillEnd = reading.spill.end;
    reading.spill.close();
    reading = undefined;
  }

  return {
    async read(settings, talk) {
      let file: OpenFile;
      try {
        file = openFile(path);
      } catch (error) {
        forget();
        return unreadable(path, error);
      }
      try {
        if (file.isFolder) return { kind: 'failed', message: `${path} is a folder.` };
        if (settings.maxBytes !== undefined && file.sizeBytes > settings.maxBytes) return { kind: 'too-large', sizeBytes: file.sizeBytes, message: `This file has ${megabytes(file.sizeBytes)}, more than the ${megabytes(settings.maxBytes)} that are read. Raise the limit to read it.` };
        return await readOpen(file, settings, talk);
      } catch (error) {
        forget();
        return { kind: 'failed', message: failureSentence(path, error, start.spillFolder) };
      } finally {
        file.close();
      }
    },
    close: forget,
  };

  async function readOpen(file: OpenFile, settings: IndexSettings, talk: IndexTalk): Promise<IndexOutcome> {
    const isQuiet = Date.now() - file.modifiedMs >= (settings.quietMs ?? QUIET_MS);
    const known = reading;
    if (known !== undefined) {
      const isSame = known.progress.identity === file.identity && known.progress.sizeBytes === file.sizeBytes && known.progress.modifiedMs === file.modifiedMs;
      if (isSame && known.isComplete && !(known.isProvisional && isQuiet && known.reader !== undefined)) return outcomeOf(known, file, { isReset: false, hasChanged: false });
      if (known.reader !== undefined && isContinued(file, known.progress)) return readWindows(known, file, { settings, talk, isQuiet, isReset: false });
    }
    if (mayBeContainer(file.bytes(0, MAGIC_BYTES))) {
      const packed = await readPacked(file, settings, talk);
      if (packed !== undefined) return packed;
    }
    const format = formatOf(file, settings);
    if (format === undefined) {
      forget();
      return { kind: 'no-trace', sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs };
    }
    const fresh = begin(talk);
    fresh.format = format;
    if (format.windows !== undefined) {
      const outcome = await readWindows(fresh, file, { settings, talk, isQuiet, isReset: true });
      if (outcome !== undefined) return outcome.kind === 'no-trace' && settings.format !== undefined ? readOpen(file, withoutFormat(settings), talk) : outcome;
    }
    return readWhole(file, settings, talk);
  }

  function formatOf(file: OpenFile, settings: IndexSettings): TraceFormat | undefined {
    if (settings.format !== undefined) return findFormat(settings.format);
    const head = file.bytes(0, SNIFFED_BYTES);
    const found = detectFormat(sniff(path, new StringDecoder('utf8').write(head), { isWhole: head.length >= file.sizeBytes }));
    return found === undefined || found.confidence < (settings.minConfidence ?? 0) ? undefined : findFormat(found.format);
  }

  /** Undefined where the file turns out to be one to read whole. */
  function readWindows(known: Reading, file: OpenFile, how: { readonly settings: IndexSettings; readonly talk: IndexTalk; readonly isQuiet: boolean; readonly isReset: false }): Promise<IndexOutcome>;
  function readWindows(known: Reading, file: OpenFile, how: { readonly settings: IndexSettings; readonly talk: IndexTalk; readonly isQuiet: boolean; readonly isReset: true }): Promise<IndexOutcome | undefined>;
  async function readWindows(known: Reading, file: OpenFile, how: { readonly settings: IndexSettings; readonly talk: IndexTalk; readonly isQuiet: boolean; readonly isReset: boolean }): Promise<IndexOutcome | undefined> {
    const { settings, talk, isQuiet } = how;
    const { progress, spill } = known;
    let isFirst = how.isReset;
    let hasChanged = how.isReset;
    let changes: TraceChange[] = [];
    let lineStarts: number[] = how.isReset ? [0] : [];
    let sentMs = 0;
    const send = (): void => {
      spill.flush();
      note(known, changes);
      talk.onBatch({
        isReset: isFirst, changes, traceCount: known.reader?.traceCount ?? 0, lineStarts: Uint32Array.from(lineStarts), textLength: known.textLength,
        bytesDone: progress.bytes, bytesTotal: file.sizeBytes,
      });
      [changes, lineStarts, isFirst, sentMs] = [[], [], false, Date.now()];
    };
    known.isComplete = false;
    for (;;) {
      const window = nextWindow(file, progress, { bytes: progress.bytes === 0 ? start.windowBytes.first : start.windowBytes.next, fewestLines: progress.bytes === 0 ? LINES_THAT_TELL : 1 });
      if (known.reader === undefined) {
        known.reader = window === undefined ? undefined : readerFor(known, window.text + (progress.bytes >= file.sizeBytes ? '' : openTailText(file, progress)), settings);
        if (known.reader === undefined) return undefined;
      }
      if (window === undefined) break;
      hasChanged = true;
      changes.push(...known.reader.take(window, { file, progress, isGrowing: true, isWhole: true }));
      for (const at of window.lineStarts) lineStarts.push(at);
      known.textLength = progress.offset;
      markProgress(file, progress);
      if (Date.now() - sentMs >= BATCH_EVERY_MS) send();
      if (await talk.isCancelled()) {
        if (changes.length > 0) send();
        return { kind: 'cancelled' };
      }
    }
    const tail = openTail(file, progress);
    const isTaken = isQuiet || isJson(tail.text);
    const { reader } = known;
    const last = reader?.take(isTaken ? tail : { ...tail, text: '' }, { file, progress, isGrowing: !isQuiet, isWhole: false }) ?? [];
    changes.push(...last);
    known.textLength = tail.start + tail.text.length;
    markProgress(file, progress);
    known.isProvisional = !isQuiet && (tail.text !== '' || last.some((change) => change.steps.at(-1)?.isProvisional === true));
    known.isComplete = true;
    if (hasChanged || changes.length > 0) send();
    if (known.steps === 0 && known.warnings.all().length === 0) {
      forget();
      return { kind: 'no-trace', sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs };
    }
    return outcomeOf(known, file, { isReset: how.isReset, hasChanged: hasChanged || changes.length > 0 });
  }

  function openTailText(file: OpenFile, progress: FileProgress): string {
    return file.sizeBytes - progress.bytes < SNIFFED_BYTES ? openTail(file, progress).text : '';
  }

  /** Undefined where the text is no JSONL. */
  function readerFor(known: Reading, text: string, settings: IndexSettings): WindowReader | undefined {
    const { format } = known;
    if (format === undefined || !isJsonLines(text)) return undefined;
    const tools = { ...settings, format, path, spill: known.spill, warnings: known.warnings };
    known.formatVersion = '';
    return isOfRecords(format, text) ? createRecordReader(tools) : createSessionReader(tools);
  }

  function isOfRecords(format: TraceFormat, text: string): boolean {
    if (format.windows?.kind !== 'either') return format.windows?.kind === 'record';
    const { traces } = format.parse({ path, text });
    const [first] = traces;
    return traces.length > 1 || (first !== undefined && first.range !== null && !text.slice(first.range.start, first.range.end).includes('\n'));
  }

  async function readPacked(file: OpenFile, settings: IndexSettings, talk: IndexTalk): Promise<IndexOutcome | undefined> {
    const read = await readText(path, settings.maxBytes ?? Number.MAX_SAFE_INTEGER);
    if (read.kind === 'too-large') return { kind: 'too-large', sizeBytes: file.sizeBytes, message: `This file has ${megabytes(file.sizeBytes)}, more than is read.` };
    if (read.kind !== 'text') return read;
    if (read.isVirtual !== true) return undefined;
    return takeText(file, read, settings, talk);
  }

  async function readWhole(file: OpenFile, settings: IndexSettings, talk: IndexTalk): Promise<IndexOutcome> {
    if (file.sizeBytes > LONGEST_TEXT) return { kind: 'too-large', sizeBytes: file.sizeBytes, message: `This file has ${megabytes(file.sizeBytes)} in one piece, and at most ${megabytes(LONGEST_TEXT)} of such a file can be read. Convert it to JSONL, one record a line, or split it.` };
    return takeText(file, { text: file.bytes(0, file.sizeBytes).toString('utf8') }, settings, talk);
  }

  async function takeText(file: OpenFile, content: { readonly text: string; readonly isVirtual?: boolean; readonly notice?: string }, settings: IndexSettings, talk: IndexTalk): Promise<IndexOutcome> {
    const { text, isVirtual = false, notice } = content;
    const found = (settings.format === undefined ? undefined : readTraces({ path, text }, settings.format)) ?? parseTraces({ path, text }, (confidence) => confidence >= (settings.minConfidence ?? 0));
    if (found === undefined || !(hasSteps(found) || found.warnings.length > 0)) {
      forget();
      return { kind: 'no-trace', sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs };
    }
    const parsed = isVirtual ? withoutPlaces(found, notice) : found;
    const known = begin(talk);
    Object.assign(known, { format: findFormat(parsed.format), formatVersion: parsed.formatVersion, wholeWarnings: parsed.warnings, isVirtual, textLength: text.length });
    const lineStarts = withFirst(editorLineStarts(text, 0));
    let isFirst = true;
    let changes: TraceChange[] = [];
    let sentMs = 0;
    const send = (bytesDone: number): void => {
      known.spill.flush();
      note(known, changes);
      talk.onBatch({ isReset: isFirst, changes, traceCount: parsed.traces.length, lineStarts: isFirst ? lineStarts : new Uint32Array(), textLength: text.length, bytesDone, bytesTotal: file.sizeBytes });
      [changes, isFirst, sentMs] = [[], false, Date.now()];
    };
    const total = parsed.traces.reduce((n, trace) => n + trace.steps.length, 0);
    let done = 0;
    for (const change of wholeFileChanges(parsed, { ...settings, spill: known.spill })) {
      changes.push(change);
      done += change.steps.length;
      if (Date.now() - sentMs < BATCH_EVERY_MS) continue;
      send(Math.floor((file.sizeBytes * done) / Math.max(1, total)));
      if (await talk.isCancelled()) {
        forget();
        return { kind: 'cancelled' };
      }
    }
    known.isProvisional = parsed.traces.some((trace) => trace.steps.at(-1)?.isProvisional === true);
    known.isComplete = true;
    markProgress(file, known.progress);
    if (changes.length > 0 || isFirst) send(file.sizeBytes);
    return outcomeOf(known, file, { isReset: true, hasChanged: true });
  }
}

function note(known: Reading, changes: readonly TraceChange[]): void {
  for (const { traceIndex, header, from, steps } of changes) {
    if (known.formatVersion === '') known.formatVersion = header.formatVersion;
    known.steps = Math.max(known.steps, from + steps.length);
    if (Object.keys(header.unknownRecordCounts).length > 0) known.unknownByTrace.set(traceIndex, header.unknownRecordCounts);
    else known.unknownByTrace.delete(traceIndex);
  }
}

function outcomeOf(known: Reading, file: OpenFile, how: { readonly isReset: boolean; readonly hasChanged: boolean }): IndexOutcome {
  const unknownRecordCounts: Record<string, number> = {};
  for (const counts of known.unknownByTrace.values()) for (const [kind, count] of Object.entries(counts)) unknownRecordCounts[kind] = (unknownRecordCounts[kind] ?? 0) + count;
  return {
    kind: 'read', format: known.format?.id ?? '', formatVersion: known.formatVersion, isWindowed: known.reader !== undefined, sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs,
    textLength: known.textLength, ...how, isVirtual: known.isVirtual, isProvisional: known.isProvisional,
    warnings: known.reader === undefined ? known.wholeWarnings : known.warnings.all(), unknownRecordCounts,
  };
}

function withoutFormat({ format: _, ...settings }: IndexSettings): IndexSettings {
  return settings;
}

function withFirst(starts: readonly number[]): Uint32Array<ArrayBuffer> {
  const all = new Uint32Array(starts.length + 1);
  all.set(starts, 1);
  return all;
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function failureSentence(path: string, error: unknown, spillFolder: string): string {
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') return `There is no room left in ${spillFolder}: ${path} is shown as far as it was read. Free some space there, then read it again.`;
  if (code === 'EACCES' || code === 'EROFS' || code === 'ENOENT') return `No temporary file could be made in ${spillFolder}: ${path} cannot be read. Make the folder writable, or name another one as the temporary folder of the system.`;
  return `${path} cannot be read (${messageOf(error)}).`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
