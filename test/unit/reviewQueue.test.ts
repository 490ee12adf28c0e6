import { describe, expect, it } from 'vitest';
import { reviewQueue } from '../../server/src/corpus/reviewQueue.ts';
import type { ReviewRow } from '../../server/src/corpus/reviewQueue.ts';
import { testCorpus } from '../support/corpusRows.ts';
import type { RowStep } from '../support/corpusRows.ts';

const queue = (steps: readonly RowStep[], limit?: number): readonly ReviewRow[] => reviewQueue(testCorpus([{ id: 't', steps }]), limit === undefined ? {} : { limit });
const order = (steps: readonly RowStep[]): readonly string[] => queue(steps).map((r) => r.scorable.stepId);
const calm: RowStep = { type: 'a', witnesses: { ebt: 0.9, svm: 0.9 }, score: 0.9, uncertainty: 0.1 };

describe('review queue', () => {
  it('puts the most uncertain step first', () => expect(order([calm, { ...calm, uncertainty: 0.4 }, { ...calm, uncertainty: 0.2 }])).toEqual(['s1', 's2', 's0']));
  it('goes by the distance from a coin toss where no uncertainty is known', () => {
    const plain = (score: number): RowStep => ({ type: 'a', score });
    expect(order([plain(0.9), plain(0.45), plain(0.2)])).toEqual(['s1', 's2', 's0']);
  });
  it('prefers the contested step among equally uncertain ones', () => expect(order([calm, { ...calm, witnesses: { ebt: 0.9, svm: 0.2 } }])).toEqual(['s1', 's0']));
  it('prefers the escalated step among equally uncertain ones', () => {
    const of = (escalation: number): RowStep => ({ ...calm, witnesses: { sicql: 0.9, svm: 0.9 }, escalation });
    expect(order([of(0.1), of(0.8)])).toEqual(['s1', 's0']);
  });
  it('prefers the step type that nobody labelled', () => expect(order([{ ...calm, label: 'good' }, calm, { ...calm, type: 'b' }])).toEqual(['s2', 's1']));
  it('mixes types: each row makes its type less novel', () => {
    const b: RowStep = { ...calm, type: 'b' };
    expect(order([calm, calm, calm, b, b])).toEqual(['s0', 's3', 's1', 's4', 's2']);
  });
  it('leaves out what is labelled and what nobody scored', () => expect(order([{ ...calm, label: 'bad' }, { type: 'a' }, calm])).toEqual(['s2']));
  it('has a limit', () => expect(queue([calm, calm, calm], 2)).toHaveLength(2));

  it('says what a step is worth and why', () => {
    // doubt 2 · 0.4; spread 0.9 - 0.2; escalation 0.6; novelty 1 / (1 + 0).
    const [row] = queue([{ type: 'load', witnesses: { ebt: 0.2, sicql: 0.9 }, escalation: 0.6, score: 0.55, uncertainty: 0.4 }]);
    expect(row?.parts.doubt).toBeCloseTo(0.8, 12);
    expect(row?.parts.spread).toBeCloseTo(0.7, 12);
    expect(row).toMatchObject({ score: 0.55, parts: { escalation: 0.6, novelty: 1 }, why: ['uncertain (0.40)', 'no load step labelled', 'sicql and ebt differ by 0.70', 'sicql asks for a person (0.60)'] });
    expect(row?.value).toBeCloseTo(0.5 * 0.8 + 0.2 * 0.7 + 0.15 * 0.6 + 0.15, 12);
  });
  it('weighs only what is known', () => {
    const [row] = queue([{ type: 'a', score: 0.5, uncertainty: 0.3 }]);
    expect(row?.parts).toMatchObject({ spread: null, escalation: null });
    expect(row?.value).toBeCloseTo((0.5 * 0.6 + 0.15) / 0.65, 12);
  });
  it('always says something', () => {
    const rows = queue([{ ...calm, label: 'good' }, { ...calm, label: 'good' }, calm]);
    expect(rows.map((r) => r.why)).toEqual([['next in doubt']]);
  });
});
