/** The real server over stdio: what an editor asks and what it is told. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CodeAction, CodeLens, Diagnostic, DocumentSymbol, FoldingRange, Hover, InlayHint, WorkspaceDiagnosticReport } from 'vscode-languageserver';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { LspClient } from '../support/lspClient.ts';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';

const FAR = { start: { line: 0, character: 0 }, end: { line: 1_000_000, character: 0 } };
const WRONG = { 4: 'Tray 5 holds 7 rows of 6 rolls, so 7 * 6 = 52, which belongs to tray 5.' };

async function start(workspace: TestWorkspace, settings: Partial<contract.WireSettings> = {}): Promise<LspClient> {
  return await LspClient.start({
    workspaceFolders: [workspace.folder],
    initializationOptions: { protocolVersion: contract.PROTOCOL_VERSION, settings: { ...defaultSettings(), ...settings }, dataFolder: workspace.path('.data'), isTrusted: true } satisfies contract.InitOptions,
  });
}

const settled = (client: LspClient): Promise<contract.SettledResult> => client.request(contract.SETTLED);
/** Opens a.trace.json with this text and waits until everything of it is scored. */
async function open(client: LspClient, workspace: TestWorkspace, text: string): Promise<string> {
  const uri = workspace.uri('a.trace.json');
  await client.openDocument(uri, text);
  await settled(client);
  return uri;
}
const tracesOf = async (client: LspClient, uri: string): Promise<contract.TracesResult> => {
  const result = await client.request<contract.TracesResult | null>(contract.TRACES, { uri });
  if (result === null) throw new Error(`${uri} is no trace to the server`);
  return result;
};
const diagnosticsOf = async (client: LspClient, uri: string): Promise<readonly Diagnostic[]> =>
  (await client.request<{ items: Diagnostic[] }>('textDocument/diagnostic', { textDocument: { uri } })).items;
const hints = (client: LspClient, uri: string): Promise<InlayHint[]> => client.request('textDocument/inlayHint', { textDocument: { uri }, range: FAR });

