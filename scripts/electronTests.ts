/** The journeys of test/editor/suite in desktop VS Code, which @vscode/test-electron downloads. Not run in CI: there the browser serves. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTests } from '@vscode/test-electron';
import type { SuiteReport } from '../test/editor/results.ts';
import { bundleSuite, findGroups } from './editorTests.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

export async function runInElectron(): Promise<{ passed: number; failed: number; skipped: number }> {
  let passed = 0;
  let failed = 0;
  for (const group of findGroups()) {
    const suite = await bundleSuite(group);
    const workspace = mkdtempSync(join(tmpdir(), 'stepscope-electron-'));
    if (existsSync(group.workspace)) cpSync(group.workspace, workspace, { recursive: true });
    const isFine = await runTests({
      extensionDevelopmentPath: root,
      extensionTestsPath: suite,
      cachePath: join(root, '.cache/vscode-test'),
      launchArgs: [workspace, '--disable-extensions', '--disable-workspace-trust', '--skip-welcome'],
    }).then(() => true, (error: unknown) => { console.log(String(error)); return false; });
    rmSync(workspace, { recursive: true, force: true });
    const file = join(dirname(suite), 'results.json');
    const results = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SuiteReport).results : [];
    for (const { name, failure } of results) console.log(failure === undefined ? `  ✓ ${name}` : `  ✗ ${name}\n${failure}`);
    const failures = results.filter((result) => result.failure !== undefined).length;
    passed += results.length - failures;
    failed += failures === 0 && !isFine ? 1 : failures;
  }
  return { passed, failed, skipped: 0 };
}
