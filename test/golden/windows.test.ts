/** The layout of windows, against models/windows.py on committed chains (`windows/make.py` writes them). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createLayout, goalHead, unitLengths, unitTokens } from '../../server/src/scoring/windows.ts';
import type { WindowRules } from '../../server/src/scoring/windows.ts';

interface Golden {
  readonly rules: Readonly<Record<string, number>>;
  readonly chains: readonly {
    readonly goalPieces: number;
    readonly stepPieces: readonly number[];
    readonly head: readonly number[];
    readonly windows: readonly { readonly firstCarried: number; readonly firstRead: number; readonly end: number; readonly length: number; readonly tail: readonly number[] }[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL('windows/layouts.json', import.meta.url), 'utf8')) as Golden;
const rule = (name: string): number => golden.rules[name] ?? Number.NaN;
const RULES: WindowRules = {
  tokens: rule('tokens'), goalTokens: rule('goal_tokens'), goalHead: rule('goal_head'), chunkTokens: rule('chunk_tokens'), carryTokens: rule('carry_tokens'),
  stepEnd: rule('step_end'), chunkEnd: rule('chunk_end'),
};

describe('golden: windows', () => {
  it.each(golden.chains.map((c) => [`goal ${c.goalPieces}, steps ${c.stepPieces.slice(0, 8).join(' ')}`, c] as const))('%s', (_, chain) => {
    let next = 1000;
    const pieces = (count: number): number[] => Array.from({ length: count }, () => next++);
    const head = goalHead(pieces(chain.goalPieces), RULES);
    expect(head).toEqual(chain.head);
    const layout = createLayout(RULES, head.length);
    const units = chain.stepPieces.flatMap((count) => {
      const ids = pieces(count);
      return unitLengths(count, RULES).map((length, n) => {
        layout.add(length);
        const tokens = unitTokens(ids, n, RULES);
        expect(tokens).toHaveLength(length);
        return tokens;
      });
    });
    const laid = layout.windows.map((w) => {
      const tokens = [...head, ...units.slice(w.firstCarried, w.end).flat()];
      expect(tokens).toHaveLength(w.length);
      return { ...w, tail: tokens.slice(-3) };
    });
    expect(laid).toEqual(chain.windows);
  });
});
