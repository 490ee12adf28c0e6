/** Which of two steps is better, by whom, and how surely: antisymmetric, so that the order of asking makes no difference. */
import { calibrate, logit, sigmoid } from './calibration.ts';
import type { ModelManifest, ScorerManifest } from './manifest.ts';
import { splitOutputs } from './rawScores.ts';
import type { RawByScorer } from './rawScores.ts';
import { findScorer } from './registry.ts';
import { readRow } from './scorer.ts';

/** One scorer's word on one dimension. */
export interface ComparisonVote {
  readonly scorer: string;
  /** Chance, 0–1, that the first step is the better one. */
  readonly preferFirst: number;
  /** Share of the decision, 0–1; 0 where the consensus does not listen to the scorer. */
  readonly weight: number;
}

export interface Comparison {
  readonly dimension: string;
  /** Chance, 0–1, that the first step is the better one, all votes together. */
  readonly preferFirst: number;
  /** 'none' where the chances lie too close. */
  readonly winner: 'first' | 'second' | 'none';
  readonly votes: readonly ComparisonVote[];
}

/** Chances nearer to one half than this name no winner. */
const NO_DIFFERENCE = 0.05;

/**
 * P(first better) of a scorer = σ(logit p₁ − logit p₂) with its calibrated p, of the ranker σ(utility₁ − utility₂); together
 * σ(a · Σ wₛ logit Pₛ / Σ wₛ) with the weights of the consensus, all equal where none of them votes. Dimensions nobody can vote on are left out.
 */
export function compareSteps(first: RawByScorer, second: RawByScorer, options: { readonly manifest: ModelManifest; readonly scorers: readonly string[]; readonly dimensions: readonly string[] }): readonly Comparison[] {
  const { manifest } = options;
  return options.dimensions.flatMap((dimension): Comparison[] => {
    const chances = manifest.scorers.flatMap((entry) => {
      const preferFirst = options.scorers.includes(entry.id) ? preferenceOf(entry, first, second, dimension) : undefined;
      return preferFirst === undefined ? [] : [{ scorer: entry.id, preferFirst }];
    });
    if (chances.length === 0) return [];
    const fit = manifest.consensus[dimension];
    const own = chances.map(({ scorer }) => Math.max(0, fit?.weights[scorer] ?? 0));
    const weights = own.some((w) => w > 0) ? own : chances.map(() => 1);
    const total = weights.reduce((a, b) => a + b, 0);
    const preferFirst = sigmoid((fit?.a ?? 1) * chances.reduce((sum, c, i) => sum + ((weights[i] ?? 0) / total) * logit(c.preferFirst), 0));
    return [{
      dimension, preferFirst,
      winner: Math.abs(preferFirst - 0.5) < NO_DIFFERENCE ? 'none' : preferFirst > 0.5 ? 'first' : 'second',
      votes: chances.map((c, i) => ({ ...c, weight: (weights[i] ?? 0) / total })),
    }];
  });
}

/** Undefined where the scorer has not read both steps or is not calibrated on the dimension. */
function preferenceOf(entry: ScorerManifest, first: RawByScorer, second: RawByScorer, dimension: string): number | undefined {
  const strengths = [first, second].map((raw) => strengthOf(entry, raw.get(entry.id), dimension));
  const [a = Number.NaN, b = Number.NaN] = strengths;
  return Number.isFinite(a - b) ? sigmoid(a - b) : undefined;
}

function strengthOf(entry: ScorerManifest, values: Float32Array | undefined, dimension: string): number {
  const scorer = findScorer(entry.id);
  const calibration = entry.calibration[dimension];
  if (scorer === undefined || values === undefined || calibration === undefined || !entry.dimensions.includes(dimension)) return Number.NaN;
  const at = readRow(scorer, entry, splitOutputs(entry, values), dimension);
  if (scorer.outputs.some((o) => o.name === 'utility')) return at('utility');
  const score = calibrate(calibration, at(scorer.mainOutput));
  return Number.isFinite(score) ? logit(score) : Number.NaN;
}
