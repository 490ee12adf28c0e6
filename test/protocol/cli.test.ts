/** The built command line: what other tools build on. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';

type Entry = Readonly<Record<string, unknown>>;

interface Run {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

const CLI = resolve('dist/server/cli.js');
const TRACE = pretty(planTrace(3));
const STEP_KEYS = ['file', 'format', 'kind', 'problems', 'range', 'score', 'scores', 'stepId', 'stepIndex', 'stepType', 'traceId', 'uncertainty'];
const TRACE_KEYS = ['basis', 'file', 'format', 'goal', 'kind', 'problems', 'score', 'scores', 'steps', 'traceId'];
const INSPECT_KEYS = ['file', 'format', 'formatVersion', 'goal', 'kind', 'steps', 'traceId', 'unknownRecordCounts', 'warnings'];

const start = (workspace: TestWorkspace, words: readonly string[], env: NodeJS.ProcessEnv = {}, user: { readonly uid?: number } = {}): ChildProcess => {
  const child = spawn(process.execPath, [CLI, ...words], { cwd: workspace.folder, env: { ...process.env, ...env }, ...user });
  // One that hangs must not outlive its failed test.
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
};

async function finish(child: ChildProcess, input = ''): Promise<Run> {
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => { out += piece; });
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => { err += piece; });
  child.stdin?.end(input);
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  // One sentence, never a stack.
  expect(err).not.toMatch(/^\s+at /m);
  return { status, signal, out, err };
}

const run = (workspace: TestWorkspace, ...words: string[]): Promise<Run> => finish(start(workspace, words));
const lines = (out: string): Entry[] => out.split('\n').filter((l) => l !== '').map((l) => JSON.parse(l) as Entry);
const keysOf = (entry: unknown): string[] => Object.keys(entry as object).sort();
const filesOf = (out: string): unknown[] => lines(out).map((l) => l['file']);

describe('records', () => {
  it('of score: a line a step, then a line a trace, NDJSON off a terminal', async () => {
    using workspace = testWorkspace({ 'a b.trace.json': TRACE });
    const { status, out, err } = await run(workspace, 'score', 'a b.trace.json');
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const found = lines(out);
    expect(found.map((l) => l['kind'])).toEqual(['step', 'step', 'step', 'trace']);
    expect(keysOf(found[0])).toEqual(STEP_KEYS);
    const { outcome, ...trace } = found[3] ?? {};
    expect(keysOf(trace)).toEqual(TRACE_KEYS);
    expect(found[0]).toMatchObject({ file: 'a b.trace.json', stepId: 's1', stepIndex: 0, range: { start: { line: 5, character: 4 } } });
    // With an outcome model the trace is worth the chance that the run succeeds, else its lowest step.
    const lowest = Math.min(...found.slice(0, 3).map((l) => Number(l['score'])));
    const expected = outcome === undefined ? { score: lowest, basis: 'lowest-step' } : { score: (outcome as Entry)['probability'], basis: 'run-outcome' };
    expect(trace).toMatchObject({ steps: 3, ...expected });
    const [score] = found[0]?.['scores'] as Entry[];
    expect(keysOf(score)).toEqual(['attributes', 'dimension', 'score', 'scorer', 'scorerVersion']);
  });

  it('of inspect, of an error, of models', async () => {
    using workspace = testWorkspace({ 'a.trace.json': TRACE, 'b.txt': 'hello' });
    const inspected = await run(workspace, 'inspect', 'b.txt', 'a.trace.json', 'gone.json');
    expect(inspected.status).toBe(1);
    const [trace, noTrace, missing] = lines(inspected.out);
    expect(keysOf(trace)).toEqual(INSPECT_KEYS);
    expect(keysOf((trace?.['steps'] as unknown[])[0])).toEqual(['agentName', 'inputChars', 'isError', 'outputChars', 'range', 'stepId', 'stepIndex', 'stepType', 'tool']);
    expect(keysOf(noTrace)).toEqual(['file', 'kind', 'message']);
    expect(noTrace).toMatchObject({ kind: 'error', file: 'b.txt' });
    expect(missing).toEqual({ kind: 'error', file: 'gone.json', message: 'There is no such file.' });
    const models = await run(workspace, 'models');
    const [record] = lines(models.out);
    expect(keysOf((record?.['scorers'] as unknown[])[0])).toEqual(expect.arrayContaining(['dimensions', 'id', 'sha256', 'sizeBytes', 'version']));
    expect(keysOf(record?.['thresholds'])).toEqual(expect.arrayContaining(['firstError', 'lowScore']));
    const dimensions = record?.['dimensions'] as Entry[];
    expect(dimensions).toHaveLength(10);
    expect(dimensions.find((d) => d['id'] === 'clarity')).toMatchObject({ status: 'needs labels', labels: null });
    expect(dimensions.find((d) => d['id'] === 'reasoning_quality')).toMatchObject({ status: 'ships' });
  });

  it('of compare: who is better, by whom, the same whoever is named first', async () => {
    using workspace = testWorkspace();
    const texts = ['3 * 4 = 12, so there are 12.', 'The weather is fine, so we go home.'] as const;
    const there = await run(workspace, 'compare', 'How many are 3 * 4?', ...texts, '--context', 'We have 3 rows of 4.');
    expect({ status: there.status, err: there.err }).toEqual({ status: 0, err: '' });
    const [record] = lines(there.out);
    expect(record).toMatchObject({ kind: 'comparison', goal: 'How many are 3 * 4?', a: texts[0], b: texts[1], context: ['We have 3 rows of 4.'] });
    const [first] = record?.['dimensions'] as Entry[];
    expect(first).toMatchObject({ dimension: 'reasoning_quality', preferA: record?.['preferA'], winner: record?.['winner'] });
    expect((first?.['votes'] as Entry[]).map((v) => v['scorer'])).toContain('contrastive_ranker');
    const [back] = lines((await run(workspace, 'compare', 'How many are 3 * 4?', texts[1], texts[0], '--context', 'We have 3 rows of 4.')).out);
    expect(Number(record?.['preferA']) + Number(back?.['preferA'])).toBeCloseTo(1, 9);
    const empty = await run(workspace, 'compare', 'goal', 'a step', ' ');
    expect(empty.status).toBe(1);
    expect(lines(empty.out)).toMatchObject([{ kind: 'error' }]);
  });

  it('of score carry what the producer measured of its tokens', async () => {
    const choices = [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'four' }, logprobs: { content: [{ token: 'f', logprob: -0.5 }, { token: 'our', logprob: -3 }] } }];
    using workspace = testWorkspace({ 'a.messages.json': JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices }) });
    const step = lines((await run(workspace, 'score', 'a.messages.json')).out).find((l) => l['kind'] === 'step');
    expect(step?.['measures']).toEqual([{ scorer: 'trace', attributes: { logprob_mean: -1.75, logprob_min: -3, perplexity: Math.exp(1.75), low_probability_share: 0.5 } }]);
  });

  it('of score carry what is wrong with the file, at its first trace', async () => {
    using workspace = testWorkspace({ 'cut.trace.jsonl': `${JSON.stringify(planTrace(2, { id: 'a' }))}\n${JSON.stringify(planTrace(2, { id: 'b' })).slice(0, 190)}` });
    const { status, out } = await run(workspace, 'score', 'cut.trace.jsonl');
    expect(status).toBe(0);
    const traces = lines(out).filter((l) => l['kind'] === 'trace');
    expect(traces).toHaveLength(2);
    expect(traces[0]?.['problems']).toMatchObject([{ code: 'file-not-strict-json', message: expect.stringContaining('The file ends inside') as unknown }]);
    expect(traces[1]?.['problems']).toEqual([]);
    expect((await run(workspace, 'score', '--format', 'text', 'cut.trace.jsonl')).out).toContain('The file ends inside');
  });

  it('as one json array, also of nothing', async () => {
    using workspace = testWorkspace({ 'a.trace.json': TRACE, 'empty/x.txt': 'x' });
    expect(JSON.parse((await run(workspace, 'inspect', '--format=json', 'a.trace.json', 'gone')).out)).toHaveLength(2);
    expect(JSON.parse((await run(workspace, 'inspect', '--format=json', 'empty')).out)).toEqual([]);
  });
});

describe('exit status 2', () => {
  it.each([[], ['dance'], ['score'], ['score', '--format'], ['score', '--format', 'xml', 'a'], ['score', '--wat', 'a'], ['score', '--scorers', 'nobody', 'a'], ['compare', 'goal', 'one']].map((words) => ({ words })))('for $words', async ({ words }) => {
    using workspace = testWorkspace();
    const { status, out, err } = await run(workspace, ...words);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(/^\S+ [^\n]+\n/);
  });
});

describe('paths', () => {
  it('a folder is walked in order, and what is no trace is passed over', async () => {
    using workspace = testWorkspace({ 'd/b.trace.json': TRACE, 'd/a/x #1 %20.trace.json': TRACE, 'd/c.json': '{"a":1}', 'd/e.txt': 'x', 'd/f.trace.json': '', 'd/node_modules/n.trace.json': TRACE });
    const { status, out } = await run(workspace, 'inspect', 'd');
    expect(status).toBe(0);
    expect(filesOf(out)).toEqual(['d/a/x #1 %20.trace.json', 'd/b.trace.json']);
  });

  it('two thousand small files come in order, through a reader that takes its time', async () => {
    using workspace = testWorkspace(Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`many/f${i}.trace.json`, JSON.stringify(planTrace(1))])));
    const child = start(workspace, ['inspect', 'many']);
    child.stdin?.end();
    let out = '';
    // A pull reader: nothing is taken before it is asked for.
    for await (const piece of child.stdout ?? []) out += String(piece);
    const found = filesOf(out);
    expect(found).toHaveLength(2000);
    expect(found).toEqual([...found].sort());
  });

  it('- is standard input', async () => {
    using workspace = testWorkspace();
    const { status, out } = await finish(start(workspace, ['inspect', '-']), TRACE);
    expect(status).toBe(0);
    expect(lines(out)[0]).toMatchObject({ file: '-', traceId: 'trace_test' });
    expect((await finish(start(workspace, ['inspect', '-']))).status).toBe(1);
  });

  it.skipIf(process.getuid?.() !== 0)('a named folder without permission is an error, the others go on', async () => {
    using workspace = testWorkspace({ 'closed/a.trace.json': TRACE, 'open.trace.json': TRACE });
    chmodSync(workspace.folder, 0o755);
    chmodSync(workspace.path('closed'), 0o700);
    const { status, out } = await finish(start(workspace, ['inspect', 'closed', 'open.trace.json'], {}, { uid: 65_534 }));
    expect(status).toBe(1);
    expect(lines(out)).toMatchObject([{ kind: 'error', file: 'closed', message: 'The folder cannot be read: no permission.' }, { kind: 'trace' }]);
  });
});

describe('the reader', () => {
  it('may go away after the first line', async () => {
    using workspace = testWorkspace(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`many/f${i}.trace.json`, JSON.stringify(planTrace(8))])));
    const child = start(workspace, ['inspect', 'many']);
    child.stdout?.once('data', () => child.stdout?.destroy());
    const { signal, err } = await finish(child);
    expect({ signal, err }).toEqual({ signal: null, err: '' });
  });
});

describe('a signal', () => {
  it('ends scoring with status 1, between two files too', async () => {
    using workspace = testWorkspace(Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`many/f${i}.trace.json`, JSON.stringify(planTrace(1))])));
    const child = start(workspace, ['score', 'many']);
    child.stdout?.once('data', () => child.kill('SIGTERM'));
    const { status, signal, err, out } = await finish(child);
    expect({ status, signal, err }).toEqual({ status: 1, signal: null, err: '' });
    expect(lines(out).length).toBeLessThan(800);
  });

  it('ends the wait for standard input', async () => {
    using workspace = testWorkspace({ '+first.trace.json': TRACE });
    // "+" sorts before "-": its last line says that standard input is next.
    const child = start(workspace, ['score', '-', '+first.trace.json']);
    child.stdout?.on('data', (piece: Buffer) => { if (piece.includes('"kind":"trace"')) child.kill('SIGTERM'); });
    const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    expect({ status, signal }).toEqual({ status: 1, signal: null });
  });
});

describe('--memory', () => {
  it('writes scores and reads them again', async () => {
    using workspace = testWorkspace({ 'a.trace.json': TRACE });
    const first = await run(workspace, 'score', '--memory', 'sub/m.sqlite', 'a.trace.json');
    expect(existsSync(workspace.path('sub/m.sqlite'))).toBe(true);
    expect(statSync(workspace.path('sub/m.sqlite')).size).toBeGreaterThan(0);
    expect(await run(workspace, 'score', '--memory', 'sub/m.sqlite', 'a.trace.json')).toEqual(first);
  });

  it('sets a damaged file aside with a sentence', async () => {
    using workspace = testWorkspace({ 'a.trace.json': TRACE });
    writeFileSync(workspace.path('m.sqlite'), 'no database '.repeat(1000));
    const { status, out, err } = await run(workspace, 'score', '--memory', 'm.sqlite', 'a.trace.json');
    expect(status).toBe(0);
    expect(lines(out)).toHaveLength(4);
    expect(err).toMatch(/was damaged\. It was set aside as m\.sqlite\.corrupt-\d+ /);
  });

  it('finds damage deep in the file too, and starts afresh', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(60)) });
    await run(workspace, 'score', '--memory', 'm.sqlite', 'a.trace.json');
    const bytes = readFileSync(workspace.path('m.sqlite'));
    // The first page, with the schema, stays: opening sees nothing wrong.
    writeFileSync(workspace.path('m.sqlite'), Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 0xa5)]));
    const { status, err } = await run(workspace, 'score', '--memory', 'm.sqlite', 'a.trace.json');
    expect(status).toBe(0);
    expect(err).toMatch(/was damaged\. It was set aside/);
    expect(await run(workspace, 'score', '--memory', 'm.sqlite', 'a.trace.json')).toMatchObject({ status: 0, err: '' });
  });

  it.each(['.', 'a.trace.json/x.sqlite', 'notes.txt'])('goes on without %s, which cannot be a memory, and leaves it alone', async (memory) => {
    using workspace = testWorkspace({ 'a.trace.json': TRACE, 'notes.txt': 'my notes, which are no database '.repeat(100) });
    const { status, out, err } = await run(workspace, 'score', '--memory', memory, 'a.trace.json');
    expect(status).toBe(0);
    expect(lines(out)).toHaveLength(4);
    expect(err).toContain('cannot be used');
    expect(readdirSync(workspace.folder).sort()).toEqual(['a.trace.json', 'notes.txt']);
  });

  it('waits for a locked file once, not at every step', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(120)) });
    await run(workspace, 'inspect', 'a.trace.json');
    await run(workspace, 'score', '--memory', 'm.sqlite', 'a.trace.json');
    const other = new Database(workspace.path('m.sqlite'));
    other.exec('DELETE FROM raw_scores; DELETE FROM vectors; BEGIN EXCLUSIVE');
    const { status, err } = await run(workspace, 'score', '--memory', 'm.sqlite', 'a.trace.json');
    other.close();
    expect(status).toBe(0);
    expect(err.trim().split('\n')).toHaveLength(1);
  }, 30_000);
});

it('says in one sentence that the models are missing, and inspects without them', async () => {
  using workspace = testWorkspace({ 'a.trace.json': TRACE });
  const env = { STEPSCOPE_MODELS: workspace.path('none') };
  const { status, out, err } = await finish(start(workspace, ['score', 'a.trace.json'], env));
  expect({ status, out }).toEqual({ status: 1, out: '' });
  expect(err.trim().split('\n')).toHaveLength(1);
  expect((await finish(start(workspace, ['inspect', 'a.trace.json'], env))).status).toBe(0);
});
