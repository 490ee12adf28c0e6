/** The server as an editor feels it: time to first chips, to an edited and an appended chip, steps a second, a warm workspace. */
import { readFileSync, rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { InlayHint } from 'vscode-languageserver';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { LspClient } from '../support/lspClient.ts';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';
import { median, report } from './report.ts';

const VISIBLE_LINES = 60;

const start = (workspace: TestWorkspace): Promise<LspClient> => LspClient.start({
  workspaceFolders: [workspace.folder], timeoutMs: 600_000, server: { entry: 'dist/server/main.js' },
  initializationOptions: { settings: defaultSettings(), dataFolder: workspace.path('.data') },
});

/** Waits until every visible step has its chip. */
async function chipsShown(client: LspClient, uri: string, wanted: (hints: readonly InlayHint[]) => boolean, from = 0): Promise<number> {
  const began = performance.now();
  for (;;) {
    const arrived = client.nextNotification<contract.DecorationsParams>(contract.DECORATIONS, (d) => d.uri === uri);
    const hints = await client.request<InlayHint[]>('textDocument/inlayHint', { textDocument: { uri }, range: { start: { line: from, character: 0 }, end: { line: from + VISIBLE_LINES, character: 0 } } });
    if (wanted(hints)) {
      arrived.catch(() => undefined);
      return performance.now() - began;
    }
    await arrived;
  }
}

/** Words of about sixty tokens, different from step to step. */
const sixtyTokens = (i: number, id = 'bench'): string => `Step ${i} of ${id}: the agent opens file number ${i * 7} of the module, reads its ${i + 11} lines, compares the value ${i * 3} with the expected one, notes that the helper for case ${i} is missing, and decides to write a small test before changing anything in that part of the program.`;
const longTrace = (count: number, id = 'bench'): string => pretty(planTrace(count, { id, change: Object.fromEntries(Array.from({ length: count }, (_, i) => [i, sixtyTokens(i, id)])) }));
const isFull = (hints: readonly InlayHint[]): boolean => hints.length > 5;
const rssMb = (client: LspClient): number => {
  const status = readFileSync(`/proc/${client.process.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
};

async function main(): Promise<void> {
  using workspace = testWorkspace();
  const rows: Parameters<typeof report>[1][number][] = [];

  const cold: number[] = [];
  for (let round = 0; round < 3; round++) {
    rmSync(workspace.path('.data'), { recursive: true, force: true });
    const began = performance.now();
    const client = await start(workspace);
    const uri = workspace.uri('cold.trace.json');
    await client.openDocument(uri, longTrace(20, `cold${round}`));
    await chipsShown(client, uri, isFull);
    cold.push(performance.now() - began);
    await client.close();
  }
  rows.push({ what: 'cold start of the server to first chips (20 steps)', value: median(cold), unit: 'ms' });

  const client = await start(workspace);
  const warmUp = workspace.uri('warm-up.trace.json');
  await client.openDocument(warmUp, longTrace(5, 'warm-up'));
  await client.request(contract.SETTLED);
  const idleMb = rssMb(client);
  const uri = workspace.uri('long.trace.json');
  const text = longTrace(1000);
  await client.openDocument(uri, text);
  rows.push({ what: 'first chips of the visible region, 1,000-step trace, server warm', value: await chipsShown(client, uri, isFull), unit: 'ms', budget: { atMost: 300 } });
  const before = performance.now();
  await client.request(contract.SETTLED);
  const counters = await client.request<contract.CountersResult>(contract.COUNTERS);
  rows.push({ what: 'scoring, all scorers, 60-token steps', value: 990 / ((performance.now() - before) / 1000), unit: 'steps/s', budget: { atLeast: 100 }, baseline: `${counters.windows} windows run` });

  const edits: number[] = [];
  for (let round = 0; round < 7; round++) {
    const at = text.indexOf(sixtyTokens(3).slice(0, 40));
    const lines = text.slice(0, at).split('\n');
    const position = { line: lines.length - 1, character: (lines.at(-1) ?? '').length };
    const old = await client.request<contract.TracesResult>(contract.TRACES, { uri });
    const began = performance.now();
    await client.change(uri, 2 + round, { range: { start: position, end: position }, text: `Wrong turn ${round}. ` });
    await chipsShown(client, uri, (hints) => hints.some((h) => JSON.stringify(h.tooltip).includes(`Wrong turn ${round}`) && !String(h.label).includes('↻') && old.traces.length > 0));
    edits.push(performance.now() - began);
    await client.request(contract.SETTLED);
  }
  rows.push({ what: 'edited step to its own chip, 1,000-step trace', value: median(edits), unit: 'ms', budget: { atMost: 100 } });

  const short = workspace.uri('append.trace.json');
  await client.openDocument(short, longTrace(200, 'append'));
  await client.request(contract.SETTLED);
  const appends: number[] = [];
  for (let round = 1; round <= 7; round++) {
    const grown = longTrace(200 + round, 'append');
    const began = performance.now();
    await client.change(short, 1 + round, { text: grown });
    await chipsShown(client, short, (hints) => hints.some((h) => JSON.stringify(h.tooltip).includes(`**Step ${200 + round}**`)), grown.split('\n').length - VISIBLE_LINES);
    appends.push(performance.now() - began);
    await client.request(contract.SETTLED);
  }
  rows.push({ what: 'appended step to its chip, 200-step trace', value: median(appends), unit: 'ms', budget: { atMost: 100 } });
  rows.push({ what: 'memory of the server, models loaded, idle (peak)', value: idleMb, unit: 'MB' });
  rows.push({ what: 'memory of the server after all of this (peak)', value: rssMb(client), unit: 'MB' });
  await client.close();

  using big = testWorkspace(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`t${i}.trace.json`, longTrace(200, `t${i}`)])));
  const first = await start(big);
  const fresh = performance.now();
  await first.request(contract.SETTLED);
  const freshMs = performance.now() - fresh;
  await first.close();
  const second = await start(big);
  const warm = performance.now();
  const { steps } = await second.request<contract.SettledResult>(contract.SETTLED);
  const warmMs = performance.now() - warm;
  const { encodedSteps } = await second.request<contract.CountersResult>(contract.COUNTERS);
  rows.push({ what: `re-open an unchanged workspace of ${steps} scored steps (${encodedSteps} read again)`, value: warmMs, unit: 'ms', budget: { atMost: 1000 }, baseline: `first time ${(freshMs / 1000).toFixed(0)} s` });
  await second.close();
  report('Server', rows);
}

void main();
