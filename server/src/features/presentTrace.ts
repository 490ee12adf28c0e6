/** Raw scores, labels and rules of one trace brought together into what features show. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { LabelRecord } from '../core/labels.ts';
import type { ImportedScore } from '../core/planTrace.ts';
import type { Finding } from '../core/problems.ts';
import { scorableId } from '../core/scoreResult.ts';
import type { Consensus, ScoreBundle, ScoreResult, UnscoredReason } from '../core/scoreResult.ts';
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import type { ScoreDelta } from '../corpus/scoreMemory.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import { activeDimensions, areRulesActive } from '../scoring/activeScorers.ts';
import { judge } from '../scoring/judge.ts';
import type { DimensionJudgement, Judgement } from '../scoring/judge.ts';
import type { RawByScorer } from '../scoring/rawScores.ts';
import { judgeRules } from '../scoring/scorers/rules.ts';
import { runOutcome } from '../scoring/runOutcome.ts';
import type { RunOutcome } from '../scoring/runOutcome.ts';
import { tokenMeasures } from '../scoring/tokenMeasures.ts';
import type { StepWork, TraceWork } from '../scoring/traceWork.ts';
import { traceProblems } from './problems.ts';
import { thresholdsFor } from './scoredTrace.ts';
import type { ScoredStep, ScoredTrace } from './scoredTrace.ts';

/** What the models last said about a step, and about which input. */
export interface RawScore {
  readonly raw: RawByScorer;
  readonly chainKey: string;
}

export interface PresentInput {
  readonly work: TraceWork;
  /** By step id. */
  readonly rawByStepId: ReadonlyMap<string, RawScore>;
  readonly labelByStepId: ReadonlyMap<string, LabelRecord>;
  /** Last change of each step's consensus. */
  readonly deltaByStepId: ReadonlyMap<string, ScoreDelta>;
  readonly ruleFindings: readonly Finding[];
  readonly manifest: ModelManifest | undefined;
  readonly scorers: readonly string[];
  readonly settings: EffectiveSettings;
  readonly isExcluded: (globs: readonly string[]) => boolean;
}

/** Everything a step is presented from, beside its own words. */
interface Seen {
  readonly known: RawScore | undefined;
  readonly label: LabelRecord | undefined;
  readonly delta: ScoreDelta | undefined;
  /** What the rules found on the step; undefined where they do not judge it. */
  readonly findings: readonly Finding[] | undefined;
  readonly manifest: ModelManifest | undefined;
  readonly settings: EffectiveSettings;
  readonly scorers: string;
}

const NO_FINDINGS: readonly Finding[] = [];
/** While a trace is scored or grows, all but a few of its steps stay as they were. */
const presented = new WeakMap<StepWork, { readonly seen: Seen; readonly state: ScoredStep }>();
const grouped = new WeakMap<readonly Finding[], ReadonlyMap<number | undefined, readonly Finding[]>>();

export function presentTrace(input: PresentInput): ScoredTrace {
  const { work, manifest, settings } = input;
  const areRulesHeard = areRulesActive(settings);
  const dimensions = manifest === undefined ? [] : activeDimensions(manifest, settings);
  const byStep = findingsByStep(input.ruleFindings);
  const scorers = input.scorers.join();
  const steps = work.steps.map((stepWork): ScoredStep => {
    const { stepId, stepIndex } = stepWork.step;
    const findings = areRulesHeard && stepWork.unscored === undefined ? byStep.get(stepIndex) ?? NO_FINDINGS : undefined;
    const seen: Seen = { known: input.rawByStepId.get(stepId), label: input.labelByStepId.get(stepId), delta: input.deltaByStepId.get(stepId), findings, manifest, settings, scorers };
    const before = presented.get(stepWork);
    if (before !== undefined && isSame(before.seen, seen)) return before.state;
    const state = presentStep(stepWork, input, { ...seen, dimensions });
    presented.set(stepWork, { seen, state });
    return state;
  });
  const scorable = work.steps.filter((s) => s.unscored === undefined).length;
  const thresholds = manifest === undefined ? undefined : thresholdsFor(settings, manifest, scorable);
  const problems = traceProblems({ trace: work.trace, steps, ruleFindings: input.ruleFindings, thresholds, settings, isExcluded: input.isExcluded });
  const outcome = outcomeOf(input);
  return { trace: work.trace, steps, traceResults: work.trace.importedScores.map((s) => importedResult(s, settings)), ruleFindings: input.ruleFindings, problems, ...(outcome === undefined ? {} : { outcome }) };
}

