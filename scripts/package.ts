/** `npm run package`: makes stepscope-<platform>.vsix from a staging folder that holds the allow-list and nothing else. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVSIX } from '@vscode/vsce';
import { bundledPackages } from './build.mjs';
import { packageFaults, shippedFiles, type Target, targetName } from './packageContents.ts';
import { zipNames } from './zipNames.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(root, `stepscope-${targetName(thisPlatform())}.vsix`);
  await packExtension(file);
  console.log(`${file} (${(statSync(file).size / 1e6).toFixed(1)} MB)`);
}

export function thisPlatform(): Target {
  return { os: process.platform as Target['os'], cpu: process.arch as Target['cpu'] };
}

/** Packs what dist/ holds into `file`, for this platform. */
export async function packExtension(file: string): Promise<void> {
  const target = thisPlatform();
  const staging = join(root, '.cache/package');
  rmSync(staging, { recursive: true, force: true });
  for (const { from, to } of shippedFiles(root, target)) {
    mkdirSync(dirname(join(staging, to)), { recursive: true });
    cpSync(join(root, from), join(staging, to));
  }
  writeFileSync(join(staging, 'package.json'), JSON.stringify(shippedManifest(), undefined, 2));
  writeFileSync(join(staging, 'ThirdPartyNotices.txt'), thirdPartyNotices());
  rmSync(file, { force: true });
  mkdirSync(dirname(file), { recursive: true });
  await quietly(() => createVSIX({
    cwd: staging,
    packagePath: file,
    target: targetName(target),
    dependencies: false,
    rewriteRelativeLinks: false,
    allowMissingRepository: true,
    skipLicense: true,
    // The allow-list is the guard; scanning 60 MB of models for secrets takes longer than everything else.
    allowPackageAllSecrets: true,
  }));
  const faults = packageFaults(zipNames(file).filter((name) => name.startsWith('extension/')).map((name) => name.slice('extension/'.length)), target);
  if (faults.length > 0) throw new Error(`${file} is not fit to ship: ${faults.join('; ')}. scripts/packageContents.ts says what goes in.`);
}

/** package.json without what only a checkout needs. */
function shippedManifest(): Record<string, unknown> {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  const { scripts: _scripts, devDependencies: _dev, dependencies: _deps, optionalDependencies: _optional, allowScripts: _allow, private: _private, files: _files, ...shipped } = manifest;
  return shipped;
}

/** The licences of everything inside the bundles and beside them. */
function thirdPartyNotices(): string {
  const names = [...new Set([...bundledPackages(), 'better-sqlite3', 'onnxruntime-common', 'onnxruntime-node', 'onnxruntime-web'])].sort();
  return names.filter((name) => existsSync(join(root, 'node_modules', name))).map((name) => {
    const folder = join(root, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string; license?: string };
    const licences = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|thirdpartynotices)/i.test(file) && statSync(join(folder, file)).isFile());
    const texts = licences.map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return [`${name} ${version} (${license ?? 'see below'})`, ...texts].join('\n\n');
  }).join(`\n\n${'-'.repeat(80)}\n\n`);
}

/** vsce tells its whole file list on stdout; it is shown only when packing fails. */
async function quietly(work: () => Promise<void>): Promise<void> {
  const { log, warn, info } = console;
  const said: string[] = [];
  console.log = console.warn = console.info = (...args: unknown[]): void => { said.push(args.map(String).join(' ')); };
  try {
    await work();
  } catch (error) {
    process.stderr.write(`${said.join('\n')}\n`);
    throw error;
  } finally {
    Object.assign(console, { log, warn, info });
  }
}
