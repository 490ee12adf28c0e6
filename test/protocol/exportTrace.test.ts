/** Traces exported by the built server and the built command line. */
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { EXPORT_TARGETS } from '../../server/src/features/exportTrace.ts';
import { runCli } from '../support/commandLine.ts';
import type { CliRun } from '../support/commandLine.ts';
import { LspClient } from '../support/lspClient.ts';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';


const run = (workspace: TestWorkspace, words: readonly string[]): Promise<CliRun> => runCli(['export', ...words], { cwd: workspace.folder });

describe('stepscope export', () => {
  it('prints every trace as one document, and what is lost beside it', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(2)), 'b.trace.json': pretty(planTrace(3)) });
    const { status, out, err } = await run(workspace, ['.', '--to', 'atif']);
    expect(status).toBe(0);
    // Both files call their trace the same.
    expect((JSON.parse(out) as { trajectory_id: string; steps: unknown[] }[]).map((t) => [t.trajectory_id, t.steps.length])).toEqual([['trace_test', 3], ['trace_test#2', 4]]);
    expect(err).not.toContain('not in');
    expect((await run(workspace, ['.', '--to', 'otlp'])).err).toContain('ids of 5 steps');
  });

  it('writes a file for each into a folder, and replaces none unless it is told to', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(2)) });
    const first = await run(workspace, ['a.trace.json', '--to', 'otlp', '--out', 'new/']);
    expect(JSON.parse(first.out)).toMatchObject({ kind: 'export', to: 'otlp', traces: 1, steps: 2 });
    expect(readdirSync(workspace.path('new'))).toEqual(['a.otlp.json']);
    const text = readFileSync(workspace.path('new/a.otlp.json'), 'utf8');
    const again = await run(workspace, ['a.trace.json', '--to', 'otlp', '--out', 'new']);
    expect([again.status, JSON.parse(again.out)]).toEqual([1, { kind: 'error', file: 'a.trace.json', message: expect.stringContaining('--overwrite') as unknown }]);
    const over = await run(workspace, ['a.trace.json', '--to', 'otlp', '--out', 'new', '--overwrite']);
    expect(over.status).toBe(0);
    expect(readFileSync(workspace.path('new/a.otlp.json'), 'utf8')).toBe(text);
    const named = await run(workspace, ['a.trace.json', '--to', 'plantrace', '--out', 'a.trace.json']);
    expect([named.status, named.err]).toEqual([2, expect.stringContaining('a.trace.json exists') as unknown]);
  });

  it('exports the scores when asked to', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(2)) });
    const { status, out } = await run(workspace, ['a.trace.json', '--to', 'plantrace', '--scores']);
    expect(status).toBe(0);
    const steps = (JSON.parse(out) as { execution_steps: { scores: Record<string, { score: number; source: string }> }[] }).execution_steps;
    for (const { scores } of steps) {
      expect(scores['reasoning_quality']).toMatchObject({ source: 'consensus' });
      expect(scores['reasoning_quality::sicql']?.score).toBeGreaterThanOrEqual(0);
      expect(scores['reasoning_quality::sicql']?.score).toBeLessThanOrEqual(100);
    }
  });

  it('says what is wrong with the words it was given', async () => {
    using workspace = testWorkspace({ 'a.txt': 'no trace' });
    expect(await run(workspace, ['a.txt', '--to', 'xml'])).toMatchObject({ status: 2, err: expect.stringContaining('--to is one of plantrace, atif, otlp') as unknown });
    expect(await run(workspace, ['a.txt'])).toMatchObject({ status: 2, err: expect.stringContaining('needs --to') as unknown });
    expect(await run(workspace, ['a.txt', '--to', 'otlp'])).toMatchObject({ status: 1, out: '', err: expect.stringContaining('no trace that StepScope knows') as unknown });
  });
});

describe('stepscope/export', () => {
  it('answers the text, a name for it and what is lost', async () => {
    expect(Object.keys(EXPORT_TARGETS)).toEqual([...contract.EXPORT_FORMATS]);
    const text = pretty(planTrace(3));
    using workspace = testWorkspace({ 'a.trace.json': text, 'b.json': '{}' });
    await using client = await LspClient.start({
      workspaceFolders: [workspace.folder], timeoutMs: 120_000,
      initializationOptions: { protocolVersion: contract.PROTOCOL_VERSION, settings: defaultSettings(), dataFolder: workspace.path('.data'), isTrusted: true } satisfies contract.InitOptions,
    });
    const uri = workspace.uri('a.trace.json');
    await client.openDocument(uri, text);
    await client.request(contract.SETTLED);
    const ask = (format: string, of = uri): Promise<contract.ExportResult> => client.request(contract.EXPORT, { uri: of, format });
    const otlp = await ask('otlp');
    expect(otlp).toMatchObject({ kind: 'exported', suggestedName: 'a.otlp.json' });
    expect(otlp.kind === 'exported' && otlp.text).toContain('gen_ai.evaluation.result');
    expect(await ask('plantrace')).toMatchObject({ kind: 'exported', suggestedName: 'a.exported.trace.json', lost: [] });
    expect(await ask('xml')).toMatchObject({ kind: 'failed', message: expect.stringContaining('xml') as unknown });
    expect(await ask('atif', workspace.uri('b.json'))).toMatchObject({ kind: 'failed' });
  });
});
