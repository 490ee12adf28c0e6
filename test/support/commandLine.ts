/** The built command line, run as a user would. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { onTestFinished } from 'vitest';

export interface CliRun {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** `onFirstOutput` gets a function that interrupts it, as Ctrl-C does. */
export async function runCli(words: readonly string[], options: { readonly cwd?: string; readonly uid?: number; readonly input?: string; readonly onFirstOutput?: (interrupt: () => void) => void } = {}): Promise<CliRun> {
  const { cwd, uid, input = '', onFirstOutput } = options;
  const child = spawn(process.execPath, [resolve('dist/server/cli.js'), ...words], { ...(cwd === undefined ? {} : { cwd }), ...(uid === undefined ? {} : { uid }) });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => { out += piece; });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => { err += piece; });
  child.stdout.once('data', () => onFirstOutput?.(() => child.kill('SIGINT')));
  child.stdin.end(input);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out, err };
}
