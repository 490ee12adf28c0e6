/** Raw scores, labels and rules of one trace brought together into what features show. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { LabelRecord } from '../core/labels.ts';
import type { ImportedScore } from '../core/planTrace.ts';
import type { Finding } from '../core/problems.ts';
import { scorableId } from '../core/scoreResult.ts';
import type { ScoreBundle, ScoreResult } from '../core/scoreResult.ts';
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import type { ScoreDelta } from '../corpus/scoreMemory.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import { activeDimensions, areRulesActive } from '../scoring/activeScorers.ts';
import { judge } from '../scoring/judge.ts';
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

export function presentTrace(input: PresentInput): ScoredTrace {
  const { work, manifest, settings } = input;
  const areRulesHeard = areRulesActive(settings);
  const findingsByStep = Map.groupBy(input.ruleFindings, (f) => f.stepIndex);
  const steps = work.steps.map((stepWork): ScoredStep => presentStep(stepWork, input, areRulesHeard && stepWork.unscored === undefined ? findingsByStep.get(stepWork.step.stepIndex) ?? [] : undefined));
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

/** `findings`: what the rules found on the step; undefined where they do not judge it. */
function presentStep(stepWork: StepWork, input: PresentInput, findings: readonly Finding[] | undefined): ScoredStep {
  const { step } = stepWork;
  const known = input.rawByStepId.get(step.stepId);
  const label = input.labelByStepId.get(step.stepId);
  const id = scorableId(input.work.trace.traceId, step.stepId);
  const judged = input.manifest !== undefined && known !== undefined && stepWork.unscored === undefined
    ? judge(known.raw, { manifest: input.manifest, scorers: input.scorers, dimensions: activeDimensions(input.manifest, input.settings), findings })
    : { results: unscored(stepWork, input, findings), consensusByDimension: {} };
  const bundle: ScoreBundle = {
    scorableId: id,
    results: [...judged.results, ...measuredResults(step.logprobs), ...(label === undefined ? [] : [humanResult(label)]), ...step.importedScores.map((s) => importedResult(s, input.settings))],
    consensusByDimension: judged.consensusByDimension,
  };
  const isStale = known !== undefined && stepWork.unscored === undefined && known.chainKey !== stepWork.chainKey;
  const delta = currentDelta(input.deltaByStepId.get(step.stepId), bundle);
  return { bundle, isStale, ...(label === undefined ? {} : { label }), ...(delta === undefined ? {} : { delta }) };
}

/** Only while the score it led to still stands. */
function currentDelta(delta: ScoreDelta | undefined, bundle: ScoreBundle): ScoreDelta | undefined {
  const now = bundle.consensusByDimension[PRIMARY_DIMENSION]?.score;
  return delta !== undefined && now !== undefined && Math.abs(delta.score - now) < 1e-9 ? delta : undefined;
}

/** What can be said before or without models: why there is no score, and what the rules say. */
function unscored(stepWork: StepWork, input: PresentInput, findings: readonly Finding[] | undefined): readonly ScoreResult[] {
  const reason = stepWork.unscored ?? (input.manifest === undefined ? 'no-model' : 'pending');
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
