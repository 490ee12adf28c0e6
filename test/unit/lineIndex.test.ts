import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildLineIndex } from '../../server/src/core/lineIndex.ts';

describe('line index', () => {
  it('counts \\n, \\r\\n and \\r as editors do', () => {
    // a|\n  b|\r\n  c|\r  d : starts at 0, 2, 5, 7
    const index = buildLineIndex('a\nb\r\nc\rd');
    expect([0, 2, 5, 7].map((o) => index.positionAt(o))).toEqual([0, 1, 2, 3].map((line) => ({ line, character: 0 })));
    expect(index.lineCount).toBe(4);
  });
  it('counts UTF-16 units', () => expect(buildLineIndex('😀x').positionAt(2)).toEqual({ line: 0, character: 2 }));
  it('round-trips every offset', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('a', '\n', '\r\n', '😀', 'é')), (parts) => {
      const text = parts.join('');
      const index = buildLineIndex(text);
      for (let offset = 0; offset <= text.length; offset++) {
        if (index.offsetAt(index.positionAt(offset)) !== offset) return false;
      }
      return true;
    }), { seed: 20261123 });
  });
});
