/** Where failed runs turned: which type of step is the first bad one. */
import { shareOf } from './patternStats.ts';
import type { Share } from './patternStats.ts';
import { isBad } from './stepTable.ts';
import type { StepRow, TraceRow } from './stepTable.ts';

export interface FailureStarts {
  /** Traces that failed: by their outcome, else by holding a bad step. */
  readonly failed: number;
  /** Of these, how the first bad step was told; `unknown`: no step of the trace stands out. */
  readonly basis: { readonly label: number; readonly score: number; readonly unknown: number };
  /** Most failures first. */
  readonly byStepType: readonly {
    readonly stepType: string;
    /** Of the failed traces whose first bad step is known. */
    readonly share: Share;
    /** Share of starts / share of all steps: above 1 the type starts more failures than it has steps. */
    readonly lift: number;
    readonly exampleIds: readonly string[];
  }[];
}

/** A run counts as failed below this outcome. */
const SUCCESS = 0.5;
const EXAMPLES = 5;

/** First bad step of each failed trace: by a person's label, else the first score under `badBelow`. */
export function failureStarts(traces: readonly TraceRow[], options: { readonly dimension: string; readonly badBelow: number }): FailureStarts {
  const basis = { label: 0, score: 0, unknown: 0 };
  const starts = new Map<string, string[]>();
  const steps = new Map<string, number>();
  let total = 0;
  for (const trace of traces) {
    for (const { facts } of trace.steps) steps.set(facts.stepType, (steps.get(facts.stepType) ?? 0) + 1);
    total += trace.steps.length;
    const labelled = trace.steps.find((s) => s.label === 'first-bad') ?? trace.steps.find((s) => s.label === 'bad');
    const start: StepRow | undefined = labelled ?? trace.steps.find((s) => isBad(s, options.dimension, options.badBelow) === true);
    const { outcome } = trace.facts;
    if (outcome === undefined ? start === undefined : outcome >= SUCCESS) continue;
    basis[start === undefined ? 'unknown' : labelled === undefined ? 'score' : 'label']++;
    if (start !== undefined) starts.set(start.facts.stepType, [...(starts.get(start.facts.stepType) ?? []), start.facts.id]);
  }
  const told = basis.label + basis.score;
  const byStepType = [...starts].map(([stepType, ids]) => ({
    stepType, share: shareOf(ids.length, told), lift: (ids.length / told) / ((steps.get(stepType) ?? 0) / total), exampleIds: ids.slice(0, EXAMPLES),
  }));
  return { failed: told + basis.unknown, basis, byStepType: byStepType.sort((a, b) => b.share.count - a.share.count || (a.stepType < b.stepType ? -1 : 1)) };
}
