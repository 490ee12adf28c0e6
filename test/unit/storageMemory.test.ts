import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Agreement, ScorableFilter, ScoreDelta } from '../../server/src/corpus/scoreMemory.ts';
import { deltas } from '../../server/src/storage/deltaStore.ts';
import { fileState, history, record, retain } from '../../server/src/storage/evaluationStore.ts';
import { findings, saveAgreements, saveFindings } from '../../server/src/storage/findingStore.ts';
import type { Store } from '../../server/src/storage/store.ts';
import { bundle } from '../support/bundle.ts';
import { currentOf, evaluation, facts, score, testMemory, testStore } from '../support/memories.ts';
import { testWorkspace } from '../support/workspace.ts';

// Each write waits for the disk, and a disk may be busy.
vi.setConfig({ testTimeout: 60_000 });

let store: Store;
afterEach(() => void store?.db.close());
const count = (table: string): number => Number(store.db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n);

describe('evaluations', () => {
  it('come back as they were given', () => {
    store = testStore();
    const given = [
      evaluation('a', [
        score('sicql', 0.25, { q_value: 0.5, v_value: -1e-300, policy_logits: [1, 2.5], zsa: { x: null } }, { rationale: 'Q "0.50"\nπ' }),
        score('trace', null, { duration_ms: 12, is_cached: true, model: 'x', nothing: null }, { weight: 0, dimension: 'clarity' }),
      ], { facts: { tools: ['Read', 'Edit'], outcome: 0.5, timeMs: 1.7e12, line: 3, goal: 'mend "it"' } }),
      evaluation('b', [score('sicql', 1, {})]),
      evaluation('c', []),
    ];
    record(store, given, 1000);
    expect(currentOf(store)).toEqual({ scorables: given.map((e) => e.scorable), records: given.flatMap((e) => e.records) });
  });

  it('turn numbers that are none into missing ones', () => {
    store = testStore();
    record(store, [evaluation('a', [score('svm', Number.NaN, { margin: Number.POSITIVE_INFINITY, width: 2 })])], 1);
    expect(currentOf(store).records).toEqual([{ ...score('svm', null, { margin: null, width: 2 }), scorableId: 'a' }]);
  });

  it('are written only when inputs or scores are others', () => {
    store = testStore();
    const write = (scores: number, over: Parameters<typeof evaluation>[2] = {}): number => {
      record(store, [evaluation('a', [score('svm', scores, { margin: scores }), score('ebt', 0.5)], over)], 1);
      return count('evaluations');
    };
    expect(write(0.5)).toBe(1);
    expect(write(0.5)).toBe(1);
    expect(write(0.5 + 1e-13)).toBe(1);
    expect(write(0.5 + 1e-11)).toBe(2);
    expect(write(0.5, { inputs: { context: 'C2' } })).toBe(3);
    // In another order it says the same; without ebt it does not.
    record(store, [evaluation('a', [score('ebt', 0.5), score('svm', 0.5, { margin: 0.5 })], { inputs: { context: 'C2' } })], 1);
    expect(count('evaluations')).toBe(3);
    record(store, [evaluation('a', [score('svm', 0.5, { margin: 0.5 })], { inputs: { context: 'C2' } })], 1);
    expect(count('evaluations')).toBe(4);
  });

  it('bring the facts up to date even when the scores stay', () => {
    store = testStore();
    record(store, [evaluation('a', [score('svm', 0.5)])], 1);
    record(store, [evaluation('a', [score('svm', 0.5)], { facts: { line: 9, goal: 'another' } })], 2);
    expect(currentOf(store).scorables).toEqual([facts('a', { line: 9, goal: 'another' })]);
    expect(count('evaluations')).toBe(1);
  });

  it('keep the newest fifty of a scorable', () => {
    store = testStore();
    for (let i = 0; i < 60; i++) record(store, [evaluation('a', [score('svm', i / 100, { margin: i })]), evaluation('b', [score('svm', 0.5)])], i);
    const points = history(store, 'a')[0]?.points ?? [];
    expect(points.map((p) => p.score)).toEqual(Array.from({ length: 50 }, (_, i) => (i + 10) / 100));
    expect([count('evaluations'), count('scores'), count('score_attributes')]).toEqual([51, 51, 50]);
    expect(currentOf(store).records.map((r) => r.score)).toEqual([0.59, 0.5]);
  });

  it('are never older than the one before, so that the last one written counts', () => {
    store = testStore();
    record(store, [evaluation('a', [score('svm', 0.1)])], 100);
    record(store, [evaluation('a', [score('svm', 0.2)])], 50);
    expect(history(store, 'a')[0]?.points.map((p) => [p.timeMs, p.score])).toEqual([[100, 0.1], [100, 0.2]]);
    expect(currentOf(store).records[0]?.score).toBe(0.2);
  });

  it('of a batch that fails are not written, none of them, and names given meanwhile do no harm', () => {
    store = testStore();
    const broken = { ...evaluation('b', []), inputs: { text: undefined as unknown as string, context: '', model: '', calibration: '' } };
    expect(() => record(store, [evaluation('a', [score('new_scorer', 1, { new_key: 1 })]), broken], 1)).toThrow();
    expect([count('scorables'), count('score_kinds'), count('attribute_keys')]).toEqual([0, 0, 0]);
    record(store, [evaluation('a', [score('svm', 0.5, { margin: 1 })]), evaluation('b', [score('new_scorer', 1, { new_key: 1 })])], 1);
    expect(currentOf(store).records.map((r) => [r.scorer, Object.keys(r.attributes)])).toEqual([['svm', ['margin']], ['new_scorer', ['new_key']]]);
  });
});

