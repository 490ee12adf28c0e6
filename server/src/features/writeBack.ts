/** What is written of a scored trace into its PlanTrace JSON: every score of every step, the whole, and how far the scorers agree. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import type { ExecutionStep, OffsetRange } from '../core/planTrace.ts';
import { CONSENSUS_SCORER } from '../core/scoreRecord.ts';
import type { ScoreRecord } from '../core/scoreRecord.ts';
import { printResult } from '../corpus/mars.ts';
import { marsOfCorpus } from '../corpus/marsOfCorpus.ts';
import { createCorpus } from '../corpus/scoreCorpus.ts';
import type { ParsedFile } from '../formats/format.ts';
import { applyEdits } from '../formats/jsonEdits.ts';
import type { TextEdit } from '../formats/jsonEdits.ts';
import type { PrintableJson } from '../formats/jsonPrinter.ts';
import { planTraceFormat } from '../formats/planTrace.ts';
import { nativeStepId, planTraceEdits } from '../formats/planTraceWriteBack.ts';
import { findFormat } from '../formats/registry.ts';
import { explainStep } from '../scoring/explain.ts';
import { usualUncertainty } from './hover.ts';
import { displayConsensus } from './scoredTrace.ts';
import type { ScoredTrace } from './scoredTrace.ts';
import { recordsOfTrace } from './scoreRecords.ts';
import type { RecordedScorable } from './scoreRecords.ts';
import { summariseTrace } from './traceSummary.ts';

const WRITABLE_FORMAT = 'plan-trace';

export type TraceWriteBack =
  | { readonly kind: 'edits'; readonly edits: readonly TextEdit[]; readonly scoredSteps: number }
  /** Nothing is written into this trace; `reason` is a sentence. */
  | { readonly kind: 'left'; readonly reason: string };

/** Why scores cannot be written into files of a format; undefined where they can. */
export function writeBackRefusal(format: string): string | undefined {
  if (format === WRITABLE_FORMAT) return undefined;
  return `This is a ${findFormat(format)?.title ?? format} file. Scores are written into PlanTrace JSON only, which has fields for them; the scores of other traces are exported, for example with "stepscope score", and their file stays as it is.`;
}

/** The edits that write the scores of one trace into `text`, in which it was read as one of `parsed`. */
export function writeTraceScores(text: string, parsed: ParsedFile, scored: ScoredTrace): TraceWriteBack {
  const { trace } = scored;
  const scoredSteps = scored.steps.filter((s) => !s.isStale && displayConsensus(s) !== undefined).length;
  if (scoredSteps === 0) return { kind: 'left', reason: `No step of trace "${trace.traceId}" is scored: nothing was written into it.` };
  // Without the file in the ids: a trace stays the same where it is copied to.
  const recorded = recordsOfTrace('', scored);
  const recordsByStepId = new Map(recorded.map((r) => [r.scorable.stepId, r.records] as const));
  const usual = usualUncertainty(scored);
  const steps = trace.steps.map((step, index): PrintableJson => ({
    step_id: nativeStepId(text, step), step_order: stepOrder(step), step_type: step.stepType, agent: step.agentName ?? null, description: step.description,
    scores: stepScores(recordsByStepId.get(step.stepId) ?? [], rationales(scored, index, usual)),
  }));
  const pipeline = pipelineScores(scored);
  const edits = trace.range === null ? undefined : planTraceEdits(text, trace.range, {
    steps,
    pipeline: Object.fromEntries(pipeline.map((p) => [p.dimension, percentOf(p.score)])),
    meta: {
      basis: Object.fromEntries(pipeline.map((p) => [p.dimension, p.basis])),
      by_scorer: byDimension((recordsByStepId.get('') ?? []).filter((r) => r.scorer !== CONSENSUS_SCORER), byScorer),
      scorer_versions: scorerVersions(recorded),
      scales: { step_scores: [0, 100], pipeline_score: [0, 100], mars_analysis: [0, 1] },
    },
    mars: marsAnalysis(recorded),
  });
  if (trace.range === null || edits === undefined || !(isRegular(parsed) || readsTheSame(text, trace.range, edits))) return { kind: 'left', reason: `The JSON of trace "${trace.traceId}" is cut off or broken: nothing was written into it. Repair it and write again.` };
  return { kind: 'edits', edits, scoredSteps };
}

/** Whether the reader found nothing that strict JSON forbids: then it is sure where everything stands. */
function isRegular(parsed: ParsedFile): boolean {
  return !parsed.warnings.some((w) => w.code === 'file-not-strict-json' || w.code === 'truncated-file' || w.code === 'broken-record');
}

