import { describe, expect, it } from 'vitest';
import { computeDelta, summariseDrops } from '../../server/src/corpus/deltas.ts';
import type { HistoryPoint, ScoreDelta, ScoreInputs } from '../../server/src/corpus/scoreMemory.ts';

const INPUTS: ScoreInputs = { text: 't1', context: 'c1', model: 'm1', calibration: 'k1' };

const point = (score: number, over: { readonly inputs?: Partial<ScoreInputs>; readonly attributes?: Readonly<Record<string, number>> } = {}): HistoryPoint => ({
  evaluationId: 0, timeMs: 0, score, scorerVersion: '1', inputs: { ...INPUTS, ...over.inputs }, attributes: over.attributes ?? {},
});
const history = (...scores: readonly number[]): readonly HistoryPoint[] => scores.map((s) => point(s));

describe('cause of a changed score', () => {
  const check = (inputs: Partial<ScoreInputs>, expected: { readonly cause: string; readonly changed: readonly string[] }): void =>
    expect(computeDelta([point(0.8)], point(0.4, { inputs }))).toMatchObject(expected);

  it('is the text where the step was edited', () => check({ text: 't2' }, { cause: 'text', changed: ['text'] }));
  it('is the context where an earlier step was edited', () => check({ context: 'c2' }, { cause: 'context', changed: ['context'] }));
  it('is the model where its hash changed', () => check({ model: 'm2' }, { cause: 'model', changed: ['model'] }));
  it('is the calibration where only its hash changed', () => check({ calibration: 'k2' }, { cause: 'calibration', changed: ['calibration'] }));
  it('is the nearest of several, with all of them listed', () => {
    check({ calibration: 'k2', model: 'm2' }, { cause: 'model', changed: ['model', 'calibration'] });
    check({ calibration: 'k2', text: 't2' }, { cause: 'text', changed: ['text', 'calibration'] });
    check({ model: 'm2', context: 'c2' }, { cause: 'context', changed: ['context', 'model'] });
    check({ text: 't2', context: 'c2', model: 'm2', calibration: 'k2' }, { cause: 'text', changed: ['text', 'context', 'model', 'calibration'] });
  });
  it('is unknown where the score moved and no input did', () => check({}, { cause: 'unknown', changed: [] }));
  it('is told by the last point, not by older ones', () => {
    expect(computeDelta([point(0.8, { inputs: { text: 't0' } }), point(0.8)], point(0.4, { inputs: { model: 'm2' } }))).toMatchObject({ cause: 'model', changed: ['model'] });
  });
});

describe('no change', () => {
  it('is undefined with nothing before', () => expect(computeDelta([], point(0.5))).toBeUndefined());
  it('is undefined where score and inputs are the same', () => expect(computeDelta([point(0.5)], point(0.5, { attributes: { energy: 3 } }))).toBeUndefined());
  it('is told with a difference of 0 where an input changed and the score held', () => {
    expect(computeDelta([point(0.5)], point(0.5, { inputs: { text: 't2' } }))).toMatchObject({ previousScore: 0.5, score: 0.5, delta: 0, cause: 'text', isSignificant: false });
  });
});

describe('significance', () => {
  const check = (scores: readonly number[], current: number, expected: { readonly isSignificant: boolean; readonly noise?: number | null }): void => {
    const found = computeDelta(history(...scores), point(current));
    expect(found?.isSignificant).toBe(expected.isSignificant);
    if (expected.noise === null) expect(found?.noise).toBeNull();
    else if (expected.noise !== undefined) expect(found?.noise).toBeCloseTo(expected.noise, 12);
  };

  it('needs more than 0.1, whatever binary makes of 0.8 - 0.7', () => {
    check([0.7], 0.8, { isSignificant: false });
    check([0.8], 0.7, { isSignificant: false });
    check([0.7], 0.801, { isSignificant: true });
    check([0.8], 0.69, { isSignificant: true });
  });
  it('knows no noise with fewer than three changes', () => check([0.2, 0.8, 0.2], 0.4, { isSignificant: true, noise: null }));
  // Changes +0.2, -0.2, +0.2: mean 0.2/3, deviations 0.4/3, -0.8/3, 0.4/3, so the variance is (0.16 + 0.64 + 0.16) / 9 / 2.
  it('needs more than twice the noise of its history', () => {
    const noise = Math.sqrt(0.96 / 18);
    check([0.2, 0.4, 0.2, 0.4], 0.8, { isSignificant: false, noise });
    check([0.2, 0.4, 0.2, 0.4], 0.9, { isSignificant: true, noise });
  });
  it('keeps the fixed bound over a history that never moved', () => {
    check([0.5, 0.5, 0.5, 0.5], 0.55, { isSignificant: false, noise: 0 });
    check([0.5, 0.5, 0.5, 0.5], 0.65, { isSignificant: true, noise: 0 });
  });
});