/** Only when the last step was read as it stands, and only of agents that use tools: no other runs were there to calibrate on. */
function outcomeOf({ work, manifest, rawByStepId, scorers }: PresentInput): RunOutcome | undefined {
  if (!work.trace.steps.some((s) => s.tools.length > 0)) return undefined;
  const last = work.steps.findLast((s) => s.unscored === undefined);
  const known = last === undefined ? undefined : rawByStepId.get(last.step.stepId);
  if (manifest === undefined || known === undefined || known.chainKey !== last?.chainKey || !scorers.includes('hrm')) return undefined;
  return runOutcome(manifest, known.raw);
}

function isSame(a: Seen, b: Seen): boolean {
  return a.known === b.known && a.label === b.label && a.delta === b.delta && a.findings === b.findings && a.manifest === b.manifest && a.settings === b.settings && a.scorers === b.scorers;
}

function findingsByStep(findings: readonly Finding[]): ReadonlyMap<number | undefined, readonly Finding[]> {
  let found = grouped.get(findings);
  if (found === undefined) grouped.set(findings, found = Map.groupBy(findings, (f) => f.stepIndex));
  return found;
}

function presentStep(stepWork: StepWork, input: PresentInput, { known, label, findings, dimensions, ...seen }: Seen & { readonly dimensions: readonly string[] }): ScoredStep {
  const { step } = stepWork;
  const id = scorableId(input.work.trace.traceId, step.stepId);
  const judged = input.manifest !== undefined && known !== undefined && stepWork.unscored === undefined
    ? judge(known.raw, { manifest: input.manifest, scorers: input.scorers, dimensions, findings })
    : unjudged(unscored(stepWork, input, findings));
  const bundle = new JudgedBundle(id, judged, [...measuredResults(step.logprobs), ...(label === undefined ? [] : [humanResult(label)]), ...step.importedScores.map((s) => importedResult(s, input.settings))]);
  const isStale = known !== undefined && stepWork.unscored === undefined && known.chainKey !== stepWork.chainKey;
  const isPending = input.manifest !== undefined && stepWork.unscored === undefined && !input.scorers.every((id) => known?.raw.has(id) === true);
  const delta = currentDelta(seen.delta, bundle);
  return { bundle, isStale, isPending, ...(label === undefined ? {} : { label }), ...(delta === undefined ? {} : { delta }) };
}

/** What our own scorers say, with what people and the file say beside it. */
class JudgedBundle implements ScoreBundle {
  readonly scorableId: string;
  readonly #judged: Judgement;
  readonly #others: readonly ScoreResult[];

  constructor(id: string, judged: Judgement, others: readonly ScoreResult[]) {
    this.scorableId = id;
    this.#judged = judged;
    this.#others = others;
  }

  resultsOn(dimension: string): readonly ScoreResult[] {
    const { results } = this.#judged.on(dimension);
    const others = this.#others.filter((r) => r.dimension === dimension);
    return others.length === 0 ? results : [...results, ...others];
  }

  consensusOn(dimension: string): Consensus | undefined {
    return this.#judged.on(dimension).consensus;
  }

