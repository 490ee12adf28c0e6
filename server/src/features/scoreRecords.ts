/** From a scored trace to what the corpus and the memory hold of it. */
import { asTimeMs } from '../formats/jsonFields.ts';
import type { LineIndex } from '../core/lineIndex.ts';
import type { ExecutionStep, OffsetRange, PlanTrace } from '../core/planTrace.ts';
import { CONSENSUS_SCORER, TRACE_SCORER, corpusId } from '../core/scoreRecord.ts';
import type { ScorableFacts, ScoreRecord } from '../core/scoreRecord.ts';
import { findResult } from '../core/scoreResult.ts';
import type { ScoreBundle } from '../core/scoreResult.ts';
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import type { Evaluation, ScoreInputs } from '../corpus/scoreMemory.ts';
import type { ModelKeys } from '../scoring/modelKeys.ts';
import type { TraceWork } from '../scoring/traceWork.ts';
import { stepTitle } from './scoredTrace.ts';
import type { ScoredTrace } from './scoredTrace.ts';
import { summariseTrace } from './traceSummary.ts';

export interface RecordedScorable {
  readonly scorable: ScorableFacts;
  readonly records: readonly ScoreRecord[];
}

/** `lines`: of the text that the steps' ranges count in, where there is one. Every step that has a score or a recorded fact, in order, then the trace as a whole. Stale and pending scores are left out. */
export function recordsOfTrace(file: string, scored: ScoredTrace, lines?: LineIndex): readonly RecordedScorable[] {
  return [...scored.steps.flatMap((_, index) => recordOfStep(file, scored, { index, lines }) ?? []), ...recordOfWhole(file, scored, lines)];
}

/** Undefined for a step without a score or a recorded fact, and for a stale one. */
export function recordOfStep(file: string, scored: ScoredTrace, { index, lines }: { readonly index: number; readonly lines?: LineIndex | undefined }): RecordedScorable | undefined {
  const [step, state] = [scored.trace.steps[index], scored.steps[index]];
  if (step === undefined || state === undefined || state.isStale) return undefined;
  const scorable = { ...stepFacts(file, scored.trace, step), ...lineOf(step.range, lines) };
  const records = stepRecords(scorable.id, state.bundle, step);
  return records.length === 0 ? undefined : { scorable, records };
}

/** With the hashes that tell causes of change apart. Steps that the models do not read hang on their text alone. */
export function evaluationsOf(recorded: readonly RecordedScorable[], input: { readonly work: TraceWork; readonly models: ModelKeys }): readonly Evaluation[] {
  const last = input.work.steps.findLast((s) => s.unscored === undefined);
  return recorded.map(({ scorable, records }): Evaluation => {
    const of = scorable.stepId === '' ? last : input.work.steps[scorable.stepIndex];
    const inputs: ScoreInputs = { text: of?.textKey ?? '', context: of?.contextKey ?? '', model: input.models.model, calibration: input.models.calibration };
    return { scorable, inputs, records };
  });
}

function lineOf(range: OffsetRange | null, lines: LineIndex | undefined): { readonly line?: number } {
  return range === null || lines === undefined ? {} : { line: lines.positionAt(range.start).line };
}

function stepFacts(file: string, trace: PlanTrace, step: ExecutionStep): ScorableFacts {
  const before = trace.steps[step.stepIndex - 1]?.stepType;
  const after = trace.steps[step.stepIndex + 1]?.stepType;
  const agent = step.agentName ?? trace.meta.agent;
  return {
    ...traceFacts(file, trace), id: corpusId({ file, traceId: trace.traceId, stepId: step.stepId }), stepId: step.stepId, stepIndex: step.stepIndex, stepType: step.stepType,
    ...(agent === undefined ? {} : { agent }), tools: step.tools.map((t) => t.name), isError: step.error !== undefined || step.tools.some((t) => t.isError),
    ...(step.error === undefined ? {} : { errorType: step.error.type }), ...(before === undefined ? {} : { previousStepType: before }), ...(after === undefined ? {} : { nextStepType: after }),
    ...(step.startTimeMs === undefined ? {} : { timeMs: step.startTimeMs }), title: stepTitle(step),
  };
}

