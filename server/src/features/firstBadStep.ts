/** Where a trace turned: the first step held against it, not the last symptom. */
import type { PlanTrace } from '../core/planTrace.ts';
import type { Finding, Severity } from '../core/problems.ts';
import { displayConsensus, percent } from './scoredTrace.ts';
import type { ScoredStep } from './scoredTrace.ts';

/** Bad steps after it that are linked as evidence. */
const MOST_LINKS = 5;

interface Known {
  readonly trace: PlanTrace;
  readonly steps: readonly ScoredStep[];
  /** What is reported already, with its severity. */
  readonly reported: readonly { readonly finding: Finding; readonly severity: Severity }[];
  /** Consensus, 0–1, under which a step of a failing trace counts as its first error; undefined without models. */
  readonly threshold: number | undefined;
}

/**
 * A label "first bad step" decides. Else, in a trace with a bad step (labelled bad, or a warning on it), it is the first
 * step whose consensus is under `threshold`, and at the latest that bad step. Undefined in a trace without bad steps.
 */
export function firstBadStep(known: Known): Finding | undefined {
  const { trace, steps } = known;
  const labelled = steps.findIndex((s) => s.label?.label === 'first_bad');
  const bad = badSteps(known);
  const [symptom] = bad;
  if (symptom === undefined) return undefined;
  const suspect = labelled >= 0 ? labelled : steps.findIndex((s, i) => i <= symptom && isSuspect(s, trace.steps[i]?.tools.length ?? 0, known.threshold));
  const stepIndex = suspect >= 0 ? suspect : symptom;
  const step = trace.steps[stepIndex];
  const state = steps[stepIndex];
  if (step === undefined || state === undefined) return undefined;
  const later = bad.filter((i) => i > stepIndex);
  const consensus = displayConsensus(state);
  const followed = later.length === 0 ? '' : `, ${later.length} bad ${later.length === 1 ? 'step' : 'steps'} after it`;
  const why = labelled >= 0 ? `labelled${state.label?.author === undefined || state.label.author === '' ? '' : ` by ${state.label.author}`}`
    : suspect >= 0 && consensus !== undefined && known.threshold !== undefined ? `consensus ${percent(consensus.score)} is the first below ${percent(known.threshold)}` : 'the first step with a warning';
  return {
    code: 'first-bad-step', stepIndex, range: step.textRange ?? step.range, weight: 1,
    message: `#${stepIndex + 1}: the trace turned here (${why})${followed}`,
    evidence: later.slice(0, MOST_LINKS).flatMap((i) => {
      const range = trace.steps[i]?.range;
      return range === undefined || range === null ? [] : [{ message: `bad step #${i + 1}`, range }];
    }),
    data: { ...(consensus === undefined ? {} : { score: consensus.score }), later: later.length },
  };
}

/** In order. */
function badSteps({ steps, reported }: Known): readonly number[] {
  const warned = new Set(reported.flatMap((r) => (r.finding.stepIndex !== undefined && (r.severity === 'error' || r.severity === 'warning') ? [r.finding.stepIndex] : [])));
  return steps.flatMap((s, i) => (s.label === undefined ? warned.has(i) : s.label.label !== 'good') ? [i] : []);
}

/** The models were calibrated on reasoning: a step that calls tools is not suspected on their word alone. */
function isSuspect(step: ScoredStep, tools: number, threshold: number | undefined): boolean {
  const score = displayConsensus(step)?.score;
  return threshold !== undefined && score !== undefined && score < threshold && tools === 0 && step.label?.label !== 'good';
}
