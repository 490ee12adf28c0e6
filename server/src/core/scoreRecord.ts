/** One score with everything that places it: what the corpus, the memory and exports are made of. */
import type { JsonValue } from './planTrace.ts';

/** What is known of a scorable beside its scores: by this the corpus filters and groups. Missing is undefined, '' only where stated. */
export interface ScorableFacts {
  /** Unique in a corpus: `traceId#stepId`, with `file::` before it where a file is known; a whole trace has no `#stepId`. */
  readonly id: string;
  /** As it was given; '' where there is none. */
  readonly file: string;
  readonly traceId: string;
  /** '' for a whole trace. */
  readonly stepId: string;
  /** From 0; -1 for a whole trace. */
  readonly stepIndex: number;
  readonly goal: string;
  readonly planSignature: string;
  readonly stepType: string;
  readonly agent?: string;
  readonly model?: string;
  /** Names of the tools the step called. */
  readonly tools: readonly string[];
  readonly isError: boolean;
  readonly errorType?: string;
  /** Type of the step before and after on the trace; undefined at its ends. */
  readonly previousStepType?: string;
  readonly nextStepType?: string;
  /** Steps of its trace. */
  readonly traceLength: number;
  /** 0–1, of the run. */
  readonly outcome?: number;
  /** Milliseconds since the Unix epoch. */
  readonly timeMs?: number;
  /** Line of its file where it stands, from 0, as it was last read. */
  readonly line?: number;
  /** First words of the step, for people. */
  readonly title: string;
}

/** One judgement of one scorable. `score` is null for a scorer that measures without judging. */
export interface ScoreRecord {
  readonly scorableId: string;
  readonly dimension: string;
  readonly scorer: string;
  readonly scorerVersion: string;
  /** 0–1. */
  readonly score: number | null;
  readonly rationale: string;
  readonly weight: number;
  /** Numbers are metrics; anything else is kept and exported, never computed with. */
  readonly attributes: Readonly<Record<string, JsonValue>>;
}

/** The derived display score as a scorer of its own: in tables and queries, never a witness beside the others. */
export const CONSENSUS_SCORER = 'consensus';
/** Labels given by people. */
export const HUMAN_SCORER = 'human';
/** Recorded facts (duration, tokens, cost) as metrics. */
export const TRACE_SCORER = 'trace';

/** Whether a scorer's scores are a judgement of its own, so that agreement with others means something. */
export function isWitness(scorer: string): boolean {
  return scorer !== CONSENSUS_SCORER && scorer !== TRACE_SCORER;
}

/** Name of a file in the memory of a workspace: its path from the root, with slashes; a file elsewhere keeps its whole path. */
export function nameInMemory(path: string, root: string): string {
  const plain = path.replaceAll('\\', '/');
  const from = `${root.replaceAll('\\', '/').replace(/\/+$/, '')}/`;
  return from !== '/' && plain.startsWith(from) ? plain.slice(from.length) : plain;
}

/** Id of a scorable in a corpus; `stepId` '' names the whole trace. */
export function corpusId(at: { readonly file: string; readonly traceId: string; readonly stepId: string }): string {
  const id = at.stepId === '' ? at.traceId : `${at.traceId}#${at.stepId}`;
  return at.file === '' ? id : `${at.file}::${id}`;
}
