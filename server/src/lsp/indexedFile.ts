/** A trace file read through its index: the server's picture of it, brought up to date with every batch. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { LabelRecord } from '../core/labels.ts';
import { createGrowingLineIndex } from '../core/lineIndex.ts';
import type { PlanTrace, TraceWarning } from '../core/planTrace.ts';
import type { Finding } from '../core/problems.ts';
import type { HeavyFields, IndexBatch, LeanStep, TraceChange, TraceHeader, TraceIndex } from '../core/traceIndex.ts';
import type { ScoreDelta } from '../corpus/scoreMemory.ts';
import type { RawScore } from '../features/presentTrace.ts';
import type { TraceFile } from '../features/traceFile.ts';
import { createIndexedSteps } from './indexedStep.ts';
import type { IndexedStep } from './indexedStep.ts';

export interface IndexedFile {
  readonly index: TraceIndex;
  /** Takes a batch in; answers the ids of the steps that are new or changed. */
  take(batch: IndexBatch): readonly string[];
  /** What is known so far; undefined before the first trace. */
  file(known: { readonly settings: EffectiveSettings; readonly labels: readonly LabelRecord[]; readonly warnings: readonly TraceWarning[]; readonly isVirtual: boolean }): TraceFile | undefined;
  close(): void;
}

interface GrowingTrace {
  header: TraceHeader;
  goalKey: string;
  steps: readonly IndexedStep[];
  findings: readonly Finding[];
}

/** Steps whose words are kept at hand: a window of them is read at a time. */
const WORDS_AT_HAND = 512;

export function createIndexedFile(index: TraceIndex, known: { readonly uri: string; readonly path: string; readonly maxStepCharacters: number }): IndexedFile {
  let traces: GrowingTrace[] = [];
  let lines = createGrowingLineIndex();
  let textLength = 0;
  const words = new Map<LeanStep, HeavyFields>();
  const rawByTraceId = new Map<string, Map<string, RawScore>>();
  const deltasByTraceId = new Map<string, Map<string, ScoreDelta>>();

  const wordsOf = (lean: LeanStep): HeavyFields => {
    let found = words.get(lean);
    if (found !== undefined) return found;
    words.set(lean, found = index.readStep(lean));
    for (const oldest of words.keys()) {
      if (words.size <= WORDS_AT_HAND) break;
      words.delete(oldest);
    }
    return found;
  };

  const wholeStep = createIndexedSteps({ wordsOf, maxStepCharacters: known.maxStepCharacters });

  function change({ traceIndex, header, goalKey, from, steps, findings }: TraceChange): readonly string[] {
    const trace = traces[traceIndex] ??= { header, goalKey, steps: [], findings: [] };
    trace.header = header;
    trace.goalKey = goalKey;
    const replaced = new Map(trace.steps.slice(from).map((s) => [s.stepId, s.chainKey]));
    trace.steps = [...trace.steps.slice(0, from), ...steps.map(wholeStep)];
    trace.findings = [...trace.findings.filter((f) => f.stepIndex !== undefined && f.stepIndex < from), ...findings];
    return steps.flatMap((lean) => (replaced.get(lean.stepId) === lean.chainKey ? [] : [lean.stepId]));
  }

  return {
    index,
    take(batch) {
      if (batch.isReset) {
        traces = [];
        lines = createGrowingLineIndex();
      }
      lines.append(batch.lineStarts, batch.textLength);
      ({ textLength } = batch);
      const changed = batch.changes.flatMap(change);
      traces.length = Math.min(traces.length, batch.traceCount);
      return changed;
    },
    file({ settings, labels, warnings, isVirtual }) {
      const [first] = traces;
      if (first === undefined) return undefined;
      const works = traces.map(({ header, goalKey, steps }) => ({ trace: { ...header, steps } satisfies PlanTrace, goalKey, steps }));
      for (const { trace } of works) if (!rawByTraceId.has(trace.traceId)) rawByTraceId.set(trace.traceId, new Map());
      return {
        uri: known.uri, path: known.path, settings, lines: lines.now(), textLength, isVirtual, works, labels, rawByTraceId, deltasByTraceId,
        parsed: { format: first.header.format, formatVersion: first.header.formatVersion, traces: works.map((w) => w.trace), warnings },
        findings: traces.map((t) => t.findings),
      };
    },
    close: () => index.close(),
  };
}
