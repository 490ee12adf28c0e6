/** What a long command says of its progress. */
import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { createProgress, pace } from '../../server/src/cli/progress.ts';

it.each([
  // 50 in 10 s are 5/s: 100 more take 20 s.
  { at: { done: 50, left: 100, elapsedMs: 10_000 }, expected: ' · 5.0 steps/s · 20 s left' },
  // 2,000 in 20 s are 100/s: 10,000 more take 100 s.
  { at: { done: 2000, left: 10_000, elapsedMs: 20_000 }, expected: ' · 100 steps/s · 1 min 40 s left' },
  { at: { done: 10, left: 72_000, elapsedMs: 10_000 }, expected: ' · 1.0 steps/s · 20 h 0 min left' },
  { at: { done: 5, left: 5, elapsedMs: 100 }, expected: '' },
])('$expected', ({ at, expected }) => {
  expect(pace({ ...at, unit: 'steps' })).toBe(expected);
});

it('speaks now and then in a log, with the rate of the last minute', () => {
  const said: string[] = [];
  const stream = new Writable({ write(piece, _, done) { said.push(String(piece)); done(); } });
  let now = 0;
  const progress = createProgress({ title: 'x', total: 1000, unit: 'steps', stream, isTerminal: false, nowMs: () => now });
  // The models load for 100 s; then two steps a second, and after another 100 s four.
  now = 100_000;
  progress.advance(2);
  for (let i = 1; i <= 200; i++) {
    now += 1000;
    progress.advance(i <= 100 ? 2 : 4);
  }
  progress.end();
  expect(said[0]).toBe('x: 2 of 1000 steps\n');
  expect(said[1]).toBe('x: 22 of 1000 steps · 2.0 steps/s · 8 min 9 s left\n');
  // 602 are done, 398 left at 4 a second.
  expect(said.at(-1)).toBe('x: 602 of 1000 steps · 4.0 steps/s · 1 min 40 s left\n');
  expect(said).toHaveLength(21);
});
