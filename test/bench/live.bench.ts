/**
 * Traces that are being written and traces too long to hold, as an editor feels them: from a line on disk to its step and its
 * score, memory over time (`LIVE_MINUTES=10` for longer than 20 s a rate), and long files that nobody has open.
 */
import { closeSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { Hover, InlayHint, WorkspaceDiagnosticReport } from 'vscode-languageserver';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { CLAUDE_START, claudeTurn, writeUntil } from '../support/claudeSession.ts';
import { LspClient } from '../support/lspClient.ts';
import { testWorkspace, type TestWorkspace } from '../support/workspace.ts';
import { writeSpans, WRONG_SUM } from './longSpans.ts';
import { median, report, type Row } from './report.ts';

const MINUTES = Number(process.env['LIVE_MINUTES'] ?? 1 / 3);
/** Steps a second; the low one is that of an agent at work. */
const RATES = process.env['LIVE_MINUTES'] === undefined ? [5, 50] : [5];
const VISIBLE_LINES = 60;
const [CREATED, CHANGED] = [1, 2];

const start = (workspace: TestWorkspace): Promise<LspClient> => LspClient.start({
  workspaceFolders: [workspace.folder], timeoutMs: 600_000, server: { entry: 'dist/server/main.js' },
  initializationOptions: { settings: defaultSettings(), dataFolder: workspace.path('.data') },
});

/** A line of a session, a step of about sixty tokens. */
const line = (i: number, id: string): string => `${JSON.stringify({
  type: i === 0 ? 'user' : 'assistant', uuid: `u${i}`, parentUuid: i === 0 ? null : `u${i - 1}`, sessionId: id, timestamp: new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString(),
  message: i === 0 ? { role: 'user', content: 'Find out what differs between the two versions of the program.' } : { id: `m${i}`, role: 'assistant', content: [{ type: 'text', text: words(i, id) }] },
})}\n`;
const words = (i: number, id: string): string => `Step ${i} of ${id}: the agent opens file number ${i * 7} of the module, reads its ${i + 11} lines, compares the value ${i * 3} with the expected one, notes that the helper for case ${i} is missing, and decides to write a small test before changing anything in that part of the program.`;

const quantile = (values: readonly number[], q: number): number => [...values].sort((a, b) => a - b)[Math.floor(values.length * q)] ?? Number.NaN;
const memoryMb = (client: LspClient, field: 'VmRSS' | 'VmHWM'): number => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${client.process.pid}/status`, 'utf8'))?.[1]) / 1024;
const readableUri = (uri: string, page: number): string => `${contract.READABLE_SCHEME}:/session${page === 1 ? '' : `.page-${page}`}.readable.txt?${encodeURIComponent(uri)}`;
const tell = (client: LspClient, uri: string, type: number): Promise<void> => client.notify('workspace/didChangeWatchedFiles', { changes: [{ uri, type }] });

/** The models are loaded and have run. */
async function warmUp(client: LspClient, workspace: TestWorkspace): Promise<void> {
  const uri = workspace.uri('../warm-up.jsonl');
  await client.openDocument(uri, Array.from({ length: 6 }, (_, i) => line(i, 'warm-up')).join(''));
  await client.request(contract.SETTLED);
  await client.closeDocument(uri);
  await client.request(contract.SETTLED);
}

interface Tail {
  /** When each step was listed, and when its score was, by index. */
  readonly listedMs: number[];
  readonly scoredMs: number[];
  /** Steps asked for in all: what watching cost the server. */
  readonly requests: number;
  waitFor(steps: number): Promise<void>;
}

/** Asks for the steps when the server says that the file shows something else, one request at a time. */
function watchTail(client: LspClient, uri: string): Tail {
  const listedMs: number[] = [];
  const scoredMs: number[] = [];
  let requests = 0;
  let isAsking = false;
  let isStale = false;
  let scored = 0;
  let onNews = (): void => undefined;
  const ask = async (): Promise<void> => {
    isStale = true;
    if (isAsking) return;
    isAsking = true;
    while (isStale) {
      isStale = false;
      requests++;
      const found = await client.request<contract.TracesResult | null>(contract.TRACES, { uri });
      const now = performance.now();
      for (const { stepIndex, score } of found?.traces[0]?.steps ?? []) {
        listedMs[stepIndex] ??= now;
        if (score === null || scoredMs[stepIndex] !== undefined) continue;
        scoredMs[stepIndex] = now;
        scored++;
      }
      onNews();
    }
    isAsking = false;
  };
  client.connection.onNotification(contract.READABLE_CHANGED, (change: { readonly uri: string }) => {
    if (change.uri === uri) ask().catch(() => undefined);
  });
  ask().catch(() => undefined);
  return {
    listedMs, scoredMs,
    get requests() {
      return requests;
    },
    waitFor: (steps) => new Promise((resolve) => {
      onNews = () => {
        if (scored >= steps) resolve();
      };
      onNews();
    }),
  };
}

/** A session that grows while its readable document is looked at. */
async function liveTail(rate: number): Promise<readonly Row[]> {
  using workspace = testWorkspace();
  await using client = await start(workspace);
  await warmUp(client, workspace);
  const uri = workspace.write('run.session.jsonl', line(0, 'live') + line(1, 'live'));
  await tell(client, uri, CREATED);
  await client.request(contract.SETTLED);
  const readable = readableUri(uri, 1);
  await client.openDocument(readable, (await client.request<contract.ReadableResult>(contract.READABLE, { uri: readable })).text);
  const file = openSync(workspace.path('run.session.jsonl'), 'a');
  const flushedMs: number[] = [];
  let next = 2;
  const write = (): void => {
    writeSync(file, line(next, 'live'));
    flushedMs[next - 1] = performance.now();
    next++;
  };
  write();
  const followed = client.notification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'idle' && s.following === 1);
  await tell(client, uri, CHANGED);
  await followed;
  const tail = watchTail(client, uri);
  await tail.waitFor(2);
  const from = next - 1;
  const before = memoryMb(client, 'VmRSS');
  const samples: number[] = [];
  const total = Math.round(MINUTES * 60 * rate);
  const began = performance.now();
  for (let i = 0; i < total; i++) {
    await pause(Math.max(0, began + (i * 1000) / rate - performance.now()));
    write();
    if (i % (rate * 2) === 0) samples.push(memoryMb(client, 'VmRSS'));
  }
  await tail.waitFor(next - 1);
  closeSync(file);
  const late = (times: readonly number[]): readonly number[] => flushedMs.flatMap((at, i) => (i < from ? [] : [(times[i] ?? Number.NaN) - at]));
  const [listed, scored] = [late(tail.listedMs), late(tail.scoredMs)];
  const name = `a session that grows by ${rate} steps of 60 tokens a second`;
  // The budget is that of an appended step; at the high rate the newest steps come together.
  const budget = rate <= 5 ? { budget: { atMost: 100 } } : {};
  const half = Math.floor(samples.length / 2);
  return [
    { what: `${name}: a line on disk to its step, p50`, value: quantile(listed, 0.5), unit: 'ms', ...budget, baseline: `p95 ${quantile(listed, 0.95).toFixed(0)} ms, slowest ${Math.max(...listed).toFixed(0)} ms, of ${listed.length}` },
    { what: `${name}: a line on disk to its score, p50`, value: quantile(scored, 0.5), unit: 'ms', ...budget, baseline: `slowest ${Math.max(...scored).toFixed(0)} ms; ${tail.requests} times asked` },
    { what: `${name}: a line on disk to its score, p95`, value: quantile(scored, 0.95), unit: 'ms', ...budget },
    { what: `${name}: memory of the server after ${(MINUTES * 60).toFixed(0)} s`, value: memoryMb(client, 'VmRSS'), unit: 'MB', baseline: `before ${before.toFixed(0)} MB; median of the halves ${median(samples.slice(0, half)).toFixed(0)} and ${median(samples.slice(half)).toFixed(0)} MB` },
  ];
}

/** A file that appears in the workspace and that nobody has open. */
async function longFile(what: string, name: string, write: (path: string) => unknown): Promise<readonly Row[]> {
  using workspace = testWorkspace();
  await using client = await start(workspace);
  await warmUp(client, workspace);
  write(workspace.path('unnamed'));
  const megabytes = statSync(workspace.path('unnamed')).size / 1e6;
  const idleMb = memoryMb(client, 'VmHWM');
  const uri = workspace.uri(name);
  const told = (kind: contract.ServerStatus['kind'], isIt: (s: contract.ServerStatus) => boolean = () => true): Promise<number> =>
    client.nextNotification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === kind && isIt(s)).then(() => performance.now());
  const problems = client.request<WorkspaceDiagnosticReport>('workspace/diagnostic', { previousResultIds: [] }).then(() => performance.now());
  const indexed = told('scoring', (s) => s.kind === 'scoring' && s.total > 0);
  const scored = told('scoring', (s) => s.kind === 'scoring' && s.done > 0);
  const began = performance.now();
  renameSync(workspace.path('unnamed'), workspace.path(name));
  await tell(client, uri, CREATED);
  const [problemsMs, indexedMs, scoredMs] = (await Promise.all([problems, indexed, scored])).map((at) => at - began);
  const indexedMb = memoryMb(client, 'VmHWM');

  const beforePage = performance.now();
  const page = readableUri(uri, 20);
  const { text } = await client.request<contract.ReadableResult>(contract.READABLE, { uri: page });
  const pageMs = performance.now() - beforePage;
  await client.openDocument(page, text);
  const [middle, lines] = [Math.floor(text.split('\n').length / 2), text.split('\n')];
  const at = lines.findIndex((l, i) => i > middle && l.length > 80);
  const range = { start: { line: at, character: 0 }, end: { line: at + VISIBLE_LINES, character: 0 } };
  const beforeChips = performance.now();
  for (let hints: readonly InlayHint[] = []; ;) {
    const changed = client.nextNotification<contract.DecorationsParams>(contract.DECORATIONS, (d) => d.uri === page);
    changed.catch(() => undefined);
    hints = await client.request<InlayHint[]>('textDocument/inlayHint', { textDocument: { uri: page }, range });
    if (hints.length > 0) break;
    await changed;
  }
  const chipsMs = performance.now() - beforeChips;
  const hovers: number[] = [];
  for (let i = 0; i < 9; i++) {
    const from = performance.now();
    const hover = await client.request<Hover | null>('textDocument/hover', { textDocument: { uri: page }, position: { line: at, character: 4 } });
    if (hover === null) throw new Error(`Nothing to hover over in line ${at} of page 20 of ${name}.`);
    hovers.push(performance.now() - from);
  }
  const title = `${what}, ${megabytes.toFixed(0)} MB, nobody has it open`;
  const rows: readonly Row[] = [
    { what: `${title}: first Problems`, value: problemsMs ?? Number.NaN, unit: 'ms' },
    { what: `${title}: all of it read`, value: indexedMs ?? Number.NaN, unit: 'ms', baseline: `${(megabytes / ((indexedMs ?? Number.NaN) / 1000)).toFixed(0)} MB/s` },
    { what: `${title}: first scores`, value: scoredMs ?? Number.NaN, unit: 'ms' },
    { what: `${title}: page 20 of the readable document`, value: pageMs, unit: 'ms' },
    { what: `${title}: first chips of its visible region, while all is being scored`, value: chipsMs, unit: 'ms' },
    { what: `${title}: a hover on it`, value: median(hovers), unit: 'ms', baseline: `first ${hovers[0]?.toFixed(0) ?? ''} ms` },
    { what: `${title}: peak memory of the server`, value: memoryMb(client, 'VmHWM'), unit: 'MB', budget: { atMost: 1000 }, baseline: `models loaded ${idleMb.toFixed(0)} MB, all read ${indexedMb.toFixed(0)} MB` },
  ];
  // Scoring goes on for minutes.
  await client.kill();
  return rows;
}

async function main(): Promise<void> {
  const rows: Row[] = [];
  for (const rate of RATES) rows.push(...await liveTail(rate));
  if (process.env['LIVE_MINUTES'] === undefined) {
    for (const bytes of [100e6, 300e6]) rows.push(...await longFile('Claude Code, JSONL', 'long.session.jsonl', (path) => writeUntil(path, bytes, { start: CLAUDE_START + claudeTurn(0, WRONG_SUM), end: '', part: (i) => claudeTurn(i + 1) })));
    rows.push(...await longFile('OTLP, 33,000 spans in one trace', 'long.otlp.jsonl', writeSpans));
  }
  report('Live and long files', rows);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
