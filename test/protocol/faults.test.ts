/** The server when the world around it misbehaves. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { InlayHint } from 'vscode-languageserver';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { LABEL_FILE_NAME } from '../../server/src/core/labels.ts';
import { CONSENSUS_SCORER } from '../../server/src/core/scoreRecord.ts';
import { percent } from '../../server/src/features/scoredTrace.ts';
import { history } from '../../server/src/storage/evaluationStore.ts';
import { LspClient } from '../support/lspClient.ts';
import { testStore } from '../support/memories.ts';
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

/** `SERVER_KILLS=200` for the full count. */
const KILLS = Number(process.env['SERVER_KILLS'] ?? 6);

describe('a server that is killed', () => {
  it(`${KILLS} times while it writes loses no score and no label that it answered`, async () => {
    using workspace = testWorkspace();
    const shown = new Map<string, number>();
    const labelled = new Set<string>();
    for (let round = 0; round < KILLS; round++) {
      const name = `r${round}`;
      const uri = workspace.uri(`${name}.trace.json`);
      const client = await start(workspace);
      let answered = 0;
      const work = (async () => {
        for (let steps = 1; ; steps++) {
          const text = pretty(planTrace(steps, { id: name }));
          // On disk too: the next server forgets what a file holds no longer.
          workspace.write(`${name}.trace.json`, text);
          if (steps === 1) await client.openDocument(uri, text);
          else await client.change(uri, steps, { text });
          await settled(client);
          for (const [i, score] of (await scoresOf(client, uri) ?? []).entries()) shown.set(`${name}.trace.json::${name}#s${i + 1}`, score ?? Number.NaN);
          const { kind } = await client.request<contract.LabelResult>(contract.LABEL, { uri, traceId: name, stepId: `s${steps}`, label: 'good' });
          if (kind === 'saved') labelled.add(`${name} s${steps}`);
          // A little later than the answer, each time elsewhere in what is written next.
          if (++answered === 1 + round % 3) setTimeout(() => void client.kill(), (round * 13) % 60);
        }
      })();
      await expect(work).rejects.toThrow();
      expect(answered).toBeGreaterThan(round % 3);

      const store = testStore(workspace.path('.data/memory.sqlite'));
      expect(store.db.pragma('integrity_check', { simple: true })).toBe('ok');
      expect(store.db.pragma('foreign_key_check')).toEqual([]);
      const isRemembered = ([id, score]: readonly [string, number]): boolean =>
        history(store, id).some((h) => h.scorer === CONSENSUS_SCORER && h.dimension === 'reasoning_quality' && h.points.some((p) => percent(p.score) === score));
      expect([...shown].filter((one) => !isRemembered(one))).toEqual([]);
      store.db.close();
      const lines = readFileSync(workspace.path(LABEL_FILE_NAME), 'utf8').split('\n');
      expect([...labelled].filter((one) => !lines.some((line) => one === stepOf(line)))).toEqual([]);
    }
  }, 30_000 + KILLS * 10_000);
});

/** `trace step` of a line of a label file; undefined where the kill left half of one. */
function stepOf(line: string): string | undefined {
  try {
    const { traceId, stepId } = JSON.parse(line) as { readonly traceId: string; readonly stepId: string };
    return `${traceId} ${stepId}`;
  } catch {
    return undefined;
  }
}

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