describe('attribute that moved most', () => {
  const movedMost = (previous: readonly Readonly<Record<string, number>>[], current: Readonly<Record<string, number>>): unknown =>
    computeDelta(previous.map((attributes) => point(0.5, { attributes })), point(0.9, { attributes: current }))?.movedMost;

  // energy has deviation 10 over its history, so 10 is one of its own; entropy has deviation 0.1, so 0.5 is five.
  it('is measured in deviations of its own history', () => {
    expect(movedMost([{ energy: 0, entropy: 0.1 }, { energy: 10, entropy: 0.2 }, { energy: 20, entropy: 0.3 }], { energy: 30, entropy: 0.8 })).toEqual({ attribute: 'entropy', previous: 0.3, value: 0.8 });
  });
  // Without a history: energy |110 - 100| / 100.1, entropy |0.4 - 0.2| / 0.3.
  it('is measured against the last value where there is no history', () => {
    expect(movedMost([{ energy: 100, entropy: 0.2 }], { energy: 110, entropy: 0.4 })).toEqual({ attribute: 'entropy', previous: 0.2, value: 0.4 });
  });
  it('is measured against the last value where it never moved', () => {
    expect(movedMost([{ n: 5 }, { n: 5 }, { n: 5 }], { n: 6 })).toEqual({ attribute: 'n', previous: 5, value: 6 });
  });
  it('is one that both points have', () => {
    expect(movedMost([{ old: 1, energy: 2 }], { fresh: 99, energy: 2.5 })).toEqual({ attribute: 'energy', previous: 2, value: 2.5 });
    expect(movedMost([{ old: 1 }], { fresh: 99 })).toBeUndefined();
  });
  it('is none where none moved or the numbers are none', () => {
    expect(movedMost([{ energy: 2 }], { energy: 2 })).toBeUndefined();
    expect(movedMost([{ energy: Number.NaN }], { energy: 2 })).toBeUndefined();
  });
  it('is the first by name on a tie', () => {
    expect(movedMost([{ b: 1, a: 1 }], { b: 2, a: 2 })).toEqual({ attribute: 'a', previous: 1, value: 2 });
  });
});

describe('what drops have in common', () => {
  const delta = (change: number, over: Partial<ScoreDelta>): ScoreDelta => ({
    id: 0, scorable: { id: 't#s', file: '', traceId: 't', stepId: 's', stepIndex: 0, stepType: 'a', goal: '', title: '' }, dimension: 'reasoning_quality', scorer: 'sicql', scorerVersion: '1',
    previousScore: 0.8, score: 0.8 + change, delta: change, cause: 'text', changed: ['text'], isSignificant: true, noise: null, timeMs: 0, ...over,
  });
  it('is told by the attribute that moved most often, by scorer', () => {
    const moved = (previous: number, value: number, attribute = 'q_value'): Pick<ScoreDelta, 'movedMost'> => ({ movedMost: { attribute, previous, value } });
    const found = summariseDrops([
      delta(-0.2, moved(2, 1)), delta(-0.4, { ...moved(2, -1), cause: 'context', changed: ['context'] }), delta(-0.3, { ...moved(0, 5, 'energy'), scorer: 'ebt' }), delta(-0.1, {}), delta(0.5, moved(0, 9)),
    ]);
    expect(found).toMatchObject({ drops: 4, causes: [{ cause: 'text', drops: 3 }, { cause: 'context', drops: 1 }], attributes: [{ scorer: 'sicql', attribute: 'q_value', drops: 2, meanChange: -2 }, { scorer: 'ebt', attribute: 'energy', drops: 1, meanChange: 5 }] });
    expect(found.attributes[0]?.meanDelta).toBeCloseTo(-0.3, 12);
  });
  it('is nothing where none fell', () => expect(summariseDrops([delta(0.5, {})])).toEqual({ drops: 0, causes: [], attributes: [] }));
});
