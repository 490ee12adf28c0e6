/** What the writing processes of the memory's tests write. */
import type { Evaluation } from '../../server/src/corpus/scoreMemory.ts';
import { evaluation, score } from './memories.ts';

export const EVALUATIONS_A_BATCH = 3;

/** Evaluations of scorables `name-i-k`, with names of scorers and attributes that others give at the same time. */
export function batch(name: string, i: number): readonly Evaluation[] {
  return Array.from({ length: EVALUATIONS_A_BATCH }, (_, k) => evaluation(`${name}-${i}-${k}`, [
    score('svm', i / 1000, { margin: i + k, [`unseen_${i % 40}`]: k }), score('ebt', 0.5, { energy: -i, note: name }, { scorerVersion: `${i % 10}` }),
  ]));
}
