/** Which steps a person should label first: those whose label teaches most. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import type { ScorableFacts } from '../core/scoreRecord.ts';
import { traceTable } from './stepTable.ts';
import type { CorpusRows, StepRow } from './stepTable.ts';

export interface ReviewRow {
  readonly scorable: ScorableFacts;
  /** 0–1; comparable within one queue. */
  readonly value: number;
  readonly score: number | null;
  /** What the value is made of, each 0–1; null where it is unknown and takes no part. */
  readonly parts: { readonly doubt: number; readonly spread: number | null; readonly escalation: number | null; readonly novelty: number };
  /** A few words each, weightiest first. */
  readonly why: readonly string[];
}

export interface ReviewOptions {
  readonly dimension?: string;
  /** Most rows; 50 unless told. */
  readonly limit?: number;
}

/** Doubt is what a label resolves; the others tell where it does so most. */
const WEIGHTS = { doubt: 0.5, spread: 0.2, escalation: 0.15, novelty: 0.15 } as const;
/** A part is worth a word from here on. */
const TELLING = { doubt: 0.5, spread: 0.3, escalation: 0.3, novelty: 0.5 } as const;
const MOST_ROWS = 50;

/**
 * Most valuable first; steps with a label and steps that nobody scored are left out.
 * doubt = min(1, 2·uncertainty) (without an uncertainty 1 - |1 - 2·score|), spread = highest - lowest witness, escalation = sicql.p_escalate,
 * novelty = 1 / (1 + steps of its type labelled or already in the queue): each row makes the next of its type less novel.
 * value = the weighted mean of the parts that are known. Ties go by id.
 */
export function reviewQueue(corpus: CorpusRows, options: ReviewOptions = {}): readonly ReviewRow[] {
  const dimension = options.dimension ?? PRIMARY_DIMENSION;
  const seenByType = new Map<string, number>();
  const waiting = new Map<string, Candidate[]>();
  for (const { steps } of traceTable(corpus, dimension)) {
    for (const step of steps) {
      const { stepType } = step.facts;
      if (step.label !== undefined) seenByType.set(stepType, (seenByType.get(stepType) ?? 0) + 1);
      const candidate = step.label === undefined ? candidateOf(step, dimension) : undefined;
      if (candidate === undefined) continue;
      const ofType = waiting.get(stepType);
      if (ofType === undefined) waiting.set(stepType, [candidate]);
      else ofType.push(candidate);
    }
  }
  // Novelty is one number for a whole type but weighs differently where parts are missing: within a type, order by known parts and keep those apart.
  const lanes = [...waiting].flatMap(([stepType, candidates]) => [...Map.groupBy(candidates, (c) => c.otherWeight)].map(([, lane]) => ({ stepType, lane: lane.sort((a, b) => b.sum - a.sum || byId(a, b)), next: 0 })));
  const queue: ReviewRow[] = [];
  while (queue.length < (options.limit ?? MOST_ROWS)) {
    let best: { readonly row: ReviewRow; readonly from: (typeof lanes)[number] } | undefined;
    for (const lane of lanes) {
      const candidate = lane.lane[lane.next];
      if (candidate === undefined) continue;
      const row = rowOf(candidate, seenByType.get(lane.stepType) ?? 0);
      if (best === undefined || row.value > best.row.value || (row.value === best.row.value && row.scorable.id < best.row.scorable.id)) best = { row, from: lane };
    }
    if (best === undefined) break;
    best.from.next++;
    seenByType.set(best.from.stepType, (seenByType.get(best.from.stepType) ?? 0) + 1);
    queue.push(best.row);
  }
  return queue;
}

interface Candidate {
  readonly step: StepRow;
  readonly score: number | undefined;
  readonly doubt: number;
  readonly spread: number | undefined;
  readonly pair: string;
  /** Weighted sum of all parts but novelty, and the weights in it. */
  readonly sum: number;
  readonly otherWeight: number;
}

function candidateOf(step: StepRow, dimension: string): Candidate | undefined {
  const score = step.scores.get(dimension);
  const doubt = step.uncertainty === undefined ? score === undefined ? undefined : 1 - Math.abs(1 - 2 * score) : Math.min(1, 2 * step.uncertainty);
  if (doubt === undefined) return undefined;
  const voices = [...step.witnesses].sort(([, a], [, b]) => b - a);
  const [high, low] = [voices[0], voices.at(-1)];
  const spread = voices.length < 2 || high === undefined || low === undefined ? undefined : high[1] - low[1];
  const { escalation } = step;
  return {
    step, score, doubt, spread, pair: `${high?.[0] ?? ''} and ${low?.[0] ?? ''}`,
    sum: WEIGHTS.doubt * doubt + WEIGHTS.spread * (spread ?? 0) + WEIGHTS.escalation * (escalation ?? 0),
    otherWeight: WEIGHTS.doubt + (spread === undefined ? 0 : WEIGHTS.spread) + (escalation === undefined ? 0 : WEIGHTS.escalation),
  };
}

function rowOf(candidate: Candidate, seen: number): ReviewRow {
  const { step, score, doubt, spread, escalation } = { ...candidate, escalation: candidate.step.escalation };
  const novelty = 1 / (1 + seen);
  const words: readonly (readonly [weight: number, words: string])[] = [
    ...(doubt >= TELLING.doubt ? [[WEIGHTS.doubt * doubt, step.uncertainty === undefined ? `undecided (${hundredths(score)})` : `uncertain (${hundredths(step.uncertainty)})`] as const] : []),
    ...(spread !== undefined && spread >= TELLING.spread ? [[WEIGHTS.spread * spread, `${candidate.pair} differ by ${hundredths(spread)}`] as const] : []),
    ...(escalation !== undefined && escalation >= TELLING.escalation ? [[WEIGHTS.escalation * escalation, `sicql asks for a person (${hundredths(escalation)})`] as const] : []),
    ...(novelty >= TELLING.novelty ? [[WEIGHTS.novelty * novelty, seen === 0 ? `no ${step.facts.stepType} step labelled` : `one ${step.facts.stepType} step labelled or queued`] as const] : []),
  ];
  return {
    scorable: step.facts, value: (candidate.sum + WEIGHTS.novelty * novelty) / (candidate.otherWeight + WEIGHTS.novelty), score: score ?? null,
    parts: { doubt, spread: spread ?? null, escalation: escalation ?? null, novelty },
    why: words.length === 0 ? ['next in doubt'] : words.toSorted((a, b) => b[0] - a[0]).map(([, text]) => text),
  };
}

function byId(a: Candidate, b: Candidate): number {
  return a.step.facts.id < b.step.facts.id ? -1 : 1;
}

function hundredths(value: number | undefined): string {
  return (value ?? 0).toFixed(2);
}
