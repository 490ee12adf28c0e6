/** The one generated sentence of a step: its score, then what deviates most. */
import { findMetric } from '../core/metrics.ts';
import type { Consensus, ScoreBundle, Scored } from '../core/scoreResult.ts';

export interface ExplainInput {
  readonly consensus: Consensus;
  readonly bundle: ScoreBundle;
  /** Uncertainty, 0–1, that is usual in this trace. */
  readonly usual: number;
  /** Usual value and deviation of attributes by metric id (`svm.margin`), where the caller knows them. */
  readonly usualByMetric?: Readonly<Record<string, { readonly mean: number; readonly std: number }>>;
  /** The dimension the consensus is about. */
  readonly dimension: string;
}

/** Uncertainty this far over the usual is worth a word. */
const UNCERTAINTY_EXCESS = 0.1;
/** Scorers this far apart, 0–1, are worth a word. */
const NOTABLE_SPREAD = 0.25;
const NOTABLE_DEVIATIONS = 2.5;
const MAX_REASONS = 2;

/** "38: uncertain (0.41, usual 0.12); svm and sicql disagree by 40". The number is the consensus as a whole percent. */
export function explainStep(input: ExplainInput): string {
  const { consensus, usual } = input;
  const reasons: { readonly weight: number; readonly text: string }[] = [];
  const excess = consensus.uncertainty - usual;
  if (excess >= UNCERTAINTY_EXCESS) reasons.push({ weight: excess / UNCERTAINTY_EXCESS, text: `uncertain (${consensus.uncertainty.toFixed(2)}, usual ${usual.toFixed(2)})` });
  if (consensus.conflict !== undefined && consensus.spread >= NOTABLE_SPREAD) {
    reasons.push({ weight: consensus.spread / NOTABLE_SPREAD, text: `${consensus.conflict.high} and ${consensus.conflict.low} disagree by ${Math.round(consensus.spread * 100)}` });
  }
  for (const deviation of deviations(input)) reasons.push({ weight: deviation.count / NOTABLE_DEVIATIONS, text: deviation.text });
  reasons.sort((a, b) => b.weight - a.weight);
  const said = reasons.slice(0, MAX_REASONS).map((r) => r.text);
  return `${Math.round(consensus.score * 100)}: ${said.length > 0 ? said.join('; ') : plain(consensus, scoredOf(input))}`;
}

/** Nothing stands out: who judged, and how much they agree. */
function plain(consensus: Consensus, scored: readonly Scored[]): string {
  const [only] = consensus.scorers;
  if (consensus.scorers.length === 1 && only !== undefined) return `${only} alone judged it`;
  const lowest = scored.reduce<Scored | undefined>((low, r) => (low === undefined || r.score < low.score ? r : low), undefined);
  const agreed = `${consensus.scorers.length} scorers agree within ${Math.round(consensus.spread * 100)}`;
  return lowest !== undefined && consensus.score < 0.5 ? `${agreed}, ${lowest.scorer} lowest (${Math.round(lowest.score * 100)})` : agreed;
}

function* deviations(input: ExplainInput): Generator<{ readonly count: number; readonly text: string }> {
  for (const result of scoredOf(input)) {
    for (const [attribute, value] of Object.entries(result.attributes)) {
      const usual = input.usualByMetric?.[`${result.scorer}.${attribute}`];
      if (usual === undefined || !(usual.std > 0)) continue;
      const count = Math.abs(value - usual.mean) / usual.std;
      if (count < NOTABLE_DEVIATIONS) continue;
      const meaning = findMetric(result.scorer, attribute)?.meaning ?? 'undeclared';
      yield { count, text: `${result.scorer} ${attribute} is ${value.toFixed(2)}, usual ${usual.mean.toFixed(2)} (${meaning})` };
    }
  }
}

/** The results behind the consensus. */
function scoredOf({ bundle, consensus, dimension }: ExplainInput): readonly Scored[] {
  return bundle.resultsOn(dimension).filter((r): r is Scored => r.kind === 'scored' && consensus.scorers.includes(r.scorer));
}
