/** Scores written into trace files by the built server and the built command line. */
import { chmodSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { runCli } from '../support/commandLine.ts';
import { LspClient } from '../support/lspClient.ts';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';

type Entry = Readonly<Record<string, unknown>>;

async function run(workspace: TestWorkspace, words: readonly string[], user: { readonly uid?: number } = {}): Promise<{ readonly status: number | null; readonly lines: readonly Entry[]; readonly err: string }> {
  const { status, out, err } = await runCli(words, { cwd: workspace.folder, ...user });
  return { status, lines: out.split('\n').filter((l) => l !== '').map((l) => JSON.parse(l) as Entry), err };
}

const start = (workspace: TestWorkspace): Promise<LspClient> => LspClient.start({
  workspaceFolders: [workspace.folder], timeoutMs: 120_000,
  initializationOptions: { protocolVersion: contract.PROTOCOL_VERSION, settings: defaultSettings(), dataFolder: workspace.path('.data'), isTrusted: true } satisfies contract.InitOptions,
});
const ask = (client: LspClient, uri: string): Promise<contract.WriteBackResult> => client.request(contract.WRITE_BACK, { uri });

/** The document after the edits, made as an editor makes them: all against the text before. */
function applied(text: string, result: contract.WriteBackResult): string {
  if (result.kind === 'failed') throw new Error(result.message);
  return TextDocument.applyEdits(TextDocument.create('file:///x', 'json', 1, text), result.edits.map((e) => ({ range: { start: { ...e.range.start }, end: { ...e.range.end } }, newText: e.newText })));
}

/** Ours removed: what must be as it was. */
function others(text: string): unknown {
  const { step_scores: _steps, pipeline_score: _pipeline, mars_analysis: _mars, ...rest } = JSON.parse(text) as Record<string, unknown>;
  return rest;
}

describe('stepscope/writeBack', () => {
  it('waits until the trace is scored, shows the number of the picker, and has nothing to write the second time', async () => {
    const text = pretty(planTrace(5)).replaceAll('\n', '\r\n');
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = workspace.uri('a.trace.json');
    await client.openDocument(uri, text);
    // Asked at once: nothing is read or scored yet.
    const result = await ask(client, uri);
    expect(result).toMatchObject({ kind: 'edits', version: 1, traces: 1, steps: 5, notes: [] });
    const after = applied(text, result);
    expect(after.replaceAll('\r\n', '')).not.toContain('\n');
    expect(others(after)).toEqual(others(text));
    const shown = await client.request<contract.TracesResult>(contract.TRACES, { uri });
    const writtenSteps = (JSON.parse(after) as { step_scores: { scores: { reasoning_quality: { score: number } } }[] }).step_scores;
    expect(writtenSteps.map((s) => Math.round(s.scores.reasoning_quality.score))).toEqual(shown.traces[0]?.steps.map((s) => s.score));
    await client.change(uri, 2, { text: after });
    expect(await ask(client, uri)).toMatchObject({ kind: 'edits', edits: [], version: 2 });
    // Our own scores are no scores of the file.
    expect(JSON.stringify(await client.request('textDocument/hover', { textDocument: { uri }, position: { line: 0, character: 0 } }))).not.toContain('file:');
  });

  it('says what a file is that it does not write into', async () => {
    const text = `${JSON.stringify([{ role: 'user', content: 'What is 2 + 2?' }, { role: 'assistant', content: '2 + 2 = 4.' }])}\n`;
    using workspace = testWorkspace({ 'a.messages.json': text, 'b.trace.json': pretty(planTrace(2)) });
    await using client = await start(workspace);
    const uri = workspace.uri('a.messages.json');
    await client.openDocument(uri, text);
    await client.request(contract.SCORE_DOCUMENT, { uri });
    expect(await ask(client, uri)).toMatchObject({ kind: 'failed', message: expect.stringMatching(/^This is a .+ file\. Scores are written into PlanTrace JSON only/) as unknown });
    expect(await ask(client, workspace.uri('b.trace.json'))).toMatchObject({ kind: 'failed', message: expect.stringContaining('not open') as unknown });
  });

  it('writes nothing when it is cancelled or the trace is edited meanwhile', async () => {
    const text = pretty(planTrace(60));
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = workspace.uri('a.trace.json');
    await client.openDocument(uri, text);
    const abort = new AbortController();
    const stopped = client.request<contract.WriteBackResult>(contract.WRITE_BACK, { uri }, abort.signal);
    abort.abort();
    expect(await stopped).toMatchObject({ kind: 'failed', message: expect.stringContaining('nothing was written') as unknown });
    const overtaken = ask(client, uri);
    await client.change(uri, 2, { text: pretty(planTrace(3)) });
    expect(await overtaken).toMatchObject({ kind: 'failed', message: expect.stringContaining('nothing was written') as unknown });
    expect(await ask(client, uri)).toMatchObject({ kind: 'edits', version: 2, steps: 3 });
  });
});

describe('stepscope write-back', () => {
  it('writes what it said it would, keeps the mode, and writes nothing the second time', async () => {
    const text = `${JSON.stringify(planTrace(2, { id: 'a' }))}\n${JSON.stringify(planTrace(3, { id: 'b' }))}`;
    using workspace = testWorkspace({ 'a b.trace.jsonl': text });
    const path = workspace.path('a b.trace.jsonl');
    chmodSync(path, 0o600);
    const dry = await run(workspace, ['write-back', '--dry-run', 'a b.trace.jsonl']);
    expect(dry).toMatchObject({ status: 0, lines: [{ kind: 'write-back', file: 'a b.trace.jsonl', status: 'would-write', traces: 2, steps: 5, notes: [] }] });
    expect(readFileSync(path, 'utf8')).toBe(text);
    const wet = await run(workspace, ['write-back', 'a b.trace.jsonl']);
    expect(wet.lines).toEqual([{ ...dry.lines[0], status: 'written' }]);
    const after = readFileSync(path, 'utf8');
    expect(Buffer.byteLength(after)).toBe(wet.lines[0]?.['sizeBytes']);
    expect(after.split('\n').map(others)).toEqual(text.split('\n').map(others));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(workspace.folder)).toEqual(['a b.trace.jsonl']);
    expect((await run(workspace, ['write-back', 'a b.trace.jsonl'])).lines).toMatchObject([{ status: 'unchanged', traces: 2, steps: 5 }]);
    expect(readFileSync(path, 'utf8')).toBe(after);
  });

  it('passes over other formats in a folder and answers for them where they are named', async () => {
    const messages = JSON.stringify([{ role: 'user', content: 'What is 2 + 2?' }, { role: 'assistant', content: '2 + 2 = 4.' }]);
    using workspace = testWorkspace({ 'in/a.trace.json': pretty(planTrace(2)), 'in/b.messages.json': messages });
    const folder = await run(workspace, ['write-back', '--dry-run', 'in']);
    expect(folder).toMatchObject({ status: 0, lines: [{ file: join('in', 'a.trace.json'), status: 'would-write' }, { file: join('in', 'b.messages.json'), status: 'skipped' }] });
    const named = await run(workspace, ['write-back', 'in/b.messages.json']);
    expect(named).toMatchObject({ status: 1, lines: [{ kind: 'error', file: 'in/b.messages.json', message: expect.stringContaining('PlanTrace JSON only') as unknown }] });
    expect((await run(workspace, ['write-back'])).status).toBe(2);
  });

  it.skipIf(process.getuid?.() !== 0)('says what is read-only and goes on with the rest', async () => {
    const text = pretty(planTrace(2));
    using workspace = testWorkspace({ 'closed/a.trace.json': text, 'b.trace.json': text, 'c.trace.json': text });
    chmodSync(workspace.folder, 0o777);
    chmodSync(workspace.path('closed'), 0o555);
    chmodSync(workspace.path('closed/a.trace.json'), 0o666);
    chmodSync(workspace.path('b.trace.json'), 0o444);
    chmodSync(workspace.path('c.trace.json'), 0o666);
    const { status, lines } = await run(workspace, ['write-back', 'b.trace.json', 'c.trace.json', 'closed/a.trace.json'], { uid: 65_534 });
    expect(status).toBe(1);
    const readOnly = expect.stringContaining('the file or its folder is read-only') as unknown;
    expect(lines).toMatchObject([{ file: 'b.trace.json', message: readOnly }, { file: 'c.trace.json', status: 'written' }, { file: 'closed/a.trace.json', message: readOnly }]);
    expect([readFileSync(workspace.path('b.trace.json'), 'utf8'), readFileSync(workspace.path('closed/a.trace.json'), 'utf8')]).toEqual([text, text]);
  });
});
