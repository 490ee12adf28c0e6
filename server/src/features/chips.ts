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

/** The scored step a reader should see first: lowest consensus, a person's "bad" before any number. */
export function worstStep(scored: ScoredTrace): number | undefined {
  let worst: number | undefined;
  let worstScore = Number.POSITIVE_INFINITY;
  scored.steps.forEach((step, index) => {
    const label = step.label?.label;
    const score = label === 'bad' || label === 'first_bad' ? -1 : displayConsensus(step)?.score;
    if (score !== undefined && label !== 'good' && score < worstScore) {
      worst = index;
      worstScore = score;
    }
  });
  return worst;
}
