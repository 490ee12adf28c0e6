/** Reading a file by a format of the user's choice, and following a file that changes its format. */
import { describe, expect, it } from 'vitest';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { FORMATS } from '../../server/src/formats/registry.ts';
import { LspClient } from '../support/lspClient.ts';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';

/** Messages that no name and no mark make a trace: a user may know better. */
const MESSAGES = pretty([{ role: 'user', content: 'Count the rolls.' }, { role: 'assistant', content: 'There are twelve.' }]);

const start = (workspace: TestWorkspace): Promise<LspClient> =>
  LspClient.start({ workspaceFolders: [workspace.folder], initializationOptions: { protocolVersion: contract.PROTOCOL_VERSION, settings: defaultSettings(), dataFolder: workspace.path('.data'), isTrusted: true } satisfies contract.InitOptions });

const formatOf = async (client: LspClient, uri: string): Promise<string | undefined> => {
  await client.request(contract.SETTLED);
  return (await client.request<contract.TracesResult | null>(contract.TRACES, { uri }))?.traces[0]?.format;
};
const openAs = (client: LspClient, uri: string, format: string | null): Promise<contract.OpenAsResult> => client.request(contract.OPEN_AS, { uri, format });

describe('a format of the user’s choice', () => {
  it('is one of those the server names', async () => {
    using workspace = testWorkspace();
    await using client = await start(workspace);
    const { formats } = await client.request<contract.FormatsResult>(contract.FORMATS);
    expect(formats).toEqual(FORMATS.map(({ id, title }) => ({ id, title })));
  });

  it('counts for edits and after the file was closed, until it is detected again', async () => {
    using workspace = testWorkspace({ 'dump.json': MESSAGES });
    await using client = await start(workspace);
    const uri = workspace.uri('dump.json');
    await client.openDocument(uri, MESSAGES);
    expect(await formatOf(client, uri)).toBeUndefined();
    expect(await openAs(client, uri, 'openai-messages')).toEqual({ kind: 'opened', title: 'OpenAI messages', traces: 1, steps: 1 });
    await client.change(uri, 2, { text: MESSAGES.replace('twelve', 'thirteen') });
    expect(await formatOf(client, uri)).toBe('openai-messages');
    await client.closeDocument(uri);
    await client.openDocument(uri, MESSAGES);
    expect(await formatOf(client, uri)).toBe('openai-messages');
    expect(await openAs(client, uri, null)).toMatchObject({ kind: 'opened' });
  });

  it('in which nothing can be read changes nothing, and says so', async () => {
    const text = pretty(planTrace(3));
    using workspace = testWorkspace({ 'a.trace.json': text });
    await using client = await start(workspace);
    const uri = workspace.uri('a.trace.json');
    await client.openDocument(uri, text);
    expect(await formatOf(client, uri)).toBe('plan-trace');
    expect(await openAs(client, uri, 'atif')).toMatchObject({ kind: 'failed', message: expect.stringMatching(/^Nothing in this file could be read as .*It is read as before\.$/) as unknown });
    expect(await formatOf(client, uri)).toBe('plan-trace');
    expect(await openAs(client, uri, 'hologram')).toEqual({ kind: 'failed', message: 'There is no trace format "hologram".' });
  });

  it('may be given to a file that nobody has open', async () => {
    using workspace = testWorkspace({ 'dump.json': MESSAGES, 'words.json': '{"a": 1}' });
    await using client = await start(workspace);
    expect(await openAs(client, workspace.uri('dump.json'), 'openai-messages')).toMatchObject({ kind: 'opened', steps: 1 });
    expect(await openAs(client, workspace.uri('words.json'), 'openai-messages')).toMatchObject({ kind: 'failed' });
    expect(await openAs(client, workspace.uri('words.json'), null)).toMatchObject({ kind: 'failed', message: expect.stringContaining('No trace was found') as unknown });
  });
});

describe('a file that changes its format while it is open', () => {
  it('is read as what it is', async () => {
    const plan = pretty(planTrace(3));
    using workspace = testWorkspace({ 'a.trace.json': plan });
    await using client = await start(workspace);
    const uri = workspace.uri('a.trace.json');
    await client.openDocument(uri, plan);
    expect(await formatOf(client, uri)).toBe('plan-trace');
    await client.change(uri, 2, { text: MESSAGES });
    expect(await formatOf(client, uri)).toBe('openai-messages');
    await client.change(uri, 3, { text: '' });
    expect(await formatOf(client, uri)).toBeUndefined();
    await client.change(uri, 4, { text: plan });
    expect(await formatOf(client, uri)).toBe('plan-trace');
  });
});
