/** The receiver as the language server and the command line run it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { runAgent } from '../support/genAiAgent.ts';
import { LspClient } from '../support/lspClient.ts';
import { testWorkspace, type TestWorkspace } from '../support/workspace.ts';

const CLI = resolve('dist/server/cli.js');
const RUN = { goal: 'Find out when the shop opens.', tool: { name: 'look_up', args: '{}', result: 'From nine to five.' }, answer: 'It opens at nine.' };
const on = (port: number): contract.WireSettings => ({ ...defaultSettings(), receiver: { enabled: true, port } });
const send = (port: number): Promise<string> => runAgent(RUN, { url: `http://127.0.0.1:${port}`, encoding: 'protobuf', isGzip: true });

function start(workspace: TestWorkspace, settings: contract.WireSettings, isTrusted = true): Promise<LspClient> {
  return LspClient.start({
    workspaceFolders: [workspace.folder],
    initializationOptions: { protocolVersion: contract.PROTOCOL_VERSION, settings, dataFolder: workspace.path('.data'), isTrusted } satisfies contract.InitOptions,
  });
}

async function listening(client: LspClient): Promise<number> {
  const { receiver } = await client.notification<contract.ServerStatus>(contract.STATUS, (status) => status.receiver !== undefined);
  return receiver?.port ?? 0;
}

describe('the language server', () => {
  it('shows a run while it is received, without a watcher, and counts its spans', async () => {
    using workspace = testWorkspace();
    await using client = await start(workspace, on(0));
    const port = await listening(client);
    const traceId = await send(port);
    const { receiver } = await client.notification<contract.ServerStatus>(contract.STATUS, (status) => (status.receiver?.spans ?? 0) > 0);
    expect(receiver).toEqual({ port, spans: 4 });
    expect((await client.request<contract.SettledResult>(contract.SETTLED)).files).toBe(1);
    const uri = workspace.uri(`.stepscope/otlp/${traceId}.otlp.jsonl`);
    const found = await client.request<contract.TracesResult | null>(contract.TRACES, { uri });
    expect(found?.traces.map(({ goal, steps }) => [goal, steps.length])).toEqual([[RUN.goal, 2]]);
    expect(readFileSync(workspace.path('.stepscope/otlp/.gitignore'), 'utf8')).toBe('*\n');
  });

  it('takes up the setting, and lets go of the port when it is turned off', async () => {
    using workspace = testWorkspace();
    await using client = await start(workspace, defaultSettings());
    await client.request(contract.SETTLED);
    await client.notify('workspace/didChangeConfiguration', { settings: { stepscope: on(0) } });
    const port = await listening(client);
    expect((await client.notification<contract.NoticeParams>(contract.NOTICE)).message).toContain(`http://127.0.0.1:${port}`);
    const off = client.nextNotification<contract.ServerStatus>(contract.STATUS, (status) => status.receiver === undefined);
    await client.notify('workspace/didChangeConfiguration', { settings: { stepscope: defaultSettings() } });
    await off;
    await expect(fetch(`http://127.0.0.1:${port}/stepscope`)).rejects.toThrow();
  });

  it('never listens in an untrusted workspace', async () => {
    using workspace = testWorkspace();
    await using client = await start(workspace, on(0), false);
    await client.request(contract.SETTLED);
    await client.notify('workspace/didChangeConfiguration', { settings: { stepscope: on(0) } });
    await client.request(contract.SETTLED);
    expect(client.notifications.filter(({ method, params }) => method === contract.STATUS && (params as contract.ServerStatus).receiver !== undefined)).toEqual([]);
  });

  it('says in one sentence who has the port, and works on', async () => {
    using first = testWorkspace();
    using second = testWorkspace();
    await using holder = await start(first, on(0));
    const port = await listening(holder);
    await using client = await start(second, on(port));
    const { severity, message } = await client.notification<contract.NoticeParams>(contract.NOTICE);
    expect([severity, message]).toEqual(['warning', `Port ${port} is taken by StepScope in another window or terminal (process ${holder.process.pid}), which writes to ${first.path('.stepscope/otlp')}: nothing is received here. Close it, or set another stepscope.receiver.port.`]);
    expect(await client.request(contract.SETTLED)).toEqual({ files: 0, steps: 0 });
  });

  it('tells another program from another window', async () => {
    using workspace = testWorkspace();
    const other = createServer((_request, response) => void response.end('{}'));
    onTestFinished(() => void other.close());
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    await using client = await start(workspace, on(port));
    expect((await client.notification<contract.NoticeParams>(contract.NOTICE)).message).toContain(`Port ${port} is taken by another program`);
  });

  it('counts what it turned away in notices that grow rarer', async () => {
    using workspace = testWorkspace();
    await using client = await start(workspace, on(0));
    const port = await listening(client);
    for (let i = 0; i < 12; i++) await fetch(`http://127.0.0.1:${port}/v1/traces`, { method: 'POST', body: '{}', headers: { origin: 'https://evil.example' } });
    await client.notification<contract.NoticeParams>(contract.NOTICE, ({ id }) => id === 'receiver-turned-away-10');
    const messages = client.notifications.filter(({ method }) => method === contract.NOTICE).map(({ params }) => (params as contract.NoticeParams).message);
    expect(messages).toEqual([
      '1 request to the OTLP receiver was turned away so far; the latest: Web pages may not send here.',
      '10 requests to the OTLP receiver were turned away so far; the latest: Web pages may not send here.',
    ]);
  });
});

describe('stepscope receive', () => {
  const run = async (workspace: TestWorkspace, ...words: string[]): Promise<{ readonly child: ChildProcess; readonly port: number }> => {
    const child = spawn(process.execPath, [CLI, 'receive', ...words], { cwd: workspace.folder });
    onTestFinished(() => void child.kill('SIGKILL'));
    for await (const line of createInterface({ input: child.stdout })) {
      const { kind, url } = JSON.parse(line) as { readonly kind: string; readonly url: string };
      if (kind === 'listening') return { child, port: Number(new URL(url).port) };
    }
    throw new Error('It ended before it listened.');
  };

  it('keeps every span it has acknowledged through a kill, goes on in the same folder, and ends well when asked to', async () => {
    using workspace = testWorkspace();
    const { child, port } = await run(workspace, '--port', '0', '--folder', 'spans');
    const first = await send(port);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const again = await run(workspace, '--port', String(port), '--folder', 'spans');
    const second = await send(port);
    again.child.kill('SIGTERM');
    expect(await once(again.child, 'exit')).toEqual([0, null]);
    expect(readdirSync(workspace.path('spans')).sort()).toEqual(['.gitignore', ...[first, second].map((id) => `${id}.otlp.jsonl`).sort()]);
    for (const id of [first, second]) expect(readFileSync(workspace.path(`spans/${id}.otlp.jsonl`), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as unknown)).toHaveLength(4);
  });

  it('ends with one sentence where the port is taken, or is none', async () => {
    using workspace = testWorkspace();
    const { port } = await run(workspace, '--port', '0');
    for (const [word, status, sentence] of [[String(port), 1, 'taken by StepScope'], ['70000', 2, '--port needs a whole number']] as const) {
      const child = spawn(process.execPath, [CLI, 'receive', '--port', word], { cwd: workspace.folder });
      let err = '';
      child.stderr.setEncoding('utf8').on('data', (piece: string) => { err += piece; });
      expect(await once(child, 'close')).toEqual([status, null]);
      expect(err).toContain(sentence);
      expect(err).not.toMatch(/^\s+at /m);
    }
  });
});
