/** What the models say together about one dimension, and how likely that is to be wrong. */
import type { Consensus, ScoreResult, Scored } from '../core/scoreResult.ts';
import { logit, sigmoid } from './calibration.ts';
import type { ConsensusManifest, ModelManifest } from './manifest.ts';
import { RULES_SCORER } from './scorers/rules.ts';

/** One scorer's calibrated probability of "good". */
export interface Voice {
  readonly scorer: string;
  /** 0–1. */
  readonly score: number;
}

/** Closeness to known good steps where no scorer measured it. */
const UNKNOWN_SIMILARITY = 0.5;

/**
 * score = σ(a · Σ wₛ logit pₛ / Σ wₛ + b) over the scorers present that carry weight; uncertainty = σ(intercept + Σ cₙ·termₙ).
 * Terms: margin 1−|2p−1|, score p, spread std(pₛ) over the population, distance 1−`svm.kernel_similarity`, and any `scorer.attribute`
 * of `measured`. Undefined when no scorer with weight is present.
 */
export function consensusOf(voices: readonly Voice[], fit: ConsensusManifest, measured: Readonly<Record<string, number>> = {}): Consensus | undefined {
  const heard = voices.filter((v) => (fit.weights[v.scorer] ?? 0) > 0 && Number.isFinite(v.score));
  const weightOf = (v: Voice): number => fit.weights[v.scorer] ?? 0;
  const total = heard.reduce((sum, v) => sum + weightOf(v), 0);
  const first = heard[0];
  if (first === undefined || total <= 0) return undefined;
  const score = sigmoid((fit.a * heard.reduce((sum, v) => sum + weightOf(v) * logit(v.score), 0)) / total + fit.b);
  const high = heard.reduce((best, v) => (v.score > best.score ? v : best), first);
  const low = heard.reduce((best, v) => (v.score < best.score ? v : best), first);
  const { intercept, coefficients, usual } = fit.uncertainty;
  const terms: Readonly<Record<string, number | undefined>> = {
    ...measured,
    margin: 1 - Math.abs(2 * score - 1), score, spread: populationStd(heard.map((v) => v.score)),
    distance: 1 - (measured['svm.kernel_similarity'] ?? UNKNOWN_SIMILARITY),
  };
  const uncertainty = sigmoid(Object.entries(coefficients).reduce((sum, [name, coefficient]) => sum + coefficient * (terms[name] ?? usual?.[name] ?? 0), intercept));
  return {
    score, uncertainty, spread: high.score - low.score,
    ...(high.scorer === low.scorer ? {} : { conflict: { high: high.scorer, low: low.scorer } }),
    scorers: heard.map((v) => v.scorer),
  };
}

/** The consensus on one dimension, if the manifest fits one for it. People's labels and scores found in files take no part, rules where the manifest gives them weight. */
export function consensusOn(dimension: string, results: readonly ScoreResult[], manifest: ModelManifest): Consensus | undefined {
  const fit = manifest.consensus[dimension];
  if (fit === undefined) return undefined;
  const ours = results.filter((r): r is Scored => r.kind === 'scored' && r.dimension === dimension && (r.scorer === RULES_SCORER || manifest.scorers.some((s) => s.id === r.scorer)));
  // Rules alone make no consensus: they speak to some steps only.
  return ours.every((r) => r.scorer === RULES_SCORER) ? undefined : consensusOf(ours, fit, measuredFor(fit, ours));
}

/** Of all attributes those that the fit asks for: every step of a workspace comes through here. */
function measuredFor(fit: ConsensusManifest, ours: readonly Scored[]): Readonly<Record<string, number>> {
  const { coefficients } = fit.uncertainty;
  const measured: Record<string, number> = {};
  const take = (name: string): void => {
    const dot = name.indexOf('.');
    const value = dot < 0 ? undefined : ours.find((r) => r.scorer === name.slice(0, dot))?.attributes[name.slice(dot + 1)];
    if (value !== undefined) measured[name] = value;
  };
  for (const name of Object.keys(coefficients)) take(name);
  if (coefficients['distance'] !== undefined) take('svm.kernel_similarity');
  return measured;
}

function populationStd(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
}
