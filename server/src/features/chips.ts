/** The inline score chip of a step. */
import { displayConsensus, isBadStep, isContestedStep, percent } from './scoredTrace.ts';
import type { ScoredTrace } from './scoredTrace.ts';

export interface Chip {
  readonly stepIndex: number;
  readonly offset: number;
  readonly label: string;
  readonly isBad: boolean;
}

/** Words of a chip: score, a mark for bad or contested, a mark for a person's label. Undefined while there is nothing to show. */
export function chipLabel(scored: ScoredTrace, stepIndex: number): string | undefined {
  const step = scored.steps[stepIndex];
  if (step === undefined) return undefined;
  const consensus = displayConsensus(step);
  const human = step.label === undefined ? '' : step.label.label === 'good' ? ' ✓' : step.label.label === 'first_bad' ? ' ✗ first' : ' ✗';
  if (consensus === undefined) return human === '' ? undefined : human.trim();
  const mark = isBadStep(scored, stepIndex) ? ' ▼' : isContestedStep(scored, stepIndex) ? ' ≷' : '';
  return `${step.isStale ? '↻ ' : ''}${percent(consensus.score)}${mark}${human}`;
}

/** Chips of the steps that start within a stretch of text, at most `max`. A file of one line gets one: its worst step. */
export function chipsWithin(scored: ScoredTrace, options: { readonly start: number; readonly end: number; readonly max: number; readonly onlyBad: boolean }): readonly Chip[] {
  const chips: Chip[] = [];
  for (const [stepIndex, step] of scored.trace.steps.entries()) {
    if (step.range === null || step.range.end < options.start) continue;
    if (step.range.start > options.end || chips.length >= options.max) break;
    const label = chipLabel(scored, stepIndex);
    const isBad = isBadStep(scored, stepIndex);
    if (label === undefined || (options.onlyBad && !isBad)) continue;
    chips.push({ stepIndex, offset: step.range.start, label, isBad });
  }
  return chips;
}

/** The step a reader should see first: one a person called bad, else one with a warning, else the lowest consensus. */
export function worstStep(scored: ScoredTrace): number | undefined {
  let worst: number | undefined;
  let worstRank = Number.POSITIVE_INFINITY;
  const warned = new Set(scored.problems.flatMap((p) => (p.stepIndex !== undefined && (p.severity === 'error' || p.severity === 'warning') ? [p.stepIndex] : [])));
  scored.steps.forEach((step, index) => {
    const label = step.label?.label;
    const score = displayConsensus(step)?.score;
    if (label === 'good') return;
    // Scores lie within 0–1: whole numbers put the groups one before the other.
    const group = label !== undefined ? 0 : warned.has(index) ? 2 : 4;
    const rank = group + (score ?? 1);
    if ((score === undefined && group === 4) || rank >= worstRank) return;
    worst = index;
    worstRank = rank;
  });
  return worst;
}
