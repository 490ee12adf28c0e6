/** Traces inside archives and compressed files, through the real server and the real command line. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Diagnostic, InlayHint, WorkspaceDiagnosticReport } from 'vscode-languageserver';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { LspClient } from '../support/lspClient.ts';
import { planTrace } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';
import { zipOf } from '../support/zipWriter.ts';

const FAR = { start: { line: 0, character: 0 }, end: { line: 1_000_000, character: 0 } };
const FIRST_LINE = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
const WRONG = 'Tray 5 holds 7 rows of 6 rolls, so 7 * 6 = 52, which belongs to tray 5.';
const PLAN = Buffer.from(`${JSON.stringify(planTrace(6, { id: 'packed', change: { 4: WRONG } }))}\n${JSON.stringify(planTrace(2, { id: 'second' }))}\n`);
const HEADER = { name: 'header.json', text: JSON.stringify({ version: 2, status: 'success', eval: { task: 'rolls', model: 'm' } }) };
const sample = (id: number): { readonly name: string; readonly text: string } => ({
  name: `samples/${id}_epoch_1.json`,
  text: JSON.stringify({ id, epoch: 1, input: 'How many rolls are there?', target: '', messages: [{ role: 'user', content: 'How many rolls are there?' }, { role: 'assistant', content: `Look at tray ${id} first.` }, { role: 'user', content: 'Go on.' }, { role: 'assistant', content: WRONG }] }, null, 2),
});

/** A workspace with one file of each kind, sound and broken, and a server that was shown it. */
async function started(files: Readonly<Record<string, Buffer>>): Promise<{ readonly workspace: TestWorkspace; readonly client: LspClient }> {
  const workspace = testWorkspace();
  for (const [name, bytes] of Object.entries(files)) writeFileSync(workspace.path(name), bytes);
  const settings = { ...defaultSettings(), include: ['**/*.eval', '**/*.zst', '**/*.gz'] };
  const client = await LspClient.start({ workspaceFolders: [workspace.folder], initializationOptions: { protocolVersion: contract.PROTOCOL_VERSION, settings, dataFolder: workspace.path('.data'), isTrusted: true } satisfies contract.InitOptions });
  await client.request(contract.SETTLED);
  return { workspace, client };
}

async function problemsIn(client: LspClient, uri: string): Promise<readonly Diagnostic[]> {
  const { items } = await client.request<WorkspaceDiagnosticReport>('workspace/diagnostic', { previousResultIds: [] });
  return items.flatMap((report) => (report.uri === uri && report.kind === 'full' ? report.items : []));
}

const readable = async (client: LspClient, uri: string): Promise<string> => (await client.request<contract.ReadableResult>(contract.READABLE, { uri })).text;

