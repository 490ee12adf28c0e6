/** Messages of our own between the extension and the server, beside standard LSP. Positions are LSP positions. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { LabelValue } from '../core/labels.ts';

export const PROTOCOL_VERSION = 1;

export interface WirePosition { readonly line: number; readonly character: number }
export interface WireRange { readonly start: WirePosition; readonly end: WirePosition }

/** Settings as the client sends them: the engine's own shape, before `.stepscope.json`. Percent values are 0–100. */
export type WireSettings = EffectiveSettings;

/** `initializationOptions` of the server. */
export interface InitOptions {
  readonly protocolVersion: number;
  readonly settings: WireSettings;
  /** Folder of the score memory; '' for the workspace's place in the user's data folder, where the command line looks too. */
  readonly dataFolder: string;
  readonly isTrusted: boolean;
}

/** Server -> client notification: drives the status bar. */
export const STATUS = 'stepscope/status';
export type ServerStatus = (
  /** `following`: files that are being written and read along. */
  | { readonly kind: 'idle'; readonly traces: number; readonly steps: number; readonly following: number; readonly isPaused: boolean }
  | { readonly kind: 'loading-model' }
  /** Of a long file, in bytes. */
  | { readonly kind: 'reading'; readonly done: number; readonly total: number }
  | { readonly kind: 'scoring'; readonly done: number; readonly total: number }
  | { readonly kind: 'error'; readonly message: string }
) & { readonly receiver?: ReceiverStatus };
/** The OTLP receiver while it listens; `spans` since it was turned on. */
export interface ReceiverStatus { readonly port: number; readonly spans: number }

/** Server -> client notification: what to tint in an open document. Replaces what was sent before for that uri. */
export const DECORATIONS = 'stepscope/decorations';
export interface DecorationsParams {
  readonly uri: string;
  readonly version: number | null;
  readonly bad: readonly WireDecoration[];
  readonly contested: readonly WireDecoration[];
}
export interface WireDecoration { readonly range: WireRange; readonly hover: string }

/** Server -> client notification: a sentence the user must see (corrupt database, missing model, read-only labels…). `id` shows once a session. */
export const NOTICE = 'stepscope/notice';
/** `goTo`: a place that the message is about, offered with it. */
export interface NoticeParams { readonly id: string; readonly severity: 'error' | 'warning' | 'information'; readonly message: string; readonly goTo?: { readonly uri: string; readonly position: WirePosition } }

/** Request: the traces and steps of a file, for pickers and commands. `null` when the file is no trace. */
export const TRACES = 'stepscope/traces';
export interface TracesParams { readonly uri: string }
export interface WireStep {
  readonly stepId: string;
  readonly stepIndex: number;
  readonly stepType: string;
  readonly title: string;
  readonly range: WireRange;
  /** 0–100, null when not scored. */
  readonly score: number | null;
  readonly uncertainty: number | null;
  readonly isBad: boolean;
  readonly label: LabelValue | null;
}
export interface WireTrace { readonly traceId: string; readonly goal: string; readonly format: string; readonly range: WireRange; readonly steps: readonly WireStep[] }
export interface TracesResult { readonly traces: readonly WireTrace[]; readonly isSingleLine: boolean; readonly scorers: readonly string[] }

/** Request: score again from scratch, past the cache. `scope` step needs stepId, trace needs traceId; file scores all of it. */
export const RESCORE = 'stepscope/rescore';
export interface RescoreParams {
  readonly scope: 'step' | 'trace' | 'file' | 'workspace';
  readonly uri?: string;
  readonly traceId?: string;
  readonly stepId?: string;
  /** Scorers to run; all enabled ones when absent. */
  readonly scorers?: readonly string[];
  readonly workDoneToken?: string | number;
}
/** Scored steps, and how many of their scores changed by more than 0.5 of 100. */
export interface RescoreResult { readonly steps: number; readonly changed: number; readonly cancelled: boolean }

/** Request: score a document that no glob names or detection was unsure of ("Score This Trace"). */
export const SCORE_DOCUMENT = 'stepscope/scoreDocument';
export interface ScoreDocumentParams { readonly uri: string; readonly workDoneToken?: string | number }
export interface ScoreDocumentResult { readonly steps: number; readonly message?: string }

/** Request: every trace format the server reads, for a picker. */
export const FORMATS = 'stepscope/formats';
export interface FormatsResult { readonly formats: readonly { readonly id: string; readonly title: string }[] }

/** Request: reads a file as a trace of that format whatever detection says, for the rest of the session; `null` detects again. */
export const OPEN_AS = 'stepscope/openAs';
export interface OpenAsParams { readonly uri: string; readonly format: string | null; readonly workDoneToken?: string | number }
/** `failed`: nothing could be read that way, and the file is read as before. */
export type OpenAsResult =
  | { readonly kind: 'opened'; readonly title: string; readonly traces: number; readonly steps: number }
  | { readonly kind: 'failed'; readonly message: string };

/** Request: give or take back a label. `label: null` takes it back. Answers what stood before, for undo. */
export const LABEL = 'stepscope/label';
export type { LabelValue };
export interface LabelParams { readonly uri: string; readonly traceId: string; readonly stepId: string; readonly label: LabelValue | null; readonly author?: string }
export type LabelResult =
  | { readonly kind: 'saved'; readonly previous: LabelValue | null; readonly file: string }
  | { readonly kind: 'failed'; readonly message: string };

