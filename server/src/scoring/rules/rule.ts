/** What a rule is: a check of a trace that needs no model. */
import type { PlanTrace } from '../../core/planTrace.ts';
import type { Finding, ProblemCodeId } from '../../core/problems.ts';

export interface Rule {
  readonly code: ProblemCodeId;
  /** All it found, in order of the steps; empty when there is nothing to say. Deterministic and total. */
  check(trace: PlanTrace): readonly Finding[];
}
