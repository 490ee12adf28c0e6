/** `stepscope corpus` over a memory whose rows are known: the questions, each as one command, and the files for other programs. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { corpusOf } from '../../server/src/corpus/scoreCorpus.ts';
import { evaluation, score, testMemory } from '../support/memories.ts';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';

type Entry = Readonly<Record<string, unknown>>;

const CLI = resolve('dist/server/cli.js');
const WORKER = resolve('dist/server/storageWorker.js');
const HARD = [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308];

/** Two runs of a load and a thought: the first failed, the second succeeded. */
const STEPS = [
  { id: 't1#s1', goal: 'g', outcome: 0, stepType: 'load', uncertainty: 0.5, q: 1, gap: 0.1, sicql: 0.9, ebt: 0.5, strength: 0.8, alignment: 0.9, clarity: 0.1 },
  { id: 't1#s2', goal: 'g', outcome: 0, stepType: 'think', uncertainty: 0.2, q: 2, gap: 0.2, sicql: 0.6, ebt: 0.6, strength: 0.6, alignment: 0.9, clarity: 0.8 },
  { id: 't2#s1', goal: 'h', outcome: 1, stepType: 'load', uncertainty: 0.4, q: 3, gap: 0.3, sicql: 0.5, ebt: 0.7, strength: 0.4, alignment: 0.9, clarity: 0.2 },
  { id: 't2#s2', goal: 'h', outcome: 1, stepType: 'think', uncertainty: 0.1, q: 4, gap: 0.4, sicql: 0.4, ebt: 0.85, strength: 0.2, alignment: 0.2, clarity: 0.1 },
];

async function withMemory(): Promise<TestWorkspace> {
  const workspace = testWorkspace();
  const memory = testMemory(workspace.path('m.sqlite'), WORKER);
  await memory.record(STEPS.map((s, i) => evaluation(s.id, [
    score('consensus', 0.5, { uncertainty: s.uncertainty }), score('sicql', s.sicql, { q_value: s.q, q_gap: s.gap, hard: HARD[i] ?? 0, policy_logits: [s.q, null, 1 / 3] }), score('ebt', s.ebt, { note: 'a, "b"' }),
    score('contrastive_ranker', 0.5, { ranking_strength: s.strength }), score('file:judge', s.alignment, {}, { dimension: 'alignment' }), score('file:judge', s.clarity, {}, { dimension: 'clarity' }),
  ], { facts: { file: `${s.id.slice(0, 2)}.json`, traceId: s.id.slice(0, 2), stepId: s.id.slice(3), stepIndex: Number(s.id.slice(4)) - 1, goal: s.goal, outcome: s.outcome, stepType: s.stepType } })), 1000);
  await memory.close();
  expect(memory.notices).toEqual([]);
  return workspace;
}

async function run(workspace: TestWorkspace, ...words: readonly string[]): Promise<{ readonly status: unknown; readonly lines: readonly Entry[]; readonly err: string }> {
  const child = spawn(process.execPath, [CLI, 'corpus', ...words], { cwd: workspace.folder, env: { ...process.env, STEPSCOPE_DATA: workspace.path('data') } });
  child.stdin.end();
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  expect(err).not.toMatch(/^\s+at /m);
  return { status, err, lines: out.split('\n').flatMap((l) => (l === '' ? [] : [JSON.parse(l) as Entry])) };
}

async function ask(...words: readonly string[]): Promise<readonly Entry[]> {
  using workspace = await withMemory();
  const { status, lines, err } = await run(workspace, 'query', '--memory', 'm.sqlite', ...words);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  return lines;
}