describe('a packed trace in the editor', () => {
  it.each([
    ['log.eval', zipOf([HEADER, sample(1), sample(2)]), 2],
    ['runs.jsonl.zst', zlib.zstdCompressSync(PLAN), 2],
    ['runs.jsonl.gz', zlib.gzipSync(PLAN), 2],
  ])('%s: Problems on its first line, steps and chips in its readable view', async (name, bytes, count) => {
    const { workspace, client } = await started({ [name]: bytes });
    using _gone = workspace;
    await using _closed = client;
    const uri = workspace.uri(name);
    const problems = await problemsIn(client, uri);
    const wrong = problems.find((p) => p.code === 'arithmetic-error');
    expect(wrong?.message).toContain('42');
    for (const problem of problems) {
      expect(problem.range).toEqual(FIRST_LINE);
      expect(problem.relatedInformation).toBeUndefined();
    }
    const text = await readable(client, uri);
    expect(text).toContain(WRONG);
    const view = `${contract.READABLE_SCHEME}:/${name}.readable.txt?${encodeURIComponent(uri)}`;
    await client.openDocument(view, text, { languageId: 'plaintext' });
    await client.request(contract.SETTLED);
    const { traces } = await client.request<contract.TracesResult>(contract.TRACES, { uri: view });
    expect(traces).toHaveLength(count);
    const steps = traces.flatMap((t) => t.steps);
    const chips = await client.request<InlayHint[]>('textDocument/inlayHint', { textDocument: { uri: view }, range: FAR });
    expect(chips).toHaveLength(steps.length);
    const { items } = await client.request<{ items: Diagnostic[] }>('textDocument/diagnostic', { textDocument: { uri: view } });
    const shown = items.find((p) => p.code === 'arithmetic-error');
    expect(text.split('\n')[shown?.range.start.line ?? 0]).toContain('7 * 6 = 52');
  });

  it('opened as if it were text is read from the disk', async () => {
    const bytes = zlib.zstdCompressSync(PLAN);
    const { workspace, client } = await started({ 'runs.jsonl.zst': bytes });
    using _gone = workspace;
    await using _closed = client;
    const uri = workspace.uri('runs.jsonl.zst');
    await client.openDocument(uri, bytes.toString('utf8'), { languageId: 'plaintext' });
    await client.request(contract.SETTLED);
    const { traces, isSingleLine } = await client.request<contract.TracesResult>(contract.TRACES, { uri });
    expect([traces.map((t) => t.traceId), isSingleLine]).toEqual([['packed', 'second'], true]);
  });

  it('that is broken is one sentence, in Problems and in the readable view', async () => {
    const archive = zipOf([HEADER, sample(1)]);
    const { workspace, client } = await started({ 'cut.eval': archive.subarray(0, archive.length - 30), 'bad.jsonl.zst': Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), Buffer.alloc(40, 7)]) });
    using _gone = workspace;
    await using _closed = client;
    for (const [name, message] of [['cut.eval', 'The archive is cut off or damaged'], ['bad.jsonl.zst', 'The file cannot be unpacked']] as const) {
      const uri = workspace.uri(name);
      const [problem, ...more] = await problemsIn(client, uri);
      expect(more).toEqual([]);
      expect(problem?.message).toContain(message);
      expect(await readable(client, uri)).toContain(message);
    }
  });

  it('that lacks members says so', async () => {
    const { workspace, client } = await started({ 'log.eval': zipOf([HEADER, sample(1), { ...sample(2), crc32: 1 }]) });
    using _gone = workspace;
    await using _closed = client;
    const problems = await problemsIn(client, workspace.uri('log.eval'));
    expect(problems.map((p) => p.message).join('\n')).toContain('1 of 3 members of the archive are not shown.');
  });
});

describe('a packed trace on the command line', () => {
  const run = (workspace: TestWorkspace, ...words: string[]): { readonly status: number | null; readonly records: readonly Readonly<Record<string, unknown>>[] } => {
    const { status, stdout } = spawnSync(process.execPath, [resolve('dist/server/cli.js'), ...words], { cwd: workspace.folder, encoding: 'utf8' });
    return { status, records: stdout.split('\n').filter((l) => l !== '').map((l) => JSON.parse(l) as Readonly<Record<string, unknown>>) };
  };

  it('is scored, found in a folder or named, without ranges', () => {
    using workspace = testWorkspace();
    writeFileSync(workspace.path('log.eval'), zipOf([HEADER, sample(1)]));
    writeFileSync(workspace.path('runs.jsonl.zst'), zlib.zstdCompressSync(PLAN));
    writeFileSync(workspace.path('runs.jsonl.gz'), zlib.gzipSync(PLAN));
    writeFileSync(workspace.path('other.zip'), zipOf([{ name: 'a.txt', text: 'a' }]));
    writeFileSync(workspace.path('notes.txt.gz'), zlib.gzipSync('just words\n'));
    const { status, records } = run(workspace, 'score', '.');
    expect(status).toBe(0);
    const steps = records.filter((r) => r['kind'] === 'step');
    expect(steps.map((s) => s['range'])).toEqual(Array.from({ length: 2 + 8 + 8 }, () => null));
    expect(steps.filter((s) => typeof s['score'] !== 'number')).toEqual([]);
    expect(records.filter((r) => r['kind'] === 'trace').map((r) => r['file'])).toEqual(['log.eval', 'runs.jsonl.gz', 'runs.jsonl.gz', 'runs.jsonl.zst', 'runs.jsonl.zst'].map((f) => expect.stringContaining(f) as unknown));
    expect(JSON.stringify(records)).toContain('"arithmetic-error"');
    const named = run(workspace, 'inspect', 'log.eval').records;
    expect(named).toMatchObject([{ kind: 'trace', format: 'inspect', steps: [{ range: null }, { range: null }] }]);
  });

  it('that is broken is an error with a sentence', () => {
    using workspace = testWorkspace();
    const archive = zipOf([HEADER, sample(1)]);
    writeFileSync(workspace.path('cut.eval'), archive.subarray(0, archive.length - 30));
    expect(run(workspace, 'inspect', 'cut.eval')).toMatchObject({ status: 1, records: [{ kind: 'error', message: expect.stringContaining('The archive is cut off or damaged') as unknown }] });
  });
});