describe('an open trace', () => {
  it('shows one and the same number in chip, hover, outline and picker', async () => {
    const text = pretty(planTrace(6, { change: WRONG }));
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = await open(client, workspace, text);
    const { traces } = await tracesOf(client, uri);
    const steps = traces[0]?.steps ?? [];
    expect(steps).toHaveLength(6);
    const chips = await hints(client, uri);
    expect(chips).toHaveLength(6);
    const [root] = await client.request<DocumentSymbol[]>('textDocument/documentSymbol', { textDocument: { uri } });
    for (const [i, step] of steps.entries()) {
      expect(step.score).toBeTypeOf('number');
      expect(String(chips[i]?.label)).toMatch(new RegExp(`^${step.score}( |$)`));
      expect(root?.children?.[i]?.detail).toMatch(new RegExp(`^${step.score}( |$)`));
      const hover = await client.request<Hover>('textDocument/hover', { textDocument: { uri }, position: step.range.start });
      expect(JSON.stringify(hover.contents)).toContain(`**${step.score}**`);
    }
    const overview = await client.request<Hover>('textDocument/hover', { textDocument: { uri }, position: { line: 0, character: 0 } });
    expect(JSON.stringify(overview.contents)).toContain('6 steps');
    const folds = await client.request<FoldingRange[]>('textDocument/foldingRange', { textDocument: { uri } });
    expect(folds.length).toBeGreaterThanOrEqual(6);
    const lenses = await client.request<CodeLens[]>('textDocument/codeLens', { textDocument: { uri } });
    expect(lenses.map((l) => l.command?.title).join(' | ')).toMatch(/^6 steps · worst #5 \(arithmetic-error\) · average \d+ · agreement \d+ \| Re-score$/);
  });

  it('puts the equation that does not hold into Problems at the step, with quick fixes', async () => {
    const text = pretty(planTrace(6, { change: WRONG }));
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = await open(client, workspace, text);
    const wrong = (await diagnosticsOf(client, uri)).find((d) => d.code === 'arithmetic-error');
    expect(wrong?.message).toContain('42');
    const lines = text.split('\n');
    expect(lines[wrong?.range.start.line ?? 0]).toContain('7 * 6 = 52');
    const actions = await client.request<CodeAction[]>('textDocument/codeAction', { textDocument: { uri }, range: wrong?.range, context: { diagnostics: wrong === undefined ? [] : [wrong] } });
    expect(actions.map((a) => a.title)).toEqual([
      'Re-score this step', 'Label step: good', 'Label step: bad', 'Label step: first bad step', 'Go to the next bad step', 'Copy the explanation', 'Show the score history', 'Mute arithmetic-error in this workspace',
    ]);
    const next = await client.request<contract.NextBadStepResult>(contract.NEXT_BAD_STEP, { uri, position: { line: 0, character: 0 }, direction: 'next' });
    expect(next.message).toContain('Step');
  });

  it('compares two steps, each in its place, the same whoever is named first', async () => {
    const text = pretty(planTrace(6, { change: WRONG }));
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = await open(client, workspace, text);
    const ask = (stepIds: readonly [string, string]): Promise<contract.CompareResult> => client.request(contract.COMPARE, { uri, traceId: 'trace_test', stepIds });
    const there = await ask(['s2', 's5']);
    const back = await ask(['s5', 's2']);
    if (there.kind !== 'compared' || back.kind !== 'compared') throw new Error('both should have been compared');
    expect(there.verdict).toMatch(/step 2|step 5/);
    expect(there.markdown).toContain(there.verdict);
    there.dimensions.forEach((d, i) => expect(Math.abs(d.preferFirst + (back.dimensions[i]?.preferFirst ?? 0) - 100)).toBeLessThanOrEqual(1));
    expect(await ask(['s2', 's2'])).toMatchObject({ kind: 'failed' });
    expect(await ask(['s2', 'gone'])).toMatchObject({ kind: 'failed' });
  });

  it('reads only what an edit or a new step changed', async () => {
    const trace = planTrace(100);
    using workspace = testWorkspace({ 'a.trace.json': pretty(trace) });
    await using client = await start(workspace);
    const uri = workspace.uri('a.trace.json');
    await client.openDocument(uri, pretty(trace));
    await settled(client);
    const before = await client.request<contract.CountersResult>(contract.COUNTERS);
    expect(before.encodedSteps).toBe(100);

    await client.change(uri, 2, { text: pretty(planTrace(100, { change: { 49: 'Tray 50 was dropped on the floor, so nothing of it counts.' } })) });
    await settled(client);
    const edited = await client.request<contract.CountersResult>(contract.COUNTERS);
    // The edited step and the 50 that stand on it.
    expect(edited.encodedSteps - before.encodedSteps).toBe(51);
    expect(edited.windows - before.windows).toBeLessThan(before.windows);

    await client.change(uri, 3, { text: pretty(planTrace(101, { change: { 49: 'Tray 50 was dropped on the floor, so nothing of it counts.' } })) });
    await settled(client);
    const appended = await client.request<contract.CountersResult>(contract.COUNTERS);
    expect(appended.encodedSteps - edited.encodedSteps).toBe(1);
    expect(appended.windows - edited.windows).toBe(1);
    expect(appended.lastEncodedStepIds).toEqual(['s101']);
    expect(appended.headRows - edited.headRows).toBe((await tracesOf(client, uri)).scorers.filter((s) => s !== 'rules').length);
  });

  it('gives a prefix the same scores as the whole', async () => {
    using workspace = testWorkspace({ 'whole.trace.json': pretty(planTrace(9)), 'prefix.trace.json': pretty(planTrace(4)) });
    await using client = await start(workspace);
    await settled(client);
    const whole = await tracesOf(client, workspace.uri('whole.trace.json'));
    const prefix = await tracesOf(client, workspace.uri('prefix.trace.json'));
    expect(prefix.traces[0]?.steps.map((s) => s.score)).toEqual(whole.traces[0]?.steps.slice(0, 4).map((s) => s.score));
  });

  it('re-scores past the cache and finds nothing changed', async () => {
    const text = pretty(planTrace(5));
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = await open(client, workspace, text);
    const before = await client.request<contract.CountersResult>(contract.COUNTERS);
    expect(await client.request(contract.RESCORE, { scope: 'step', uri, traceId: 'trace_test', stepId: 's3' })).toEqual({ steps: 1, changed: 0, cancelled: false });
    const after = await client.request<contract.CountersResult>(contract.COUNTERS);
    expect(after.encodedSteps - before.encodedSteps).toBe(1);
    expect(await client.request(contract.RESCORE, { scope: 'trace', uri, traceId: 'trace_test' })).toEqual({ steps: 5, changed: 0, cancelled: false });
  });

  it('shows a file of one line with one chip, exact problems and a readable text with all of it', async () => {
    const text = JSON.stringify(planTrace(6, { change: WRONG }));
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = await open(client, workspace, text);
    expect((await tracesOf(client, uri)).isSingleLine).toBe(true);
    expect(await hints(client, uri)).toHaveLength(1);
    const wrong = (await diagnosticsOf(client, uri)).find((d) => d.code === 'arithmetic-error');
    expect(text.slice(wrong?.range.start.character, wrong?.range.end.character)).toContain('7 * 6 = 52');

    const readable = `${contract.READABLE_SCHEME}:/a.readable.txt?${encodeURIComponent(uri)}`;
    const { text: shown } = await client.request<contract.ReadableResult>(contract.READABLE, { uri });
    await client.openDocument(readable, shown, { languageId: 'plaintext' });
    expect(await hints(client, readable)).toHaveLength(6);
    const there = (await diagnosticsOf(client, readable)).find((d) => d.code === 'arithmetic-error');
    expect(shown.split('\n')[there?.range.start.line ?? 0]).toContain('7 * 6 = 52');
  });
});

describe('labels', () => {
  it('are written beside the trace, count at once, outlive an edit and can be taken back', async () => {
    const text = pretty(planTrace(5));
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = await open(client, workspace, text);
    const given = await client.request<contract.LabelResult>(contract.LABEL, { uri, traceId: 'trace_test', stepId: 's3', label: 'first_bad', author: 'Ada' });
    expect(given).toMatchObject({ kind: 'saved', previous: null });
    expect(readFileSync(workspace.path('stepscope-labels.jsonl'), 'utf8')).toContain('"label":"first_bad","author":"Ada"');
    expect((await tracesOf(client, uri)).traces[0]?.steps[2]).toMatchObject({ label: 'first_bad', isBad: true });
    expect((await diagnosticsOf(client, uri)).map((d) => d.message)).toContain('0: human: labelled the first bad step by Ada');

    const renamed = planTrace(5);
    const third = renamed.execution_steps[2];
    if (third !== undefined) renamed.execution_steps[2] = { ...third, step_id: 'another-id' };
    await client.change(uri, 2, { text: pretty(renamed) });
    await settled(client);
    expect((await tracesOf(client, uri)).traces[0]?.steps[2]).toMatchObject({ stepId: 'another-id', label: 'first_bad' });

    await client.change(uri, 3, { text });
    await settled(client);
    expect(await client.request(contract.LABEL, { uri, traceId: 'trace_test', stepId: 's3', label: null })).toMatchObject({ kind: 'saved', previous: 'first_bad' });
    expect((await tracesOf(client, uri)).traces[0]?.steps[2]?.label).toBeNull();
  });

  it('follow a change of the label file by somebody else', async () => {
    const text = pretty(planTrace(3));
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = await open(client, workspace, text);
    writeFileSync(workspace.path('stepscope-labels.jsonl'), `${JSON.stringify({ file: 'a.trace.json', traceId: 'trace_test', stepId: 's2', label: 'bad' })}\n`);
    await client.notify('workspace/didChangeWatchedFiles', { changes: [{ uri: workspace.uri('stepscope-labels.jsonl'), type: 1 }] });
    await client.nextNotification<contract.DecorationsParams>(contract.DECORATIONS, (d) => d.uri === uri && d.bad.length > 0);
    expect((await tracesOf(client, uri)).traces[0]?.steps[1]?.label).toBe('bad');
  });
});

describe('the workspace', () => {
  const poll = async (client: LspClient, previous: readonly { uri: string; value: string }[]) => await client.request<WorkspaceDiagnosticReport>('workspace/diagnostic', { previousResultIds: previous });

  it('reports files nobody opened, holds the poll while nothing changes, and empties what is deleted', async () => {
    using workspace = testWorkspace({ 'deep/er/a.trace.json': pretty(planTrace(6, { change: WRONG })), 'package.json': '{"name":"x","version":"1.0.0"}' });
    await using client = await start(workspace);
    await settled(client);
    const uri = workspace.uri('deep/er/a.trace.json');
    const first = await poll(client, []);
    expect(first.items.map((i) => i.uri)).toEqual([uri]);
    const [report] = first.items;
    if (report?.kind !== 'full') throw new Error('a full report was expected');
    expect(report.items.some((d) => d.code === 'arithmetic-error')).toBe(true);

    const held = poll(client, [{ uri, value: report.resultId ?? '' }]);
    rmSync(workspace.path('deep/er/a.trace.json'));
    await client.notify('workspace/didChangeWatchedFiles', { changes: [{ uri, type: 3 }] });
    expect((await held).items).toMatchObject([{ kind: 'full', uri, items: [] }]);
  });

  it('reads a file changed outside the editor again', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(3)) });
    await using client = await start(workspace);
    await settled(client);
    workspace.write('a.trace.json', pretty(planTrace(7)));
    await client.notify('workspace/didChangeWatchedFiles', { changes: [{ uri: workspace.uri('a.trace.json'), type: 2 }] });
    await client.notification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'idle' && s.steps === 7);
  });

  it('starts warm: a second session scores nothing again', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(12)) });
    const scores: unknown[] = [];
    for (const expectedReads of [12, 0]) {
      await using client = await start(workspace);
      await settled(client);
      scores.push((await tracesOf(client, workspace.uri('a.trace.json'))).traces);
      expect((await client.request<contract.CountersResult>(contract.COUNTERS)).encodedSteps).toBe(expectedReads);
    }
    expect(scores[1]).toEqual(scores[0]);
  });

  it('obeys .stepscope.json, live, and says what is wrong in it', async () => {
    const text = pretty(planTrace(6, { change: WRONG }));
    using workspace = testWorkspace({ 'a.trace.json': text, '.stepscope.json': '{"problems":{"arithmetic-error":{"severity":"error"}},"falseAlarmRate":99}' });
    await using client = await start(workspace);
    const uri = await open(client, workspace, text);
    expect((await client.notification<contract.NoticeParams>(contract.NOTICE)).message).toContain('falseAlarmRate');
    expect((await diagnosticsOf(client, uri)).find((d) => d.code === 'arithmetic-error')?.severity).toBe(1);
    workspace.write('.stepscope.json', '{"problems":{"arithmetic-error":{"severity":"off"}}}');
    await client.notify('workspace/didChangeWatchedFiles', { changes: [{ uri: workspace.uri('.stepscope.json'), type: 2 }] });
    await settled(client);
    expect((await diagnosticsOf(client, uri)).some((d) => d.code === 'arithmetic-error')).toBe(false);
  });
});

