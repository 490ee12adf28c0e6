/** Files too long to hold and files that an agent is writing, through the real server. */
import { appendFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Diagnostic, DocumentLink, InlayHint, WorkspaceDiagnosticReport } from 'vscode-languageserver';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { LspClient } from '../support/lspClient.ts';
import { currentOf, testStore } from '../support/memories.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';

const FAR = { start: { line: 0, character: 0 }, end: { line: 1_000_000, character: 0 } };
const WRONG = 'There are 7 rows of 6 rolls, so 7 * 6 = 52, and all of them are sold.';
const CHANGED = 2;

/** A line of a Claude Code session: the user asks first, then the agent speaks. */
const line = (i: number, text: string): string => `${JSON.stringify({
  type: i === 0 ? 'user' : 'assistant', uuid: `u${i}`, parentUuid: i === 0 ? null : `u${i - 1}`, sessionId: 's', timestamp: new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString(),
  message: i === 0 ? { role: 'user', content: text } : { id: `m${i}`, role: 'assistant', content: [{ type: 'text', text }] },
})}\n`;
const session = (count: number): string => Array.from({ length: count }, (_, i) => line(i, i === 0 ? 'Count the rolls.' : `Tray ${i} holds ${i + 2} rolls, which are counted one by one.`)).join('');

async function started(workspace: TestWorkspace, change: { readonly scoring?: { readonly inBackground: boolean }; readonly live?: { readonly notifyBadStep: boolean } } = {}): Promise<LspClient> {
  const settings = { ...defaultSettings(), ...change };
  const client = await LspClient.start({ workspaceFolders: [workspace.folder], timeoutMs: 60_000, initializationOptions: { protocolVersion: contract.PROTOCOL_VERSION, settings, dataFolder: workspace.path('.data'), isTrusted: true } satisfies contract.InitOptions });
  await client.request(contract.SETTLED);
  return client;
}

async function problemsIn(client: LspClient, uri: string): Promise<readonly Diagnostic[]> {
  const { items } = await client.request<WorkspaceDiagnosticReport>('workspace/diagnostic', { previousResultIds: [] });
  return items.flatMap((report) => (report.uri === uri && report.kind === 'full' ? report.items : []));
}

const steps = async (client: LspClient, uri: string): Promise<readonly contract.WireStep[]> => (await client.request<contract.TracesResult>(contract.TRACES, { uri })).traces.flatMap((t) => t.steps);
/** As VS Code spells the address of a page. */
const pageUri = (name: string, uri: string, page: number): string => `stepscope-readable:/${name}${page === 1 ? '' : `.page-${page}`}.readable.txt?${encodeURIComponent(uri)}`;
const changed = (client: LspClient, uri: string): Promise<void> => client.notify('workspace/didChangeWatchedFiles', { changes: [{ uri, type: CHANGED }] });
/** Waits until the file shows so many steps, all of them scored. */
async function scored(client: LspClient, uri: string, count: number): Promise<readonly contract.WireStep[]> {
  for (;;) {
    const told = client.nextNotification<contract.BadgeParams>(contract.BADGE, (b) => b.uri === uri);
    told.catch(() => undefined);
    const found = await steps(client, uri);
    if (found.length === count && found.every((s) => s.score !== null)) return found;
    await told;
  }
}

describe('a file of more than a few megabytes', () => {
  // 700 steps of some 17 KB.
  const long = (i: number): string => `Tray ${i} holds ${i + 2} rolls. ${'The agent counts them one by one and writes each number down. '.repeat(270)}`;
  const text = [line(0, 'Count the rolls.'), ...Array.from({ length: 700 }, (_, i) => line(i + 1, i === 650 ? WRONG : long(i)))].join('');

  it('is read without holding it: Problems at their lines, pages for reading, the newest steps at once', async () => {
    using workspace = testWorkspace();
    const uri = workspace.write('long.session.jsonl', text);
    expect(statSync(workspace.path('long.session.jsonl')).size).toBeGreaterThan(9e6);
    // Scoring 17 KB a step takes minutes: what rules find must not wait for it.
    await using client = await started(workspace, { scoring: { inBackground: false } });
    const wrong = (await problemsIn(client, uri)).find((p) => p.code === 'arithmetic-error');
    expect(wrong?.range.start.line).toBe(651);
    const lineText = text.split('\n')[651] ?? '';
    expect(lineText.slice(wrong?.range.start.character, wrong?.range.end.character)).toBe(WRONG);

    const [first, second] = [pageUri('long.session.jsonl', uri, 1), pageUri('long.session.jsonl', uri, 2)];
    const page = (await client.request<contract.ReadableResult>(contract.READABLE, { uri: second })).text;
    expect(page.split('\n')[0]).toBe('Page 2 of 2: steps 501 to 700 of 700 · Previous page');
    expect(page).toContain(WRONG);
    await client.openDocument(second, page);
    const links = await client.request<readonly DocumentLink[]>('textDocument/documentLink', { textDocument: { uri: second } });
    expect(links.map((l) => l.target)).toEqual([first, first]);
    const shown = await steps(client, second);
    expect(shown).toHaveLength(200);
    const bad = await client.request<contract.NextBadStepResult>(contract.NEXT_BAD_STEP, { uri: first, position: { line: 0, character: 0 }, direction: 'next' });
    expect(bad).toMatchObject({ uri: second, message: expect.stringContaining('Step 651 on page 2') as string });
    expect(page.split('\n')[bad.range.start.line]).toBe(WRONG);
    // The newest steps are looked at before their turn, and say that they are being refreshed.
    let hints: readonly InlayHint[] = [];
    while (!hints.some((h) => JSON.stringify(h.label).includes('↻'))) {
      const arrived = client.nextNotification(contract.DECORATIONS);
      arrived.catch(() => undefined);
      hints = await client.request<InlayHint[]>('textDocument/inlayHint', { textDocument: { uri: second }, range: FAR });
      if (hints.length === 0) await arrived;
    }
  });
});

