/** Which scorables and which of their scores a question is about. */
import type { ScorableFacts } from '../core/scoreRecord.ts';
import type { ScorableFilter } from './scoreMemory.ts';

/** Every field given must hold. */
export interface CorpusFilter extends ScorableFilter {
  /** Steps, or whole traces; both when left out. */
  readonly level?: 'step' | 'trace';
  readonly errorType?: string;
  readonly ids?: ReadonlySet<string>;
  /** Scores of other dimensions and scorers are left out; their scorables stay. */
  readonly dimensions?: readonly string[];
  readonly scorers?: readonly string[];
}

type Check = (facts: ScorableFacts) => boolean;

/** What a scorable must be like. A fact that is not known fails every condition on it. */
export function scorableCheck(filter: CorpusFilter): Check {
  const checks: Check[] = [];
  const { ids, tool, isError, level } = filter;
  for (const name of ['file', 'traceId', 'goal', 'stepType', 'agent', 'model', 'errorType'] as const) {
    const wanted = filter[name];
    if (wanted !== undefined) checks.push((facts) => facts[name] === wanted);
  }
  for (const name of ['outcome', 'timeMs'] as const) {
    const bounds = filter[name];
    if (bounds === undefined) continue;
    const [lo, hi] = bounds;
    checks.push((facts) => {
      const value = facts[name];
      return value !== undefined && value >= lo && value <= hi;
    });
  }
  if (tool !== undefined) checks.push((facts) => facts.tools.includes(tool));
  if (isError !== undefined) checks.push((facts) => facts.isError === isError);
  if (level !== undefined) checks.push((facts) => (facts.stepId === '') === (level === 'trace'));
  if (ids !== undefined) checks.push((facts) => ids.has(facts.id));
  return (facts) => {
    for (const check of checks) if (!check(facts)) return false;
    return true;
  };
}
