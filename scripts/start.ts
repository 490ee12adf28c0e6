/** `npm start`: opens the sample traces in VS Code with StepScope in it: the desktop's when there is one, else one in the browser. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort, QUIET_SETTINGS, startServer } from './codeServer.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const DEFAULT_PORT = 8128;
/** The sample that opens by itself: a wrong step, tinted and in Problems. */
const FIRST_SAMPLE = 'wrong-step.trace.json';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { browser: { type: 'boolean' }, port: { type: 'string' }, 'no-open': { type: 'boolean' } },
});
const folder = positionals[0] ?? samplesCopy();
const firstFile = positionals[0] === undefined ? join(folder, FIRST_SAMPLE) : undefined;
if (!values.browser && hasDesktopCode()) openDesktop();
else await openInBrowser();

/** A copy, so that labels and edits stay out of the project; what is there already is kept. */
function samplesCopy(): string {
  const copy = join(root, '.cache/samples');
  mkdirSync(copy, { recursive: true });
  const samples = join(root, 'client/samples');
  if (existsSync(samples)) cpSync(samples, copy, { recursive: true, force: false });
  return copy;
}

function hasDesktopCode(): boolean {
  const found = spawnSync('code', ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' });
  return found.status === 0 && /^\d+\.\d+/.test(found.stdout);
}

function openDesktop(): void {
  console.log(`Opening ${folder} in VS Code with StepScope (npm start -- --browser opens it in the browser instead).`);
  const result = spawnSync('code', ['--new-window', `--extensionDevelopmentPath=${root}`, folder, ...(firstFile === undefined ? [] : [firstFile])], { stdio: 'inherit', shell: process.platform === 'win32' });
  process.exitCode = result.status ?? 1;
}

async function openInBrowser(): Promise<void> {
  if (process.platform === 'win32') {
    console.error('VS Code in the browser does not run on Windows: install desktop VS Code with its `code` command on the PATH, then run npm start again.');
    process.exitCode = 1;
    return;
  }
  const home = join(root, '.cache/start');
  const userDataDir = join(home, 'user-data');
  const extensionsDir = join(home, 'extensions');
  registerCheckout(extensionsDir);
  const isFirstStart = !existsSync(join(userDataDir, 'User/settings.json'));
  const server = await startServer({
    root, userDataDir, extensionsDir,
    port: values.port ? Number(values.port) : await freePort(DEFAULT_PORT),
    ...(isFirstStart ? { settings: QUIET_SETTINGS } : {}),
  });
  const payload = firstFile === undefined ? '' : `&payload=${encodeURIComponent(JSON.stringify([['openFile', `vscode-remote://${new URL(server.origin).host}${firstFile}`]]))}`;
  const url = `${server.origin}/?folder=${encodeURIComponent(folder)}${payload}`;
  console.log(`StepScope is open in VS Code at\n\n  ${url}\n\nThe traces are in ${folder}. Ctrl-C ends it.`);
  if (!values['no-open']) openBrowser(url);
  const end = (): void => { void server.stop(); };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  const code = await server.exited;
  process.exitCode = code > 1 ? code : 0;
}

/** Names this checkout as an installed extension: after a change, build and reload the window; nothing is packed. */
function registerCheckout(extensionsDir: string): void {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { publisher: string; name: string; version: string };
  mkdirSync(extensionsDir, { recursive: true });
  writeFileSync(join(extensionsDir, 'extensions.json'), JSON.stringify([{
    identifier: { id: `${manifest.publisher}.${manifest.name}` },
    version: manifest.version,
    location: { $mid: 1, path: root, scheme: 'file' },
    metadata: { isMachineScoped: true, source: 'vsix', installedTimestamp: 0 },
  }]));
}

function openBrowser(url: string): void {
  const hasDisplay = process.platform === 'darwin' || Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY']);
  if (!hasDisplay) return;
  const opener = spawn(process.platform === 'darwin' ? 'open' : 'xdg-open', [url], { stdio: 'ignore', detached: true });
  opener.on('error', () => undefined);
  opener.unref();
}