function traceFacts(file: string, trace: PlanTrace): ScorableFacts {
  const { meta } = trace;
  const createdMs = asTimeMs(trace.createdAt);
  return {
    id: corpusId({ file, traceId: trace.traceId, stepId: '' }), file, traceId: trace.traceId, stepId: '', stepIndex: -1, goal: trace.goalText, planSignature: trace.planSignature, stepType: 'trace',
    ...(meta.agent === undefined ? {} : { agent: meta.agent }), ...(meta.model === undefined ? {} : { model: meta.model }), tools: [], isError: false,
    traceLength: trace.steps.length, ...(meta.outcome === undefined ? {} : { outcome: meta.outcome }), ...(createdMs === undefined ? {} : { timeMs: createdMs }), title: trace.goalText.trim().slice(0, 80),
  };
}

function stepRecords(scorableId: string, bundle: ScoreBundle, step: ExecutionStep): readonly ScoreRecord[] {
  const { results, consensusByDimension } = bundle.all();
  const judged = results.flatMap((r): ScoreRecord[] => {
    if (r.kind === 'scored') return [{ scorableId, dimension: r.dimension, scorer: r.scorer, scorerVersion: r.scorerVersion, score: r.score, rationale: r.rationale, weight: r.weight, attributes: r.attributes }];
    // What measures without judging, and the checks that found nothing to judge by.
    return r.attributes === undefined || r.scorer === TRACE_SCORER || Object.values(r.attributes).every((v) => v === 0) ? [] : [{ scorableId, dimension: r.dimension, scorer: r.scorer, scorerVersion: r.scorerVersion, score: null, rationale: '', weight: 0, attributes: r.attributes }];
  });
  const consensus = Object.entries(consensusByDimension).map(([dimension, c]): ScoreRecord => ({
    scorableId, dimension, scorer: CONSENSUS_SCORER, scorerVersion: '', score: c.score, rationale: '', weight: 0, attributes: { uncertainty: c.uncertainty, spread: c.spread, scorers: c.scorers.length },
  }));
  const facts = recordedFacts(bundle, step);
  const measured = Object.keys(facts).length === 0 ? [] : [{ scorableId, dimension: PRIMARY_DIMENSION, scorer: TRACE_SCORER, scorerVersion: '1', score: null, rationale: '', weight: 0, attributes: facts }];
  return [...judged, ...consensus, ...measured];
}

/** What the file recorded of a step, as metrics of the scorer `trace`; only what it holds. */
function recordedFacts(bundle: ScoreBundle, step: ExecutionStep): ScoreRecord['attributes'] {
  const tokens = findResult(bundle, PRIMARY_DIMENSION, TRACE_SCORER)?.attributes ?? {};
  const known = (name: string, value: number | undefined): Readonly<Record<string, number>> => (value === undefined ? {} : { [name]: value });
  return {
    ...tokens, ...known('duration_ms', step.durationMs), ...known('input_tokens', step.usage?.inputTokens), ...known('output_tokens', step.usage?.outputTokens),
    ...known('cached_tokens', step.usage?.cachedTokens), ...known('cost_usd', step.costUsd), ...(step.error === undefined ? {} : { error_type: step.error.type }),
  };
}

/** The trace as a whole: hrm's word on the run, scores found in the file, and the outcome where it is known; empty where there are none. */
export function recordOfWhole(file: string, scored: ScoredTrace, lines?: LineIndex): readonly RecordedScorable[] {
  const { trace, outcome } = scored;
  const scorable = { ...traceFacts(file, trace), ...lineOf(trace.range, lines) };
  const record = (scorer: string, score: number | null, attributes: ScoreRecord['attributes']): ScoreRecord => ({ scorableId: scorable.id, dimension: PRIMARY_DIMENSION, scorer, scorerVersion: '', score, rationale: '', weight: 1, attributes });
  const summary = summariseTrace(scored);
  const records: ScoreRecord[] = [];
  if (outcome !== undefined) records.push(record('hrm', outcome.probability, {}));
  if (summary.score !== null) records.push(record(CONSENSUS_SCORER, summary.score, { basis: summary.basis }));
  for (const result of scored.traceResults) {
    if (result.kind === 'scored') records.push({ ...record(result.scorer, result.score, result.attributes), dimension: result.dimension, rationale: result.rationale });
  }
  return records.length === 0 ? [] : [{ scorable, records }];
}
