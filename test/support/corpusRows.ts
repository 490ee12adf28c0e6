/** Small corpora that tests write down step by step. */
import { CONSENSUS_SCORER, HUMAN_SCORER, TRACE_SCORER, corpusId } from '../../server/src/core/scoreRecord.ts';
import type { ScorableFacts, ScoreRecord } from '../../server/src/core/scoreRecord.ts';
import type { CorpusRows } from '../../server/src/corpus/stepTable.ts';

export interface RowStep {
  readonly type: string;
  /** By scorer, on reasoning_quality. */
  readonly witnesses?: Readonly<Record<string, number>>;
  readonly score?: number;
  readonly uncertainty?: number;
  readonly label?: 'good' | 'bad' | 'first-bad';
  readonly durationMs?: number;
  readonly isError?: boolean;
  readonly agent?: string;
  readonly model?: string;
  readonly tools?: readonly string[];
  readonly escalation?: number;
  readonly timeMs?: number;
  /** Its place where that is not the one in the list. */
  readonly index?: number;
}

export interface RowTrace {
  readonly id: string;
  readonly file?: string;
  readonly goal?: string;
  readonly planSignature?: string;
  readonly model?: string;
  readonly outcome?: number;
  /** Of the run as a whole. */
  readonly score?: number;
  readonly timeMs?: number;
  readonly steps: readonly RowStep[];
}

const DIMENSION = 'reasoning_quality';

/** Records and facts as the corpus holds them. */
export function testRows(traces: readonly RowTrace[]): { readonly facts: readonly ScorableFacts[]; readonly records: readonly ScoreRecord[] } {
  const facts: ScorableFacts[] = [];
  const records: ScoreRecord[] = [];
  const add = (scorableId: string, scorer: string, score: number | null, attributes: ScoreRecord['attributes'] = {}): void => {
    records.push({ scorableId, dimension: DIMENSION, scorer, scorerVersion: '1', score, rationale: '', weight: 1, attributes });
  };
  for (const trace of traces) {
    const of = { file: trace.file ?? '', traceId: trace.id };
    const whole = {
      ...of, goal: trace.goal ?? '', planSignature: trace.planSignature ?? '', traceLength: trace.steps.length,
      ...(trace.model === undefined ? {} : { model: trace.model }), ...(trace.outcome === undefined ? {} : { outcome: trace.outcome }), ...(trace.timeMs === undefined ? {} : { timeMs: trace.timeMs }),
    };
    if (trace.score !== undefined) {
      const id = corpusId({ ...of, stepId: '' });
      facts.push({ ...whole, id, stepId: '', stepIndex: -1, stepType: 'trace', tools: [], isError: false, title: '' });
      add(id, CONSENSUS_SCORER, trace.score);
    }
    for (const [i, step] of trace.steps.entries()) {
      const stepId = `s${step.index ?? i}`;
      const id = corpusId({ ...of, stepId });
      const [before, after] = [trace.steps[i - 1], trace.steps[i + 1]];
      facts.push({
        ...whole, id, stepId, stepIndex: step.index ?? i, stepType: step.type, tools: step.tools ?? [], isError: step.isError ?? false, title: '',
        ...(step.agent === undefined ? {} : { agent: step.agent }), ...(step.model === undefined ? {} : { model: step.model }), ...(step.timeMs === undefined ? {} : { timeMs: step.timeMs }),
        ...(before === undefined ? {} : { previousStepType: before.type }), ...(after === undefined ? {} : { nextStepType: after.type }),
      });
      for (const [scorer, score] of Object.entries(step.witnesses ?? {})) add(id, scorer, score, scorer === 'sicql' && step.escalation !== undefined ? { p_escalate: step.escalation } : {});
      if (step.score !== undefined) add(id, CONSENSUS_SCORER, step.score, step.uncertainty === undefined ? {} : { uncertainty: step.uncertainty });
      if (step.label !== undefined) add(id, HUMAN_SCORER, step.label === 'good' ? 1 : 0, { label: step.label === 'good' ? 1 : step.label === 'bad' ? 0 : -1 });
      if (step.durationMs !== undefined) add(id, TRACE_SCORER, null, { duration_ms: step.durationMs });
    }
  }
  return { facts, records };
}

/** The same as a corpus. */
export function testCorpus(traces: readonly RowTrace[]): CorpusRows {
  const { facts, records } = testRows(traces);
  const byId = new Map(facts.map((f) => [f.id, f]));
  return { scorableIds: facts.map((f) => f.id), facts: (id) => byId.get(id), records: () => records };
}
