/** Puts together what an index reports, as the server does: traces, findings and line starts. */
import type { Finding } from '../../server/src/core/problems.ts';
import type { HeavyFields, IndexBatch, IndexOutcome, IndexSettings, LeanStep, TraceHeader, TraceIndex } from '../../server/src/core/traceIndex.ts';
import type { ExecutionStep } from '../../server/src/core/planTrace.ts';
import { createIndexedFile } from '../../server/src/host/traceIndex/indexedFile.ts';
import { openSpill, type SpillReader } from '../../server/src/host/traceIndex/spill.ts';
import type { IndexWorkerStart } from '../../server/src/host/traceIndex/messages.ts';

export interface SeenTrace {
  header: TraceHeader;
  goalKey: string;
  lean: LeanStep[];
  findings: Finding[];
}

/** What a user of the index knows after the batches so far. */
export interface Seen {
  traces: SeenTrace[];
  lineStarts: number[];
  textLength: number;
  batches: number;
}

export function nothingSeen(): Seen {
  return { traces: [], lineStarts: [], textLength: 0, batches: 0 };
}

export function see(seen: Seen, batch: IndexBatch): void {
  seen.batches++;
  if (batch.isReset) {
    seen.traces = [];
    seen.lineStarts = [];
  }
  for (const at of batch.lineStarts) seen.lineStarts.push(at);
  seen.textLength = batch.textLength;
  for (const { traceIndex, header, goalKey, from, steps, findings } of batch.changes) {
    const before = seen.traces[traceIndex];
    seen.traces[traceIndex] = {
      header, goalKey,
      lean: replacedFrom(before?.lean ?? [], from, steps),
      findings: [...(before?.findings.filter((f) => f.stepIndex !== undefined && f.stepIndex < from) ?? []), ...findings],
    };
  }
  seen.traces.length = Math.min(seen.traces.length, batch.traceCount);
}

/** In place: copying what stays would cost more than all else in a long trace. */
function replacedFrom(lean: LeanStep[], from: number, steps: readonly LeanStep[]): LeanStep[] {
  lean.length = from;
  for (const step of steps) lean.push(step);
  return lean;
}

/** Every step with its words. */
export function wholeSteps(index: Pick<TraceIndex, 'readStep'>, trace: SeenTrace): readonly ExecutionStep[] {
  return trace.lean.map((lean) => wholeStep(lean, index.readStep(lean)));
}

/** An index without a worker: reading is done here and now. */
export function indexHere(path: string, settings: IndexSettings, start: IndexWorkerStart): TraceIndex {
  const file = createIndexedFile(path, start);
  let spill: SpillReader | undefined;
  return {
    read: (onBatch, signal): Promise<IndexOutcome> => file.read(settings, {
      onSpill(made) {
        spill?.close();
        spill = openSpill(made);
      },
      onBatch,
      isCancelled: () => Promise.resolve(signal?.aborted === true),
    }),
    readStep: (place) => spill?.read(place) ?? { description: '', tools: [], attributes: {} },
    close() {
      file.close();
      spill?.close();
    },
  };
}

/** The step whole again. */
function wholeStep(lean: LeanStep, heavy: HeavyFields): ExecutionStep {
  const { toolNames: _names, hasLogprobs: _logprobs, at: _at, bytes: _bytes, textKey: _text, contextKey: _context, chainKey: _chain, isShortened: _shortened, unscored: _unscored, error: _error, ...light } = lean;
  return { ...light, ...heavy };
}
