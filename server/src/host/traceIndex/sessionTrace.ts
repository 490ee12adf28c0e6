/** One trace of a session that is read in parts: which of its steps are settled, and what a part adds. */
import type { ExecutionStep, OffsetRange, PlanTrace, TraceWarning } from '../../core/planTrace.ts';
import type { TraceChange, TraceHeader } from '../../core/traceIndex.ts';
import { duplicateWarning } from '../../formats/traceAssembly.ts';
import type { Composite } from './composite.ts';
import { leanSteps, type KnownPlaces, type LeanSettings } from './leanSteps.ts';
import type { SpillWriter } from './spill.ts';
import { createTakenIds, idInFile, wantedIds } from './stepIds.ts';
import { createWindowRules } from './windowRules.ts';

/** A step that nothing will change any more. */
interface Settled {
  readonly start: number;
  readonly stepId: string;
  readonly contextKey: string;
  /** Set where the id its record gives was taken. */
  readonly repeats: { readonly stepId: string; readonly range: OffsetRange | null } | undefined;
}

/** A step as a part shows it, where it belongs in the file. */
export interface FreshStep {
  readonly step: ExecutionStep;
  readonly start: number;
  readonly contextKey: string;
  readonly repeats: Settled['repeats'];
}

export interface SessionTrace {
  /** What readers of parts call it. */
  readonly localId: string;
  readonly settledCount: number;
  /** Where the unsettled steps begin and so many settled ones before them, from the first on. */
  beginnings(settledSteps: number): readonly { readonly start: number; readonly stepId: string }[];
  /** Where the trace begins as long as none of its steps is settled: what stands there may be its goal. */
  readonly unsettledFrom: number | undefined;
  /** Offset of the first step; undefined where there is none. */
  readonly firstStart: number | undefined;
  /** Whether the part holds the last settled step where it was. */
  fits(part: PlanTrace, composite: Composite): boolean;
  /** Takes in what a part shows of the trace. */
  take(part: PlanTrace, composite: Composite, how: { readonly isLastProvisional: boolean }): TraceChange;
  /** The steps of the last part that are not settled. */
  readonly fresh: readonly FreshStep[];
  /** Settles so many of the fresh steps. */
  settle(count: number): void;
  /** Unsettles the steps from the one on that holds the offset, and all after it. */
  unsettle(offset: number): void;
  /** Records of unknown kind in lines that will not be read again. */
  addUnknown(counts: Readonly<Record<string, number>>): void;
}

