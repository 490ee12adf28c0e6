/** What holds of every window layout, whatever the steps. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLayout, unitLengths } from '../../server/src/scoring/windows.ts';
import type { Window, WindowRules } from '../../server/src/scoring/windows.ts';

const RULES: WindowRules = { tokens: 384, goalTokens: 120, goalHead: 80, chunkTokens: 120, carryTokens: 124, stepEnd: 2, chunkEnd: 3 };

const heads = fc.integer({ min: 2, max: 122 });
const steps = fc.array(fc.oneof(fc.integer({ min: 0, max: 130 }), fc.integer({ min: 0, max: 900 })), { maxLength: 60 });

function laid(head: number, lengths: readonly number[]): readonly Window[] {
  const layout = createLayout(RULES, head);
  for (const length of lengths) layout.add(length);
  return layout.windows;
}

describe('window layout', () => {
  it('reads every unit exactly once, in order, with the unit before it in sight, in no window over the limit', () => {
    fc.assert(fc.property(heads, steps, (head, pieces) => {
      const lengths = pieces.flatMap((n) => unitLengths(n, RULES));
      const windows = laid(head, lengths);
      const read = windows.flatMap((w) => Array.from({ length: w.end - w.firstRead }, (_, i) => w.firstRead + i));
      expect(read).toEqual(lengths.map((_, i) => i));
      for (const window of windows) {
        const units = lengths.slice(window.firstCarried, window.end);
        expect(window.length).toBe(head + units.reduce((a, b) => a + b, 0));
        expect(window.length).toBeLessThanOrEqual(RULES.tokens);
        const carried = lengths.slice(window.firstCarried, window.firstRead).reduce((a, b) => a + b, 0);
        expect(carried).toBeLessThanOrEqual(RULES.carryTokens);
        expect(window.firstRead === 0 || window.firstCarried < window.firstRead).toBe(true);
      }
    }));
  });

  it('of a prefix is a prefix of the layout: one more step touches the last window alone', () => {
    fc.assert(fc.property(heads, steps, fc.nat(), (head, pieces, at) => {
      const lengths = pieces.flatMap((n) => unitLengths(n, RULES));
      const cut = lengths.length === 0 ? 0 : at % lengths.length;
      const whole = laid(head, lengths);
      const part = laid(head, lengths.slice(0, cut));
      expect(part.slice(0, -1)).toEqual(whole.slice(0, Math.max(0, part.length - 1)));
      const [last, same] = [part.at(-1), whole[part.length - 1]];
      // The last window of the prefix may have grown since; it begins alike and reads the same units first.
      if (last !== undefined) expect(same).toMatchObject({ firstCarried: last.firstCarried, firstRead: last.firstRead });
      if (last !== undefined) expect(same?.end).toBeGreaterThanOrEqual(last.end);
    }));
  });

  it('cuts a step into chunks of at most 120 and a marker each', () => {
    // 0 pieces: a marker alone; 120: one chunk; 121: 120 and 1.
    expect([0, 1, 120, 121, 241].map((n) => unitLengths(n, RULES))).toEqual([[1], [2], [121], [121, 2], [121, 121, 2]]);
  });
});
