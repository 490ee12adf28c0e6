/** Every trace file of the session: read, kept current, scored, and reported. */
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { LabelRecord } from '../core/labels.ts';
import { LABEL_FILE_NAME } from '../core/labels.ts';
import type * as contract from '../contract/protocol.ts';
import { badStepCount, displayConsensus, percent, thresholdsFor } from '../features/scoredTrace.ts';
import { hasSteps, parseTraces, readTraces } from '../formats/readTraces.ts';
import { findFormat, formatTitles } from '../formats/registry.ts';
import { withoutPlaces } from '../formats/virtualText.ts';
import type { ParsedFile } from '../formats/format.ts';
import type { IndexOutcome } from '../core/traceIndex.ts';
import { createDiagnosticReports } from './diagnosticReports.ts';
import { fileDiagnostics } from './fileDiagnostics.ts';
import type { OtherPages } from './requests/nextBadStep.ts';
import { RULES_SCORER } from '../scoring/scorers/rules.ts';
import { activeScorerIds } from '../scoring/activeScorers.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import type { Engine, ServerPorts } from './ports.ts';
import { createFolderSettings } from './folderSettings.ts';
import { createGrowthPacer } from './growthPacer.ts';
import { createIndexedFiles } from './indexedFiles.ts';
import { createLiveAlarm } from './liveAlarm.ts';
import type { IndexedNews } from './indexedFiles.ts';
import { isReadable, sourceUriOf } from './readableUris.ts';
import { createScoringQueue } from './scoringQueue.ts';
import { runScoring } from './scoringRun.ts';
import { createShownViews } from './shownViews.ts';
import { fileNote, unreadableDiagnostics } from './unreadableFile.ts';
import { createWorkspaceMemory } from './workspaceMemory.ts';
import { buildTraceFile } from '../features/traceFile.ts';
import type { TraceFile, TraceView, ViewContext } from '../features/traceFile.ts';

/** What is kept of a file that nobody has open. */
interface QuietFile {
  readonly modifiedMs: number;
  readonly sizeBytes: number;
  readonly steps: number;
  readonly traces: number;
}

export interface StoreEvents {
  readonly onStatus: (status: contract.ServerStatus) => void;
  readonly onNotice: (notice: contract.NoticeParams) => void;
  /** What a file shows has changed. */
  readonly onChanged: (uri: string) => void;
  readonly onBadge: (badge: contract.BadgeParams) => void;
  readonly log: (message: string) => void;
}

/** What a file holds; a text alone is that of an editor. */
interface Content {
  readonly text: string;
  readonly isVirtual?: boolean;
  readonly notice?: string;
}

/** What is asked of the queue for one file. */
interface Ask {
  readonly priority: number;
  /** Ids of steps wanted first. */
  readonly focus?: ReadonlySet<string>;
  readonly rescore?: contract.RescoreParams;
  readonly onProgress?: (done: number, total: number) => void;
}

