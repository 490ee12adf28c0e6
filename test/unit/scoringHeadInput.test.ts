/** Step encodings and head input rows: hand-derived values, and that a row knows nothing of later steps or of how it was reached. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, emptyContext, LOOK_BACK, ROW_SCALARS, ROW_WIDTH, writeRow } from '../../server/src/scoring/headInput.ts';
import type { RowContext } from '../../server/src/scoring/headInput.ts';
import { poolStep, STATE_WIDTH } from '../../server/src/scoring/stepEncoding.ts';
import type { StepEncoding, UnitEncoding } from '../../server/src/scoring/stepEncoding.ts';
import { SURFACE_FEATURES } from '../../server/src/scoring/surfaceFeatures.ts';

const W = STATE_WIDTH;

/** A vector that is zero but for the given entries. */
function vector(entries: Readonly<Record<number, number>> = {}): Float32Array {
  const v = new Float32Array(W);
  for (const [i, value] of Object.entries(entries)) v[Number(i)] = value;
  return v;
}

function unitVector(seed: number): Float32Array {
  const raw = Float64Array.from({ length: W }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233));
  const norm = Math.hypot(...raw);
  return Float32Array.from(raw, (x) => x / norm);
}

function encodingOf(change: Partial<StepEncoding> = {}): StepEncoding {
  return { goal: vector(), goalSentence: vector(), context: vector(), marker: vector(), mean: vector(), sentence: vector(), quality: 0, logHazard: 0, ...change };
}

function row(encoding: StepEncoding, context: RowContext, text = ''): Float32Array {
  const out = new Float32Array(ROW_WIDTH);
  writeRow(out, 0, { encoding, context, text });
  return out;
}

const scalar = (built: Float32Array, name: string): number => built[4 * W + ROW_SCALARS.indexOf(name)] ?? Number.NaN;
const after = (context: RowContext, ...sentences: readonly Float32Array[]): RowContext => sentences.reduce((c, sentence) => advance(c, { sentence, text: '' }), context);

describe('step encoding', () => {
  const unit = (change: Partial<UnitEncoding>): UnitEncoding => ({ marker: vector(), mean: vector(), sentence: vector(), before: vector(), quality: 0, hazard: 0, tokens: 1, ...change });
  const goal = { goal: vector({ 5: 1 }), goalSentence: vector({ 0: 3, 1: 4 }) };

  it('of one unit is that unit, its sentence of unit length', () => {
    const only = unit({ marker: vector({ 0: 2 }), mean: vector({ 1: 3 }), sentence: vector({ 2: 5 }), before: vector({ 3: 1 }), quality: -1.5, hazard: Math.E, tokens: 7 });
    const step = poolStep(goal, [only]);
    expect(step).toMatchObject({ goal: goal.goal, context: only.before, marker: only.marker, mean: only.mean, sentence: vector({ 2: 1 }), quality: -1.5 });
    expect(step.logHazard).toBeCloseTo(1, 6);
    // 3-4-5.
    expect(Array.from(step.goalSentence.subarray(0, 2), (v) => Number(v.toFixed(6)))).toEqual([0.6, 0.8]);
  });

  it('of several weighs bad chunks more, sentences by tokens, and takes the context of the first', () => {
    // e^−0 : e^−ln 3 = 3 : 1; tokens 1 : 3.
    const parts = [
      unit({ marker: vector({ 0: 4 }), mean: vector({ 0: 8 }), sentence: vector({ 0: 1 }), before: vector({ 9: 1 }), quality: 0, hazard: 0.25, tokens: 1 }),
      unit({ marker: vector({ 1: 4 }), mean: vector({ 1: 8 }), sentence: vector({ 1: 1 }), before: vector({ 8: 1 }), quality: Math.log(3), hazard: 0.75, tokens: 3 }),
    ];
    const step = poolStep(goal, parts);
    expect([step.marker[0], step.marker[1], step.mean[0], step.mean[1]]).toEqual([3, 1, 6, 2]);
    expect(step.quality).toBeCloseTo(Math.log(3) / 4, 12);
    expect(step.logHazard).toBeCloseTo(0, 12);
    expect((step.sentence[1] ?? 0) / (step.sentence[0] ?? 1)).toBeCloseTo(3, 5);
    expect(step.context).toEqual(parts[0]?.before);
  });

  it('without hazard or tokens stays finite', () => {
    expect(poolStep({ goal: vector(), goalSentence: vector() }, [unit({ tokens: 0 })])).toMatchObject({ logHazard: Math.log(1e-6), sentence: vector(), goalSentence: vector() });
  });
});