  all(): ReturnType<ScoreBundle['all']> {
    const judged = this.#judged.dimensions.map((dimension) => [dimension, this.#judged.once(dimension)] as const);
    return {
      results: [...judged.flatMap(([, { results }]) => results), ...this.#others],
      consensusByDimension: Object.fromEntries(judged.flatMap(([dimension, { consensus }]) => (consensus === undefined ? [] : [[dimension, consensus] as const]))),
    };
  }
}

function unjudged(results: readonly ScoreResult[]): Judgement {
  const on = (dimension: string): DimensionJudgement => ({ results: dimension === PRIMARY_DIMENSION ? results : [], consensus: undefined });
  return { dimensions: [PRIMARY_DIMENSION], on, once: on };
}

/** Only while the score it led to still stands. */
function currentDelta(delta: ScoreDelta | undefined, bundle: ScoreBundle): ScoreDelta | undefined {
  const now = bundle.consensusOn(PRIMARY_DIMENSION)?.score;
  return delta !== undefined && now !== undefined && Math.abs(delta.score - now) < 1e-9 ? delta : undefined;
}

/** What can be said before or without models: why there is no score, and what the rules say. */
function unscored(stepWork: StepWork, input: PresentInput, findings: readonly Finding[] | undefined): readonly ScoreResult[] {
  const reason = stepWork.unscored ?? (input.manifest === undefined ? 'no-model' : 'pending');
  if (findings !== undefined && findings.length > 0) return unscoredFor(reason, input, findings);
  // A long trace has a hundred thousand steps of which nothing else is known: they share the words for it.
  const key = [reason, findings === undefined, ...input.scorers].join();
  const shared = sharedUnscored.get(input.manifest ?? NO_MANIFEST) ?? new Map<string, readonly ScoreResult[]>();
  sharedUnscored.set(input.manifest ?? NO_MANIFEST, shared);
  const results = shared.get(key) ?? unscoredFor(reason, input, findings);
  shared.set(key, results);
  return results;
}

const NO_MANIFEST = {};
const sharedUnscored = new WeakMap<object, Map<string, readonly ScoreResult[]>>();

function unscoredFor(reason: UnscoredReason, input: PresentInput, findings: readonly Finding[] | undefined): readonly ScoreResult[] {
  const models = input.scorers.map((scorer): ScoreResult => ({ kind: 'unscored', dimension: PRIMARY_DIMENSION, scorer, scorerVersion: '', reason }));
  return findings === undefined ? models : [...models, ...judgeRules({ findings, dimensions: [PRIMARY_DIMENSION] }, input.manifest?.rules ?? {})];
}

/** What the file itself measured of a step: shown and exported, no judgement. */
function measuredResults(logprobs: readonly number[] | undefined): readonly ScoreResult[] {
  const attributes = tokenMeasures(logprobs);
  return attributes === undefined ? [] : [{ kind: 'unscored', dimension: PRIMARY_DIMENSION, scorer: 'trace', scorerVersion: '1', reason: 'abstained', attributes }];
}

function humanResult(record: LabelRecord): ScoreResult {
  const label = record.label === 'good' ? 1 : record.label === 'bad' ? 0 : -1;
  return {
    kind: 'scored', dimension: PRIMARY_DIMENSION, scorer: 'human', scorerVersion: '1', score: record.label === 'good' ? 1 : 0,
    rationale: `labelled ${record.label ?? ''} by ${record.author}`, weight: 1, attributes: { label },
  };
}

/** A score found in the file on 0–1, or its own number with "scale unknown". */
export function importedResult(score: ImportedScore, settings: EffectiveSettings): ScoreResult {
  const scorer = `file:${score.source}`;
  const scale = settings.importedScales[score.source] ?? score.scale;
  if (scale === undefined || !Number.isFinite(score.value)) return { kind: 'unscored', dimension: score.dimension, scorer, scorerVersion: '', reason: 'unknown-scale', rawValue: score.value };
  const [lo, hi] = scale;
  const share = (score.value - lo) / (hi - lo);
  return { kind: 'scored', dimension: score.dimension, scorer, scorerVersion: '', score: Math.max(0, Math.min(1, share)), rationale: score.rationale ?? '', weight: 1, attributes: score.attributes };
}
