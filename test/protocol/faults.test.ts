/** The server when the world around it misbehaves. */
import { rmSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { InlayHint } from 'vscode-languageserver';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { LspClient } from '../support/lspClient.ts';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';

const start = (workspace: TestWorkspace, settings: Partial<contract.WireSettings> = {}): Promise<LspClient> => LspClient.start({
  workspaceFolders: [workspace.folder], timeoutMs: 50_000, initializationOptions: { settings: { ...defaultSettings(), ...settings }, dataFolder: workspace.path('.data') },
});
const settled = (client: LspClient): Promise<contract.SettledResult> => client.request(contract.SETTLED);
const scoresOf = async (client: LspClient, uri: string): Promise<readonly (number | null)[] | undefined> =>
  (await client.request<contract.TracesResult | null>(contract.TRACES, { uri }))?.traces[0]?.steps.map((s) => s.score);

describe('files that move', () => {
  it('are let go when deleted while they are scored, and others go on', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(300)), 'b.trace.json': pretty(planTrace(5, { id: 'b' })) });
    await using client = await start(workspace);
    await client.notification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'scoring' && s.total === 300 && s.done > 0);
    rmSync(workspace.path('a.trace.json'));
    await client.notify('workspace/didChangeWatchedFiles', { changes: [{ uri: workspace.uri('a.trace.json'), type: 3 }] });
    expect(await settled(client)).toEqual({ files: 1, steps: 5 });
    expect((await scoresOf(client, workspace.uri('b.trace.json')))?.every((s) => s !== null)).toBe(true);
  });

  it('are scored as they stand after being replaced while they are scored', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(300)) });
    await using client = await start(workspace);
    await client.notification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'scoring' && s.done > 0);
    writeFileSync(workspace.path('a.trace.json'), pretty(planTrace(7, { id: 'other' })));
    await client.notify('workspace/didChangeWatchedFiles', { changes: [{ uri: workspace.uri('a.trace.json'), type: 2 }] });
    await settled(client);
    expect(await scoresOf(client, workspace.uri('a.trace.json'))).toHaveLength(7);
  });

  it('over the size limit are not read, and say so', async () => {
    using workspace = testWorkspace({ 'a.trace.json': `${' '.repeat(1_200_000)}${pretty(planTrace(2))}` });
    await using client = await start(workspace, { limits: { ...defaultSettings().limits, maxFileSizeMB: 1 } });
    await settled(client);
    const report = await client.request<{ items: readonly { items: readonly { message: string }[] }[] }>('workspace/diagnostic', { previousResultIds: [] });
    expect(report.items[0]?.items[0]?.message).toContain('limits.maxFileSizeMB');
  });
});

describe('a score memory', () => {
  it('locked by somebody else is done without, with a sentence', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(3)), '.data/x': '' });
    const other = new Database(workspace.path('.data/memory.sqlite'));
    other.exec('CREATE TABLE t (x); BEGIN EXCLUSIVE');
    {
      await using client = await start(workspace);
      await settled(client);
      expect((await client.notification<contract.NoticeParams>(contract.NOTICE)).message).toContain('memory.sqlite');
      expect((await scoresOf(client, workspace.uri('a.trace.json')))?.every((s) => s !== null)).toBe(true);
    }
    other.close();
  });

  it('in a place that cannot be written is done without, with a sentence', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(3)), '.data/memory.sqlite/in-the-way': '' });
    await using client = await start(workspace);
    await settled(client);
    expect((await client.notification<contract.NoticeParams>(contract.NOTICE)).message).toContain('cannot be used');
    expect((await scoresOf(client, workspace.uri('a.trace.json')))?.every((s) => s !== null)).toBe(true);
  });

  it('serves two windows at once', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(40)) });
    await using one = await start(workspace);
    await using two = await start(workspace);
    await Promise.all([settled(one), settled(two)]);
    const uri = workspace.uri('a.trace.json');
    expect(await scoresOf(one, uri)).toEqual(await scoresOf(two, uri));
    expect([...one.notifications, ...two.notifications].filter((n) => n.method === contract.NOTICE)).toEqual([]);
  });
});

describe('sizes', () => {
  it('shows the first of ten thousand steps before it has scored the last', async () => {
    const text = pretty(planTrace(10_000));
    using workspace = testWorkspace();
    await using client = await start(workspace);
    const uri = workspace.uri('a.trace.json');
    await client.openDocument(uri, text);
    await client.notification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'scoring' && s.done > 30);
    const hints = await client.request<InlayHint[]>('textDocument/inlayHint', { textDocument: { uri }, range: { start: { line: 0, character: 0 }, end: { line: 60, character: 0 } } });
    expect(hints.length).toBeGreaterThan(5);
  });
});

describe('other ways to run', () => {
  it('scores with WebAssembly where the native runtime does not load', async () => {
    const text = pretty(planTrace(3));
    using workspace = testWorkspace({ 'a.trace.json': text });
    using native = testWorkspace({ 'a.trace.json': text });
    await using wasm = await start(workspace, { executionProvider: 'wasm' });
    await using usual = await start(native);
    await Promise.all([settled(wasm), settled(usual)]);
    const [a, b] = [await scoresOf(wasm, workspace.uri('a.trace.json')), await scoresOf(usual, native.uri('a.trace.json'))];
    // Other kernels round otherwise: the shown numbers may differ by one.
    for (const [i, score] of (a ?? []).entries()) expect(Math.abs((score ?? -99) - (b?.[i] ?? 99))).toBeLessThanOrEqual(1);
    expect(a).toHaveLength(3);
  });

  it('runs only the scorers and dimensions that the settings name', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(3)) });
    await using client = await start(workspace, { scorers: ['svm'], dimensions: ['reasoning_quality'] });
    await settled(client);
    const { markdown } = await client.request<contract.ExplainResult>(contract.EXPLAIN, { uri: workspace.uri('a.trace.json'), traceId: 'trace_test', stepId: 's1' });
    expect(markdown).toContain('| | consensus | svm |');
    expect(markdown).not.toContain('Relevance');
  });
});
