/** Long files when the world around the index misbehaves: the server dies, the file moves, there is no room and no permission. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Diagnostic, WorkspaceDiagnosticReport } from 'vscode-languageserver';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { claudeTurn, CLAUDE_START, writeClaudeSession } from '../support/claudeSession.ts';
import { LspClient } from '../support/lspClient.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';

const LONG_BYTES = 30e6;
const NAME = 'long.session.jsonl';
const WRONG = 'There are 7 rows of 6 rolls, so 7 * 6 = 52, and all of them are sold.';
const [CHANGED, DELETED] = [2, 3];

/** Scoring long files takes minutes: off unless asked for. The folder for temporary files is the test's own. */
function started(workspace: TestWorkspace, { temporary = workspace.path('tmp'), isScored = false } = {}): Promise<LspClient> {
  mkdirSync(workspace.path('tmp'), { recursive: true });
  return LspClient.start({
    workspaceFolders: [workspace.folder], timeoutMs: 30_000, server: { env: { TMPDIR: temporary, TMP: temporary, TEMP: temporary } },
    initializationOptions: { protocolVersion: contract.PROTOCOL_VERSION, settings: { ...defaultSettings(), scoring: { inBackground: isScored } }, dataFolder: workspace.path('.data'), isTrusted: true } satisfies contract.InitOptions,
  });
}

/** Resolves while the worker is at a file, with much of it before it. */
async function isReading(client: LspClient): Promise<void> {
  await client.notification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'reading' && s.done < s.total / 2);
}

/** What the Problems view shows of a file. */
async function problemsIn(client: LspClient, uri: string): Promise<readonly Diagnostic[]> {
  const { items } = await client.request<WorkspaceDiagnosticReport>('workspace/diagnostic', { previousResultIds: [] });
  return items.flatMap((report) => (report.uri === uri && report.kind === 'full' ? report.items : []));
}

const sentences = async (client: LspClient, uri: string): Promise<readonly string[]> => (await problemsIn(client, uri)).map(({ message }) => (typeof message === 'string' ? message : message.value));
const tell = (client: LspClient, uri: string, type: number): Promise<void> => client.notify('workspace/didChangeWatchedFiles', { changes: [{ uri, type }] });
const settled = (client: LspClient): Promise<contract.SettledResult> => client.request(contract.SETTLED);
const spills = (workspace: TestWorkspace): readonly string[] => readdirSync(workspace.path('tmp')).filter((name) => name.endsWith('.spill'));
const readablePage = async (client: LspClient, uri: string): Promise<string> => (await client.request<contract.ReadableResult>(contract.READABLE, { uri: `stepscope-readable:/${NAME}.readable.txt?${encodeURIComponent(uri)}` })).text;

describe('a long file that is being indexed', () => {
  it('is read by the next server when this one is killed, and nothing stays in the temporary folder', async () => {
    using workspace = testWorkspace();
    const turns = writeClaudeSession(workspace.path(NAME), LONG_BYTES);
    const first = await started(workspace);
    await isReading(first);
    const pid = first.process.pid ?? 0;
    await first.kill();
    // As a server leaves it that is killed between making the file and opening it.
    writeFileSync(workspace.path(`tmp/stepscope-${pid}-left.spill`), 'words');
    {
      await using second = await started(workspace);
      expect(await settled(second)).toEqual({ files: 1, steps: turns });
      expect(spills(workspace)).toEqual([]);
    }
    expect(spills(workspace)).toEqual([]);
  });

  it('is read as it stands after another was put in its place', async () => {
    using workspace = testWorkspace();
    const uri = workspace.uri(NAME);
    writeClaudeSession(workspace.path(NAME), LONG_BYTES);
    const turns = writeClaudeSession(workspace.path('other'), 10e6);
    await using client = await started(workspace);
    await isReading(client);
    renameSync(workspace.path('other'), workspace.path(NAME));
    await tell(client, uri, CHANGED);
    expect(await settled(client)).toEqual({ files: 1, steps: turns });
    expect(await readablePage(client, uri)).toContain('The agent reads the file');
  });

  it('is read anew when it is written over from its start, and longer than before', async () => {
    using workspace = testWorkspace();
    const uri = workspace.uri(NAME);
    writeClaudeSession(workspace.path(NAME), LONG_BYTES);
    await using client = await started(workspace);
    await isReading(client);
    // In place, as an editor or a copy does; the first lines differ from those that were read.
    writeFileSync(workspace.path(NAME), [CLAUDE_START, claudeTurn(0, WRONG), ...Array.from({ length: 13_000 }, (_, i) => claudeTurn(i + 1))].join(''));
    await tell(client, uri, CHANGED);
    expect(await settled(client)).toEqual({ files: 1, steps: 13_001 });
    expect((await problemsIn(client, uri)).find((p) => p.code === 'arithmetic-error')?.range.start.line).toBe(1);
  });

  it('is let go when it is removed', async () => {
    using workspace = testWorkspace();
    const uri = workspace.uri(NAME);
    writeClaudeSession(workspace.path(NAME), LONG_BYTES);
    await using client = await started(workspace);
    await isReading(client);
    rmSync(workspace.path(NAME));
    await tell(client, uri, DELETED);
    expect(await settled(client)).toEqual({ files: 0, steps: 0 });
    expect(await client.request(contract.TRACES, { uri })).toBeNull();
  });

  it('says so when it has grown and its permission was taken away', async ({ skip }) => {
    if (process.platform === 'win32' || process.getuid?.() === 0) return skip('This user may read everything.');
    using workspace = testWorkspace();
    const uri = workspace.uri(NAME);
    const turns = writeClaudeSession(workspace.path(NAME), 10e6);
    await using client = await started(workspace);
    expect(await settled(client)).toEqual({ files: 1, steps: turns });
    appendFileSync(workspace.path(NAME), claudeTurn(turns));
    chmodSync(workspace.path(NAME), 0);
    await tell(client, uri, CHANGED);
    await settled(client);
    expect(await sentences(client, uri)).toContainEqual(expect.stringContaining('no permission'));
  });
});

