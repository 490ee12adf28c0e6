/** What MARS results ask for: one sentence each, with the numbers and the steps it rests on. */
import type { MarsReport, MarsResult, MetricPair } from './marsResult.ts';
import type { Recommendation } from './scoreMemory.ts';

/** Agreement and reliability below which somebody should act, and correlation above which one number stands for another. */
const LOW = { agreement: 0.7, reliability: 0.6 } as const;
const PROXY = 0.7;
/** Distance from the others, 0–1, that is worth a calibration. */
const TELLING_BIAS = 0.1;
/** Fewest steps a recommendation rests on, unless it is about agreement itself. */
const MIN_ROWS = 8;
const MAX_PROXIES = 3;
const MAX_IDS = 5;

/** Warnings first, then by id. Those of the patterns may be given to be merged in; of two with one id the one that rests on more steps stays. */
export function recommend(report: MarsReport, others: readonly Recommendation[] = []): readonly Recommendation[] {
  const results = Object.values(report.dimensions);
  const found = [...results.flatMap((r) => [...agreement(r), ...conflict(r), ...proxies(r)]), ...retrain(results), ...humanReview(results), ...others];
  const byId = new Map<string, Recommendation>();
  for (const one of found) {
    const before = byId.get(one.id);
    if (before === undefined || one.evidence.n > before.evidence.n) byId.set(one.id, one);
  }
  return [...byId.values()].sort((a, b) => Number(b.severity === 'warning') - Number(a.severity === 'warning') || (a.id < b.id ? -1 : 1));
}

function agreement(result: MarsResult): readonly Recommendation[] {
  const { agreement_score: score, std_dev: std, agreement_interval: interval, dimension } = result;
  if (score === null || std === null || score >= LOW.agreement) return [];
  return [{
    id: `agreement:${dimension}`, kind: 'agreement', severity: interval !== null && interval[1] >= LOW.agreement ? 'information' : 'warning', target: dimension,
    text: `Scorers agree little on ${dimension}: ${score.toFixed(2)} over ${steps(result.co_scored)}, below ${LOW.agreement}. Look at the steps they judge most differently before relying on it.`,
    evidence: { numbers: { agreement: score, std, limit: LOW.agreement }, ids: worst(result), n: result.co_scored },
  }];
}

function conflict(result: MarsResult): readonly Recommendation[] {
  const { dimension, primary_conflict: found } = result;
  if (found === null || found.delta <= result.variance_threshold || found.n < MIN_ROWS) return [];
  const [high, low] = found.pair;
  const target = `${dimension}: ${[high, low].sort().join(' and ')}`;
  return [{
    id: `conflict:${target}`, kind: 'conflict', severity: result.high_disagreement ? 'warning' : 'information', target,
    text: `On ${dimension} ${high} scores ${found.delta.toFixed(2)} higher than ${low} over ${steps(found.n)}: one of the two is off.`,
    evidence: { numbers: { delta: found.delta, mean_abs_diff: found.mean_abs_diff, threshold: result.variance_threshold }, ids: result.step_conflicts.filter((c) => c.pair.includes(high) && c.pair.includes(low)).slice(0, MAX_IDS).map((c) => c.id), n: found.n },
  }];
}

/** Numbers that stand for others: redundant scorers, and a metric that follows a score or another scorer's metric. */
function proxies(result: MarsResult): readonly Recommendation[] {
  const { dimension } = result;
  const redundant = result.redundant_scorers.map(({ pair: [a, b], correlation, n }): Recommendation => ({
    id: `proxy:${dimension}: ${a} and ${b}`, kind: 'proxy', severity: 'information', target: `${dimension}: ${a} and ${b}`,
    text: `On ${dimension} ${a} and ${b} say the same (r ${correlation.toFixed(2)} over ${steps(n)}): count them as one witness, or run only the cheaper.`,
    evidence: { numbers: { correlation }, ids: [], n },
  }));
  const metrics = result.metric_pairs.filter((p) => p.n >= MIN_ROWS && Math.abs(p.correlation) > PROXY && isTelling(p)).slice(0, MAX_PROXIES).map(({ a, b, correlation, n }): Recommendation => {
    const target = `${dimension}: ${a.scorer}.${a.metric} and ${b.scorer}.${b.metric}`;
    return {
      id: `proxy:${target}`, kind: 'proxy', severity: 'information', target,
      text: `On ${dimension} ${a.scorer}.${a.metric} follows ${b.scorer}.${b.metric} (r ${correlation.toFixed(2)} over ${steps(n)}): the one may serve as a proxy for the other.`,
      evidence: { numbers: { correlation }, ids: [], n },
    };
  });
  return [...redundant, ...metrics];
}