describe('one question, one command', () => {
  it('steps with uncertainty above 0.3 on reasoning_quality', async () => {
    const lines = await ask('--where', 'uncertainty>0.3', '--dimension', 'reasoning_quality');
    expect(lines.map((l) => [l['kind'], l['scorableId'], l['stepType'], l['values']])).toEqual([
      ['scorable', 't1#s1', 'load', { 'reasoning_quality:consensus.uncertainty': 0.5 }], ['scorable', 't2#s1', 'load', { 'reasoning_quality:consensus.uncertainty': 0.4 }],
    ]);
    expect(Object.keys(lines[0] ?? {})).toEqual(['kind', 'scorableId', 'file', 'traceId', 'stepId', 'stepIndex', 'stepType', 'goal', 'title', 'values']);
  });

  it('the average q_value of sicql for a goal', async () => {
    expect(await ask('--average', '--metric', 'q_value', '--scorer', 'sicql', '--goal', 'g')).toEqual([{ kind: 'average', dimension: 'reasoning_quality', scorer: 'sicql', metric: 'q_value', mean: 1.5, n: 2, missing: 0 }]);
  });

  it('how ebt differs from sicql', async () => {
    const [comparison, ...rows] = await ask('--compare', 'ebt,sicql');
    // Differences -.4, 0, .2 and .45.
    expect(comparison).toMatchObject({ kind: 'comparison', a: 'reasoning_quality:ebt.score', b: 'reasoning_quality:sicql.score', n: 4, meanDifference: expect.closeTo(0.0625, 12) as number, meanAbsDifference: expect.closeTo(0.2625, 12) as number, oppositeShare: 0.25 });
    expect(rows.map((r) => r['scorableId'])).toEqual(['t2#s2', 't1#s1', 't2#s1', 't1#s2']);
  });

  it('high alignment but low clarity on failed runs', async () => {
    const lines = await ask('--where', 'alignment:score>0.7', '--where', 'clarity:score<0.4', '--failed');
    expect(lines.map((l) => [l['scorableId'], l['values']])).toEqual([['t1#s1', { 'alignment:file:judge.score': 0.9, 'clarity:file:judge.score': 0.1 }]]);
  });

  it('the gap of sicql against the strength of the ranker', async () => {
    expect(await ask('--correlate', 'sicql.q_gap,contrastive_ranker.ranking_strength')).toEqual([{ kind: 'correlation', a: 'reasoning_quality:sicql.q_gap', b: 'reasoning_quality:contrastive_ranker.ranking_strength', r: expect.closeTo(-1, 12) as number, rho: expect.closeTo(-1, 12) as number, n: 4 }]);
  });

  it('which kind of step is uncertain', async () => {
    const lines = await ask('--group-by', 'stepType', '--metric', 'uncertainty');
    // Means .45 and .15 against .3.
    expect(lines.map((l) => [l['kind'], l['key'], l['n'], l['lift']])).toEqual([['group', 'load', 2, expect.closeTo(1.5, 12)], ['group', 'think', 2, expect.closeTo(0.5, 12)]]);
  });
});

describe('statistics', () => {
  it('are of the memory', async () => {
    using workspace = await withMemory();
    const { status, lines } = await run(workspace, 'stats', '--memory', 'm.sqlite');
    expect(status).toBe(0);
    expect(lines[0]).toMatchObject({ kind: 'corpus', steps: 4, traces: 2, goals: 2, records: 24 });
    expect(new Set(lines.map((l) => l['kind']))).toEqual(new Set(['corpus', 'scores', 'uncertainty', 'agreement', 'step-type']));
  });
});

describe('paths', () => {
  it('are scored on the spot, as score does it', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(3)) });
    const { status, lines } = await run(workspace, 'query', '--where', 'score>=0', 'a.trace.json', 'gone.json');
    expect(status).toBe(1);
    expect(lines[0]).toEqual({ kind: 'error', file: 'gone.json', message: 'There is no such file.' });
    const child = spawn(process.execPath, [CLI, 'score', 'a.trace.json'], { cwd: workspace.folder });
    child.stdin.end();
    const scored = (await text(child.stdout)).split('\n').flatMap((l) => (l === '' ? [] : [JSON.parse(l) as Entry])).filter((l) => l['kind'] === 'step');
    expect(scored).toHaveLength(3);
    expect(new Map(lines.slice(1).map((l) => [l['stepId'], Object.values(l['values'] as object)[0] as unknown]))).toEqual(new Map(scored.map((l) => [l['stepId'], l['score']])));
  });
});