describe('a file that is followed', () => {
  it('and replaced by another, which nobody tells, is read and scored as the other', async () => {
    using workspace = testWorkspace();
    const uri = workspace.uri(NAME);
    const turns = (count: number, words?: string): string => [CLAUDE_START, ...Array.from({ length: count }, (_, i) => claudeTurn(i, words))].join('');
    writeFileSync(workspace.path(NAME), turns(3));
    await using client = await started(workspace, { isScored: true });
    await settled(client);
    appendFileSync(workspace.path(NAME), claudeTurn(3));
    const followed = client.nextNotification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'idle' && s.following === 1);
    await tell(client, uri, CHANGED);
    await followed;
    await settled(client);
    const scored = client.nextNotification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'scoring' && s.done === 6);
    writeFileSync(workspace.path('other'), turns(6, 'Another agent counts the rolls on every tray.'));
    renameSync(workspace.path('other'), workspace.path(NAME));
    await scored;
  });
});

describe('the folder for temporary files', () => {
  it('that cannot be written keeps a long file from being read, with a sentence', async () => {
    using workspace = testWorkspace();
    const uri = workspace.uri(NAME);
    writeClaudeSession(workspace.path(NAME), 10e6);
    await using client = await started(workspace, { temporary: workspace.path('missing') });
    await settled(client);
    expect(await sentences(client, uri)).toContainEqual(expect.stringMatching(/^No temporary file could be made in .*missing: .* cannot be read\. Make the folder writable/));
  });

  it('that is full leaves what was read, with a sentence; with room, the rest is read', async ({ skip }) => {
    using small = smallDisk();
    if (small === undefined) return skip('This user cannot mount a small disk.');
    using workspace = testWorkspace();
    const uri = workspace.uri(NAME);
    writeFileSync(workspace.path(NAME), [CLAUDE_START, claudeTurn(0, WRONG), ...Array.from({ length: 4000 }, (_, i) => claudeTurn(i + 1))].join(''));
    await using client = await started(workspace, { temporary: small.folder });
    const { files, steps } = await settled(client);
    expect(files).toBe(1);
    expect(steps).toBeGreaterThan(50);
    expect(steps).toBeLessThan(4001);
    const said = await sentences(client, uri);
    expect(said).toContainEqual(expect.stringMatching(/^There is no room left in .*: .* is shown as far as it was read\. Free some space there, then read it again\.$/));
    expect((await problemsIn(client, uri)).find((p) => p.code === 'arithmetic-error')?.range.start.line).toBe(1);
    // Their words too.
    expect(await readablePage(client, uri)).toContain(WRONG);

    small.grow();
    await tell(client, uri, CHANGED);
    expect(await settled(client)).toEqual({ files: 1, steps: 4001 });
    expect(await sentences(client, uri)).not.toContainEqual(expect.stringContaining('no room left'));
  });
});

/** A disk of 1 MB; undefined where it cannot be mounted. */
function smallDisk(): (Disposable & { readonly folder: string; grow(): void }) | undefined {
  if (process.platform !== 'linux') return undefined;
  const workspace = testWorkspace();
  const mount = (options: string): void => void execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', workspace.folder], { stdio: 'ignore' });
  try {
    mount('size=1m');
  } catch {
    workspace[Symbol.dispose]();
    return undefined;
  }
  return {
    folder: workspace.folder,
    grow: () => mount('remount,size=64m'),
    [Symbol.dispose]() {
      execFileSync('umount', [workspace.folder]);
      workspace[Symbol.dispose]();
    },
  };
}
