/** What a user does with the file of a trace: opens it packed, reads it by another format, exports it, writes its scores into it. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { eventually } from '../../support/browser.ts';
import { zipOf } from '../../support/zipWriter.ts';
import { ui } from '../uiTest.ts';

/** A list that was closed stays in the page, hidden. */
const rows = (page: Page): Locator => page.locator('.quick-input-list .monaco-list-row').filter({ visible: true });
const picker = (page: Page): Locator => page.locator('.quick-input-widget input[type="text"]').filter({ visible: true });
const activeTab = (page: Page, name: string): Locator => page.locator('.tab.active').filter({ hasText: name });

/** A menu that has just opened does not listen yet. */
async function pickMenuItem(page: Page, name: string): Promise<void> {
  const item = page.getByRole('menuitem', { name });
  await item.waitFor();
  await eventually(`the menu closed by ${name}`, async () => {
    if (await item.isVisible()) await item.click({ timeout: 1000 });
    return !(await item.isVisible());
  });
}

/** Types until the best match is the row wanted, then takes it. */
async function pickRow(page: Page, text: string): Promise<void> {
  await picker(page).fill(text);
  await rows(page).and(page.locator('.focused')).filter({ hasText: text }).waitFor();
  await picker(page).press('Enter');
}

async function save(page: Page, name: string): Promise<void> {
  await page.locator('.editor-instance .view-line').first().click();
  await page.keyboard.press('Control+S');
  await page.locator('.tab.active:not(.dirty)').filter({ hasText: name }).waitFor();
}

/** The simple dialog of a VS Code whose files are elsewhere: a path to type. */
async function saveAs(page: Page, path: string): Promise<void> {
  const input = picker(page);
  await eventually('the dialog with a file beside the trace', async () => /\.json$/.test(await input.inputValue({ timeout: 1000 })));
  await input.fill(path);
  await eventually('the dialog took the path', async () => (await input.inputValue({ timeout: 1000 })) === path);
  await input.press('Enter');
  await input.waitFor({ state: 'hidden' });
}

const written = async (path: string): Promise<unknown> => await eventually(`${path} with all of its JSON`, async () => JSON.parse(await readFile(path, 'utf8')) as unknown);

ui('Reopen Editor With… offers the readable view of a packed trace, which no click opens, and a reload brings it back', async ({ workbench, workspace }) => {
  const { page } = workbench;
  const header = { name: 'header.json', text: JSON.stringify({ version: 2, status: 'success', eval: { task: 'rolls', model: 'm' } }) };
  const messages = [{ role: 'user', content: 'How many rolls are on 7 trays of 6?' }, { role: 'assistant', content: 'There are 7 trays with 6 rolls each, so 7 * 6 = 52 rolls.' }];
  await writeFile(join(workspace, 'rolls.eval'), zipOf([header, { name: 'samples/1_epoch_1.json', text: JSON.stringify({ id: 1, epoch: 1, input: messages[0]?.content, target: '42', messages }) }]));
  // By then the editor knows which extensions there are, and what they offer.
  await page.locator('.statusbar-item').filter({ hasText: 'steps' }).first().waitFor();
  await page.keyboard.press('Control+P');
  await pickRow(page, 'rolls.eval');
  await workbench.waitForText('The file is not displayed in the text editor');
  await workbench.runCommand('View: Reopen Editor With...');
  await pickRow(page, 'StepScope: Readable View');
  await activeTab(page, 'rolls.eval.readable.txt').waitFor();
  await workbench.chips().first().waitFor();
  await workbench.waitForText('7 * 6 = 52');
  // Neither the tab that asked nor the page behind it is left.
  await eventually('one tab and no page', async () => (await page.locator('.tab').count()) === 1 && (await page.locator('iframe.webview').count()) === 0);
  // Unlike a reload of the page, the command first saves what is open.
  const loaded = page.waitForEvent('load');
  await workbench.runCommand('Developer: Reload Window');
  await loaded;
  await activeTab(page, 'rolls.eval.readable.txt').waitFor();
  await workbench.chips().first().waitFor();
  await workbench.waitForText('7 * 6 = 52');
});

ui('Open as Trace reads messages that nothing marks as a trace, and leaves them so where another format finds nothing', async ({ workbench, workspace }) => {
  const { page } = workbench;
  await writeFile(join(workspace, 'dump.json'), JSON.stringify([{ role: 'user', content: 'Count the rolls on 7 trays of 6.' }, { role: 'assistant', content: 'There are 7 trays with 6 rolls each, so 7 * 6 = 52 rolls.' }], null, 2));
  await workbench.openFile('dump.json');
  await workbench.runCommand('StepScope: Open as Trace…');
  await pickRow(page, 'OpenAI messages');
  await workbench.waitForText('Read as OpenAI messages: 1 trace, 1 step.');
  await workbench.chips().first().waitFor();
  await workbench.runCommand('StepScope: Open as Trace…');
  await picker(page).fill('openai-messages');
  await rows(page).filter({ hasText: 'openai-messages · current' }).waitFor();
  await pickRow(page, 'ATIF trajectory');
  await workbench.waitForText(/^Nothing in this file could be read as .*It is read as before\.$/);
  assert.equal(await workbench.chips().count(), 1);
});

ui('Export Trace, in the context menu of a trace, writes a trajectory with scores where the dialog says', async ({ workbench, workspace }) => {
  const { page } = workbench;
  await workbench.openFile('wrong-step.trace.json');
  await workbench.chips().first().waitFor();
  await page.locator('.view-line').filter({ hasText: 'goal_text' }).first().click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'StepScope' }).click();
  for (const line of ['Label Step…', 'Open as Trace…']) await page.getByRole('menuitem', { name: line }).waitFor();
  await pickMenuItem(page, 'Export Trace…');
  await pickRow(page, 'ATIF trajectory');
  const target = join(workspace, 'out.trajectory.json');
  await saveAs(page, target);
  const exported = await written(target) as { readonly schema_version: string; readonly steps: readonly { readonly message: string; readonly extra?: object }[] };
  assert.match(exported.schema_version, /^ATIF-v/);
  assert.ok(exported.steps.some((step) => step.message.includes('324 * 0.40') && JSON.stringify(step.extra ?? {}).includes('reasoning_quality')), JSON.stringify(exported).slice(0, 2000));
});

ui('Write Scores puts them into the document; saved they are in the file, undone they are out of it', async ({ workbench, workspace }) => {
  const { page } = workbench;
  const path = join(workspace, 'wrong-step.trace.json');
  const before = await readFile(path, 'utf8');
  await workbench.openFile('wrong-step.trace.json');
  await workbench.runCommand('StepScope: Write Scores into Trace File');
  await page.locator('.tab.active.dirty').filter({ hasText: 'wrong-step.trace.json' }).waitFor();
  assert.equal(await readFile(path, 'utf8'), before);
  await save(page, 'wrong-step.trace.json');
  const saved = await eventually('the saved file', async () => { const text = await readFile(path, 'utf8'); return text !== before && JSON.parse(text) as object; });
  assert.ok('pipeline_score' in saved && 'mars_analysis' in saved && 'step_scores' in saved, Object.keys(saved).join(', '));
  assert.equal((saved.step_scores as readonly unknown[]).length, (JSON.parse(before) as { readonly execution_steps: readonly unknown[] }).execution_steps.length);
  await page.keyboard.press('Control+Z');
  await page.locator('.tab.active.dirty').waitFor();
  await save(page, 'wrong-step.trace.json');
  await eventually('the file as it was', async () => await readFile(path, 'utf8') === before);
});
