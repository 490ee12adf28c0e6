/** `stepscope mars` as built. */
import { chmodSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { record } from '../../server/src/storage/evaluationStore.ts';
import { findings } from '../../server/src/storage/findingStore.ts';
import { runCli } from '../support/commandLine.ts';
import type { CliRun } from '../support/commandLine.ts';
import { differences } from '../support/differences.ts';
import { evaluation, score, testStore } from '../support/memories.ts';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';

type Entry = Readonly<Record<string, unknown>>;

const CASE = resolve('test/golden/mars/byHand.json');

async function run(words: readonly string[], input = ''): Promise<CliRun> {
  const result = await runCli(['mars', ...words], { input });
  expect(result.err).not.toMatch(/^\s+at /m);
  return result;
}

const dimensionsOf = (out: string): Readonly<Record<string, Entry>> => (JSON.parse(out) as { readonly dimensions: Readonly<Record<string, Entry>> }).dimensions;

describe('mars --records', () => {
  it('prints one object: dimensions by name, deviations by id, the aggregate', async () => {
    const { status, out, err } = await run(['--records', CASE]);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const { expected } = JSON.parse(readFileSync(CASE, 'utf8')) as { readonly expected: { readonly dimensions: Readonly<Record<string, Entry>>; readonly aggregate: number } };
    const printed = JSON.parse(out) as Entry;
    for (const [name, wanted] of Object.entries(expected.dimensions)) expect(differences(dimensionsOf(out)[name], wanted, 1e-12, { at: name, mayHaveMore: true })).toEqual([]);
    expect(printed['aggregate']).toBeCloseTo(expected.aggregate, 12);
    expect(printed).toMatchObject({ unweighted: false, recommendations: expect.any(Array) as unknown });
  });

  it('from standard input, with another reference, with none, with intervals', async () => {
    const records = Array.from({ length: 24 }, (_, i) => ({ scorable_id: `s${i >> 1}`, dimension: 'clarity', source: i % 2 === 0 ? 'a' : 'b', score: 10 * (i >> 1) + (i % 2) * ((i >> 1) % 3) }));
    const input = JSON.stringify({ records, scale: [0, 200] });
    const plain = dimensionsOf((await run(['--records', '-'], input)).out)['clarity'];
    expect(plain).toMatchObject({ trust_reference: null, preferred_basis: 'leave_one_out_median', agreement_interval: null });
    const trusting = dimensionsOf((await run(['--records', '-', '--reference', 'b', '--intervals'], input)).out)['clarity'];
    expect(trusting).toMatchObject({ trust_reference: 'b', preferred_model: 'a', preferred_basis: 'trust_reference' });
    const [low = 1, high = 0] = trusting?.['agreement_interval'] as readonly number[];
    expect(low < Number(trusting?.['agreement_score']) && Number(trusting?.['agreement_score']) < high).toBe(true);
    const unknown = await run(['--records', '-', '--reference', 'c'], input);
    expect([unknown.status, JSON.parse(unknown.out)]).toEqual([1, { kind: 'error', file: '', message: 'There is no scorer c here to hold the others against; there are a, b.' }]);
  });

  it('bad input gets one sentence and status 1, wrong usage status 2', async () => {
    using workspace = testWorkspace({ 'bad.json': '{"records": [{"scorable_id": "s", "dimension": "d", "source": "x", "score": "high"}]}' });
    const bad = await run(['--records', workspace.path('bad.json')]);
    expect([bad.status, JSON.parse(bad.out)]).toEqual([1, { kind: 'error', file: workspace.path('bad.json'), message: 'records[0].score is "high": it must be a number, or null where it is missing.' }]);
    const missing = await run(['--records', workspace.path('gone.json')]);
    expect([missing.status, JSON.parse(missing.out)]).toEqual([1, { kind: 'error', file: workspace.path('gone.json'), message: 'There is no such file.' }]);
    expect((await run(['--records', CASE, CASE])).status).toBe(2);
  });

  it('as text for people', async () => {
    const { out } = await run(['--records', CASE, '--format', 'text']);
    expect(out).toContain('coherence  agreement 0.886, alpha 0.404');
    expect(out).toContain('Ungrounded: a alone scored 2 steps');
    expect(out).toContain('aggregate 0.504');
  });
});

describe('mars of traces', () => {
  it('scores them, with all attributes; human labels are not needed', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(4)) });
    const { status, out, err } = await run([workspace.path('a.trace.json')]);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const quality = dimensionsOf(out)['reasoning_quality'];
    expect(quality?.['rows']).toHaveLength(4);
    expect(quality?.['scorers']).toEqual(expect.arrayContaining(['sicql', 'svm']));
    expect(quality?.['scorers']).not.toContain('consensus');
    expect((quality?.['scorer_metrics'] as Readonly<Record<string, Entry>>)['sicql']).toHaveProperty('q_value');
    expect((await run([workspace.path('gone.json')])).status).toBe(1);
  });
});

describe('mars of a memory', () => {
  const remember = (path: string, timeMs: number, ebt: number): void => {
    const store = testStore(path);
    record(store, ['a', 'b', 'c'].map((id) => evaluation(id, [score('svm', 0.5), score('ebt', ebt)], { inputs: { text: `${ebt}` } })), timeMs);
    store.db.close();
  };
  const agreements = (path: string): readonly unknown[] => {
    const store = testStore(path);
    const found = findings(store, 'mars_results').map((f) => (f.content as { readonly agreement_score: number }).agreement_score);
    store.db.close();
    return found;
  };
  const trendOf = (out: string): unknown => (JSON.parse(out) as { readonly trend?: unknown }).trend;

  it('keeps what it found, and shows how agreement went once it has changed', async () => {
    using workspace = testWorkspace();
    const path = workspace.path('m.sqlite');
    remember(path, 1, 0.5);
    for (let i = 0; i < 2; i++) expect(trendOf((await run(['--memory', path])).out)).toBeUndefined();
    expect(agreements(path)).toEqual([1]);
    remember(path, 2, 0.9);
    // Of a part of the memory nothing is told or kept.
    expect(trendOf((await run(['--memory', path, '--trace', 't'])).out)).toBeUndefined();
    expect(agreements(path)).toEqual([1]);
    // 0.5 and 0.9 deviate by 0.4 / sqrt 2 = 0.28284.
    expect(trendOf((await run(['--memory', path])).out)).toMatchObject({ reasoning_quality: [{ agreement_score: 0.7172, co_scored: 3, scorers: 2 }, { agreement_score: 1, co_scored: 3, scorers: 2 }] });
    expect((await run(['--memory', path, '--format', 'text'])).out).toMatch(/  over time\n +agreement +steps +scorers\n +\d{4}-\S+ +0\.717 +3 +2\n +\d{4}-\S+ +1\.000 +3 +2\n/);
  });

  it.skipIf(process.getuid?.() === 0)('that cannot be written is read all the same', async () => {
    using workspace = testWorkspace();
    const path = workspace.path('m.sqlite');
    remember(path, 1, 0.5);
    chmodSync(path, 0o444);
    const { status, out, err } = await run(['--memory', path]);
    expect([status, dimensionsOf(out)['reasoning_quality']?.['agreement_score']]).toEqual([0, 1]);
    expect(err.match(/is read-only/g)).toHaveLength(1);
    chmodSync(path, 0o644);
    expect(agreements(path)).toEqual([]);
  });
});
