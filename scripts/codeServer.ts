/** A real VS Code in the browser (the npm package code-server): installed into .cache, started on 127.0.0.1. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** VS Code 1.139.1. Wants Node 24. */
export const CODE_SERVER_VERSION = '4.139.1';

export interface ServerOptions {
  readonly root: string;
  readonly userDataDir: string;
  readonly extensionsDir: string;
  /** 0 (the default) lets the system pick. */
  readonly port?: number;
  /** Written to the user's settings before the start. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface RunningServer {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** What the server printed so far. */
  readonly log: () => string;
  readonly exited: Promise<number>;
  stop(): Promise<void>;
}

/** Settings that keep a fresh VS Code quiet: no telemetry, no welcome, no tips, no network. */
export const QUIET_SETTINGS: Readonly<Record<string, unknown>> = {
  'telemetry.telemetryLevel': 'off',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'security.workspace.trust.enabled': false,
  'extensions.ignoreRecommendations': true,
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'update.mode': 'none',
  'npm.fetchOnlinePackageInfo': false,
  'chat.disableAIFeatures': true,
  'git.openRepositoryInParentFolders': 'never',
};

/** Installs code-server unless it is there. Answers its entry script. About 620 MB, 15–60 s, once. */
export async function ensureCodeServer(root: string): Promise<string> {
  const folder = join(root, '.cache/code-server');
  const entry = join(folder, 'node_modules/code-server/out/node/entry.js');
  const stamp = join(folder, '.installed');
  if (existsSync(entry) && existsSync(stamp) && readFileSync(stamp, 'utf8') === CODE_SERVER_VERSION) return entry;
  const startMs = performance.now();
  process.stderr.write(`Installing VS Code for the browser (code-server ${CODE_SERVER_VERSION}, 620 MB, once) … `);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'vscode-in-the-browser', private: true }));
  const vscode = join(folder, 'node_modules/code-server/lib/vscode');
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];
  await npm(['install', '--save-exact', `code-server@${CODE_SERVER_VERSION}`, ...quiet], folder);
  await npm(['install', '--omit=dev', ...quiet], vscode);
  await npm(['install', '--omit=dev', ...quiet], join(vscode, 'extensions'));
  writeFileSync(stamp, CODE_SERVER_VERSION);
  process.stderr.write(`${((performance.now() - startMs) / 1000).toFixed(1)} s\n`);
  return entry;
}

/** Starts a server and resolves when it answers. Listens on 127.0.0.1 only, without a password. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const entry = await ensureCodeServer(options.root);
  if (options.settings) {
    mkdirSync(join(options.userDataDir, 'User'), { recursive: true });
    writeFileSync(join(options.userDataDir, 'User/settings.json'), JSON.stringify(options.settings, undefined, 2));
  }
  const child = spawn(codeServerNode(options.root), [
    entry, ...folderArguments(options), '--auth', 'none', '--bind-addr', `127.0.0.1:${options.port ?? 0}`, '--disable-telemetry',
    '--disable-update-check', '--disable-workspace-trust', '--disable-getting-started-override',
  ], { env: { ...cleanEnvironment(), STEPSCOPE_DATA: join(options.userDataDir, 'stepscope') }, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  const exited = new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
  const origin = await new Promise<string>((resolve, reject) => {
    const read = (text: Buffer): void => {
      log += text.toString();
      const found = /HTTP server listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(log)?.[1];
      if (found) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', reject);
    void exited.then((code) => reject(new Error(`VS Code in the browser ended with status ${code} before it was ready:\n${log}`)));
  });
  return { origin, log: () => log, exited, stop: () => stop(child, exited) };
}

/** Installs a packed extension into `extensionsDir`; the server must not run yet. */
export async function installVsix(options: ServerOptions, vsix: string): Promise<void> {
  const entry = await ensureCodeServer(options.root);
  const { code, output } = await capture(codeServerNode(options.root), [entry, ...folderArguments(options), '--install-extension', vsix, '--force'], options.root);
  if (code !== 0 || !/successfully installed/.test(output)) throw new Error(`VS Code did not install ${vsix}:\n${output}`);
}

/** `wanted` when nobody listens there, else the next free port. */
export async function freePort(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + 100; port++) {
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer().once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
  throw new Error(`No free port from ${wanted} on: name one with --port.`);
}

function folderArguments(options: ServerOptions): string[] {
  mkdirSync(options.userDataDir, { recursive: true });
  mkdirSync(options.extensionsDir, { recursive: true });
  // Its own configuration file: the user's, if there is one, may ask for a password or another folder.
  const config = join(options.userDataDir, 'code-server.yaml');
  writeFileSync(config, 'auth: none\ncert: false\n');
  return ['--config', config, '--user-data-dir', options.userDataDir, '--extensions-dir', options.extensionsDir];
}

/** code-server refuses every Node but 24; the one from npm is there when the running one does not fit. */
function codeServerNode(root: string): string {
  if (process.versions.node.startsWith('24.')) return process.execPath;
  const os = process.platform === 'win32' ? 'win' : process.platform;
  const packaged = join(root, 'node_modules', `node-${os}-${process.arch}`, 'bin/node');
  return existsSync(packaged) ? packaged : process.execPath;
}

/** Without what a VS Code terminal sets: it would make this server open its files over there. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const dropped = /^(VSCODE_|CODE_SERVER_|ELECTRON_|NODE_OPTIONS$|npm_|PORT$|PASSWORD$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !dropped.test(name)));
}

async function npm(args: readonly string[], cwd: string): Promise<void> {
  const script = process.env['npm_execpath'];
  const { code, output } = script && /\.c?js$/.test(script)
    ? await capture(process.execPath, [script, ...args], cwd)
    : await capture('npm', args, cwd);
  if (code === 0) return;
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|network/i.test(output)) {
    throw new Error('npm cannot reach its registry to fetch VS Code for the browser: connect to the network, or install desktop VS Code with its `code` command, then run this again.');
  }
  throw new Error(`npm could not install VS Code for the browser; it said:\n${output.trim().split('\n').slice(-15).join('\n')}`);
}

function capture(command: string, args: readonly string[], cwd: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (text) => { output += String(text); });
    child.stderr.on('data', (text) => { output += String(text); });
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

async function stop(child: ChildProcess, exited: Promise<number>): Promise<void> {
  child.kill('SIGTERM');
  const giveUp = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(giveUp);
}