describe('an open schema', () => {
  it('takes a scorer with fifty attributes nobody knew, without another schema', () => {
    store = testStore();
    record(store, [evaluation('a', [score('svm', 0.5, { margin: 1 })])], 1);
    const tables = store.db.prepare("SELECT sql FROM sqlite_master ORDER BY name").all();
    const attributes = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`unseen_${i}`, i / 7]));
    record(store, [evaluation('b', [score('stranger', 0.7, attributes, { dimension: 'elegance' })])], 2);
    expect(currentOf(store).records.find((r) => r.scorer === 'stranger')).toEqual({ ...score('stranger', 0.7, attributes, { dimension: 'elegance' }), scorableId: 'b' });
    expect(store.db.prepare("SELECT count(*) AS n FROM score_attributes_view WHERE key LIKE 'unseen_%' AND data_type = 'float'").get()).toEqual({ n: 50 });
    expect(store.db.prepare("SELECT sql FROM sqlite_master ORDER BY name").all()).toEqual(tables);
  });

  it('spells names out again in its views', () => {
    store = testStore();
    record(store, [evaluation('a', [score('svm', 0.5, { margin: 1.5, is_sure: false, note: 'x', list: [1] }, { rationale: 'why' })])], 7);
    expect(store.db.prepare('SELECT scorable_id, time_ms, dimension, scorer, scorer_version, score, weight, rationale FROM scores_view').all()).toEqual([
      { scorable_id: 'a', time_ms: 7, dimension: 'reasoning_quality', scorer: 'svm', scorer_version: '1', score: 0.5, weight: 1, rationale: 'why' },
    ]);
    expect(store.db.prepare('SELECT key, value, num_value, data_type FROM score_attributes_view ORDER BY key').all()).toEqual([
      { key: 'is_sure', value: 'false', num_value: 0, data_type: 'bool' }, { key: 'list', value: '[1]', num_value: null, data_type: 'json' },
      { key: 'margin', value: '1.5', num_value: 1.5, data_type: 'float' }, { key: 'note', value: 'x', num_value: null, data_type: 'string' },
    ]);
  });
});

describe('deltas', () => {
  const change = (value: number, over: Parameters<typeof evaluation>[2], at: number): readonly ScoreDelta[] => record(store, [evaluation('a', [score('svm', value, { margin: value * 2, width: 1 }), score('trace', null, { duration_ms: at })], over)], at);

  it('tell how a score changed and why, and stay', () => {
    store = testStore();
    expect(change(0.8, {}, 1)).toEqual([]);
    const [delta, ...others] = change(0.5, { inputs: { model: 'M2', calibration: 'K2' } }, 2);
    expect(others).toEqual([]);
    expect(delta).toEqual({
      id: 1, scorable: { id: 'a', file: 'a.json', traceId: 't', stepId: 'a', stepIndex: 0, stepType: 'action', goal: 'find it', title: 'a' }, dimension: 'reasoning_quality', scorer: 'svm', scorerVersion: '1',
      previousScore: 0.8, score: 0.5, delta: 0.5 - 0.8, cause: 'model', changed: ['model', 'calibration'], isSignificant: true, noise: null, movedMost: { attribute: 'margin', previous: 1.6, value: 1 }, timeMs: 2,
    });
    expect(deltas(store, {})).toEqual([delta]);
    change(0.49, { inputs: { text: 'T2', model: 'M2', calibration: 'K2' } }, 3);
    expect(deltas(store, {}).map((d) => [d.score, d.cause, d.isSignificant])).toEqual([[0.49, 'text', false], [0.5, 'model', true]]);
    expect(deltas(store, { isSignificant: true }).map((d) => d.timeMs)).toEqual([2]);
    expect(deltas(store, { limit: 1, file: 'a.json' }).map((d) => d.timeMs)).toEqual([3]);
    expect(deltas(store, { file: 'b.json' })).toEqual([]);
  });

  it('know the noise of all changes before', () => {
    store = testStore();
    for (const [i, value] of [0.5, 0.6, 0.5, 0.6, 0.5].entries()) change(value, { inputs: { text: `${i}` } }, i);
    // Changes so far: 0.1, -0.1, 0.1, -0.1; their sample deviation is sqrt(4 * 0.01 / 3).
    expect(change(0.55, { inputs: { text: 'last' } }, 9)[0]?.noise).toBeCloseTo(Math.sqrt(0.04 / 3), 12);
  });

  it('follow a scorer from version to version', () => {
    store = testStore();
    record(store, [evaluation('a', [score('svm', 0.2)])], 1);
    const [delta] = record(store, [evaluation('a', [score('svm', 0.9, {}, { scorerVersion: '2' })], { inputs: { model: 'M2' } })], 2);
    expect([delta?.previousScore, delta?.scorerVersion]).toEqual([0.2, '2']);
    expect(history(store, 'a').map((h) => h.points.map((p) => p.scorerVersion))).toEqual([['1', '2']]);
  });
});