describe('a long file whose scores are remembered', () => {
  it('is remembered with the words of its steps', async () => {
    using workspace = testWorkspace();
    const filler = `${JSON.stringify({ type: 'file-history-snapshot', messageId: 'f', snapshot: 'x'.repeat(9e6) })}\n`;
    const [first = '', ...rest] = session(601).split(/(?<=\n)/);
    workspace.write('long.session.jsonl', [first, filler, ...rest].join(''));
    const client = await started(workspace);
    await client.close();
    const titles = currentOf(testStore(workspace.path('.data/memory.sqlite'))).scorables.flatMap((s) => (s.stepId === '' ? [] : [s.title]));
    expect(titles).toEqual(Array.from({ length: 600 }, (_, i) => i + 1).map((i) => `Tray ${i} holds ${i + 2} rolls, which are counted one by one.`));
  });
});

describe('a file over the limit', () => {
  it('says what was not done and what to do, and is not read', async () => {
    using workspace = testWorkspace();
    const uri = workspace.write('huge.session.jsonl', session(3));
    // Sparse: two gigabytes that take no room.
    truncateSync(workspace.path('huge.session.jsonl'), 2_100_000_000);
    await using client = await started(workspace);
    const [problem, ...others] = await problemsIn(client, uri);
    expect(problem?.message).toMatch(/^This file has 2003 MB, more than stepscope\.limits\.maxFileSizeMB \(1000\)\. It was not read; raise the limit to score it\.$/);
    expect(others).toEqual([]);
    expect(await client.request(contract.TRACES, { uri })).toBeNull();
  });
});

describe('a file that grows', () => {
  it('is followed: new steps are scored, half lines wait, a rewind starts over', async () => {
    using workspace = testWorkspace();
    const uri = workspace.write('run.session.jsonl', session(4));
    const path = workspace.path('run.session.jsonl');
    await using client = await started(workspace);
    expect(await steps(client, uri)).toHaveLength(3);

    appendFileSync(path, line(4, 'Tray 4 holds 6 rolls, counted twice.'));
    const followed = client.nextNotification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'idle' && s.following === 1);
    await changed(client, uri);
    await followed;
    expect((await scored(client, uri, 4)).map((s) => s.title)[3]).toBe('Tray 4 holds 6 rolls, counted twice.');

    // From here on nobody tells the server: it watches by itself.
    const next = line(5, WRONG);
    appendFileSync(path, next.slice(0, 60));
    appendFileSync(path, next.slice(60));
    const five = await scored(client, uri, 5);
    expect(five).toHaveLength(5);
    await client.request(contract.SETTLED);
    expect((await problemsIn(client, uri)).find((p) => p.code === 'arithmetic-error')?.range.start.line).toBe(5);

    appendFileSync(path, line(6, 'Half a line is no step').slice(0, 40));
    truncateSync(path, Buffer.byteLength(session(3)));
    expect((await scored(client, uri, 2)).map((s) => s.range.start.line)).toEqual([1, 2]);

    writeFileSync(`${path}.new`, session(6));
    renameSync(`${path}.new`, path);
    expect(await scored(client, uri, 5)).toHaveLength(5);

    const gone = client.nextNotification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'idle' && s.traces === 0 && s.following === 0);
    rmSync(path);
    await gone;
    expect(await client.request(contract.TRACES, { uri })).toBeNull();
  });

  it('tells of the first bad step of a run when asked to, once, with the place', async () => {
    using workspace = testWorkspace();
    const uri = workspace.write('run.session.jsonl', session(4));
    const path = workspace.path('run.session.jsonl');
    await using client = await started(workspace, { live: { notifyBadStep: true } });
    const told = client.nextNotification<contract.NoticeParams>(contract.NOTICE);
    appendFileSync(path, line(4, WRONG));
    await changed(client, uri);
    const notice = await told;
    expect(notice).toMatchObject({ severity: 'warning', message: expect.stringMatching(/^run\.session\.jsonl: step 4 of a running agent is bad/) as string, goTo: { uri, position: { line: 4 } } });
    appendFileSync(path, line(5, `Once more: ${WRONG}`));
    await scored(client, uri, 5);
    await client.request(contract.SETTLED);
    expect(client.notifications.filter((n) => n.method === contract.NOTICE)).toHaveLength(1);
  });
});

describe('background scoring', () => {
  it('rests while it is paused, and goes on from there', async () => {
    using workspace = testWorkspace();
    const uri = workspace.write('run.session.jsonl', session(4));
    const settings = defaultSettings();
    await using client = await started(workspace, { scoring: { inBackground: false } });
    const status = client.notifications.filter((n) => n.method === contract.STATUS).at(-1)?.params as contract.ServerStatus;
    expect(status).toMatchObject({ kind: 'idle', isPaused: true });
    const { encodedSteps } = await client.request<contract.CountersResult>(contract.COUNTERS);
    expect(encodedSteps).toBe(0);
    await client.notify('workspace/didChangeConfiguration', { settings: { stepscope: { ...settings, scoring: { inBackground: true } } } });
    await client.request(contract.SETTLED);
    expect((await client.request<contract.CountersResult>(contract.COUNTERS)).encodedSteps).toBe(3);
    expect((await scored(client, uri, 3)).every((s) => s.score !== null)).toBe(true);
  });
});
