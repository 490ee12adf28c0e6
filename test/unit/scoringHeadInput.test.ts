/** Head input rows: hand-derived values, and that a row knows nothing of later steps or of how it was reached. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, emptyContext, ROW_WIDTH, VECTOR_WIDTH, writeRow } from '../../server/src/scoring/headInput.ts';
import type { ContextState } from '../../server/src/scoring/headInput.ts';

const W = VECTOR_WIDTH;

/** A vector that is zero but for the given entries. */
function vector(entries: Readonly<Record<number, number>>): Float32Array {
  const v = new Float32Array(W);
  for (const [i, value] of Object.entries(entries)) v[Number(i)] = value;
  return v;
}

function row(goal: Float32Array, step: Float32Array, context: ContextState, text = ''): Float32Array {
  const out = new Float32Array(ROW_WIDTH);
  writeRow(out, 0, { goal, step, context, text });
  return out;
}

function unit(seed: number): Float32Array {
  const raw = Float64Array.from({ length: W }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233));
  const norm = Math.hypot(...raw);
  return Float32Array.from(raw, (x) => x / norm);
}

/** Rows of every step, built once from front to back. */
function rowsOf(goal: Float32Array, steps: readonly Float32Array[]): readonly Float32Array[] {
  let context = emptyContext();
  return steps.map((step) => {
    const built = row(goal, step, context);
    context = advance(context, step);
    return built;
  });
}

describe('head input', () => {
  it('is 1,544 wide, the first step with empty context', () => {
    const built = row(vector({ 0: 1 }), vector({ 0: 0.6, 1: 0.8 }), emptyContext(), 'a1\n22');
    expect(built.length).toBe(1544);
    expect([built[0], built[W], built[W + 1]]).toEqual([1, Math.fround(0.6), Math.fround(0.8)]);
    expect(built.subarray(2 * W, 4 * W).every((x) => x === 0)).toBe(true);
    // cos(goal, step) = 0.6; nothing earlier; position 0; ln(1 + 5)/10; 3 digits of 5 characters; ln(1 + 1)/5.
    [0.6, 0, 0, 0, 0, Math.log(6) / 10, 0.6, Math.log(2) / 5].forEach((expected, i) => expect(built[4 * W + i]).toBeCloseTo(expected, 6));
  });

  it('looks back at the mean, the last and the nearest earlier step', () => {
    const context = advance(advance(emptyContext(), vector({ 0: 1 })), vector({ 1: 1 }));
    const built = row(vector({ 2: 1 }), vector({ 0: 0.8, 1: 0.6 }), context, '😀');
    expect([built[2 * W], built[2 * W + 1], built[3 * W], built[3 * W + 1]]).toEqual([0.5, 0.5, 0, 1]);
    // Mean (0.5, 0.5) against (0.8, 0.6): 0.7 / √0.5 = 0.98995; last: 0.6; nearest: the first with 0.8; 2 of 50; two UTF-16 units.
    [0, 0.7 / Math.sqrt(0.5), 0.6, 0.8, 0.04, Math.log(3) / 10, 0, 0].forEach((expected, i) => expect(built[4 * W + i]).toBeCloseTo(expected, 6));
  });

  it('stops counting positions at 50 and writes only its own row', () => {
    let context = emptyContext();
    for (let i = 0; i < 60; i++) context = advance(context, unit(i));
    const out = new Float32Array(3 * ROW_WIDTH).fill(7);
    writeRow(out, 1, { goal: unit(1), step: unit(2), context, text: 'x' });
    expect(out[ROW_WIDTH + 4 * W + 4]).toBe(1);
    expect(out.subarray(0, ROW_WIDTH).every((x) => x === 7) && out.subarray(2 * ROW_WIDTH).every((x) => x === 7)).toBe(true);
    expect(out.subarray(ROW_WIDTH, 2 * ROW_WIDTH).includes(7)).toBe(false);
  });

  it('row t depends on steps 0 to t alone, bit for bit, however it was reached', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 2, maxLength: 12 }), fc.nat(), fc.integer({ min: 41, max: 80 }), (seeds, at, other) => {
      const t = at % seeds.length;
      const steps = seeds.map(unit);
      const whole = rowsOf(unit(99), steps);
      expect(rowsOf(unit(99), steps.slice(0, t + 1))).toEqual(whole.slice(0, t + 1));
      // Another ending, branched off the same states, leaves the first branch as it was.
      let context = emptyContext();
      for (const step of steps.slice(0, t)) context = advance(context, step);
      const branch = advance(context, unit(other));
      advance(branch, unit(other + 1));
      const mine = advance(context, steps[t] ?? unit(0));
      expect(row(unit(99), steps[t] ?? unit(0), context)).toEqual(whole[t]);
      expect(mine.last).toEqual(steps[t]);
      expect(branch.last).toEqual(unit(other));
    }), { seed: 20261123, numRuns: 60 });
  });
});
