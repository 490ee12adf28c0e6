/** The corpus as patterns, variants, the review queue and runs read it: traces with their steps in order, one row a step. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import { CONSENSUS_SCORER, HUMAN_SCORER, TRACE_SCORER, isWitness } from '../core/scoreRecord.ts';
import type { ScorableFacts, ScoreRecord } from '../core/scoreRecord.ts';
import type { ScoreCorpus } from './scoreCorpus.ts';

/** What is read of a corpus here. */
export type CorpusRows = Pick<ScoreCorpus, 'scorableIds' | 'facts' | 'records'>;

export interface StepRow {
  readonly facts: ScorableFacts;
  /** By dimension, 0–1: the consensus, else the mean of the witnesses. */
  readonly scores: ReadonlyMap<string, number>;
  /** By scorer, 0–1: witnesses of the dimension asked for. */
  readonly witnesses: ReadonlyMap<string, number>;
  /** Chance that the score is wrong, 0–1: of the consensus, else the mean of what the witnesses call uncertainty. */
  readonly uncertainty?: number;
  /** Sample standard deviation over the witnesses; undefined with fewer than two. */
  readonly deviation?: number;
  /** Given by a person. */
  readonly label?: 'good' | 'bad' | 'first-bad';
  /** sicql's policy: let a person look, 0–1. */
  readonly escalation?: number;
  readonly durationMs?: number;
}

export interface TraceRow {
  readonly facts: ScorableFacts;
  /** By index. */
  readonly steps: readonly StepRow[];
  /** Score of the run as a whole, 0–1: its consensus, else the mean of its witnesses, else its lowest step. */
  readonly score?: number;
}

/**
 * Every trace of the corpus, by file and id, whatever order it was filled in: sums over the rows are then the same to the bit.
 * `dimension` is the one that witnesses, deviation and label are of.
 */
export function traceTable(corpus: CorpusRows, dimension: string = PRIMARY_DIMENSION): readonly TraceRow[] {
  const recordsById = new Map<string, ScoreRecord[]>();
  for (const record of corpus.records()) {
    const known = recordsById.get(record.scorableId);
    if (known === undefined) recordsById.set(record.scorableId, [record]);
    else known.push(record);
  }
  const traces = new Map<string, { whole?: StepRow; readonly steps: StepRow[] }>();
  for (const id of corpus.scorableIds) {
    const facts = corpus.facts(id);
    if (facts === undefined) continue;
    const key = `${facts.file}\u0000${facts.traceId}`;
    const trace = traces.get(key) ?? { steps: [] };
    traces.set(key, trace);
    const row = stepRow(facts, recordsById.get(id) ?? [], dimension);
    if (facts.stepId === '') trace.whole = row;
    else trace.steps.push(row);
  }
  return [...traces].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, { whole, steps }]): TraceRow[] => {
    steps.sort((a, b) => a.facts.stepIndex - b.facts.stepIndex || (a.facts.id < b.facts.id ? -1 : 1));
    const facts = whole?.facts ?? steps[0]?.facts;
    const score = whole?.scores.get(dimension) ?? lowest(steps.flatMap((s) => s.scores.get(dimension) ?? []));
    return facts === undefined ? [] : [{ facts, steps, ...(score === undefined ? {} : { score }) }];
  });
}

/** Whether the step is bad: by a person's label, else by a score under `badBelow` (0–1). Undefined where nobody judged it. */
export function isBad(row: StepRow, dimension: string, badBelow: number): boolean | undefined {
  if (row.label !== undefined) return row.label !== 'good';
  const score = row.scores.get(dimension);
  return score === undefined ? undefined : score < badBelow;
}

/** Undefined of nothing. */
export function meanOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, v) => sum + v, 0) / values.length;
}

function stepRow(facts: ScorableFacts, records: readonly ScoreRecord[], dimension: string): StepRow {
  // By name, so that means do not hang on the order in which scorers came.
  const sorted = records.toSorted((a, b) => (a.dimension < b.dimension ? -1 : a.dimension > b.dimension ? 1 : a.scorer < b.scorer ? -1 : 1));
  const own = sorted.filter((r) => r.dimension === dimension);
  const witnesses = new Map(own.flatMap((r) => (isWitness(r.scorer) && isNumber(r.score) ? [[r.scorer, r.score] as const] : [])));
  const consensus = own.find((r) => r.scorer === CONSENSUS_SCORER);
  const uncertainty = attribute(consensus, 'uncertainty') ?? meanOf(own.flatMap((r) => (isWitness(r.scorer) ? attribute(r, 'uncertainty') ?? [] : [])));
  const deviation = sampleDeviation([...witnesses.values()]);
  const label = labelOf(own.find((r) => r.scorer === HUMAN_SCORER));
  const escalation = attribute(own.find((r) => r.scorer === 'sicql'), 'p_escalate');
  const durationMs = meanOf(sorted.flatMap((r) => (r.scorer === TRACE_SCORER ? attribute(r, 'duration_ms') ?? [] : [])));
  return {
    facts, scores: displayScores(sorted), witnesses,
    ...(uncertainty === undefined ? {} : { uncertainty }), ...(deviation === undefined ? {} : { deviation }), ...(label === undefined ? {} : { label }),
    ...(escalation === undefined ? {} : { escalation }), ...(durationMs === undefined ? {} : { durationMs }),
  };
}

function displayScores(records: readonly ScoreRecord[]): ReadonlyMap<string, number> {
  const voices = new Map<string, number[]>();
  const scores = new Map<string, number>();
  for (const { dimension, scorer, score } of records) {
    if (!isNumber(score)) continue;
    if (scorer === CONSENSUS_SCORER) scores.set(dimension, score);
    else if (isWitness(scorer)) voices.set(dimension, [...(voices.get(dimension) ?? []), score]);
  }
  for (const [dimension, values] of voices) {
    const mean = meanOf(values);
    if (!scores.has(dimension) && mean !== undefined) scores.set(dimension, mean);
  }
  return scores;
}

function labelOf(human: ScoreRecord | undefined): StepRow['label'] {
  if (human === undefined || !isNumber(human.score)) return undefined;
  if (attribute(human, 'label') === -1) return 'first-bad';
  return human.score < 0.5 ? 'bad' : 'good';
}

function attribute(record: ScoreRecord | undefined, name: string): number | undefined {
  const value = record?.attributes[name];
  return isNumber(value) ? value : undefined;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function lowest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((a, b) => Math.min(a, b));
}

function sampleDeviation(values: readonly number[]): number | undefined {
  const mean = meanOf(values);
  if (mean === undefined || values.length < 2) return undefined;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
}