describe('what is not there', () => {
  it('is told in a sentence', async () => {
    using workspace = await withMemory();
    const unknown = await run(workspace, 'query', '--memory', 'm.sqlite', '--where', 'qvalue>1');
    expect(unknown).toMatchObject({ status: 1, lines: [] });
    expect(unknown.err).toMatch(/^Nothing called qvalue is known in reasoning_quality\. Metrics there: /);
    expect(await run(workspace, 'query', '--where', 'q_value>1')).toMatchObject({ status: 0, lines: [], err: expect.stringMatching(/^There is no memory at .* yet\. /) as string });
    expect(await run(workspace, 'query', '--memory', 'gone.sqlite', '--where', 'q_value>1')).toMatchObject({ status: 1, lines: [] });
    expect(existsSync(workspace.path('gone.sqlite'))).toBe(false);
  });

  it.each([
    [['query'], /needs a question/], [['query', '--average', '--compare', 'a,b'], /one at a time/], [['query', '--compare', 'a'], /needs two names/], [['query', '--group-by', 'colour'], /--group-by is one of/],
    [['query', '--where', 'q>1', '--failed', '--succeeded'], /exclude each other/], [['query', '--average', '--since', 'soon'], /needs a time/],
    [['export', '--to', 'xls', 'x'], /--to is one of/], [['export', 'x'], /needs --to/], [['export', '--to', 'csv'], /needs the file/], [['export', '--to', 'csv', '.'], /is a folder/], [['export', '--to', 'csv', 'm.sqlite'], /m\.sqlite exists; --overwrite/], [['count'], /not "count"/], [[], /Say what/],
  ])('or asked wrongly ends with status 2: %j', async (words, message) => {
    using workspace = await withMemory();
    const { status, err } = await run(workspace, ...words);
    expect({ status, first: err.split('\n')[0] }).toEqual({ status: 2, first: expect.stringMatching(message) as string });
  });
});

/** A Python that has pandas; STEPSCOPE_PYTHON names one. */
function pandas(): string | undefined {
  const python = process.env['STEPSCOPE_PYTHON'] ?? 'python3';
  return spawnSync(python, ['-c', 'import pandas']).status === 0 ? python : undefined;
}

describe('exports', () => {
  it('are read back by pandas to the same numbers', async ({ skip }) => {
    const python = pandas();
    if (python === undefined) skip('There is no python3 with pandas here: install it (Debian: python3-pandas), or name one in STEPSCOPE_PYTHON.');
    using workspace = await withMemory();
    for (const format of ['csv', 'jsonl', 'npy', 'parquet']) {
      const { status, lines, err } = await run(workspace, 'export', '--memory', 'm.sqlite', '--to', format, `corpus.${format}`);
      expect({ status, err }).toEqual({ status: 0, err: '' });
      expect(lines[0]).toMatchObject({ kind: 'export', file: `corpus.${format}`, to: format, scorables: 4, records: 24 });
    }
    const memory = testMemory(workspace.path('m.sqlite'), WORKER);
    const corpus = corpusOf(await memory.load({}));
    await memory.close();
    const list = corpus.toList();
    const metric = (name: string): readonly (number | null)[] => list.map((r) => corpus.value(r.scorableId, r.dimension, r.scorer, name) ?? null);
    const columns = {
      scorableId: list.map((r) => r.scorableId), scorer: list.map((r) => r.scorer), goal: list.map((r) => r.goal), stepIndex: list.map((r) => r.stepIndex), outcome: list.map((r) => r.outcome ?? null), score: list.map((r) => r.score),
      ...Object.fromEntries(corpus.metrics.filter((m) => m !== 'score').map((m) => [`attr.${m}`, metric(m)])),
    };
    expect(columns).toHaveProperty('attr.policy_logits[2]');
    writeFileSync(workspace.path('expected.json'), JSON.stringify({ columns, tensor: [...corpus.toTensor().values].map((v) => (Number.isNaN(v) ? null : v)) }));
    const check = (): { readonly status: number | null; readonly said: string } => {
      const { status, stdout, stderr } = spawnSync(python ?? '', [resolve('scripts/pandas/check_exports.py'), workspace.folder], { encoding: 'utf8' });
      return { status, said: `${stdout}${stderr}` };
    };
    expect(check()).toMatchObject({ status: 0, said: expect.stringMatching(/^pandas .* read csv, jsonl, npy/) as string });
    // The check itself sees a last bit that changed.
    writeFileSync(workspace.path('corpus.csv'), readFileSync(workspace.path('corpus.csv'), 'utf8').replace('0.30000000000000004', '0.3'));
    expect(check()).toMatchObject({ status: 1, said: expect.stringContaining('csv attr.hard') as string });
  });
});
