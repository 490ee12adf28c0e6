/** When files that grow are scored: at once, then once a pause, and never before the last scoring has come anywhere. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TraceFile } from '../../server/src/features/traceFile.ts';
import { createGrowthPacer } from '../../server/src/lsp/growthPacer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const file = { uri: 'file:///run.jsonl' } as TraceFile;

describe('a file that grows', () => {
  it('is scored at once, and what comes within the pause together after it', async () => {
    const calls: string[][] = [];
    const pacer = createGrowthPacer((_file, changed) => Promise.resolve(calls.push([...changed])));
    for (const id of ['1', '2', '3']) pacer.grown(file, [id]);
    expect(calls).toEqual([['1']]);
    await vi.advanceTimersByTimeAsync(200);
    expect(calls).toEqual([['1'], ['2', '3']]);
    pacer.close();
  });

  it('is not scored anew while the last scoring has come nowhere', async () => {
    const calls: string[][] = [];
    const arrived = Promise.withResolvers<undefined>();
    const pacer = createGrowthPacer((_file, changed) => {
      calls.push([...changed]);
      return arrived.promise;
    });
    pacer.grown(file, ['1']);
    pacer.grown(file, ['2']);
    await vi.advanceTimersByTimeAsync(1000);
    expect(calls).toEqual([['1']]);
    arrived.resolve(undefined);
    await vi.advanceTimersByTimeAsync(0);
    expect(calls).toEqual([['1'], ['2']]);
    pacer.close();
  });

  it('is left alone after the end', async () => {
    const calls: string[][] = [];
    const pacer = createGrowthPacer((_file, changed) => Promise.resolve(calls.push([...changed])));
    pacer.grown(file, ['1']);
    pacer.grown(file, ['2']);
    pacer.close();
    pacer.grown(file, ['3']);
    await vi.advanceTimersByTimeAsync(1000);
    expect(calls).toEqual([['1']]);
  });
});
