/** `stepscope eval` and `stepscope models --card` as built. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/commandLine.ts';
import type { CliRun } from '../support/commandLine.ts';
import { testWorkspace } from '../support/workspace.ts';

type Entry = Readonly<Record<string, unknown>>;

const LABELLED = resolve('test/fixtures/labelled.jsonl');
const FIGURE = { n: expect.any(Number) as unknown, auroc: expect.any(Number) as unknown, interval: [expect.any(Number), expect.any(Number)] as unknown, auprc: expect.any(Number) as unknown };

async function run(words: readonly string[], onFirstOutput?: (interrupt: () => void) => void): Promise<CliRun> {
  const result = await runCli(words, onFirstOutput === undefined ? {} : { onFirstOutput });
  expect(result.err).not.toMatch(/^\s+at /m);
  return result;
}

const lines = (out: string): readonly Entry[] => out.split('\n').filter((l) => l !== '').map((l) => JSON.parse(l) as Entry);

describe('eval', () => {
  it('measures a file: scorers, consensus, what needs no model, first error, runs', async () => {
    const { status, out, err } = await run(['eval', '--data', LABELLED]);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const [record] = lines(out);
    expect(record).toMatchObject({
      kind: 'evaluation', file: LABELLED, dimension: 'reasoning_quality', traces: 8, problems: 5, sample: null,
      // Counted by hand in test/fixtures/labelled.jsonl.
      steps: { good: 9, bad: 3, neutral: 1, unscored: 0 }, badShare: 0.25, consensus: { ...FIGURE, n: 12, ece: expect.any(Number) as unknown },
      baselines: [{ baseline: 'length', n: 12 }, { baseline: 'position', n: 12 }], firstError: { erroneous: 3, clean: 3 }, runs: { n: 2, successShare: 0.5 },
    });
    const models = lines((await run(['models'])).out)[0]?.['scorers'] as readonly Entry[];
    const shipped = models.filter((m) => m['enabledByDefault'] === true).map((m) => m['id']);
    expect((record?.['scorers'] as readonly Entry[]).map((s) => s['scorer'])).toEqual(shipped);
    // The same bits again, and from a memory.
    using workspace = testWorkspace();
    for (let i = 0; i < 2; i++) expect((await run(['eval', '--memory', workspace.path('m.sqlite'), '--data', LABELLED])).out).toBe(out);
  });

  it('sees the numbers that score shows', async () => {
    const steps = ['Two and two are 2 + 2 = 4.', 'Four and one are 4 + 1 = 6.'];
    using workspace = testWorkspace({
      'l.jsonl': JSON.stringify({ problem: 'How many are 2 + 2 + 1?', steps, labels: [1, 0] }),
      't.trace.json': JSON.stringify({ trace_id: 't', goal_text: 'How many are 2 + 2 + 1?', execution_steps: steps.map((output_text, i) => ({ step_id: `s${i}`, step_type: 'thought', output_text })) }),
    });
    const [good, bad] = lines((await run(['score', workspace.path('t.trace.json')])).out).map((l) => Number(l['score']));
    const [record] = lines((await run(['eval', '--data', workspace.path('l.jsonl')])).out);
    // Two steps in two bins of their own: the mean distance to 1 and to 0.
    expect((record?.['consensus'] as Entry)['ece']).toBeCloseTo((Math.abs((good ?? 0) - 1) + (bad ?? 0)) / 2, 12);
    expect((record?.['consensus'] as Entry)['auroc']).toBe((good ?? 0) > (bad ?? 0) ? 1 : 0);
  });

  it('takes files and folders, and answers for lines and files it cannot use', async () => {
    using workspace = testWorkspace({ 'd/a.jsonl': `${readFileSync(LABELLED, 'utf8')}oops\n`, 'd/session.jsonl': '{"type":"user"}\n', 'd/notes.txt': 'x' });
    const { status, out } = await run(['eval', '--data', workspace.path('d'), workspace.path('gone.jsonl')]);
    expect(status).toBe(1);
    expect(lines(out)).toMatchObject([
      { kind: 'error', file: workspace.path('d/a.jsonl'), line: 9 }, { kind: 'evaluation', file: workspace.path('d/a.jsonl') }, { kind: 'error', message: 'There is no such file.' },
    ]);
  });

  it('is a table on a terminal, of a sample if asked', async () => {
    const { status, out } = await run(['eval', '--format', 'text', '--limit', '7', '--data', LABELLED]);
    expect(status).toBe(0);
    expect(out).toContain('7 traces (a random sample of 8, always the same)');
    expect(out).toMatch(/^ {2}consensus +\d\.\d{3} \[/m);
    expect(out).toMatch(/^ {2}length only +\d\.\d{3} \[/m);
  });

  it('ends on SIGINT with status 1, between and within files', async () => {
    using workspace = testWorkspace({ 'a.jsonl': Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ problem: `p${i}`, steps: [`step ${i}`], labels: [1] })).join('\n') });
    // The first file is done when its line comes; the second would take minutes.
    const { status, out } = await run(['eval', '--data', LABELLED, workspace.path('a.jsonl')], (kill) => kill());
    expect(status).toBe(1);
    expect(lines(out)).toMatchObject([{ file: LABELLED }]);
  });

  it.each([['eval'], ['eval', '--data'], ['eval', '--data', 'x', '--limit', '0'], ['eval', '--data', 'x', '--limit', 'many']].map((words) => ({ words })))('exit status 2 for $words', async ({ words }) => {
    expect(await run(words)).toMatchObject({ status: 2, out: '' });
  });
});

describe('models --card', () => {
  it('prints the card of the backbone and of every scorer', async () => {
    const scorers = lines((await run(['models'])).out)[0]?.['scorers'] as readonly Entry[];
    for (const id of ['backbone', ...scorers.map((s) => String(s['id']))]) {
      const card = readFileSync(resolve('models', id, 'CARD.md'), 'utf8');
      expect(lines((await run(['models', '--card', id])).out)).toEqual([{ kind: 'card', id, markdown: card }]);
    }
    expect((await run(['models', '--card', 'backbone', '--format', 'text'])).out).toMatch(/^# /);
  });

  it('names the models there are', async () => {
    const { status, out, err } = await run(['models', '--card', '../../README']);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(/^There is no model "\.\.\/\.\.\/README"; there are backbone, /);
  });
});