describe('bad input', () => {
  it.each([
    ['empty.trace.json', '', 'empty'],
    ['broken.trace.json', '{"trace_id": ]', 'valid JSON'],
  ])('%s is answered in the file', async (name, text, sentence) => {
    using workspace = testWorkspace({ [name]: text });
    await using client = await start(workspace);
    const uri = workspace.uri(name);
    await client.openDocument(uri, text);
    await settled(client);
    expect((await diagnosticsOf(client, uri)).map((d) => d.message).join()).toContain(sentence);
  });

  it.each([['package.json', '{"name":"x","scripts":{"a":"b"}}'], ['tsconfig.json', '{"compilerOptions":{}}'], ['data.jsonl', '{"a":1}\n{"a":2}\n']])('%s gives nothing at all', async (name, text) => {
    using workspace = testWorkspace({ [name]: text });
    await using client = await start(workspace);
    const uri = workspace.uri(name);
    await client.openDocument(uri, text);
    await settled(client);
    expect(await diagnosticsOf(client, uri)).toEqual([]);
    expect(await hints(client, uri)).toEqual([]);
    expect(await client.request(contract.TRACES, { uri })).toBeNull();
  });

  it('shows the readable half of half a file and says that it is half', async () => {
    const whole = pretty(planTrace(8));
    const text = whole.slice(0, Math.floor(whole.length * 0.6));
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = await open(client, workspace, text);
    expect((await tracesOf(client, uri)).traces[0]?.steps.length).toBeGreaterThanOrEqual(4);
    expect((await diagnosticsOf(client, uri)).some((d) => d.code === 'file-not-strict-json')).toBe(true);
  });

  it('takes NUL bytes, deep nesting and one huge string', async () => {
    const trace = planTrace(3);
    const [first, second, third] = trace.execution_steps;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three steps were expected');
    trace.execution_steps = [
      { ...first, output_text: 'a\u0000b is a name with a NUL in it' }, { ...second, extra: JSON.parse(`${'['.repeat(2000)}${']'.repeat(2000)}`) as unknown },
      { ...third, output_text: 'word and number 17 again '.repeat(200_000) },
    ];
    const text = pretty(trace);
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = await open(client, workspace, text);
    expect((await tracesOf(client, uri)).traces[0]?.steps.map((s) => typeof s.score)).toEqual(['number', 'number', 'number']);
  });

  it('starts a new memory where the old one is damaged, keeps the old one, and says so', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(3)), '.data/memory.sqlite': 'this is no database, but it is long enough to be taken for one'.repeat(40) });
    await using client = await start(workspace);
    await settled(client);
    expect((await client.notification<contract.NoticeParams>(contract.NOTICE)).message).toContain('was damaged');
    expect((await tracesOf(client, workspace.uri('a.trace.json'))).traces[0]?.steps.every((s) => s.score !== null)).toBe(true);
  });

  it('says in one sentence when a label cannot be written', async () => {
    if (process.getuid?.() === 0) {
      // Root writes through permissions: a folder in the file's place stops it just as well.
      using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(2)), 'stepscope-labels.jsonl/x': '' });
      await using client = await start(workspace);
      await settled(client);
      const answer = await client.request<contract.LabelResult>(contract.LABEL, { uri: workspace.uri('a.trace.json'), traceId: 'trace_test', stepId: 's1', label: 'bad' });
      expect(answer).toMatchObject({ kind: 'failed' });
      return;
    }
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(2)) });
    await using client = await start(workspace);
    await settled(client);
    chmodSync(workspace.folder, 0o500);
    const answer = await client.request<contract.LabelResult>(contract.LABEL, { uri: workspace.uri('a.trace.json'), traceId: 'trace_test', stepId: 's1', label: 'bad' });
    chmodSync(workspace.folder, 0o700);
    expect(answer).toMatchObject({ kind: 'failed' });
    expect(existsSync(workspace.path('stepscope-labels.jsonl'))).toBe(false);
  });

  it('goes on with the rules when a model is missing, and says which', async () => {
    const text = pretty(planTrace(6, { change: WRONG }));
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await LspClient.start({
      workspaceFolders: [workspace.folder], server: { env: { STEPSCOPE_MODELS: workspace.path('no-models') } },
      initializationOptions: { settings: defaultSettings(), dataFolder: workspace.path('.data') },
    });
    const uri = await open(client, workspace, text);
    expect((await client.notification<contract.NoticeParams>(contract.NOTICE, (n) => n.severity === 'error')).message).toContain('no-models');
    expect((await diagnosticsOf(client, uri)).some((d) => d.code === 'arithmetic-error')).toBe(true);
  });
});

