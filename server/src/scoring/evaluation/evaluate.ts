/** What judged steps and their human labels say about the scorers: every figure of one labelled file. Python twin: models/measure.py. */
import { PRIMARY_DIMENSION } from '../../core/dimensions.ts';
import { logit } from '../calibration.ts';
import { interval, numberProblems } from './bootstrap.ts';
import type { Bootstrap, Interval } from './bootstrap.ts';
import { labelOn } from './dimensionLabels.ts';
import { bestFirstErrorF1, firstBadStep, firstErrorFigure } from './firstError.ts';
import type { FirstErrorFigure, FirstErrorTrace } from './firstError.ts';
import { auprcOfBad, auroc, aurocDraws, calibrationError } from './ranking.ts';
import { riskCoverage } from './riskCoverage.ts';
import type { RiskCoverage } from './riskCoverage.ts';

export interface JudgedTrace {
  readonly dataset: string;
  /** Traces of one problem are drawn together. */
  readonly problem: string;
  readonly steps: readonly JudgedStep[];
  /** Reward of the whole run, 0–1. */
  readonly outcome?: number;
  /** What the outcome model says of the whole run: `logit` ranks runs, `probability` is calibrated. */
  readonly run?: { readonly logit: number; readonly probability?: number };
}

export interface JudgedStep {
  /** 1 good, 0 bad, 0.5 neutral, null not annotated. */
  readonly label: number | null;
  /** UTF-16 units the models read. */
  readonly length: number;
  /** By scorer, on reasoning quality: `raw` ranks steps, `probability` is calibrated. Empty where the step was not scored. */
  readonly voices: Readonly<Record<string, { readonly raw: number; readonly probability: number }>>;
  /** By dimension. */
  readonly consensus: Readonly<Record<string, { readonly score: number; readonly uncertainty: number }>>;
}

/** `n` steps judged good or bad by people. Null: not measurable here, one class is missing. */
export interface StepFigure {
  readonly n: number;
  readonly auroc: number | null;
  readonly interval: Interval | null;
  /** Average precision for bad steps; chance is `badShare`. */
  readonly auprc: number | null;
}

export interface CalibratedFigure extends StepFigure { readonly ece: number | null }

export interface Evaluation {
  readonly traces: number;
  readonly problems: number;
  /** Labels by kind; `unscored` of the good and bad ones hold no words. */
  readonly steps: { readonly good: number; readonly bad: number; readonly neutral: number; readonly unscored: number };
  /** Of good and bad steps. */
  readonly badShare: number | null;
  readonly consensus: CalibratedFigure;
  readonly scorers: readonly ({ readonly scorer: string } & CalibratedFigure)[];
  /** What needs no model: shorter steps first, earlier steps first. */
  readonly baselines: readonly ({ readonly baseline: 'length' | 'position' } & StepFigure)[];
  /** The best F1 of the baselines is chosen on these very traces: they cannot do better. Null where most traces do not tell their first error. */
  readonly firstError: (FirstErrorFigure & { readonly threshold: number; readonly best: { readonly length: number | null; readonly position: number | null } }) | null;
  readonly riskCoverage: RiskCoverage | null;
  /** The other dimensions that these labels speak about, beside reasoning quality on the same labels. */
  readonly dimensions: readonly ({ readonly dimension: string; readonly reasoningQualityAuroc: number | null } & CalibratedFigure)[];
  readonly runs: RunFigures | null;
  /** The consensus by the rows' own `dataset`, where a file holds several. */
  readonly parts: readonly ({ readonly dataset: string; readonly badShare: number | null } & CalibratedFigure)[];
}

export interface RunFigures {
  readonly n: number;
  readonly successShare: number;
  readonly figures: readonly { readonly score: 'hrm' | 'mean of steps' | 'lowest step' | 'fewer steps' | 'shorter'; readonly auroc: number | null; readonly interval: Interval | null }[];
  /** Of hrm's calibrated chance of success. */
  readonly ece: number | null;
}

/** A run counts as a success from here on. */
const SUCCESS = 0.5;