/** Whether the reader makes the same of a trace's text after the edits. */
function readsTheSame(text: string, range: OffsetRange, edits: readonly TextEdit[]): boolean {
  const before = text.slice(range.start, range.end);
  const after = applyEdits(before, edits.map((e) => ({ start: e.start - range.start, end: e.end - range.start, newText: e.newText })));
  const [was, is] = [before, after].map((object) => {
    const [trace, ...more] = planTraceFormat.parse({ path: '', text: object }).traces;
    return trace?.range?.end !== object.length || more.length > 0 ? undefined : JSON.stringify(trace, (key, value: unknown) => (PLACES.has(key) ? null : value));
  });
  return was !== undefined && was === is;
}

const PLACES: ReadonlySet<string> = new Set(['range', 'textRange', 'goalRange', 'warnings']);

/** As the file has it, else the position from 1. */
function stepOrder(step: ExecutionStep): number {
  const order = step.attributes['step_order'];
  return typeof order === 'number' ? order : step.stepIndex + 1;
}

/** By dimension: the sentence that the hover shows; empty where there is no consensus. */
function rationales(scored: ScoredTrace, index: number, usual: number): ReadonlyMap<string, string> {
  const bundle = scored.steps[index]?.bundle;
  if (bundle === undefined) return new Map();
  return new Map(Object.entries(bundle.all().consensusByDimension).map(([dimension, consensus]) => [dimension, explainStep({ consensus, bundle, usual: dimension === PRIMARY_DIMENSION ? usual : consensus.uncertainty, dimension })] as const));
}

/** By dimension the displayed score, and under `by_scorer` everyone's; score null where nobody judged. */
function stepScores(records: readonly ScoreRecord[], rationaleByDimension: ReadonlyMap<string, string>): PrintableJson {
  return byDimension(records, (ofDimension, dimension) => {
    const consensus = ofDimension.find((r) => r.scorer === CONSENSUS_SCORER);
    return {
      score: percentOf(consensus?.score ?? null), rationale: rationaleByDimension.get(dimension) ?? '', source: CONSENSUS_SCORER,
      attributes: consensus?.attributes ?? {}, by_scorer: byScorer(ofDimension),
    };
  });
}

function byDimension(records: readonly ScoreRecord[], print: (records: readonly ScoreRecord[], dimension: string) => PrintableJson): PrintableJson {
  return Object.fromEntries([...Map.groupBy(records, (r) => r.dimension)].map(([dimension, group]) => [dimension, print(group, dimension)]));
}

function byScorer(records: readonly ScoreRecord[]): PrintableJson {
  return Object.fromEntries(records.filter((r) => r.scorer !== CONSENSUS_SCORER).map((r) => [r.scorer, { score: percentOf(r.score), source: r.scorer, rationale: r.rationale, weight: r.weight, attributes: r.attributes }]));
}

interface PipelineScore {
  readonly dimension: string;
  /** 0–1. */
  readonly score: number;
  /** 'run-outcome': chance that the run succeeds; 'lowest-step': the lowest consensus of a step. */
  readonly basis: 'run-outcome' | 'lowest-step';
}

function pipelineScores(scored: ScoredTrace): readonly PipelineScore[] {
  const lowest = new Map<string, number>();
  for (const { bundle, isStale } of scored.steps) {
    if (isStale) continue;
    for (const [dimension, { score }] of Object.entries(bundle.all().consensusByDimension)) lowest.set(dimension, Math.min(score, lowest.get(dimension) ?? 1));
  }
  const { score: whole, basis } = summariseTrace(scored);
  return [...lowest].map(([dimension, score]) => (dimension === PRIMARY_DIMENSION && whole !== null ? { dimension, score: whole, basis } : { dimension, score, basis: 'lowest-step' }));
}

/** Those that have a version. */
function scorerVersions(recorded: readonly RecordedScorable[]): PrintableJson {
  const versions = recorded.flatMap((r) => r.records.flatMap((record) => (record.scorerVersion === '' ? [] : [[record.scorer, record.scorerVersion] as const])));
  return Object.fromEntries(versions.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** What `stepscope mars` prints for the steps of the trace alone. */
function marsAnalysis(recorded: readonly RecordedScorable[]): PrintableJson {
  const corpus = createCorpus();
  for (const { scorable, records } of recorded) {
    corpus.addScorable(scorable);
    for (const record of records) corpus.addScore(record);
  }
  const { dimensions, aggregate, unweighted } = marsOfCorpus(corpus);
  return { dimensions: Object.fromEntries(Object.entries(dimensions).map(([id, result]) => [id, asPrintable(printResult(result))])), aggregate, unweighted };
}

/** Plain data as JSON would carry it. */
function asPrintable(value: unknown): PrintableJson {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(asPrintable);
  if (typeof value !== 'object') return null;
  return Object.fromEntries(Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[key, asPrintable(member)]])));
}

/** 0–1 on the format's 0–100, without the noise of the last binary digits; null stays null. */
function percentOf(score: number | null): number | null {
  return score === null ? null : Number((score * 100).toPrecision(12));
}
