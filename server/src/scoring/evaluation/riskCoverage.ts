/** Whether uncertainty is worth something: how often the surest steps are judged wrong. Python twin: models/evaluate.py. */
import { ascending } from './ranking.ts';

const COVERAGES = [0.25, 0.5, 0.75, 1] as const;

export interface RiskCoverage {
  /** Share judged wrong among the surest part of the steps. */
  readonly at: readonly { readonly coverage: number; readonly risk: number }[];
  /** Mean risk over all coverages; beside it what 1 − |2p − 1| gives as uncertainty, and the best that is possible. */
  readonly area: number;
  readonly marginArea: number;
  readonly bestArea: number;
}

/** A step is judged wrong when P(good) >= 0.5 and it is bad, or the other way round. Null with no steps. */
export function riskCoverage(probability: ArrayLike<number>, uncertainty: ArrayLike<number>, isGood: ArrayLike<number>): RiskCoverage | null {
  const n = probability.length;
  if (n === 0) return null;
  const wrong = Float64Array.from({ length: n }, (_, i) => (((probability[i] ?? 0) >= 0.5) !== (isGood[i] === 1) ? 1 : 0));
  const margin = Float64Array.from({ length: n }, (_, i) => 1 - Math.abs(2 * (probability[i] ?? 0) - 1));
  const risks = runningRisk(wrong, ascending(uncertainty));
  return {
    at: COVERAGES.map((coverage) => ({ coverage, risk: risks[Math.max(1, Math.floor(n * coverage)) - 1] ?? Number.NaN })),
    area: mean(risks), marginArea: mean(runningRisk(wrong, ascending(margin))), bestArea: mean(runningRisk(wrong, ascending(wrong))),
  };
}

/** Share wrong among the first 1, 2, 3 … of the order. */
function runningRisk(wrong: Float64Array, order: Uint32Array): Float64Array {
  let sum = 0;
  return Float64Array.from(order, (row, at) => {
    sum += wrong[row] ?? 0;
    return sum / (at + 1);
  });
}

function mean(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
