/** What a user sees when a trace opens, in the packed extension. */
import assert from 'node:assert/strict';
import { eventually } from '../../support/browser.ts';
import { ui } from '../uiTest.ts';

ui('a step wears its chip, and the trace its summary', async ({ workbench }) => {
  await workbench.openFile('loop.trajectory.json');
  assert.match(await workbench.chips().first().innerText(), /^\s*\d{1,3}/);
  await workbench.page.locator('.codelens-decoration').filter({ hasText: /10 steps · worst #\d+ \(repeated-action\) · average \d+/ }).first().waitFor();
});

ui('the Problems panel lists what was found', async ({ workbench }) => {
  const rows = await workbench.problems();
  // The panel renders only what fits, files first that have most.
  await eventually('rows of StepScope, of the file with most', async () => {
    const found = await rows.allTextContents();
    return found.some((text) => text.includes('StepScope')) && found.some((text) => text.includes('contested.trace.jsonl'));
  });
});