describe('coming to an end', () => {
  it('shuts down cleanly in the middle of scoring, fifty times', async () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(150)) });
    const uri = workspace.uri('a.trace.json');
    for (let round = 0; round < 50; round++) {
      rmSync(workspace.path('.data'), { recursive: true, force: true });
      const client = await start(workspace);
      const scoring = client.notification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'scoring' && s.done >= (round % 3) * 12);
      await client.openDocument(uri, readFileSync(workspace.path('a.trace.json'), 'utf8'));
      await scoring;
      if (round % 3 === 2) expect(await client.kill('SIGTERM')).toBe(0);
      else await client.close();
    }
  }, 240_000);

  it('stops a re-score that is cancelled and scores on afterwards', async () => {
    const text = pretty(planTrace(120));
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = await open(client, workspace, text);
    const abort = new AbortController();
    const running = client.nextNotification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'scoring' && s.done > 0 && s.done < 120);
    const answer = client.request<contract.RescoreResult>(contract.RESCORE, { scope: 'file', uri }, abort.signal);
    await running;
    abort.abort();
    expect((await answer).cancelled).toBe(true);
    expect(await client.request(contract.RESCORE, { scope: 'step', uri, traceId: 'trace_test', stepId: 's1' })).toMatchObject({ steps: 1, cancelled: false });
  });

  it('loses no label when killed, and a new server shows it', async () => {
    const text = pretty(planTrace(4));
    using workspace = testWorkspace({ 'a.trace.json': text });
    const uri = workspace.uri('a.trace.json');
    const first = await start(workspace);
    await settled(first);
    await first.request(contract.LABEL, { uri, traceId: 'trace_test', stepId: 's2', label: 'good' });
    await first.kill();
    await using second = await start(workspace);
    await settled(second);
    expect((await tracesOf(second, uri)).traces[0]?.steps[1]).toMatchObject({ label: 'good', isBad: false });
  });
});