export function createSessionTrace(first: { readonly localId: string; readonly traceId: string; readonly traceIndex: number }, tools: LeanSettings & { readonly spill: SpillWriter }): SessionTrace {
  let settled: Settled[] = [];
  let fresh: readonly FreshStep[] = [];
  let header: TraceHeader | undefined;
  let taken = createTakenIds();
  let unknown: Record<string, number> = {};
  const known: KnownPlaces = new Map();
  const rules = createWindowRules();

  function freshOf(part: PlanTrace, composite: Composite): FreshStep[] {
    const last = settled.at(-1);
    const wanted = wantedIds(part.steps);
    const preview = createTakenIds(taken.uses);
    let previousId = last?.stepId ?? '';
    const found: FreshStep[] = [];
    for (const [i, step] of part.steps.entries()) {
      const want = wanted[i];
      const range = step.range === null ? null : composite.rangeInFile(step.range);
      const start = range?.start ?? 0;
      if (want === undefined || (last !== undefined && start <= last.start)) continue;
      const stepId = idInFile(step, want, previousId, preview);
      previousId = stepId;
      const placed: ExecutionStep = { ...step, stepId, stepIndex: settled.length + found.length, range, textRange: step.textRange === null ? null : composite.rangeInFile(step.textRange) };
      found.push({ step: placed, start, contextKey: '', repeats: want.kind === 'own' && want.id !== stepId ? { stepId: want.id, range } : undefined });
    }
    return found;
  }

  function headerOf(part: PlanTrace, composite: Composite): TraceHeader {
    const { steps: _, ...found } = part;
    const placed: TraceHeader = {
      ...found,
      goalRange: found.goalRange === null ? null : composite.rangeInFile(found.goalRange),
      range: found.range === null ? null : composite.rangeInFile(found.range),
      warnings: [...found.warnings.filter((w) => w.code !== 'duplicate-step-id').map((w) => placedWarning(w, composite)), ...duplicates()],
      unknownRecordCounts: sum(unknown, found.unknownRecordCounts),
    };
    if (header === undefined || settled.length === 0) return { ...placed, traceId: first.traceId === first.localId || settled.length > 0 ? first.traceId : placed.traceId };
    return {
      ...placed,
      traceId: header.traceId, goalText: header.goalText, goalRange: header.goalRange, formatVersion: header.formatVersion,
      ...(header.createdAt === undefined ? {} : { createdAt: header.createdAt }),
      finalOutputText: placed.finalOutputText === '' ? header.finalOutputText : placed.finalOutputText,
      // The setup is told at the beginning, what it came to at the end.
      meta: found.format === 'codex' ? { ...header.meta, ...placed.meta } : { ...placed.meta, ...header.meta, ...(placed.meta.costUsd === undefined ? {} : { costUsd: placed.meta.costUsd }), ...(placed.meta.outcome === undefined ? {} : { outcome: placed.meta.outcome }) },
      range: header.range === null || placed.range === null ? placed.range : { start: Math.min(header.range.start, placed.range.start), end: Math.max(header.range.end, placed.range.end) },
    };
  }

  function duplicates(): readonly TraceWarning[] {
    const repeated = [...settled, ...fresh].flatMap((step) => step.repeats ?? []);
    const [firstOne] = repeated;
    return firstOne === undefined ? [] : [duplicateWarning(repeated.length, firstOne)];
  }

  return {
    localId: first.localId,
    get settledCount() {
      return settled.length;
    },
    get fresh() {
      return fresh;
    },
    beginnings: (settledSteps) => [...settled.slice(-settledSteps), ...fresh.map(({ start, step }) => ({ start, stepId: step.stepId }))],
    get unsettledFrom() {
      return settled.length === 0 ? header?.range?.start : undefined;
    },
    get firstStart() {
      return (settled[0] ?? fresh[0])?.start;
    },
    fits: (part, composite) => {
      const last = settled.at(-1);
      return last === undefined || part.steps.some((step) => step.range !== null && composite.toFile(step.range.start) === last.start);
    },
    take(part, composite, { isLastProvisional }) {
      const found = freshOf(part, composite);
      const last = found.at(-1);
      if (last !== undefined && isLastProvisional) found[found.length - 1] = { ...last, step: { ...last.step, isProvisional: true } };
      fresh = found;
      header = headerOf(part, composite);
      const steps = found.map(({ step }) => step);
      const lean = leanSteps(steps, { ...tools, goalText: header.goalText, contextKey: settled.at(-1)?.contextKey, known });
      fresh = found.map((step, i) => ({ ...step, contextKey: lean.contextKeys[i] ?? '' }));
      return { traceIndex: first.traceIndex, header, goalKey: lean.goalKey, from: settled.length, steps: lean.steps, findings: rules.check(header, steps) };
    },
    settle(count) {
      const done = fresh.slice(0, count);
      for (const { step, start, contextKey, repeats } of done) {
        taken.take(repeats?.stepId ?? step.stepId);
        settled.push({ start, stepId: step.stepId, contextKey, repeats });
        known.delete(step.stepIndex);
      }
      rules.keep(done.map(({ step }) => step));
      fresh = fresh.slice(count);
    },
    unsettle(offset) {
      let kept = settled.length;
      while (kept > 0 && (settled[kept - 1]?.start ?? 0) > offset) kept--;
      // The step that holds the offset may change too.
      kept = Math.max(0, kept - 1);
      if (kept >= settled.length) return;
      settled = settled.slice(0, kept);
      taken = createTakenIds();
      for (const { stepId, repeats } of settled) taken.take(repeats?.stepId ?? stepId);
      known.clear();
      rules.dropFrom(kept);
      if (kept === 0) unknown = {};
    },
    addUnknown(counts) {
      unknown = sum(unknown, counts);
    },
  };
}

function sum(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const all: Record<string, number> = { ...a };
  for (const [kind, count] of Object.entries(b)) {
    const total = (all[kind] ?? 0) + count;
    if (total === 0) delete all[kind];
    else all[kind] = total;
  }
  return all;
}

function placedWarning(warning: TraceWarning, composite: Composite): TraceWarning {
  return warning.range === null ? warning : { ...warning, range: composite.rangeInFile(warning.range) };
}