describe('history', () => {
  it('holds numbers only, oldest first, one series a dimension and scorer', () => {
    store = testStore();
    record(store, [evaluation('a', [score('svm', 0.1, { margin: 1, note: 'x' }), score('trace', null, { duration_ms: 1 })])], 1);
    record(store, [evaluation('a', [score('svm', 0.2, { margin: 2 }), score('svm', 0.3, {}, { dimension: 'clarity' })])], 2);
    const inputs = { text: 'T', context: 'C', model: 'M', calibration: 'K' };
    expect(history(store, 'a')).toEqual([
      { dimension: 'reasoning_quality', scorer: 'svm', points: [
        { evaluationId: 1, timeMs: 1, inputs, score: 0.1, scorerVersion: '1', attributes: { margin: 1 } }, { evaluationId: 2, timeMs: 2, inputs, score: 0.2, scorerVersion: '1', attributes: { margin: 2 } },
      ] },
      { dimension: 'clarity', scorer: 'svm', points: [{ evaluationId: 2, timeMs: 2, inputs, score: 0.3, scorerVersion: '1', attributes: {} }] },
    ]);
    expect(history(store, 'nobody')).toEqual([]);
  });
});

describe('retain', () => {
  it('forgets what a file holds no more, with all that hangs on it', () => {
    store = testStore();
    for (const value of [0.1, 0.9]) record(store, ['a', 'b'].map((id) => evaluation(id, [score('svm', value, { margin: 1 })])), 1);
    record(store, [evaluation('c', [score('svm', 0.5, { margin: 1 })], { facts: { file: 'other.json' } })], 1);
    retain(store, 'a.json', { keepIds: ['b'], state: 'so it was' });
    expect([fileState(store, 'a.json'), fileState(store, 'b.json')]).toEqual(['so it was', '']);
    expect(currentOf(store).scorables.map((s) => s.id)).toEqual(['b', 'c']);
    expect([count('evaluations'), count('scores'), count('score_attributes'), count('score_deltas')]).toEqual([3, 3, 3, 1]);
  });
});

const agreement = (value: number, dimension = 'clarity'): Agreement => ({ dimension, agreement_score: value, co_scored: 3, scorers: 2 });

describe('findings', () => {
  it('are one an id, with when they were first and last seen', () => {
    store = testStore();
    saveFindings(store, 'patterns', [{ id: 'p1', content: { n: 1 } }, { id: 'p2', content: { n: 2 } }], 10);
    saveFindings(store, 'patterns', [{ id: 'p1', content: { n: 3 } }], 20);
    expect(findings(store, 'patterns')).toEqual([{ id: 'p1', content: { n: 3 }, firstSeenMs: 10, lastSeenMs: 20 }, { id: 'p2', content: { n: 2 }, firstSeenMs: 10, lastSeenMs: 10 }]);
    saveAgreements(store, [agreement(0.75)], 1);
    expect(store.db.prepare('SELECT agreement_score FROM mars_results').pluck().get()).toBe(0.75);
  });

  it('of MARS make a series: what is the same again renews the latest, what comes back is an entry of its own', () => {
    store = testStore();
    const series = (): readonly unknown[] => findings(store, 'mars_results').map(({ content, firstSeenMs, lastSeenMs }) => [(content as Agreement).agreement_score, firstSeenMs, lastSeenMs]);
    for (const [at, value] of [0.5, 0.5, 0.75, 0.5].entries()) saveAgreements(store, [agreement(value), agreement(0.25, 'novelty')], at);
    expect(series()).toEqual(expect.arrayContaining([[0.5, 0, 1], [0.75, 2, 2], [0.5, 3, 3], [0.25, 0, 3]]));
    expect(count('mars_results')).toBe(4);
    for (let at = 10; at < 210; at++) saveAgreements(store, [agreement(at / 1000)], at);
    expect(count('mars_results')).toBe(100 + 1);
    expect(series()[0]).toEqual([0.209, 209, 209]);
  });
});

