/** What the server remembers of scores, and the reports it makes of them. */
import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CodeLens, Diagnostic, Hover } from 'vscode-languageserver';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { LspClient } from '../support/lspClient.ts';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';

async function start(workspace: TestWorkspace): Promise<LspClient> {
  return await LspClient.start({
    workspaceFolders: [workspace.folder],
    initializationOptions: { protocolVersion: contract.PROTOCOL_VERSION, settings: defaultSettings(), dataFolder: workspace.path('.data'), isTrusted: true } satisfies contract.InitOptions,
  });
}

const settled = (client: LspClient): Promise<contract.SettledResult> => client.request(contract.SETTLED);
const report = async (client: LspClient, params: contract.ReportParams): Promise<string> => (await client.request<contract.ReportResult>(contract.REPORT, params)).text;

describe('a score that changes', () => {
  it('is told at the step, above the trace and in its history, with its cause; and still after a restart', async () => {
    const text = pretty(planTrace(4));
    const edited = pretty(planTrace(4, { change: { 2: 'Tray 3 holds 50 rows of 99 rolls, so 50 * 99 = 17, and therefore the baker has made -1200 rolls, which is impossible, so the second tray must have held 999999 rolls instead of 12, and 4 + 4 = 44.' } }));
    using workspace = testWorkspace({ 'a.trace.json': text });
    const uri = workspace.uri('a.trace.json');
    const history = { kind: 'history', uri, traceId: 'trace_test', stepId: 's3' } as const;
    {
      await using client = await start(workspace);
      await client.openDocument(uri, text);
      await settled(client);
      expect(await report(client, history)).toContain('nothing has changed since');
      await client.change(uri, 2, { text: edited });
      await settled(client);
      const page = await report(client, history);
      expect(page).toContain('the step was edited');
      // A later step did not change itself, what stands before it did.
      expect(await report(client, { ...history, stepId: 's4' })).toContain('an earlier step or the goal changed');
      const hover = await client.request<Hover>('textDocument/hover', { textDocument: { uri }, position: { line: edited.split('\n').findIndex((l) => l.includes('50 rows')), character: 8 } });
      expect(JSON.stringify(hover.contents)).toContain('Since it was last scored: **');
      expect(JSON.stringify(hover.contents)).toContain('Agreement **');
      const { items } = await client.request<{ items: Diagnostic[] }>('textDocument/diagnostic', { textDocument: { uri } });
      const drop = items.find((d) => d.code === 'score-regression');
      expect(drop?.message).toMatch(/^\d+ down: \d+ before, \d+ now \(the step was edited/);
      const lenses = await client.request<CodeLens[]>('textDocument/codeLens', { textDocument: { uri } });
      expect(lenses[0]?.command?.title).toMatch(/agreement \d+ · \d+ (up|down) on average/);
    }
    await using again = await start(workspace);
    await again.openDocument(uri, edited);
    await settled(again);
    expect(await report(again, history)).toContain('the step was edited');
    const { items } = await again.request<{ items: Diagnostic[] }>('textDocument/diagnostic', { textDocument: { uri } });
    expect(items.map((d) => d.code)).toContain('score-regression');
  });
});

describe('reports over the workspace', () => {
  it('count every remembered step, of files nobody opened too, and forget those of a deleted one', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(3, { id: 'a' })), 'b.trace.json': pretty(planTrace(5, { id: 'b' })) });
    await using client = await start(workspace);
    await settled(client);
    const statistics = await report(client, { kind: 'statistics' });
    expect(statistics).toContain('8 steps of 2 traces');
    expect(statistics).toMatch(/\| reasoning\\_quality \| svm \| 8 \|/);
    expect(await report(client, { kind: 'conflicts' })).toMatch(/Agreement \*\*\d+\*\*/);
    expect(await report(client, { kind: 'patterns' })).toContain('8 steps of 2 traces');
    expect(await report(client, { kind: 'review' })).toContain('](</b.trace.json#L');
    rmSync(workspace.path('b.trace.json'));
    await client.notify('workspace/didChangeWatchedFiles', { changes: [{ uri: workspace.uri('b.trace.json'), type: 3 }] });
    await settled(client);
    expect(await report(client, { kind: 'statistics' })).toContain('3 steps of 1 trace');
    const badges = client.notifications.filter((n) => n.method === contract.BADGE).map((n) => n.params as contract.BadgeParams);
    expect(new Set(badges.map((b) => b.uri))).toEqual(new Set([workspace.uri('a.trace.json'), workspace.uri('b.trace.json')]));
  });
  it('teach where nothing is remembered', async () => {
    using workspace = testWorkspace({});
    await using client = await start(workspace);
    expect(await report(client, { kind: 'statistics' })).toContain('Nothing is remembered yet');
  });
});
