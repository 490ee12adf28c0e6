/** `stepscope eval` asks for no step twice: contexts of one problem that begin alike share what was scored. */
import { gzipSync } from 'node:zlib';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evaluateFiles, sampled } from '../../server/src/cli/eval.ts';
import type { EvalOptions } from '../../server/src/cli/eval.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { testWorkspace } from '../support/workspace.ts';

const manifest = {
  dimensions: { reasoning_quality: { ships: true } }, backbone: { sha256: 'b', window: {} }, tokenizer: { sha256: 't' }, headInput: { version: 2, scalars: [] },
  scorers: [], consensus: {}, thresholds: { firstError: 0.3, lowScore: { alphas: [0.05], lengths: [1], values: [[0.1]] }, highUncertainty: 0.5, scorerConflict: 0.5 },
};

/** Runs eval over an engine that only takes down what it is asked for. */
async function asked(text: string | Buffer, limit?: number): Promise<{ readonly requests: readonly string[]; readonly records: readonly Readonly<Record<string, unknown>>[]; readonly isClean: boolean }> {
  using workspace = testWorkspace();
  writeFileSync(workspace.path('x'), text);
  const requests: string[] = [];
  const records: Readonly<Record<string, unknown>>[] = [];
  const scorer: EvalOptions['engine']['scorer'] = {
    score({ work, pending, onScored }) {
      requests.push(pending.map((i) => work.steps[i]?.text ?? '').join(' '));
      onScored(pending.map((stepIndex) => ({ stepIndex, raw: new Map() })));
      return Promise.resolve();
    },
    counters: { encodedSteps: 0, headRows: 0, cacheHits: 0, lastEncodedStepIds: [] },
  };
  const isClean = await evaluateFiles({
    paths: [workspace.path('x')], limit, settings: defaultSettings(), signal: new AbortController().signal,
    engine: { manifest, scorer } as unknown as EvalOptions['engine'], ports: { sha256: (t: string) => t } as EvalOptions['ports'],
    output: { write: (record) => { records.push(record); return Promise.resolve(); }, isClosed: () => false, end: () => Promise.resolve() },
  });
  return { requests, records, isClean };
}

const context = (problem: string, ...steps: string[]): string => `${JSON.stringify({ problem, steps, labels: steps.map((_, i) => (i === steps.length - 1 ? 1 : null)) })}\n`;

describe('contexts of one problem', () => {
  it('the longest goes first and takes those along that are its beginnings', async () => {
    const { requests } = await asked([context('p', 'a'), context('p', 'a', 'b'), context('p', 'a', 'x'), context('p', 'a', 'b', 'c'), context('q', 'a')].join(''));
    // c's trace brings a and b; x has a sibling's beginning, which is known; q is another problem.
    expect(requests.filter((r) => r !== '')).toEqual(['a b c', 'x', 'a']);
  });

  it('steps without a label are not asked for, those of a run with an outcome all are', async () => {
    const rows = [{ problem: 'p', steps: ['a', 'b', 'c'], labels: [null, 0, null] }, { problem: 'r', steps: ['d', 'e'], outcome: 1 }];
    expect((await asked(rows.map((r) => JSON.stringify(r)).join('\n'))).requests).toEqual(['b', 'd e']);
  });
});

describe('files', () => {
  it('are unpacked whatever they are called, and read up to where they are damaged', async () => {
    const packed = gzipSync(Array.from({ length: 200 }, (_, i) => context(`p${i}`, 'a')).join(''));
    expect((await asked(packed)).records).toMatchObject([{ kind: 'evaluation', traces: 200 }]);
    const { records, isClean } = await asked(packed.subarray(0, packed.length - 50));
    expect(isClean).toBe(false);
    expect(records[0]).toMatchObject({ kind: 'error', message: 'The packed file is damaged or cut short from here on; what stands before was used.' });
  });

  it('tell broken lines one by one, by number, and not by the thousand', async () => {
    const { records, isClean } = await asked(`\uFEFF${context('p', 'a')}\r\nnonsense\n\n${'{}\n'.repeat(40)}`);
    expect(isClean).toBe(false);
    expect(records.slice(0, 2)).toMatchObject([{ kind: 'error', line: 3, message: expect.stringContaining('no JSON') as unknown }, { kind: 'error', line: 5 }]);
    expect(records.at(-2)).toMatchObject({ kind: 'error', message: '21 more lines cannot be used.' });
    expect(records.at(-1)).toMatchObject({ kind: 'evaluation', traces: 1 });
  });

  it('that are empty are said to be', async () => {
    expect((await asked('')).records).toMatchObject([{ kind: 'error', message: expect.stringContaining('empty') as unknown }]);
  });
});

it('a limit draws the same traces each time, in the order of the file', async () => {
  const items = Array.from({ length: 1000 }, (_, i) => i);
  const drawn = sampled(items, 100);
  expect(drawn).toHaveLength(100);
  expect(sampled(items, 100)).toEqual(drawn);
  expect([...drawn].sort((a, b) => a - b)).toEqual(drawn);
  // Drawn from all over: the mean of 100 is within four standard errors (29) of the middle.
  expect(Math.abs(drawn.reduce((a, b) => a + b, 0) / 100 - 499.5)).toBeLessThan(116);
  expect((await asked(context('p', 'a').repeat(9), 4)).records).toMatchObject([{ traces: 4, sample: { of: 9 } }]);
});