export function evaluate(traces: readonly JudgedTrace[], options: {
  readonly scorers: readonly string[];
  readonly dimensions: readonly string[];
  /** Consensus under which a step is named as the first error. */
  readonly firstErrorThreshold: number;
  readonly bootstrap: Bootstrap;
}): Evaluation {
  const { bootstrap } = options;
  const rows = traces.flatMap((trace) => trace.steps.map((step, position): Row => ({ trace, step, position })));
  const decided = rows.filter(({ step }) => step.label === 1 || step.label === 0);
  const bad = decided.filter(({ step }) => step.label === 0).length;
  const scored = decided.filter(({ step }) => consensusOn(step, PRIMARY_DIMENSION) !== undefined);
  const figure = (among: readonly Row[], scoreOf: (row: Row) => number): StepFigure => stepFigure(among, { scoreOf, bootstrap });
  const consensusFigure = (among: readonly Row[], dimension: string): CalibratedFigure => calibratedFigure(among, { voiceOf: (row) => voiceOfConsensus(row.step, dimension), bootstrap });
  const datasets = [...new Set(traces.map((t) => t.dataset))].sort();
  return {
    traces: traces.length,
    problems: new Set(traces.map((t) => t.problem)).size,
    steps: { good: decided.length - bad, bad, neutral: rows.filter(({ step }) => step.label === 0.5).length, unscored: decided.length - scored.length },
    badShare: badShare(decided),
    consensus: consensusFigure(scored, PRIMARY_DIMENSION),
    scorers: options.scorers.map((scorer) => ({ scorer, ...calibratedFigure(scored, { voiceOf: (row) => row.step.voices[scorer], bootstrap }) })),
    baselines: [{ baseline: 'length', ...figure(scored, shorter) }, { baseline: 'position', ...figure(scored, earlier) }],
    firstError: firstErrors(traces, options),
    riskCoverage: riskCoverage(scored.map((r) => consensusOn(r.step, PRIMARY_DIMENSION)?.score ?? 0), scored.map((r) => consensusOn(r.step, PRIMARY_DIMENSION)?.uncertainty ?? 0), scored.map(isGood)),
    dimensions: options.dimensions.filter((d) => d !== PRIMARY_DIMENSION).flatMap((dimension) => {
      const own = rows.flatMap(({ trace, step, position }): Row[] => {
        const label = labelOn(dimension, trace.dataset, step.label);
        return label === null || consensusOn(step, dimension) === undefined ? [] : [{ trace, step: { ...step, label }, position }];
      });
      const found = consensusFigure(own, dimension);
      return found.auroc === null ? [] : [{ dimension, ...found, reasoningQualityAuroc: consensusFigure(own, PRIMARY_DIMENSION).auroc }];
    }),
    runs: runFigures(traces, bootstrap),
    parts: datasets.length < 2 ? [] : datasets.flatMap((dataset) => {
      const among = scored.filter((row) => row.trace.dataset === dataset);
      return among.length === 0 ? [] : [{ dataset, badShare: badShare(among), ...consensusFigure(among, PRIMARY_DIMENSION) }];
    }),
  };
}

interface Row {
  readonly trace: JudgedTrace;
  readonly step: JudgedStep;
  /** Place in its trace, from 0. */
  readonly position: number;
}

function stepFigure(rows: readonly Row[], { scoreOf, bootstrap }: { readonly scoreOf: (row: Row) => number; readonly bootstrap: Bootstrap }): StepFigure {
  const [score, good] = [Float64Array.from(rows, scoreOf), Uint8Array.from(rows, isGood)];
  return { n: rows.length, ...rankFigure({ score, isGood: good, problems: rows.map((r) => r.trace.problem) }, bootstrap), auprc: auprcOfBad(score, good) };
}

interface Voice { readonly raw: number; readonly probability: number }

function calibratedFigure(rows: readonly Row[], { voiceOf, bootstrap }: { readonly voiceOf: (row: Row) => Voice | undefined; readonly bootstrap: Bootstrap }): CalibratedFigure {
  const heard = rows.filter((row) => voiceOf(row) !== undefined);
  return {
    ...stepFigure(heard, { scoreOf: (row) => voiceOf(row)?.raw ?? 0, bootstrap }),
    ece: calibrationError(Float64Array.from(heard, (row) => voiceOf(row)?.probability ?? 0), Uint8Array.from(heard, isGood)),
  };
}

