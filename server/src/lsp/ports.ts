/** What the server needs from the machine it runs on; the composition root provides it. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { LabelRecord } from '../core/labels.ts';
import type { IndexSettings, TraceIndex } from '../core/traceIndex.ts';
import type { ScoreMemory } from '../corpus/scoreMemory.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import type { ModelRunner } from '../scoring/modelRunner.ts';
import type { TraceScorer } from '../scoring/traceScorer.ts';

export interface Engine {
  readonly manifest: ModelManifest;
  readonly runner: ModelRunner;
  readonly scorer: TraceScorer;
  readonly memory: ScoreMemory;
  /** Loads and tests the models now rather than with the first text; rejects with an Error whose message is a sentence for the user. */
  warmUp(): Promise<void>;
  /** Waits for what is running, then frees everything. */
  close(): Promise<void>;
}

export type FileText =
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly sizeBytes: number;
      readonly modifiedMs: number;
      /** The text was unpacked from the file and stands in no editor: steps have no place in the file itself. */
      readonly isVirtual?: boolean;
      /** What is missing from the text: one sentence. */
      readonly notice?: string;
    }
  | { readonly kind: 'missing' }
  | { readonly kind: 'too-large'; readonly sizeBytes: number }
  | { readonly kind: 'failed'; readonly message: string };

/** How a request to the receiver ended. */
export type ReceiverEnding =
  | { readonly kind: 'written'; readonly accepted: number; readonly rejected: number; readonly reason: string }
  | { readonly kind: 'turned-away' | 'busy' | 'failed'; readonly message: string };

export interface RunningReceiver {
  readonly port: number;
  /** Where the trace files are. */
  readonly folder: string;
  close(): Promise<void>;
}

/** Size and time of a file's last change; undefined where it cannot be told. */
export interface FileState {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface ServerPorts {
  /** Reads the manifest and opens the memory; models load when they are needed. Rejects with an Error whose message is a sentence for the user. */
  loadEngine(options: { readonly settings: EffectiveSettings; readonly dataFolder: string; readonly workspaceRoot: string | undefined; readonly onNotice: (message: string) => void; readonly onLoadingModels: () => void }): Promise<Engine>;
  readText(path: string, maxBytes: number): Promise<FileText>;
  fileState(path: string): Promise<FileState | undefined>;
  /** Opens an index of a file; nothing is read yet. */
  openIndex(path: string, settings: IndexSettings): TraceIndex;
  /** Calls back soon after each change of a file, or of what stands under its name; answers how to stop. */
  watchFile(path: string, onChange: () => void): () => void;
  walkFiles(folder: string, skip: (path: string) => boolean): AsyncIterable<string>;
  loadLabels(traceFile: string): Promise<readonly LabelRecord[]>;
  /** Appends to the label file of this trace file and answers its path; throws what the file system says. */
  appendLabel(traceFile: string, record: LabelRecord): Promise<string>;
  labelKeyOf(traceFile: string): string;
  /** Listens for OTLP on the loopback addresses; rejects with an Error whose message is a sentence for the user. */
  startReceiver(options: { readonly workspaceFolder: string; readonly port: number; readonly mostFileBytes: number; readonly onWritten: (path: string) => void; readonly onEnding: (ending: ReceiverEnding) => void }): Promise<RunningReceiver>;
  matchesGlob(path: string, globs: readonly string[]): boolean;
  sha256(text: string): string;
  /** ISO 8601. */
  nowIso(): string;
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  uriToPath(uri: string): string | undefined;
  pathToUri(path: string): string;
  /** Address of a problem code's page. */
  problemPage(code: string): string;
}