/** Request: the next or previous bad step from a position, wrapping round; crosses to the next open trace of the file. `null` when there is none. */
export const NEXT_BAD_STEP = 'stepscope/nextBadStep';
export interface NextBadStepParams { readonly uri: string; readonly position: WirePosition; readonly direction: 'next' | 'previous' }
/** `uri`: set where the step stands on another page of the readable document. */
export interface NextBadStepResult { readonly uri?: string; readonly range: WireRange; readonly message: string }

/** Request: the readable text of a trace file, for the virtual document `stepscope-readable:<path>?<source uri>`; a page of it under `<name>.page-<n>.readable.txt`. `uri`: the document's own. */
export const READABLE = 'stepscope/readable';
export const READABLE_SCHEME = 'stepscope-readable';
export interface ReadableParams { readonly uri: string }
export interface ReadableResult { readonly text: string }
/** Server -> client notification: the readable text of this source uri changed. */
export const READABLE_CHANGED = 'stepscope/readableChanged';

/** Request: one step explained as Markdown (for "Copy explanation"). `null` when there is no such step. */
export const EXPLAIN = 'stepscope/explain';
export interface ExplainParams { readonly uri: string; readonly traceId: string; readonly stepId: string }
export interface ExplainResult { readonly markdown: string }

/** Request: which of two steps of one trace is better, by whom, and how surely. `null` when the file is no trace. */
export const COMPARE = 'stepscope/compare';
export interface CompareParams { readonly uri: string; readonly traceId: string; readonly stepIds: readonly [first: string, second: string] }
/** Percent, 0–100: the chance that the first step is the better one; `weight` is the scorer's share of the decision. */
export interface WireComparison {
  readonly title: string;
  readonly winner: 'first' | 'second' | 'none';
  readonly preferFirst: number;
  readonly votes: readonly { readonly scorer: string; readonly preferFirst: number; readonly weight: number }[];
}
export type CompareResult =
  | { readonly kind: 'compared'; readonly verdict: string; readonly markdown: string; readonly dimensions: readonly WireComparison[] }
  | { readonly kind: 'failed'; readonly message: string };

/** Request: a report over all remembered scores, as Markdown; for the virtual document `stepscope-report:/<title>.md?<params as JSON>`. `history` needs uri, traceId and stepId. */
export const REPORT = 'stepscope/report';
export const REPORT_SCHEME = 'stepscope-report';
export const REPORT_TITLES = { statistics: 'Corpus statistics', history: 'Score history', conflicts: 'Conflicts', patterns: 'Patterns and recommendations', review: 'Review queue' } as const;
export type ReportKind = keyof typeof REPORT_TITLES;
export interface ReportParams { readonly kind: ReportKind; readonly uri?: string; readonly traceId?: string; readonly stepId?: string; readonly workDoneToken?: string | number }
export interface ReportResult { readonly text: string }

/** Server -> client notification: how many bad steps a file holds, for its badge. */
export const BADGE = 'stepscope/badge';
export interface BadgeParams { readonly uri: string; readonly badSteps: number }

/** Request: the edits that write the scores of an open PlanTrace document into it (`step_scores`, `pipeline_score`, `mars_analysis`). Waits until it is scored; `version` is the one the edits belong to. */
export const WRITE_BACK = 'stepscope/writeBack';
export interface WriteBackParams { readonly uri: string; readonly workDoneToken?: string | number }
export interface WireTextEdit { readonly range: WireRange; readonly newText: string }
/** `notes`: sentences about traces that were left as they are. */
export type WriteBackResult =
  | { readonly kind: 'edits'; readonly edits: readonly WireTextEdit[]; readonly version: number; readonly traces: number; readonly steps: number; readonly notes: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string };

/** Request: the traces of a file in another format, with the scores there are. `suggestedName` for the new file; `lost`: in words what the format cannot hold. */
export const EXPORT = 'stepscope/export';
export const EXPORT_FORMATS = ['plantrace', 'atif', 'otlp'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
export interface ExportParams { readonly uri: string; readonly format: ExportFormat }
export type ExportResult =
  | { readonly kind: 'exported'; readonly text: string; readonly suggestedName: string; readonly lost: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string };

/** Request: how much work was done since the start; for tests and the bench. */
export const COUNTERS = 'stepscope/counters';
export interface CountersResult { readonly encodedSteps: number; readonly windows: number; readonly headRows: number; readonly cacheHits: number; readonly lastEncodedStepIds: readonly string[] }

/** Request: resolves when nothing is left to score; for tests, the bench and "Score Workspace". */
export const SETTLED = 'stepscope/settled';
export interface SettledResult { readonly files: number; readonly steps: number }

/** Commands that the server puts into code lenses and code actions; the client implements them. Arguments as listed. */
export const CLIENT_COMMANDS = {
  /** [uri, traceId] */ rescoreTrace: 'stepscope.rescoreTrace',
  /** [uri, traceId, stepId] */ rescoreStep: 'stepscope.rescoreStep',
  /** [uri, traceId, stepId, label | null] */ labelStep: 'stepscope.labelStep',
  /** [code] */ muteCode: 'stepscope.muteCode',
  /** [uri?, position?] */ nextBadStep: 'stepscope.nextBadStep',
  /** [uri?, position?] */ previousBadStep: 'stepscope.previousBadStep',
  /** [uri] */ openReadable: 'stepscope.openReadable',
  /** [uri, position] */ goToStep: 'stepscope.goToStep',
  /** [uri, traceId, stepId] */ copyExplanation: 'stepscope.copyExplanation',
  /** [uri, traceId, stepId] */ scoreHistory: 'stepscope.scoreHistory',
} as const;
