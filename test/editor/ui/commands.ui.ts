/** Commands as a user gives them: palette, pickers, status bar. */
import assert from 'node:assert/strict';
import { ui } from '../uiTest.ts';

const pickerRow = '.quick-input-list .monaco-list-row';

ui('a label given from the palette shows at the chip', async ({ workbench }) => {
  const { page } = workbench;
  await workbench.openFile('wrong-step.trace.json');
  await workbench.chips().first().waitFor();
  await workbench.runCommand('StepScope: Go to Next Bad Step');
  await page.getByText('324 * 0.40').first().waitFor();
  await workbench.runCommand('StepScope: Label Step…');
  await page.locator(pickerRow).filter({ hasText: 'First bad step' }).click();
  await workbench.chips().filter({ hasText: '✗ first' }).waitFor();
  await workbench.runCommand('StepScope: Undo Last Label');
  await workbench.chips().filter({ hasText: '✗' }).waitFor({ state: 'hidden' });
});

ui('two steps are compared from the palette, and the list says who votes how', async ({ workbench }) => {
  const { page } = workbench;
  await workbench.openFile('wrong-step.trace.json');
  await workbench.runCommand('StepScope: Go to Next Bad Step');
  await page.locator('.view-line').filter({ hasText: '324 * 0.40' }).first().waitFor();
  await workbench.runCommand('StepScope: Compare Two Steps…');
  await page.locator(pickerRow).first().click();
  await page.locator(pickerRow).filter({ hasText: 'contrastive_ranker' }).first().waitFor();
  await page.keyboard.press('Escape');
});

ui('the status bar opens a menu, and its switch takes the chips away and brings them back', async ({ workbench }) => {
  const { page } = workbench;
  const toggle = async (): Promise<void> => {
    await page.locator('.statusbar-item').filter({ hasText: 'steps' }).click();
    await page.locator(pickerRow).filter({ hasText: /inline scores/i }).click();
  };
  await workbench.openFile('wrong-step.trace.json');
  await workbench.chips().first().waitFor();
  await toggle();
  await workbench.chips().first().waitFor({ state: 'hidden' });
  await toggle();
  await workbench.chips().first().waitFor();
  assert.ok((await workbench.chips().count()) > 0);
});

// Last: pages keep the keyboard to themselves.
ui('the statistics of the workspace open as a page', async ({ workbench }) => {
  const { page } = workbench;
  await page.locator('.statusbar-item').filter({ hasText: 'steps' }).first().waitFor();
  await workbench.runCommand('StepScope: Corpus Statistics');
  await page.locator('.tab').filter({ hasText: 'Corpus statistics' }).waitFor();
  const body = page.frameLocator('iframe.webview').frameLocator('iframe#active-frame');
  await body.getByRole('heading', { name: 'Step types' }).waitFor();
});

ui('a model card opens as a page from the palette', async ({ workbench }) => {
  const { page } = workbench;
  await page.locator('.statusbar-item').filter({ hasText: /StepScope|steps/ }).first().waitFor();
  await workbench.runCommand('StepScope: Show Model Card…');
  await page.locator(pickerRow).filter({ hasText: 'backbone' }).waitFor();
  await page.locator(pickerRow).filter({ hasText: 'svm' }).first().click();
  await page.locator('.tab').filter({ hasText: 'CARD.md' }).waitFor();
});
