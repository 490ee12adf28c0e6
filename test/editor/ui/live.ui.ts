/** What a user sees of traces that a running agent is writing. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Locator, Page } from 'playwright-core';
import { freePort } from '../../../scripts/codeServer.ts';
import type * as Monitor from '../../../server/src/monitor/index.ts';
import { projectRoot } from '../../support/codeServer.ts';
import { eventually, type Workbench } from '../../support/browser.ts';
import { runAgent } from '../../support/genAiAgent.ts';
import { ui } from '../uiTest.ts';

/** What the item of StepScope in the status bar says, tooltip included, at one moment. */
const statusOf = (page: Page): Locator => page.locator('[id="stepscope.stepscope.status"], .statusbar-item[id$="stepscope.status"]').locator('a');
const untilStatus = (page: Page, words: RegExp, timeoutMs?: number): Promise<string> => eventually(`the status bar with ${words.source}`, async () => {
  const said = await statusOf(page).first().getAttribute('aria-label', { timeout: 1000 });
  return said !== null && words.test(said) && said;
}, timeoutMs);
const untilSaid = async (page: Page, words: string | RegExp): Promise<Locator> => {
  const toast = page.locator('.notification-toast').filter({ hasText: words });
  await toast.waitFor();
  return toast;
};

async function openFromExplorer(page: Page, ...path: readonly string[]): Promise<Locator> {
  const row = (name: string): Locator => page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: name });
  for (const folder of path.slice(0, -1)) {
    const found = row(folder).first();
    await found.waitFor();
    await eventually(`the folder ${folder} open`, async () => {
      if (await found.getAttribute('aria-expanded') === 'true') return true;
      await found.click();
      return false;
    });
  }
  return row(path.at(-1) ?? '').first();
}

ui('spans of the OpenTelemetry SDK become a trace with chips and its goal', async ({ workbench, workspace }) => {
  const { page } = workbench;
  const port = await freePort(24_318);
  await writeSettings(workspace, { 'stepscope.receiver.enabled': true, 'stepscope.receiver.port': port });
  await untilSaid(page, `StepScope receives OpenTelemetry traces at http://127.0.0.1:${port}`);
  const run = { goal: 'Find out when the shop opens.', tool: { name: 'look_up', args: '{}', result: 'From nine to five.' }, answer: 'It opens at nine.' };
  const traceId = await runAgent(run, { url: `http://127.0.0.1:${port}`, encoding: 'protobuf', isGzip: true });
  await untilStatus(page, new RegExp(`Receiving OpenTelemetry at port ${port}: 4 spans so far`));
  const file = await openFromExplorer(page, '.stepscope', `${traceId}.otlp.jsonl`);
  await file.dblclick();
  await page.locator('.tab.active').filter({ hasText: `${traceId}.otlp.jsonl` }).waitFor();
  await workbench.chips().first().waitFor();
  await workbench.runCommand('StepScope: Open Readable View');
  await workbench.waitForText('Goal: Find out when the shop opens.');
});

ui('a recorded pipeline that stands open wears a chip at each stage that has ended', async ({ workbench, workspace }) => {
  await closeEditors(workbench);
  const { PlanTraceMonitor } = await import(pathToFileURL(join(projectRoot, 'dist/monitor/index.mjs')).href) as typeof Monitor;
  const monitor = new PlanTraceMonitor({ folder: join(workspace, 'traces') });
  const run = monitor.startPipeline({ goalText: 'Which of the two invoices is overdue?', traceId: 'invoices', stages: ['load', 'compare'] });
  await workbench.openFile('invoices.trace.jsonl');
  const stages = ['Both invoices were loaded: A and B.', 'Invoice A is overdue by 3 days.', 'A reminder for invoice A was written.'];
  for (const [i, output] of stages.entries()) {
    const stage = monitor.startStage(run, `stage ${i + 1}`, { input: 'the two invoices' });
    monitor.completeStage(stage, { output });
    await eventually(`${i + 1} chips`, async () => (await workbench.chips().count()) === i + 1);
  }
  monitor.completePipeline(run, { finalOutput: 'A' });
  await workbench.waitForText(/3 steps · /);
});

async function closeEditors(workbench: Workbench): Promise<void> {
  await workbench.runCommand('View: Close All Editors');
  await eventually('no editor', async () => (await workbench.page.locator('.tab').count()) === 0);
}

async function writeSettings(workspace: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  const path = join(workspace, '.vscode/settings.json');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(settings));
}