describe('head input', () => {
  it('is four states and then the scalars the manifest names', () => {
    expect(ROW_WIDTH).toBe(1536 + 5 + SURFACE_FEATURES.length);
    const built = row(encodingOf({ goal: vector({ 0: 1 }), context: vector({ 0: 2 }), marker: vector({ 0: 3 }), mean: vector({ 0: 4 }), quality: 1.5, logHazard: -2, goalSentence: vector({ 0: 1 }), sentence: vector({ 0: 0.6, 1: 0.8 }) }), emptyContext('a goal'), 'x = 1');
    expect([built[0], built[W], built[2 * W], built[3 * W]]).toEqual([1, 2, 3, 4]);
    expect([scalar(built, 'quality'), scalar(built, 'log_hazard'), scalar(built, 'cos_prev_step'), scalar(built, 'max_cos_earlier'), scalar(built, 'position')]).toEqual([1.5, -2, 0, 0, 0]);
    expect(scalar(built, 'cos_goal_step')).toBeCloseTo(0.6, 6);
    expect(scalar(built, 'log_chars')).toBeCloseTo(Math.log(6) / 10, 6);
  });

  it('looks back at the last and the nearest earlier step', () => {
    const context = after(emptyContext(''), vector({ 0: 1 }), vector({ 1: 1 }));
    const built = row(encodingOf({ sentence: vector({ 0: 0.8, 1: 0.6 }) }), context);
    expect(scalar(built, 'cos_prev_step')).toBeCloseTo(0.6, 6);
    expect(scalar(built, 'max_cos_earlier')).toBeCloseTo(0.8, 6);
    // A step against all others: the largest may be negative.
    expect(scalar(row(encodingOf({ sentence: vector({ 1: -1 }) }), after(emptyContext(''), vector({ 1: 1 }))), 'max_cos_earlier')).toBe(-1);
  });

  it('forgets sentences beyond its look-back, so that cost and memory stay bounded', () => {
    const far = after(emptyContext(''), vector({ 0: 1 }), ...Array.from({ length: LOOK_BACK }, () => vector({ 1: 1 })));
    expect(far.earlier).toHaveLength(LOOK_BACK);
    expect(scalar(row(encodingOf({ sentence: vector({ 0: 1 }) }), far), 'max_cos_earlier')).toBe(0);
  });

  it('writes only its own row', () => {
    const out = new Float32Array(3 * ROW_WIDTH).fill(7);
    writeRow(out, 1, { encoding: encodingOf(), context: emptyContext('g'), text: 'x' });
    expect(out.subarray(0, ROW_WIDTH).every((x) => x === 7) && out.subarray(2 * ROW_WIDTH).every((x) => x === 7)).toBe(true);
    expect(out.subarray(ROW_WIDTH, 2 * ROW_WIDTH).includes(7)).toBe(false);
  });

  it('row t depends on steps 0 to t alone, bit for bit, however it was reached', () => {
    const rowsOf = (seeds: readonly number[]): readonly Float32Array[] => {
      let context = emptyContext('Count the 12 trays.');
      return seeds.map((seed) => {
        const step = { sentence: unitVector(seed), text: `Tray ${seed} holds ${seed * 3} rolls.` };
        const built = row(encodingOf({ sentence: step.sentence, marker: unitVector(seed + 100) }), context, step.text);
        context = advance(context, step);
        return built;
      });
    };
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 2, maxLength: 12 }), fc.nat(), (seeds, at) => {
      const t = at % seeds.length;
      const whole = rowsOf(seeds);
      expect(rowsOf(seeds.slice(0, t + 1))).toEqual(whole.slice(0, t + 1));
      expect(rowsOf([...seeds.slice(0, t + 1), 41, 42]).slice(0, t + 1)).toEqual(whole.slice(0, t + 1));
    }), { seed: 20261123, numRuns: 40 });
  });
});
