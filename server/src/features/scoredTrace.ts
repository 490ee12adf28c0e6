/** A trace with everything known about it: what every feature reads. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { LabelRecord } from '../core/labels.ts';
import type { PlanTrace } from '../core/planTrace.ts';
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import type { Finding, Problem } from '../core/problems.ts';
import type { Consensus, ScoreBundle, ScoreResult } from '../core/scoreResult.ts';
import { stepAgreement } from '../corpus/stepAgreement.ts';
import type { ScoreDelta } from '../corpus/scoreMemory.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import type { RunOutcome } from '../scoring/runOutcome.ts';
import { lowScoreThreshold } from '../scoring/thresholds.ts';

export interface ScoredStep {
  readonly bundle: ScoreBundle;
  /** The score belongs to an earlier state of the text before it; a fresh one is on its way. */
  readonly isStale: boolean;
  /** A scorer has not read it yet. */
  readonly isPending: boolean;
  /** How its consensus changed when it was last scored anew; undefined where it did not. */
  readonly delta?: ScoreDelta;
  readonly label?: LabelRecord;
}

export interface ScoredTrace {
  readonly trace: PlanTrace;
  /** One a step, in order. */
  readonly steps: readonly ScoredStep[];
  /** What was said of the trace as a whole, in the file. */
  readonly traceResults: readonly ScoreResult[];
  readonly ruleFindings: readonly Finding[];
  readonly problems: readonly Problem[];
  /** The chance that the run succeeds, once its last step was read; undefined without an outcome model. */
  readonly outcome?: RunOutcome;
}

/** Drop of a score, 0–1, that is worth a word: what the history calls significant. */
const REGRESSION = 0.1;

/** Thresholds in force for one trace, all 0–1. */
export interface Thresholds {
  readonly lowScore: number;
  readonly highUncertainty: number;
  readonly scorerConflict: number;
  readonly firstError: number;
  /** Drop since the last score from which it is reported. */
  readonly regression: number;
}

/** The consensus that chips, hovers, Problems and the command line all show; undefined when not scored. */
export function displayConsensus(step: ScoredStep): Consensus | undefined {
  return step.bundle.consensusOn(PRIMARY_DIMENSION);
}

/** 0–1 as a whole percent: the one rounding of the product. */
export function percent(score: number): number {
  return Math.round(score * 100);
}

/** Thresholds from the settings, else from the manifest for a trace of this many scored steps. */
export function thresholdsFor(settings: EffectiveSettings, manifest: ModelManifest, scoredSteps: number): Thresholds {
  const own = (code: string): number | undefined => {
    const value = settings.problems[code]?.threshold;
    return value === undefined ? undefined : value / 100;
  };
  return {
    lowScore: own('low-score') ?? lowScoreThreshold(manifest, { falseAlarmPercent: settings.falseAlarmRate, traceLength: Math.max(1, scoredSteps) }),
    highUncertainty: own('high-uncertainty') ?? manifest.thresholds.highUncertainty,
    scorerConflict: own('scorer-conflict') ?? manifest.thresholds.scorerConflict,
    firstError: own('first-bad-step') ?? manifest.thresholds.firstError,
    regression: own('score-regression') ?? REGRESSION,
  };
}

/** Whether a step counts as bad: a person's word first, else an error or warning on it. */
export function isBadStep(scored: ScoredTrace, stepIndex: number): boolean {
  const label = scored.steps[stepIndex]?.label?.label;
  if (label === 'good') return false;
  if (label === 'bad' || label === 'first_bad') return true;
  return isWarned(scored, stepIndex);
}

const grouped = new WeakMap<readonly Problem[], ReadonlyMap<number | undefined, readonly Problem[]>>();
const NONE: readonly Problem[] = [];

/** Problems of one step, worst first. Asked for every step of a long trace, so they are sorted out once. */
export function problemsOfStep({ problems }: ScoredTrace, stepIndex: number): readonly Problem[] {
  let byStep = grouped.get(problems);
  if (byStep === undefined) grouped.set(problems, byStep = Map.groupBy(problems, (p) => p.stepIndex));
  return byStep.get(stepIndex) ?? NONE;
}

function isWarned(scored: ScoredTrace, stepIndex: number): boolean {
  return problemsOfStep(scored, stepIndex).some((p) => p.severity === 'error' || p.severity === 'warning');
}

/** Scores, 0–1, by scorer, of everybody who judged the step on the primary dimension. */
export function witnessScores(bundle: ScoreBundle): ReadonlyMap<string, number> {
  return new Map(bundle.resultsOn(PRIMARY_DIMENSION).flatMap((r) => (r.kind === 'scored' ? [[r.scorer, r.score] as const] : [])));
}

/** 1 - the mean over steps of the standard deviation between those who judged, 0–1; undefined where no step has two of them. */
export function traceAgreement(scored: ScoredTrace): number | undefined {
  const deviations = scored.steps.flatMap((s) => stepAgreement(witnessScores(s.bundle)).std ?? []);
  return deviations.length === 0 ? undefined : 1 - Math.min(1, deviations.reduce((a, b) => a + b, 0) / deviations.length);
}

/** Mean change of the steps whose score changed when it was last made anew, 0–1; undefined where none did. */
export function meanChange(scored: ScoredTrace): number | undefined {
  const deltas = scored.steps.flatMap((s) => s.delta?.delta ?? []);
  return deltas.length === 0 ? undefined : deltas.reduce((a, b) => a + b, 0) / deltas.length;
}

/** Bad steps of several traces, as `isBadStep` counts them. */
export function badStepCount(traces: readonly ScoredTrace[]): number {
  return traces.reduce((sum, scored) => {
    return sum + scored.steps.filter((s, i) => (s.label === undefined ? isWarned(scored, i) : s.label.label !== 'good')).length;
  }, 0);
}

/** Whether scorers contradict each other about a step. */
export function isContestedStep(scored: ScoredTrace, stepIndex: number): boolean {
  return problemsOfStep(scored, stepIndex).some((p) => p.code === 'scorer-conflict');
}

/** A short title of a step: its tool, else its first words. */
export function stepTitle(step: PlanTrace['steps'][number]): string {
  const tools = step.tools.map((t) => t.name).join(', ');
  const words = (step.output ?? step.reasoning ?? step.input ?? '').trim().replace(/\s+/g, ' ');
  const text = tools === '' ? words : words === '' ? tools : `${tools}: ${words}`;
  const title = text === '' ? step.description : text;
  return title.length > 80 ? `${title.slice(0, 79)}…` : title;
}
