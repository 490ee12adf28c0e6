/** One row a run, in the order in which they were made: how quality, doubt and errors go over time. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import { meanOf, traceTable } from './stepTable.ts';
import type { CorpusRows } from './stepTable.ts';

export interface RunRow {
  readonly file: string;
  readonly traceId: string;
  readonly goal: string;
  readonly planSignature: string;
  readonly model: string | null;
  /** Start of the run, else of its first step with a time; milliseconds since the Unix epoch. */
  readonly timeMs: number | null;
  /** Steps that the corpus holds. */
  readonly steps: number;
  /** 0–1, as the run was rewarded. */
  readonly outcome: number | null;
  /** Score of the run as a whole, 0–1. */
  readonly score: number | null;
  /** Mean and lowest score of its steps, 0–1. */
  readonly quality: number | null;
  readonly lowest: number | null;
  /** Mean over its steps, 0–1. */
  readonly uncertainty: number | null;
  /** Mean standard deviation over the witnesses of its steps, 0–1. */
  readonly deviation: number | null;
  readonly errors: number;
}

/** Oldest first, those without a time last; then by file and id. */
export function runsOf(corpus: CorpusRows, dimension: string = PRIMARY_DIMENSION): readonly RunRow[] {
  const rows = traceTable(corpus, dimension).map(({ facts, steps, score }): RunRow => {
    const scores = steps.flatMap((s) => s.scores.get(dimension) ?? []);
    return {
      file: facts.file, traceId: facts.traceId, goal: facts.goal, planSignature: facts.planSignature, model: facts.model ?? null,
      timeMs: (facts.stepId === '' ? facts.timeMs : undefined) ?? steps.find((s) => s.facts.timeMs !== undefined)?.facts.timeMs ?? null,
      steps: steps.length, outcome: facts.outcome ?? null, score: score ?? null,
      quality: meanOf(scores) ?? null, lowest: scores.length === 0 ? null : scores.reduce((a, b) => Math.min(a, b)),
      uncertainty: meanOf(steps.flatMap((s) => s.uncertainty ?? [])) ?? null, deviation: meanOf(steps.flatMap((s) => s.deviation ?? [])) ?? null,
      errors: steps.filter((s) => s.facts.isError).length,
    };
  });
  return rows.sort((a, b) => (a.timeMs ?? Number.POSITIVE_INFINITY) - (b.timeMs ?? Number.POSITIVE_INFINITY) || 0);
}
