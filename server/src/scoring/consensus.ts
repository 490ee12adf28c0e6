/** What the models say together about one dimension, and how likely that is to be wrong. */
import type { Consensus, ScoreResult } from '../core/scoreResult.ts';
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

/** The consensus of every dimension the manifest fits one for. People's labels and scores found in files take no part, rules where the manifest gives them weight. */
export function consensusByDimension(results: readonly ScoreResult[], manifest: ModelManifest): Readonly<Record<string, Consensus>> {
  const found: Record<string, Consensus> = {};
  for (const [dimension, fit] of Object.entries(manifest.consensus)) {
    const ours = results.flatMap((r) => (r.kind === 'scored' && r.dimension === dimension && (r.scorer === RULES_SCORER || manifest.scorers.some((s) => s.id === r.scorer)) ? [r] : []));
    const measured = Object.fromEntries(ours.flatMap((r) => Object.entries(r.attributes).map(([name, value]) => [`${r.scorer}.${name}`, value] as const)));
    // Rules alone make no consensus: they speak to some steps only.
    const consensus = ours.some((r) => r.scorer !== RULES_SCORER) ? consensusOf(ours, fit, measured) : undefined;
    if (consensus !== undefined) found[dimension] = consensus;
  }
  return found;
}

function populationStd(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
}
