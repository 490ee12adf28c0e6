/** Every command of docs/questions.md runs as it stands there; their answers are tested beside the commands. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';
import type { TestWorkspace } from '../support/workspace.ts';

const CLI = resolve('dist/server/cli.js');
const exec = promisify(execFile);

/** As a shell would cut it: blanks outside double quotes. */
const wordsOf = (command: string): string[] => [...command.matchAll(/"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? m[2] ?? '');

const run = (workspace: TestWorkspace, words: readonly string[]): Promise<{ readonly code: number; readonly stderr: string; readonly stdout: string }> =>
  exec(process.execPath, [CLI, ...words], { cwd: workspace.folder, env: { ...process.env, STEPSCOPE_DATA: workspace.path('data') } }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => error,
  );

it('every question is answered by the command beside it', async () => {
  const page = readFileSync('docs/questions.md', 'utf8');
  const commands = [...page.matchAll(/\| `stepscope ([^`]+)` \|/g)].map((m) => m[1] ?? '');
  expect(commands.length).toBeGreaterThanOrEqual(10);
  using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(4, { id: 'a' })), 'b.trace.json': pretty(planTrace(3, { id: 'b' })) });
  const memory = workspace.path('memory.sqlite');
  expect((await run(workspace, ['score', '.', '--memory', memory])).code).toBe(0);
  for (const command of commands) {
    const words = wordsOf(command);
    const { code, stderr, stdout } = await run(workspace, [...words, '--memory', memory]);
    expect(stderr, command).not.toMatch(/See: stepscope|^\s+at /m);
    // Nobody judges alignment and clarity here: the one command that asks for them says so.
    if (command.includes('alignment')) expect(stderr, command).toMatch(/alignment|outcome/);
    // No step here is that uncertain, and nothing was scored twice: no rows.
    else expect({ code, hasAnswer: stdout !== '' || stderr !== '' || /--where|deltas/.test(command) }, `${command}: ${stderr}`).toEqual({ code: 0, hasAnswer: true });
  }
}, 120_000);