/** Two scores that go together are agreement, and a scorer's own attributes hang together by construction. */
function isTelling({ a, b }: MetricPair): boolean {
  return a.scorer !== b.scorer && !(a.metric === 'score' && b.metric === 'score');
}

/** The least reliable scorer over all dimensions, and every scorer that lies beside the others. */
function retrain(results: readonly MarsResult[]): readonly Recommendation[] {
  const biased = results.flatMap((result) => result.outlier_scorers.filter((o) => Math.abs(o.mean) >= TELLING_BIAS).map((o): Recommendation => ({
    id: `retrain:${o.scorer} on ${result.dimension}`, kind: 'retrain', severity: 'warning', target: o.scorer,
    text: `${o.scorer} scores ${result.dimension} ${Math.abs(o.mean).toFixed(2)} ${o.mean > 0 ? 'above' : 'below'} the others throughout (${steps(o.n)}): calibrate it again.`,
    evidence: { numbers: { bias: o.mean, ...(o.error === null ? {} : { error: o.error }), apart: o.apart }, ids: o.ids, n: o.n },
  })));
  const byScorer = Map.groupBy(results.flatMap((result) => Object.entries(result.reliability).flatMap(([scorer, r]) => {
    const n = result.reliability_n[scorer] ?? 0;
    return r === null || scorer === result.trust_reference || n < MIN_ROWS ? [] : [{ scorer, r, n }];
  })), (entry) => entry.scorer);
  const means = [...byScorer].map(([scorer, entries]) => ({ scorer, reliability: entries.reduce((sum, e) => sum + e.r, 0) / entries.length, n: entries.reduce((sum, e) => sum + e.n, 0), dimensions: entries.length }));
  const least = means.filter((m) => m.reliability < LOW.reliability).sort((a, b) => a.reliability - b.reliability || (a.scorer < b.scorer ? -1 : 1))[0];
  if (least === undefined) return biased;
  return [...biased, {
    id: `retrain:${least.scorer}`, kind: 'retrain', severity: 'warning', target: least.scorer,
    text: `${least.scorer} is the least reliable scorer: ${least.reliability.toFixed(2)} on average over ${least.dimensions === 1 ? '1 dimension' : `${least.dimensions} dimensions`}, below ${LOW.reliability}. Train it again, or give it less weight.`,
    evidence: { numbers: { reliability: least.reliability, limit: LOW.reliability, dimensions: least.dimensions }, ids: [], n: least.n },
  }];
}

function humanReview(results: readonly MarsResult[]): readonly Recommendation[] {
  const known = results.flatMap((r) => (r.agreement_score === null ? [] : [{ result: r, score: r.agreement_score }]));
  const mean = known.reduce((sum, k) => sum + k.score, 0) / known.length;
  if (known.length === 0 || mean >= LOW.agreement) return [];
  return [{
    id: 'human_review:all', kind: 'human_review', severity: 'warning', target: 'all dimensions',
    text: `Scorers agree ${mean.toFixed(2)} on average over ${known.length === 1 ? '1 dimension' : `${known.length} dimensions`}, below ${LOW.agreement}: let people judge the contested steps.`,
    evidence: { numbers: { agreement: mean, limit: LOW.agreement, dimensions: known.length }, ids: [...new Set(known.flatMap((k) => worst(k.result)))].slice(0, MAX_IDS), n: Math.max(...known.map((k) => k.result.co_scored)) },
  }];
}

function worst(result: MarsResult): readonly string[] {
  return result.step_conflicts.slice(0, MAX_IDS).map((c) => c.id);
}

function steps(n: number): string {
  return n === 1 ? '1 step' : `${n} steps`;
}
