/** Chromium, and a VS Code window in it seen from outside. Waits are for what appears, never for time. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { type Browser, chromium, type FrameLocator, type Locator, type Page } from 'playwright-core';
import type { CodeServer } from './codeServer.ts';

export interface WindowOptions {
  /** The folder to open. */
  readonly folder: string;
  /** The extension under development: its folder. Without it the window has what is installed in the server. */
  readonly development?: string;
  /** The module whose `run()` the extension host calls; needs `development`. */
  readonly suite?: string;
  /** 1400 × 900 when absent. */
  readonly size?: { readonly width: number; readonly height: number };
}

export interface Workbench {
  readonly page: Page;
  /** Runs a command by the title that the palette shows. */
  runCommand(title: string): Promise<void>;
  /** Opens a file of the workspace by name through Quick Open, and waits for its editor. */
  openFile(name: string): Promise<void>;
  /** Waits until the window shows this text somewhere. */
  waitForText(text: string | RegExp): Promise<Locator>;
  /** The rows of the Problems panel, opened first. */
  problems(): Promise<Locator>;
  /** The inlay hints in sight that begin with a score. */
  chips(): Locator;
  /** What a webview shows: two frames deep. */
  webview(): FrameLocator;
  screenshot(file: string): Promise<void>;
  /** Everything the window's console printed. */
  consoleText(): string;
  /** Resolves with the suite's exit status, 0 when every journey passed. */
  readonly suiteEnded: Promise<number>;
  close(): Promise<void>;
}

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-features=LocalNetworkAccessChecks'];
const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const ELSEWHERE = ['/Applications/Chromium.app/Contents/MacOS/Chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

/** The Chromium of this machine: `CHROME_PATH`, else the PATH. `undefined` when there is none. */
export function findChromium(): string | undefined {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [process.env['CHROME_PATH'] ?? '', ...onPath, ...ELSEWHERE].find((file) => file !== '' && isExecutable(file));
}

/** Starts Chromium without a window and with a fresh profile. */
export async function launchBrowser(executablePath: string): Promise<Browser> {
  return await chromium.launch({ executablePath, args: FLAGS, headless: true, chromiumSandbox: false });
}

/** Opens a window in a profile of its own and waits until its workbench stands. */
export async function openWorkbench(browser: Browser, server: CodeServer, options: WindowOptions): Promise<Workbench> {
  const context = await browser.newContext({ viewport: options.size ?? { width: 1400, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const lines: string[] = [];
  page.on('console', (message) => lines.push(message.text()));
  page.on('pageerror', (error) => lines.push(String(error)));
  const ended = Promise.withResolvers<number>();
  await page.exposeFunction('codeAutomationExit', (code: number) => ended.resolve(code));
  await page.exposeFunction('codeAutomationLog', (_kind: string, args: readonly unknown[]) => lines.push(args.map(String).join(' ')));
  if (options.development) await allowDevelopment(page, server.origin);
  await page.goto(windowUrl(server, options), { waitUntil: 'domcontentloaded' });
  await page.locator('.monaco-workbench .part.statusbar').waitFor();
  return {
    page,
    runCommand: (title) => runCommand(page, title),
    openFile: (name) => openFile(page, name),
    waitForText: async (text) => {
      const found = page.getByText(text).filter({ visible: true }).first();
      await found.waitFor();
      return found;
    },
    problems: async () => {
      const panel = page.locator('.markers-panel');
      if (!(await panel.isVisible())) await runCommand(page, 'View: Toggle Problems');
      await panel.waitFor();
      return panel.locator('.monaco-list-row');
    },
    // VS Code renders an inlay hint as a span with a generated class inside the line.
    chips: () => page.locator('.view-line span[class*="dyn-rule"]').filter({ hasText: /^\s*\d{1,3}\b/ }),
    webview: () => page.frameLocator('iframe.webview.ready').frameLocator('#active-frame'),
    screenshot: async (file) => {
      mkdirSync(dirname(file), { recursive: true });
      await page.screenshot({ path: file });
    },
    consoleText: () => lines.join('\n'),
    suiteEnded: ended.promise,
    close: () => context.close(),
  };
}

/** Tries `probe` until it answers something other than `undefined` or `false`; `what` names it when time runs out. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined | false>, timeoutMs = 30_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let seen: unknown;
  do {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found as T;
      seen = found;
    } catch (error) {
      seen = error;
    }
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  } while (performance.now() < deadline);
  throw new Error(`${what}: not within ${timeoutMs / 1000} s; last seen: ${String(seen)}`);
}

function windowUrl(server: CodeServer, options: WindowOptions): string {
  const authority = new URL(server.origin).host;
  const remote = (path: string): string => `vscode-remote://${authority}${path}`;
  const payload = [
    ...(options.development ? [['extensionDevelopmentPath', remote(options.development)]] : []),
    ...(options.suite ? [['extensionTestsPath', remote(options.suite)]] : []),
  ];
  const query = new URLSearchParams({ folder: options.folder, ...(payload.length > 0 ? { payload: JSON.stringify(payload) } : {}) });
  return `${server.origin}/?${query.toString()}`;
}

/** A built VS Code honours an extension under development only with its smoke-test driver on, which is said in the page itself. */
async function allowDevelopment(page: Page, origin: string): Promise<void> {
  await page.route((url) => url.origin === origin && url.pathname === '/', async (route) => {
    const response = await route.fetch();
    const html = await response.text();
    const opening = '&quot;developmentOptions&quot;:{';
    if (!html.includes(opening)) throw new Error('The page of this VS Code has no developmentOptions: the trick in test/support/browser.ts no longer fits it.');
    await route.fulfill({ response, body: html.replace(opening, `${opening}&quot;enableSmokeTestDriver&quot;:true,`) });
  });
}

async function runCommand(page: Page, title: string): Promise<void> {
  const input = page.locator('.quick-input-widget input[type="text"]');
  const timeout = 2000;
  // A command before may still take the focus, which closes the palette: then it is opened again.
  await eventually(`the command ${title} in the palette`, async () => {
    if (!(await input.isVisible())) await page.keyboard.press('F1');
    await input.fill(`>${title}`, { timeout });
    // The best match gets the focus; the key goes to it even where the list scrolls under the pointer.
    await page.locator('.quick-input-list .monaco-list-row.focused').filter({ hasText: title }).waitFor({ timeout });
    await input.press('Enter', { timeout });
    return true;
  });
  // Gone, or in its place the picker of the command.
  await eventually(`the palette closed by ${title}`, async () => !(await input.isVisible()) || !(await input.inputValue({ timeout })).startsWith('>'));
}

async function openFile(page: Page, name: string): Promise<void> {
  await page.keyboard.press('Control+P');
  const input = page.locator('.quick-input-widget input[type="text"]');
  await input.waitFor();
  await input.fill(name);
  const row = page.locator('.quick-input-list .monaco-list-row').filter({ hasText: name }).first();
  await row.waitFor();
  await row.click();
  await page.locator('.tab.active').filter({ hasText: name }).waitFor();
  await page.locator('.editor-instance .view-lines').first().waitFor();
}

function isExecutable(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