const MEGABYTE = 1_048_576;
const USUAL_TRACE_LENGTH = 8;
/** Steps of a file that nobody looks at, scored before its Problems are first renewed. */
const UNSEEN_STEPS = 500;
/** Longer files are read through an index: their words stay on disk, and reading them keeps nobody waiting. */
const INDEX_FROM_BYTES = 8 * MEGABYTE;
/** Files whose growth is lines. */
const RECORD_LINES = /\.(?:jsonl|ndjson)$/i;
/** Of a file that grows so many are scored before newer ones are let in: a few windows. */
const STEPS_AT_A_STRETCH = 32;
/** Steps at the end of a long trace that are looked at first. */
const NEWEST_STEPS = 8;
/** Steps whose turn comes within so many need no look ahead; of the others in view so many get one at a time. */
const SOON_STEPS = 64;
const MOST_AHEAD = 48;
/** How a zip archive, zstd and gzip begin when their bytes are taken for UTF-8. */
const PACKED_AS_TEXT = /^(?:PK\x03\x04|\(\ufffd\/\ufffd|\x1f\ufffd\x08)/;

export type TraceStore = ReturnType<typeof createTraceStore>;

export function createTraceStore(options: { readonly init: contract.InitOptions; readonly ports: ServerPorts; readonly events: StoreEvents; readonly folders: readonly string[] }) {
  const { ports, events } = options;
  let engine: Engine | undefined;
  let engineLoading: Promise<Engine | undefined> | undefined;
  let engineError: string | undefined;
  let isClosed = false;
  const reports = createDiagnosticReports();
  const openDocuments = new Map<string, TextDocument>();
  const files = new Map<string, TraceFile>();
  const quiet = new Map<string, QuietFile>();
  const wanted = new Set<string>();
  /** By source uri: the format a user chose for it. */
  const chosenFormats = new Map<string, string>();
  const complaints = new Set<string>();
  const queue = createScoringQueue((job, error) => {
    events.log(`Scoring ${job.uri} failed: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
    failEngine(error);
  });

  const context: ViewContext = {
    get manifest() { return engine?.manifest; },
    scorersOf: (settings) => (engine === undefined ? [] : activeScorerIds(engine.manifest, settings)),
    matchesGlob: ports.matchesGlob, labelKeyOf: ports.labelKeyOf, textHashOf: ports.sha256,
  };

  const shown = createShownViews(context, (file) => files.get(file.uri) === file);

  const memory = createWorkspaceMemory({
    engine: () => engine, root: () => settingsOf.folders()[0], sha256: ports.sha256, nowMs: ports.nowMs, viewOf: (file) => shown.of(file), log: events.log,
    onDeltas: (file) => {
      if (files.get(file.uri) === file || !openDocuments.has(file.uri)) showAgain(file);
    },
  });

  const indexed = createIndexedFiles({
    ports, onNews: takeNews, onFollowing: (uri, isFollowed) => {
      if (!isFollowed) {
        alarm.end(uri);
        releaseIndex(uri);
      }
      idleStatus();
    },
    onOutcome: (uri, outcome) => void track(settleIndex(uri, outcome).then((file) => {
      // Another file stands under the name: nothing was shown or scored batch by batch.
      if (file !== undefined && outcome.kind === 'read' && outcome.isReset) showAnew(file);
    })).catch(() => undefined),
  });
  /** By source uri: steps that were scored ahead because somebody saw them. */
  const lookedAt = new Map<string, Set<string>>();
  const alarm = createLiveAlarm();
  const pacer = createGrowthPacer((file, focus) => new Promise<void>((resolve) => {
    const onProgress = (done: number): void => { if (done >= STEPS_AT_A_STRETCH) resolve(); };
    void enqueue(file, { priority: 1, focus, onProgress }).then(() => resolve());
  }));

  const underWay = new Set<Promise<unknown>>();
  /** Remembers work that nobody awaits, so that "settled" can wait for it. */
  function track<T>(work: Promise<T>): Promise<T> {
    const quietly: Promise<unknown> = work.catch((error: unknown) => events.log(`StepScope: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)).then(() => underWay.delete(quietly));
    underWay.add(quietly);
    return work;
  }

  const settingsOf = createFolderSettings({ ports, base: options.init.settings, folders: options.folders, onComplaint: (message) => complain({ id: message, severity: 'warning', message }) });
  const { settingsFor, folderOf, isIncluded } = settingsOf;

  function complain(notice: contract.NoticeParams): void {
    if (complaints.has(notice.id)) return;
    complaints.add(notice.id);
    events.onNotice(notice);
  }

  async function loadEngine(): Promise<Engine | undefined> {
    if (engine !== undefined || engineError !== undefined || isClosed) return engine;
    engineLoading ??= (async () => {
      try {
        engine = await ports.loadEngine({ settings: settingsOf.base(), dataFolder: options.init.dataFolder, workspaceRoot: settingsOf.folders()[0], onNotice: (message) => complain({ id: message, severity: 'warning', message }), onLoadingModels: () => events.onStatus({ kind: 'loading-model' }) });
      } catch (error) {
        failEngine(error);
      }
      return engine;
    })();
    return engineLoading;
  }

  /** The models cannot be used in this session: say so once and go on with rules, labels and scores found in files. */
  function failEngine(error: unknown): void {
    engineError = error instanceof Error ? error.message : String(error);
    complain({ id: 'engine', severity: 'error', message: `${engineError} Until then traces are read and checked by rules, but not scored.` });
    events.onStatus({ kind: 'error', message: engineError });
  }

  /** Reads the traces out of a text, or undefined where it holds none that we may show. A chosen format in which there is nothing to read any more yields to detection. */
  function parse(uri: string, path: string, { text, isVirtual, notice }: Content, settings: EffectiveSettings): ParsedFile | undefined {
    const chosen = chosenFormats.get(uri);
    const parsed = (chosen === undefined ? undefined : readTraces({ path, text }, chosen))
      ?? parseTraces({ path, text }, (confidence) => confidence >= 0.5 || wanted.has(uri) || isIncluded(path, settings));
    if (parsed === undefined || !(hasSteps(parsed) || parsed.warnings.length > 0)) return undefined;
    return isVirtual === true ? withoutPlaces(parsed, notice) : parsed;
  }

  /** Takes in what a file holds; answers the state it has now, undefined where it is no trace or `isOutdated` says, after each wait, that something newer came. */
  async function take(uri: string, content: Content, isOutdated: () => boolean): Promise<TraceFile | undefined> {
    const { text } = content;
    const path = ports.uriToPath(uri) ?? uri;
    const settings = await settingsFor(path);
    if (isOutdated()) return undefined;
    const parsed = parse(uri, path, content, settings);
    if (parsed === undefined) {
      const had = files.delete(uri) || quiet.delete(uri);
      queue.drop(uri);
      shown.forget(uri);
      if (isIncluded(path, settings)) reports.set(uri, unreadableDiagnostics(text));
      else reports.clear(uri);
      if (had || openDocuments.has(uri)) events.onChanged(uri);
      return undefined;
    }
    await loadEngine();
    const labels = await ports.loadLabels(path);
    if (isOutdated()) return undefined;
    const file = buildTraceFile({ uri, path, text, parsed, isVirtual: content.isVirtual ?? false, settings, manifest: engine?.manifest, sha256: ports.sha256, labels, before: files.get(uri) });
    files.set(uri, file);
    shown.forget(uri);
    return file;
  }

  function show(uri: string): void {
    shown.forget(uri);
    const file = files.get(uri);
    if (file !== undefined) events.onBadge({ uri, badSteps: badStepCount(shown.of(file).traces) });
    const news = file === undefined || !settingsOf.base().live.notifyBadStep ? undefined : alarm.look(shown.of(file));
    if (news !== undefined) events.onNotice(news);
    // Editors ask for the Problems of open documents themselves; only the others are reported.
    if (file !== undefined && !openDocuments.has(uri)) reports.set(uri, fileDiagnostics(shown.of(file), ports.problemPage));
    events.onChanged(uri);
  }

  /** A file that nobody has open is not held: its Problems are reported from the state it had. */
  function showAgain(file: TraceFile): void {
    if (files.get(file.uri) === file) return show(file.uri);
    if (quiet.has(file.uri) && !openDocuments.has(file.uri)) reports.set(file.uri, fileDiagnostics(shown.of(file), ports.problemPage));
  }

  const isPaused = (): boolean => !settingsOf.base().scoring.inBackground;

  /** Queues what is missing of a file's scores, or a re-score; resolves when it is done or was given up. */
  function enqueue(file: TraceFile, ask: Ask): Promise<contract.RescoreResult> {
    if (ask.priority === 0 && isPaused()) {
      idleStatus();
      return Promise.resolve({ steps: 0, changed: 0, cancelled: true });
    }
    let scored = 0;
    return new Promise((resolve) => {
      queue.add({
        uri: file.uri, priority: ask.priority,
        run: async (signal) => resolve(await scoreFile(file, { ...ask, onProgress: (done, total) => {
          scored = done;
          ask.onProgress?.(done, total);
        } }, signal)),
        onDropped: () => resolve({ steps: scored, changed: 0, cancelled: true }),
      });
    });
  }

  async function scoreFile(file: TraceFile, ask: Ask, signal: AbortSignal): Promise<contract.RescoreResult> {
    const current = engine;
    const newest = files.get(file.uri);
    if (current === undefined || (newest !== undefined && newest !== file)) return { steps: 0, changed: 0, cancelled: true };
    files.set(file.uri, file);
    // Showing costs the whole file: often at first, ever more rarely in a long trace. Of a file that nobody looks at the first steps can wait.
    let nextShow = isPinned(file.uri) ? 0 : UNSEEN_STEPS;
    const result = await runScoring(file, {
      scorer: current.scorer, rescore: ask.rescore, focus: ask.focus, signal,
      scorers: ask.rescore?.scorers?.filter((id) => id !== RULES_SCORER) ?? context.scorersOf(file.settings),
      onBegin: (done, total) => events.onStatus({ kind: 'scoring', done, total }),
      onScored: (done, total) => {
        ask.onProgress?.(done, total);
        events.onStatus({ kind: 'scoring', done, total });
        if (files.get(file.uri) !== file || done < nextShow) return;
        nextShow = Math.max(done + 32, done * 1.5);
        show(file.uri);
      },
      // The last steps may not have been shown yet: what is compared must hold them.
      onTraceScored: () => shown.forget(file.uri),
      scoreNow: (traceId, stepIndex) => scoreNow(file, traceId, stepIndex),
    });
    if (files.get(file.uri) === file) show(file.uri);
    // What is followed is recorded at rest, like what is typed: laying it out costs the whole file.
    memory.note(file, isPinned(file.uri) || indexed.isInUse(file.uri));
    if (!isPinned(file.uri)) forgetText(file);
    idleStatus();
    return { ...result, cancelled: false };
  }

  /** Whether somebody looks at the file, itself or its readable rendering. */
  function isPinned(uri: string): boolean {
    return [...openDocuments.keys()].some((open) => sourceUriOf(open) === uri);
  }

  function scoreNow(file: TraceFile, traceId: string, stepIndex: number): number | undefined {
    const step = sourceViewStep(shown.of(file), traceId, stepIndex);
    return step === undefined ? undefined : percent(step);
  }

  function forgetText(file: TraceFile): void {
    const known = quiet.get(file.uri);
    files.delete(file.uri);
    lookedAt.delete(file.uri);
    shown.forget(file.uri);
    releaseIndex(file.uri);
    quiet.set(file.uri, { modifiedMs: known?.modifiedMs ?? 0, sizeBytes: known?.sizeBytes ?? 0, steps: stepCount(file), traces: file.works.length });
  }

  /** Closes the index of a file that nobody looks at or follows, once its scores are recorded. */
  function releaseIndex(uri: string): void {
    if (indexed.isInUse(uri)) return;
    void memory.finish(uri).then(() => {
      if (!files.has(uri) && !indexed.isInUse(uri)) indexed.close(uri);
    });
  }

  function idleStatus(): void {
    if (engineError !== undefined) return events.onStatus({ kind: 'error', message: engineError });
    const open = [...files.values()];
    const steps = open.reduce((n, f) => n + stepCount(f), 0) + [...quiet].reduce((n, [uri, q]) => n + (files.has(uri) ? 0 : q.steps), 0);
    const traces = open.reduce((n, f) => n + f.works.length, 0) + [...quiet].reduce((n, [uri, q]) => n + (files.has(uri) ? 0 : q.traces), 0);
    events.onStatus({ kind: 'idle', traces, steps, following: indexed.followed().length, isPaused: isPaused() });
  }

  /** Reads an unopened file from disk if it is new or changed, and scores it in the background. */
  async function visit(path: string, ask: { readonly isForced?: boolean; readonly isAwaited?: boolean; readonly isEvent?: boolean } = {}): Promise<TraceFile | undefined> {
    const uri = ports.pathToUri(path);
    if (openDocuments.has(uri) || isClosed) return files.get(uri);
    const settings = await settingsFor(path);
    const state = await ports.fileState(path);
    const known = quiet.get(uri);
    if (ask.isForced !== true && known !== undefined && known.modifiedMs === state?.modifiedMs && known.sizeBytes === state.sizeBytes) return undefined;
    const hasGrown = ask.isEvent === true && known !== undefined && state !== undefined && state.sizeBytes > known.sizeBytes && RECORD_LINES.test(path);
    if (indexed.has(uri) || hasGrown || (state?.sizeBytes ?? 0) > INDEX_FROM_BYTES) return visitIndexed({ uri, path, settings, isGrowing: hasGrown, isAwaited: ask.isAwaited === true, isNeeded: ask.isForced === true });
    const read = await ports.readText(path, settings.limits.maxFileSizeMB * MEGABYTE);
    if (read.kind === 'missing') return forgetMissing(uri, path);
    if (read.kind !== 'text') return refuse(uri, read.kind === 'too-large' ? tooLarge(read.sizeBytes, settings) : read.message);
    // Opened meanwhile: what the editor shows counts.
    const file = await take(uri, read, () => openDocuments.has(uri));
    if (file === undefined) return undefined;
    quiet.set(uri, { modifiedMs: read.modifiedMs, sizeBytes: read.sizeBytes, steps: 0, traces: 0 });
    show(uri);
    if (ask.isAwaited === true) await enqueue(file, { priority: 1 });
    else if (isPaused() && ask.isForced !== true) forgetText(file);
    else void enqueue(file, { priority: 0 });
    return file;
  }

  async function forgetMissing(uri: string, path: string): Promise<undefined> {
    memory.forget(path);
    await remove(uri);
    return undefined;
  }

  function refuse(uri: string, message: string): undefined {
    reports.set(uri, [fileNote(message)]);
    events.onChanged(uri);
    return undefined;
  }

  async function visitIndexed(ask: { readonly uri: string; readonly path: string; readonly settings: EffectiveSettings; readonly isGrowing: boolean; readonly isAwaited: boolean; readonly isNeeded: boolean }): Promise<TraceFile | undefined> {
    const { uri, path, settings } = ask;
    await loadEngine();
    if (ask.isGrowing) alarm.begin(uri, quiet.get(uri)?.steps ?? 0);
    const labels = await ports.loadLabels(path);
    const outcome = await indexed.read({ uri, path, settings, labels, manifest: engine?.manifest, format: chosenFormats.get(uri), minConfidence: wanted.has(uri) || isIncluded(path, settings) ? 0 : 0.5 });
    if (ask.isGrowing) indexed.follow(uri);
    const file = await settleIndex(uri, outcome);
    if (file === undefined) return undefined;
    files.set(uri, file);
    show(uri);
    if (isPaused() && !ask.isNeeded && !isPinned(uri)) {
      forgetText(file);
      idleStatus();
      return undefined;
    }
    const scored = enqueue(file, { priority: ask.isAwaited || isPinned(uri) ? 1 : 0, focus: newestSteps(file) });
    if (ask.isAwaited) await scored;
    return file;
  }

  /** What reading a file through its index came to: its state now, undefined where it is no trace. */
  async function settleIndex(uri: string, outcome: IndexOutcome): Promise<TraceFile | undefined> {
    const path = ports.uriToPath(uri);
    if (path === undefined || isClosed) return undefined;
    const settings = await settingsFor(path);
    switch (outcome.kind) {
      case 'cancelled': return undefined;
      case 'read': {
        const { sizeBytes, modifiedMs } = outcome;
        const file = files.get(uri) ?? indexed.file(uri);
        if (file !== undefined) quiet.set(uri, { sizeBytes, modifiedMs, steps: stepCount(file), traces: file.works.length });
        return file;
      }
      case 'missing':
        indexed.close(uri);
        return forgetMissing(uri, path);
      case 'no-trace':
        await remove(uri);
        return isIncluded(path, settings) ? refuse(uri, `No trace was found in this file. StepScope reads ${formatTitles()}.`) : undefined;
      case 'too-large':
      case 'failed': {
        const file = indexed.file(uri);
        if (file === undefined) {
          indexed.close(uri);
          return refuse(uri, outcome.kind === 'too-large' && outcome.sizeBytes > settings.limits.maxFileSizeMB * MEGABYTE ? tooLarge(outcome.sizeBytes, settings) : outcome.message);
        }
        // What was read stays, the sentence among its warnings; the next sign of the file has it read again.
        quiet.set(uri, { sizeBytes: quiet.get(uri)?.sizeBytes ?? 0, modifiedMs: 0, steps: stepCount(file), traces: file.works.length });
        return file;
      }
    }
  }

  /** A batch of a file that is read through its index: shown at once, scored when it is the first one or the file has grown. */
  function takeNews({ file, changed, isReading, bytesDone, bytesTotal }: IndexedNews): void {
    const { uri } = file;
    if (openDocuments.has(uri) || isClosed) return;
    const isFirst = !files.has(uri);
    files.set(uri, file);
    shown.forget(uri);
    if (isReading && bytesDone < bytesTotal) events.onStatus({ kind: 'reading', done: bytesDone, total: bytesTotal });
    // Showing costs the whole file: at its beginning, and when it has been read.
    if (isReading && !isFirst) return;
    show(uri);
    if (!isReading || isPinned(uri)) pacer.grown(file, isReading ? [] : changed);
  }

  function showAnew(file: TraceFile): void {
    files.set(file.uri, file);
    show(file.uri);
    void enqueue(file, { priority: isPinned(file.uri) ? 1 : 0 });
  }

  /** A readable document was opened: from now on its file is looked at. */
  function showReadable(uri: string, file: TraceFile | undefined): void {
    const source = sourceUriOf(uri);
    if (file !== undefined && openDocuments.has(uri)) {
      files.set(source, file);
      void enqueue(file, { priority: 1, focus: newestSteps(file) });
    }
    events.onChanged(source);
  }

  async function remove(uri: string): Promise<void> {
    indexed.close(uri);
    queue.drop(uri);
    files.delete(uri);
    quiet.delete(uri);
    shown.forget(uri);
    reports.clear(uri);
    events.onBadge({ uri, badSteps: 0 });
    events.onChanged(uri);
    idleStatus();
  }

  async function scan(): Promise<void> {
    for (const folder of settingsOf.folders()) {
      const settings = await settingsFor(folder);
      for await (const path of ports.walkFiles(folder, (p) => ports.matchesGlob(p, settings.exclude) || ports.matchesGlob(`${p}/x`, settings.exclude))) {
        if (isClosed) return;
        if (path.endsWith(LABEL_FILE_NAME) || !isIncluded(path, settings)) continue;
        await visit(path);
      }
    }
    idleStatus();
  }

  async function refreshDocument(uri: string, priority: number): Promise<void> {
    const document = openDocuments.get(uri);
    if (document === undefined || isReadable(document.uri)) return;
    const before = files.get(uri);
    const version = document.version;
    const file = await take(uri, await contentOf(document), () => openDocuments.get(uri)?.version !== version);
    if (file === undefined) return;
    show(uri);
    engine?.warmUp().catch(failEngine);
    const known = new Set(before?.works.flatMap((w) => w.steps.map((s) => s.textKey)));
    const focus = new Set(before === undefined ? [] : file.works.flatMap((w) => w.steps.flatMap((s) => (s.textKey !== '' && !known.has(s.textKey) ? [s.step.stepId] : []))));
    void enqueue(file, { priority, focus });
  }

  /** The text of an open document; of a packed file that an editor shows as if it were text, what is packed in it. */
  async function contentOf(document: TextDocument): Promise<Content> {
    const text = document.getText();
    const path = PACKED_AS_TEXT.test(text) ? ports.uriToPath(document.uri) : undefined;
    if (path === undefined) return { text };
    const read = await ports.readText(path, (await settingsFor(path)).limits.maxFileSizeMB * MEGABYTE);
    return read.kind === 'text' ? read : { text };
  }

  /** The state of a file for a request; reads it from disk where nobody has it open, and waits for its scores unless told not to. */
  async function need(uri: string, { isAwaited = true }: { readonly isAwaited?: boolean } = {}): Promise<TraceFile | undefined> {
    const source = sourceUriOf(uri);
    const known = files.get(source);
    if (known !== undefined) return known;
    const path = ports.uriToPath(source);
    if (path === undefined || openDocuments.has(source)) return undefined;
    const file = await visit(path, { isForced: true, isAwaited });
    return files.get(source) ?? file;
  }

  /** What is said about a file that is no trace. */
  function noteOf(uri: string): string | undefined {
    const message = reports.get(uri)?.[0]?.message;
    return typeof message === 'string' ? message : message?.value;
  }

  /** Reads a file anew after its format was chosen. */
  async function readAgain(uri: string): Promise<TraceFile | undefined> {
    if (openDocuments.has(uri)) await refreshDocument(uri, 3);
    else {
      queue.drop(uri);
      files.delete(uri);
      indexed.close(uri);
      await need(uri, { isAwaited: false });
    }
    return files.get(uri);
  }

  async function closeDocument(uri: string): Promise<void> {
    openDocuments.delete(uri);
    const source = files.get(sourceUriOf(uri));
    if (uri !== sourceUriOf(uri)) {
      if (source !== undefined && !isPinned(source.uri)) forgetText(source);
      return;
    }
    wanted.delete(uri);
    const file = files.get(uri);
    const path = ports.uriToPath(uri);
    if (path === undefined || folderOf(path) === undefined) return remove(uri);
    if (file !== undefined) forgetText(file);
    quiet.delete(uri);
    const settings = await settingsFor(path);
    if (isIncluded(path, settings)) await visit(path);
    else await remove(uri);
  }

  async function takeFileEvent(uri: string): Promise<void> {
    const path = ports.uriToPath(uri);
    if (path === undefined) return;
    if (path.endsWith(LABEL_FILE_NAME)) return reloadLabels(path);
    if (path.endsWith('.stepscope.json')) {
      complaints.clear();
      return reconfigure(settingsOf.base());
    }
    const settings = await settingsFor(path);
    if (isIncluded(path, settings) || quiet.has(uri)) await visit(path, { isEvent: true });
  }

  async function reconfigure(settings: EffectiveSettings): Promise<void> {
    settingsOf.setBase(settings);
    await memory.flush();
    indexed.closeAll();
    if (isPaused()) for (const uri of files.keys()) if (!isPinned(uri)) queue.drop(uri);
    for (const uri of openDocuments.keys()) await refreshDocument(uri, 1);
    for (const known of [...quiet.keys()]) if (!openDocuments.has(known)) {
      const path = ports.uriToPath(known);
      if (path !== undefined) await visit(path, { isForced: true });
    }
    await scan();
  }

  async function changeFolders(next: readonly string[]): Promise<void> {
    settingsOf.setFolders(next);
    for (const uri of [...quiet.keys()]) {
      const path = ports.uriToPath(uri);
      if (path !== undefined && folderOf(path) === undefined) await remove(uri);
    }
    await scan();
  }


  const store = {
    reports, memory,
    open(uri: string, document: TextDocument): void {
      openDocuments.set(uri, document);
      void memory.finish(uri).then(() => {
        if (openDocuments.has(uri)) indexed.close(uri);
      });
      const work = isReadable(uri) ? need(uri, { isAwaited: false }).then((file) => showReadable(uri, file)) : refreshDocument(uri, 1);
      track(work).catch(() => undefined);
    },
    change(uri: string): Promise<void> {
      return track(refreshDocument(uri, 2));
    },
    close: (uri: string): Promise<void> => track(closeDocument(uri)),
    /** A file changed, appeared or went away outside the editor. */
    fileEvent: (uri: string): Promise<void> => track(takeFileEvent(uri)),
    reconfigure: (settings: EffectiveSettings): Promise<void> => track(reconfigure(settings)),
    setFolders: (next: readonly string[]): Promise<void> => track(changeFolders(next)),
    scan: (): Promise<void> => track(scan()),
    settings: settingsOf.base,
    isOpen: (uri: string): boolean => openDocuments.has(uri),
    /** What an open document shows; the file itself or its readable rendering. Undefined for what is no trace. */
    view(uri: string): TraceView | undefined {
      const file = files.get(sourceUriOf(uri));
      return file === undefined ? undefined : shown.at(file, uri);
    },
    async viewOrLoad(uri: string): Promise<TraceView | undefined> {
      const file = await need(uri);
      return file === undefined ? undefined : shown.at(file, uri);
    },
    /** Where there is no trace, what is known about why. */
    async readable(uri: string): Promise<string | undefined> {
      const file = await need(uri, { isAwaited: false });
      if (file !== undefined) return shown.readable(file, uri).text;
      const note = noteOf(sourceUriOf(uri));
      return note === undefined ? undefined : `${note}\n`;
    },
    /** Steps of a long file that somebody sees and that wait for their turn are scored beforehand. */
    look(view: TraceView, visible: { readonly start: number; readonly end: number }): void {
      const file = files.get(view.source.uri);
      if (file === undefined || engine === undefined) return;
      const known = lookedAt.get(file.uri) ?? new Set<string>();
      lookedAt.set(file.uri, known);
      const waiting = view.traces.flatMap(({ trace, steps }) => {
        const soon = steps.findIndex((s) => s.isPending) + SOON_STEPS;
        return soon < SOON_STEPS ? [] : trace.steps.filter((step, i) => i > soon && step.range !== null && step.range.start < visible.end && step.range.end > visible.start && steps[i]?.isPending === true && !known.has(step.stepId));
      });
      if (waiting.length === 0) return;
      for (const { stepId } of waiting) known.add(stepId);
      void enqueue(file, { priority: 2, focus: new Set(waiting.slice(0, MOST_AHEAD).map((s) => s.stepId)) });
    },
    /** The links of a readable document to its other pages. */
    pageLinks(uri: string): readonly { readonly range: contract.WireRange; readonly target: string }[] {
      const file = isReadable(uri) ? files.get(sourceUriOf(uri)) : undefined;
      if (file === undefined) return [];
      return shown.pageLinks(file, uri);
    },
    /** The pages beside a readable document; undefined where it is the only one. */
    otherPages(uri: string): OtherPages | undefined {
      const file = isReadable(uri) ? files.get(sourceUriOf(uri)) : undefined;
      return file === undefined ? undefined : shown.otherPages(file, uri);
    },
    /** Reads a document as a trace although nothing named it as one. */
    async scoreDocument(uri: string): Promise<{ readonly steps: number; readonly message?: string }> {
      wanted.add(uri);
      if (openDocuments.has(uri)) await refreshDocument(uri, 3);
      else await need(uri);
      const file = files.get(uri);
      if (file === undefined) return { steps: 0, message: `No trace was found in this file. StepScope reads ${formatTitles()}.` };
      if (engineError !== undefined) return { steps: 0, message: engineError };
      await queue.whenIdle();
      return { steps: stepCount(file) };
    },
    /** Reads a file by the format of that id from here on; undefined detects again. What reads nothing changes nothing. */
    async openAs(uri: string, format: string | undefined): Promise<contract.OpenAsResult> {
      const before = chosenFormats.get(uri);
      const title = format === undefined ? undefined : findFormat(format)?.title;
      if (format !== undefined && title === undefined) return { kind: 'failed', message: `There is no trace format "${format}".` };
      const wasWanted = wanted.has(uri);
      wanted.add(uri);
      if (format === undefined) chosenFormats.delete(uri);
      else chosenFormats.set(uri, format);
      const file = await readAgain(uri);
      if (file !== undefined && hasSteps(file.parsed) && (format === undefined || file.parsed.format === format)) {
        return { kind: 'opened', title: findFormat(file.parsed.format)?.title ?? file.parsed.format, traces: file.works.length, steps: stepCount(file) };
      }
      const note = file === undefined && !openDocuments.has(uri) ? noteOf(uri) : undefined;
      if (format === undefined) return { kind: 'failed', message: note ?? `No trace was found in this file. StepScope reads ${formatTitles()}.` };
      if (before === undefined) chosenFormats.delete(uri);
      else chosenFormats.set(uri, before);
      if (!wasWanted) wanted.delete(uri);
      await readAgain(uri);
      return { kind: 'failed', message: note ?? `Nothing in this file could be read as ${title ?? format}. It is read as before.` };
    },
    stopScoring: (uri: string): void => queue.drop(uri),
    /** Reads what is being read, then scores what is missing of a file before any other; resolves when that is done or was given up. */
    async complete(uri: string, onProgress: (done: number, total: number) => void): Promise<void> {
      await Promise.all(underWay);
      const file = files.get(sourceUriOf(uri));
      if (file !== undefined) await enqueue(file, { priority: 3, onProgress });
    },
    async rescore(params: contract.RescoreParams, report: { readonly signal: AbortSignal; readonly onProgress: (done: number, total: number) => void }): Promise<contract.RescoreResult> {
      const uris = params.scope === 'workspace' ? [...new Set([...files.keys(), ...quiet.keys()])] : params.uri === undefined ? [] : [sourceUriOf(params.uri)];
      const total = { steps: 0, changed: 0, cancelled: false };
      for (const [at, uri] of uris.entries()) {
        if (report.signal.aborted) return { ...total, cancelled: true };
        const file = await need(uri);
        if (file === undefined) continue;
        const stop = (): void => queue.drop(uri);
        report.signal.addEventListener('abort', stop, { once: true });
        const result = await enqueue(file, { priority: 3, rescore: params, onProgress: (done, steps) => (uris.length === 1 ? report.onProgress(done, steps) : report.onProgress(at, uris.length)) });
        report.signal.removeEventListener('abort', stop);
        total.steps += result.steps;
        total.changed += result.changed;
        total.cancelled ||= result.cancelled;
      }
      return total;
    },
    async label(uri: string, record: Omit<LabelRecord, 'file'>): Promise<string> {
      const source = sourceUriOf(uri);
      const path = ports.uriToPath(source);
      if (path === undefined) throw new Error('Labels are kept beside the trace; save this file first.');
      const labelFile = await ports.appendLabel(path, { ...record, file: ports.labelKeyOf(path) });
      await reloadLabels(labelFile);
      return labelFile;
    },
    counters: () => ({
      encodedSteps: engine?.scorer.counters.encodedSteps ?? 0, windows: engine?.runner.windowCount ?? 0, headRows: engine?.scorer.counters.headRows ?? 0,
      cacheHits: engine?.scorer.counters.cacheHits ?? 0, lastEncodedStepIds: engine?.scorer.counters.lastEncodedStepIds ?? [],
    }),
    manifest: (): ModelManifest | undefined => engine?.manifest,
    /** Scores, 0–1, under which a step of a trace of usual length is bad, and turned a failed run; 0.5 without models. */
    reportThresholds(): { readonly badBelow: number; readonly firstErrorBelow: number } {
      if (engine === undefined) return { badBelow: 0.5, firstErrorBelow: 0.5 };
      const { lowScore, firstError } = thresholdsFor(settingsOf.base(), engine.manifest, USUAL_TRACE_LENGTH);
      return { badBelow: lowScore, firstErrorBelow: firstError };
    },
    scorers: (): readonly string[] => (engine === undefined ? [] : [...engine.manifest.scorers.map((s) => s.id), RULES_SCORER]),
    async settled(): Promise<{ readonly files: number; readonly steps: number }> {
      do {
        await Promise.all(underWay);
        await queue.whenIdle();
        await memory.flush();
      } while (underWay.size > 0);
      const known = new Set([...files.keys(), ...quiet.keys()]);
      const stepsIn = (uri: string): number => {
        const file = files.get(uri);
        return file === undefined ? quiet.get(uri)?.steps ?? 0 : stepCount(file);
      };
      const steps = [...known].reduce((n, uri) => n + stepsIn(uri), 0);
      return { files: known.size, steps };
    },
    async shutdown(): Promise<void> {
      isClosed = true;
      pacer.close();
      reports.release();
      await queue.close();
      await memory.flush();
      indexed.closeAll();
      await engineLoading;
      await engine?.close();
      engine = undefined;
    },
  };

  async function reloadLabels(labelFile: string): Promise<void> {
    for (const file of [...files.values()]) {
      if (folderPart(file.path) !== folderPart(labelFile)) continue;
      file.labels = await ports.loadLabels(file.path);
      indexed.relabel(file.uri, file.labels);
      show(file.uri);
      memory.note(file, isPinned(file.uri));
    }
    for (const uri of [...quiet.keys()]) {
      const path = ports.uriToPath(uri);
      if (path !== undefined && !files.has(uri) && folderPart(path) === folderPart(labelFile)) await visit(path, { isForced: true });
    }
  }

  return store;
}

function stepCount(file: TraceFile): number {
  return file.works.reduce((sum, work) => sum + work.steps.length, 0);
}

/** Ids of the last steps of the last trace. */
function newestSteps(file: TraceFile): ReadonlySet<string> {
  return new Set(file.works.at(-1)?.steps.slice(-NEWEST_STEPS).map((s) => s.step.stepId));
}

function tooLarge(sizeBytes: number, { limits }: EffectiveSettings): string {
  return `This file has ${Math.round(sizeBytes / MEGABYTE)} MB, more than stepscope.limits.maxFileSizeMB (${limits.maxFileSizeMB}). It was not read; raise the limit to score it.`;
}

function sourceViewStep(view: TraceView, traceId: string, stepIndex: number): number | undefined {
  const step = view.traces.find((t) => t.trace.traceId === traceId)?.steps[stepIndex];
  return step === undefined ? undefined : displayConsensus(step)?.score;
}

function folderPart(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')));
}
