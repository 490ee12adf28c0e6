/** stepscope/writeBack: the edits that write a file's scores into it, for the editor to make as one change. */
import type { WireTextEdit, WriteBackResult } from '../../contract/protocol.ts';
import { writeBackRefusal, writeTraceScores } from '../../features/writeBack.ts';
import type { TraceView } from '../../features/traceFile.ts';
import { toRange } from '../toLsp.ts';

export interface WriteBackPorts {
  /** The document as the editor has it; undefined where it is not open. */
  document(): { readonly text: string; readonly version: number } | undefined;
  /** What it shows, after every edit that has arrived. */
  view(): Promise<TraceView | undefined>;
  /** Resolves when the file has been read and every step of it scored, or when scoring it was given up. */
  scored(onProgress: (done: number, total: number) => void): Promise<void>;
  /** `share` of the work, 0–1. */
  readonly onProgress: (share: number, message: string) => void;
  readonly signal: AbortSignal;
}

/** Of the work, before the edits are made. */
const SCORING_SHARE = 0.9;

export async function writeBack(ports: WriteBackPorts): Promise<WriteBackResult> {
  const { signal, onProgress } = ports;
  const document = ports.document();
  if (document === undefined) return failed('The trace is not open in an editor. Open it and write its scores again.');
  const early = refusalOf(await ports.view());
  if (early !== undefined) return failed(early);
  await Promise.race([ports.scored((done, total) => onProgress((SCORING_SHARE * done) / Math.max(1, total), `${done}/${total} steps scored`)), aborted(signal)]);
  const view = await ports.view();
  if (signal.aborted) return failed(CANCELLED);
  if (view === undefined) return failed('This file is not known as a trace: there are no scores to write into it.');
  // The ranges of the view count in the text it was made of.
  if (ports.document()?.version !== document.version) return failed('The trace was changed while its scores were gathered: nothing was written. Write them again.');
  const refusal = refusalOf(view) ?? unfinished(view);
  if (refusal !== undefined) return failed(refusal);
  const edits: WireTextEdit[] = [];
  const notes: string[] = [];
  const written = { traces: 0, steps: 0 };
  for (const [index, scored] of view.traces.entries()) {
    const result = writeTraceScores(document.text, view.source.parsed, scored);
    if (result.kind === 'left') notes.push(result.reason);
    else {
      written.traces++;
      written.steps += result.scoredSteps;
      for (const { start, end, newText } of result.edits) edits.push({ range: toRange({ start, end }, view.lines), newText });
    }
    onProgress(SCORING_SHARE + ((1 - SCORING_SHARE) * (index + 1)) / view.traces.length, `${index + 1}/${view.traces.length} traces`);
    await otherWork();
    if (signal.aborted) return failed(CANCELLED);
  }
  if (written.traces === 0) return failed(notes[0] ?? 'There is no trace in this file: nothing was written.');
  return { kind: 'edits', edits, version: document.version, ...written, notes };
}

const CANCELLED = 'Writing was cancelled: nothing was written.';

function failed(message: string): WriteBackResult {
  return { kind: 'failed', message };
}

function refusalOf(view: TraceView | undefined): string | undefined {
  return view === undefined ? undefined : writeBackRefusal(view.source.parsed.format);
}

function unfinished(view: TraceView): string | undefined {
  const open = view.traces.flatMap((t) => t.steps.filter((s) => s.isStale || s.isPending)).length;
  if (open === 0) return undefined;
  return `${open === 1 ? '1 step is' : `${open} steps are`} not scored yet: nothing was written. Wait until scoring is done and write again.`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Lets a cancellation, an edit or a hover be heard between two traces. */
function otherWork(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
