#!/usr/bin/env node
/**
 * The one door to the project: `npm start`, `npm test` and every other script begin here.
 * Built-ins only, and it runs on Node 20: nothing is installed yet when it starts.
 * It picks a Node, installs what the lock file names, builds what is stale, then hands over.
 * Everything it says goes to stderr, so that stdout belongs to the command.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, isFresh, missingEntries } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const installStamp = join(modules, '.stepscope-install.json');

/** Where onnxruntime-node and better-sqlite3 both ship a binary. */
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];
const platform = `${process.platform}-${process.arch}`;

/** What each sub-command needs before its script runs; `script` is given the rest of the command line. */
const COMMANDS = {
  start: { script: 'scripts/start.ts', needsBuild: true },
  test: { script: 'scripts/test.ts', needsBuild: false },
  bench: { script: 'scripts/bench.ts', needsBuild: true },
  generate: { script: 'scripts/generate-contributions.ts', needsBuild: false },
  package: { script: 'scripts/package.ts', needsBuild: true },
  screenshots: { script: 'scripts/screenshots.ts', needsBuild: true },
  stepscope: { script: 'dist/server/cli.js', needsBuild: true },
  build: { script: undefined, needsBuild: true },
};

/** A failure whose message is one sentence that says what to do. */
class Remedy extends Error {}

try {
  process.exitCode = await main(process.argv[2], process.argv.slice(3));
} catch (error) {
  process.stderr.write(error instanceof Remedy ? `\n${error.message}\n` : `\n${error?.stack ?? error}\n`);
  process.exitCode = 1;
}

async function main(name, args) {
  const command = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name] : undefined;
  if (!command) throw new Remedy(`Say what to do: node scripts/boot.mjs ${Object.keys(COMMANDS).join(' | ')}`);
  await install();
  const node = chooseNode();
  if (command.needsBuild) await buildIfStale(name);
  if (!command.script) return 0;
  return await handOver(node, command.script, args, name);
}

// ---- Node

function chooseNode() {
  if (isAtLeast(process.versions.node, 22, 15)) return process.execPath;
  const os = process.platform === 'win32' ? 'win' : process.platform;
  const packaged = join(modules, `node-${os}-${process.arch}`, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(packaged)) return packaged;
  throw new Remedy(`StepScope needs Node 22.15 or later and this is Node ${process.versions.node}: install Node 24 from nodejs.org, then run this again.`);
}

function isAtLeast(version, major, minor) {
  const [foundMajor = 0, foundMinor = 0] = version.split('.').map(Number);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}

// ---- Packages

async function install() {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const wanted = { lock: createHash('sha256').update(lockText).digest('hex'), platform };
  const found = readJson(installStamp);
  if (found?.lock === wanted.lock && found.platform === wanted.platform) return;
  if (!PLATFORMS.includes(platform) || isMusl()) {
    throw new Remedy(`StepScope's model runtime has no binary for ${isMusl() ? `${platform} with musl` : platform}: use one of ${PLATFORMS.join(', ')} (Linux with glibc).`);
  }
  requireWritable();
  if (!isInstalledByHand(lockText)) await step('Installing packages from the lock file', runNpmCi);
  writeFileSync(installStamp, JSON.stringify(wanted));
}

/** Whether someone ran npm themselves and got what the lock file names: then there is nothing to do, even offline. */
function isInstalledByHand(lockText) {
  const found = readJson(join(modules, '.package-lock.json'))?.packages;
  if (!found || readJson(installStamp)?.platform && readJson(installStamp).platform !== platform) return false;
  return Object.entries(JSON.parse(lockText).packages).every(
    ([path, wanted]) => path === '' || wanted.optional || wanted.devOptional || wanted.peer || found[path]?.version === wanted.version,
  ) && existsSync(join(modules, 'esbuild', 'package.json'));
}

async function runNpmCi() {
  // Killed halfway, node_modules must not look finished.
  rmSync(installStamp, { force: true });
  const npm = process.env.npm_execpath;
  const args = ['ci', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const result = npm?.endsWith('.js') || npm?.endsWith('.cjs')
    ? await capture(process.execPath, [npm, ...args], { env })
    : await capture(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { env, shell: process.platform === 'win32' });
  if (result.code !== 0) throw new Remedy(explainNpm(result.output));
}

function explainNpm(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|network/i.test(output)) {
    return 'npm cannot reach its registry: connect to the network (or name yours with `npm config set registry <address>`), then run this again. Once set up, StepScope works offline.';
  }
  if (/EACCES|EROFS|EPERM/.test(output)) return `npm may not write in ${root}: make the folder writable, or copy the project to one that is.`;
  if (/ENOSPC/.test(output)) return 'The disk is full: free about 2 GB, then run this again.';
  if (/EUSAGE|in sync/.test(output)) return 'package.json and package-lock.json disagree: run `npm install` and commit both.';
  if (/spawn npm|npm: not found/.test(output)) return 'npm was not found: install Node 24 from nodejs.org (npm comes with it), then run this again.';
  return `npm ci failed; it said:\n${output.trim().split('\n').slice(-15).join('\n')}`;
}

function requireWritable() {
  try {
    mkdirSync(modules, { recursive: true });
    const probe = join(modules, `.writable-${process.pid}`);
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (error) {
    throw new Remedy(`Nothing can be written in ${root} (${error.code}): make the folder writable, or copy the project to one that is.`);
  }
}

function isMusl() {
  if (process.platform !== 'linux') return false;
  process.report.excludeNetwork = true;
  return !process.report.getReport().header.glibcVersionRuntime;
}

// ---- Build

async function buildIfStale(name) {
  if (!isFresh()) {
    requireWritable();
    try {
      await step('Building dist', () => build());
    } catch (error) {
      throw error?.errors ? new Remedy(`The build failed with ${error.errors.length === 1 ? 'the error' : `the ${error.errors.length} errors`} above: correct the source and run this again.`) : error;
    }
  }
  const missing = missingEntries();
  const blocks = name === 'stepscope' ? missing.filter((entry) => entry.output === 'dist/server/cli.js') : missing;
  if (blocks.length > 0) {
    throw new Remedy(`${blocks.map((entry) => `${entry.input} does not exist, so ${entry.output} cannot be built`).join('; ')}: add it, or take it out of ENTRIES in scripts/build.mjs.`);
  }
}

// ---- Running

/** Runs the command in the chosen Node with our own terminal, and answers its exit status. */
function handOver(node, script, args, name) {
  const isTypeScript = script.endsWith('.ts');
  const flags = isTypeScript ? ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'] : [];
  // `npm run` moves to the project's folder; the paths a user types are relative to where they stand.
  const cwd = name === 'stepscope' ? process.env.INIT_CWD ?? process.cwd() : root;
  const child = spawn(node, [...flags, join(root, script), ...args], { stdio: 'inherit', cwd });
  // A terminal sends ctrl-C to the child too: wait for it to end instead of dying first.
  const forward = (signal) => { if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal); };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 1)));
  });
}

/** Runs a command to its end; its output is kept for the case that it fails. */
function capture(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    child.stdout.on('data', (text) => { output += text; });
    child.stderr.on('data', (text) => { output += text; });
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** One line on stderr: what is done, and how long it took. */
async function step(what, work) {
  const startMs = performance.now();
  process.stderr.write(`${what} … `);
  const result = await work();
  process.stderr.write(`${((performance.now() - startMs) / 1000).toFixed(1)} s\n`);
  return result;
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
