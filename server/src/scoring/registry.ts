/** The scorers that read a head; one line each. */
import type { Scorer } from './scorer.ts';
import { contrastiveRanker } from './scorers/contrastiveRanker.ts';
import { ebt } from './scorers/ebt.ts';
import { hrm } from './scorers/hrm.ts';
import { mrq } from './scorers/mrq.ts';
import { sicql } from './scorers/sicql.ts';
import { svm } from './scorers/svm.ts';

export const SCORERS: readonly Scorer[] = [sicql, ebt, hrm, contrastiveRanker, mrq, svm];

/** Undefined for a scorer that only a manifest or a file knows. */
export function findScorer(id: string): Scorer | undefined {
  return SCORERS.find((s) => s.id === id);
}
