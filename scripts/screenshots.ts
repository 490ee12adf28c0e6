/** `npm run screenshots`: opens sample traces in a real VS Code and writes docs/images/*.png. Words after `--` choose by name. */
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, findChromium, launchBrowser, openWorkbench, type Workbench } from '../test/support/browser.ts';
import { startCodeServer } from '../test/support/codeServer.ts';
import { packExtension } from './package.ts';

interface Picture {
  /** docs/images/<name>.png */
  readonly name: string;
  /** The sample opened, a file name under client/samples; without it no file is. */
  readonly file?: string;
  /** A theme by its name in VS Code; the light one when absent. */
  readonly theme?: string;
  /** What is done once the file is open, and what is waited for before the picture. */
  readonly stage: (workbench: Workbench) => Promise<unknown>;
}

const SIZE = { width: 1400, height: 900 };

const PICTURES: readonly Picture[] = [
  {
    name: 'wrong-step', file: 'wrong-step.trace.json',
    stage: async (workbench) => {
      await workbench.chips().first().waitFor();
      await workbench.runCommand('StepScope: Go to Next Bad Step');
      await (await workbench.problems()).nth(1).waitFor();
      await workbench.page.locator('.squiggly-warning').first().waitFor();
    },
  },
  {
    name: 'hover', file: 'loop.trajectory.json', theme: 'Default Dark Modern',
    stage: async (workbench) => {
      await workbench.chips().first().waitFor();
      await workbench.runCommand('StepScope: Go to Next Bad Step');
      await workbench.page.locator('.codelens-decoration').filter({ hasText: 'worst' }).first().waitFor({ state: 'attached' });
      const hover = workbench.page.locator('.monaco-hover').filter({ hasText: 'consensus', visible: true }).first();
      await eventually('the hover of the step', async () => {
        await workbench.page.keyboard.press('Control+K');
        await workbench.page.keyboard.press('Control+I');
        return await hover.waitFor({ timeout: 2000 }).then(() => true, () => false);
      });
    },
  },
  {
    name: 'readable', file: 'one-line.trace.json',
    stage: async (workbench) => {
      await workbench.page.locator('.codelens-decoration').filter({ hasText: 'worst' }).first().waitFor();
      await workbench.runCommand('StepScope: Open Readable View');
      await workbench.page.locator('.tab.active').filter({ hasText: 'readable' }).waitFor();
      await workbench.chips().nth(2).waitFor();
    },
  },
  {
    name: 'session', file: 'ignored-error.session.jsonl', theme: 'Default High Contrast',
    stage: async (workbench) => {
      await workbench.chips().first().waitFor();
      await (await workbench.problems()).nth(1).waitFor();
    },
  },
  {
    name: 'patterns', file: 'wrong-step.trace.json',
    stage: async (workbench) => {
      await workbench.chips().first().waitFor();
      await workbench.page.locator('.statusbar-item').filter({ hasText: 'steps' }).first().waitFor();
      await workbench.runCommand('StepScope: Show Patterns and Recommendations');
      await workbench.page.locator('.tab').filter({ hasText: 'Patterns and recommendations' }).waitFor();
      await workbench.page.frameLocator('iframe.webview').frameLocator('iframe#active-frame').getByRole('heading', { name: 'What to do' }).waitFor();
    },
  },
  {
    name: 'conflicts', file: 'wrong-step.trace.json', theme: 'Default Dark Modern',
    stage: async (workbench) => {
      await workbench.chips().first().waitFor();
      await workbench.runCommand('StepScope: Show Conflicts');
      await workbench.page.locator('.tab').filter({ hasText: 'Conflicts' }).waitFor();
      await workbench.page.frameLocator('iframe.webview').frameLocator('iframe#active-frame').getByRole('heading', { name: 'reasoning_quality' }).waitFor();
    },
  },
];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);
process.exitCode = await main(PICTURES.filter((picture) => words.length === 0 || words.includes(picture.name)));

async function main(pictures: readonly Picture[]): Promise<number> {
  const chromium = findChromium();
  if (!chromium) {
    console.error('Screenshots need Chromium: install one (on Debian: apt-get install chromium) or name it in CHROME_PATH.');
    return 1;
  }
  const vsix = join(root, '.cache/test/stepscope.vsix');
  await packExtension(vsix);
  const browser = await launchBrowser(chromium);
  let failed = 0;
  // Themes are settings of the server: one server a theme.
  for (const theme of new Set(pictures.map((picture) => picture.theme))) {
    const server = await startCodeServer({ vsix, settings: theme ? { 'workbench.colorTheme': theme } : {} });
    for (const picture of pictures.filter((each) => each.theme === theme)) {
      const file = join(root, 'docs/images', `${picture.name}.png`);
      try {
        await take(picture, file);
        console.log(`docs/images/${picture.name}.png`);
      } catch (error) {
        failed++;
        console.error(`docs/images/${picture.name}.png was not taken: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    await server.stop();

    async function take(picture: Picture, file: string): Promise<void> {
      const folder = server.workspace(picture.name, join(root, 'client/samples'));
      const workbench = await openWorkbench(browser, server, { folder, size: SIZE });
      try {
        if (picture.file) await workbench.openFile(picture.file);
        await picture.stage(workbench);
        if (existsSync(file)) rmSync(file);
        await workbench.screenshot(file);
      } finally {
        await workbench.close();
      }
    }
  }
  await browser.close();
  return failed === 0 ? 0 : 1;
}