function rankFigure(rows: { readonly score: ArrayLike<number>; readonly isGood: ArrayLike<number>; readonly problems: readonly string[] }, bootstrap: Bootstrap): { readonly auroc: number | null; readonly interval: Interval | null } {
  const area = auroc(rows.score, rows.isGood);
  const { index, count } = numberProblems(rows.problems);
  // Draws of a single problem are all alike: they would pretend to certainty.
  return { auroc: area, interval: area === null || count < 2 ? null : interval(aurocDraws({ ...rows, problem: index }, bootstrap.drawsOf(count))) };
}

function firstErrors(traces: readonly JudgedTrace[], { firstErrorThreshold: threshold, bootstrap }: { readonly firstErrorThreshold: number; readonly bootstrap: Bootstrap }): Evaluation['firstError'] {
  const told = traces.flatMap((trace) => {
    const firstBad = firstBadStep(trace.steps.map((s) => s.label));
    return firstBad === undefined ? [] : [{ trace, firstBad }];
  });
  // Contexts with one label at their end tell it by accident only, the short ones.
  if (told.length * 2 <= traces.length) return null;
  const scoredBy = (scoreOf: (step: JudgedStep, position: number) => number | undefined): readonly FirstErrorTrace[] =>
    told.map(({ trace, firstBad }) => ({ problem: trace.problem, firstBad, scores: trace.steps.map(scoreOf) }));
  const found = firstErrorFigure(scoredBy((s) => consensusOn(s, PRIMARY_DIMENSION)?.score), threshold, bootstrap);
  return found === null ? null : {
    threshold, ...found,
    best: { length: bestFirstErrorF1(scoredBy((s) => -s.length)), position: bestFirstErrorF1(scoredBy((_, position) => -position)) },
  };
}

function runFigures(traces: readonly JudgedTrace[], bootstrap: Bootstrap): RunFigures | null {
  const runs = traces.flatMap((trace) => {
    const scores = trace.steps.flatMap((s) => consensusOn(s, PRIMARY_DIMENSION)?.score ?? []);
    return trace.outcome === undefined || trace.run === undefined || scores.length === 0 ? [] : [{ trace, run: trace.run, scores, isSuccess: trace.outcome >= SUCCESS ? 1 : 0 }];
  });
  if (runs.length === 0) return null;
  const success = runs.map((r) => r.isSuccess);
  const figures = ([
    ['hrm', ({ run }) => run.logit],
    ['mean of steps', ({ scores }) => scores.reduce((sum, s) => sum + logit(s), 0) / scores.length],
    ['lowest step', ({ scores }) => scores.reduce((a, b) => Math.min(a, b))],
    ['fewer steps', ({ trace }) => -trace.steps.length],
    ['shorter', ({ trace }) => -trace.steps.reduce((sum, s) => sum + s.length, 0)],
  ] as readonly (readonly [RunFigures['figures'][number]['score'], (run: (typeof runs)[number]) => number])[])
    .map(([score, scoreOf]) => ({ score, ...rankFigure({ score: runs.map(scoreOf), isGood: success, problems: runs.map((r) => r.trace.problem) }, bootstrap) }));
  const calibrated = runs.filter((r) => r.run.probability !== undefined);
  return {
    n: runs.length, successShare: success.reduce<number>((a, b) => a + b, 0) / runs.length, figures,
    ece: calibrationError(calibrated.map((r) => r.run.probability ?? 0), calibrated.map((r) => r.isSuccess)),
  };
}

function consensusOn(step: JudgedStep, dimension: string): { readonly score: number; readonly uncertainty: number } | undefined {
  return step.consensus[dimension];
}

/** The consensus ranks by the probability it shows. */
function voiceOfConsensus(step: JudgedStep, dimension: string): Voice | undefined {
  const score = consensusOn(step, dimension)?.score;
  return score === undefined ? undefined : { raw: score, probability: score };
}

function badShare(rows: readonly Row[]): number | null {
  return rows.length === 0 ? null : rows.filter(({ step }) => step.label === 0).length / rows.length;
}

function isGood({ step }: Row): number {
  return step.label === 1 ? 1 : 0;
}

function shorter({ step }: Row): number {
  return -step.length;
}

function earlier({ position }: Row): number {
  return -position;
}