const WORKER = bundle('server/src/storage/worker.ts');

describe('a memory behind its worker', { timeout: 60_000 }, () => {
  it('answers all that its port asks', async () => {
    using workspace = testWorkspace();
    const memory = testMemory(workspace.path('m.sqlite'), WORKER);
    const steps = [
      evaluation('a', [score('svm', 0.5, { margin: 1 })], { facts: { stepType: 'plan', tools: ['Read', 'Edit'], agent: 'x', model: 'm', isError: true, outcome: 0.25, timeMs: 10, goal: 'g1' } }),
      evaluation('b', [score('svm', 0.6, { margin: 2, note: 'n' }, { rationale: 'r' })], { facts: { file: 'b.json', traceId: 'u', tools: ['Bash'] } }),
    ];
    expect(await memory.record(steps, 1)).toEqual([]);
    const idsOf = async (filter: ScorableFilter): Promise<readonly string[]> => (await memory.load(filter)).scorables.map((s) => s.id);
    const filters: readonly ScorableFilter[] = [
      { file: 'a.json' }, { traceId: 't' }, { goal: 'g1' }, { stepType: 'plan' }, { tool: 'Edit' }, { agent: 'x' }, { model: 'm' }, { isError: true }, { outcome: [0.25, 1] }, { timeMs: [0, 10] },
      { file: 'a.json', tool: 'Read', isError: true },
    ];
    for (const filter of filters) expect([filter, await idsOf(filter)]).toEqual([filter, ['a']]);
    expect(await idsOf({ isError: false })).toEqual(['b']);
    expect(await idsOf({ file: 'a.json', tool: 'Bash' })).toEqual([]);
    expect(await memory.load({})).toEqual({ scorables: steps.map((e) => e.scorable), records: steps.flatMap((e) => e.records) });
    expect((await memory.loadColumns({ file: 'b.json' })).attributeValues).toEqual(new Float64Array([2, Number.NaN]));

    expect(await memory.record([evaluation('b', [score('svm', 0.1)], { inputs: { text: 'new' }, facts: { file: 'b.json', traceId: 'u' } })], 2)).toMatchObject([{ scorer: 'svm', cause: 'text' }]);
    expect(await memory.deltas({ traceId: 'u' })).toMatchObject([{ previousScore: 0.6, score: 0.1 }]);
    expect((await memory.history('b'))[0]?.points).toHaveLength(2);

    const advice = { id: 'r1', kind: 'conflict', severity: 'warning', target: 'clarity', text: 'svm and ebt differ by 0.4.', evidence: { numbers: { delta: 0.4 }, ids: ['a'], n: 1 } } as const;
    await memory.saveRecommendations([advice], 5);
    await memory.saveRecommendations([advice], 6);
    expect(await memory.recommendations()).toEqual([{ ...advice, firstSeenMs: 5, lastSeenMs: 6 }]);

    await memory.saveAgreements([agreement(0.5)], 5);
    expect(await memory.agreements()).toMatchObject([{ ...agreement(0.5), firstSeenMs: 5 }]);
    const pattern = { id: 'clarity:bad:tool:Bash', title: 'Bash steps', isGood: false };
    await memory.savePatterns([pattern], 5);
    await memory.savePatterns([pattern], 6);
    expect(await memory.patterns()).toEqual([{ ...pattern, firstSeenMs: 5, lastSeenMs: 6 }]);

    await memory.putVectors([['0a', new Float32Array([1, 2.5])]]);
    await memory.putRaw([['0a', new Float32Array([3])]]);
    await memory.retain('b.json', []);
    expect(await idsOf({})).toEqual(['a']);
    await memory.close();

    const again = testMemory(workspace.path('m.sqlite'), WORKER);
    expect((await again.load({})).records).toEqual(steps[0]?.records);
    expect(await again.getVectors(['0a', 'ff'])).toEqual([new Float32Array([1, 2.5]), undefined]);
    expect(await again.getRaw(['0a'])).toEqual([new Float32Array([3])]);
    await again.close();
    expect([...memory.notices, ...again.notices]).toEqual([]);
  });
});
