/** What of MARS and of the patterns is worth remembering, and what earlier findings say beside it. */
import type { MarsReport } from './marsResult.ts';
import type { Pattern, PatternReport } from './patterns.ts';
import type { Agreement, FoundPattern, Seen } from './scoreMemory.ts';

/** Digits that are told apart: the same scores summed in another order are no new finding. */
const DIGITS = 4;

/** One a dimension in which two scorers judged a step. */
export function agreementsOf(report: MarsReport): readonly Agreement[] {
  return Object.values(report.dimensions).flatMap(({ dimension, agreement_score: score, co_scored, scorers }) =>
    score === null ? [] : [{ dimension, agreement_score: Number(score.toFixed(DIGITS)), co_scored, scorers: scorers.length }]);
}

/** Of each dimension its agreement over time, newest first; none where it has said one thing only. */
export function trendsOf(seen: readonly (Agreement & Seen)[]): ReadonlyMap<string, readonly (Agreement & Seen)[]> {
  return new Map([...Map.groupBy(seen, (a) => a.dimension)].filter(([, ofDimension]) => ofDimension.length > 1));
}

/** Patterns that go well or badly; those that only repeat a simpler one say nothing of their own. */
export function foundPatterns(report: PatternReport): readonly FoundPattern[] {
  return [...report.bad, ...report.good].filter((p) => p.sameAs === undefined).map((p) => ({ id: foundPatternId(p, report.dimension), title: p.title, isGood: p.faults.length === 0 }));
}

/** A pattern that turns from good to bad is another finding. */
export function foundPatternId(pattern: Pattern, dimension: string): string {
  return `${dimension}:${pattern.faults.length === 0 ? 'good' : 'bad'}:${pattern.id}`;
}
