/** Scores a recorded run with the `stepscope` command line: every step, the whole, and how far the scorers agree. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PipelineScorer } from './monitorOptions.ts';
import type { PipelineScores } from './planTraceDocument.ts';

/** `command`: the program and its first arguments; by default the command line built beside this file, else `stepscope` on the PATH. */
export function stepscopeScorer(command: readonly string[] = builtCommand() ?? ['stepscope']): PipelineScorer {
  return async (trace) => {
    const folder = await mkdtemp(join(tmpdir(), 'stepscope-'));
    try {
      const file = join(folder, 'run.trace.json');
      await writeFile(file, JSON.stringify(trace));
      await run([...command, 'write-back', '--format', 'ndjson', file]);
      const { step_scores, pipeline_score, mars_analysis } = JSON.parse(await readFile(file, 'utf8')) as PipelineScores;
      return { ...(step_scores === undefined ? {} : { step_scores }), ...(pipeline_score === undefined ? {} : { pipeline_score }), ...(mars_analysis === undefined ? {} : { mars_analysis }) };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

function builtCommand(): readonly string[] | undefined {
  const file = fileURLToPath(new URL('../server/cli.js', import.meta.url));
  return existsSync(file) ? [process.execPath, file] : undefined;
}

/** Rejects with what the program said last where it did not end well. */
function run([program = '', ...words]: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, words, { maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error((stderr.trim() || stdout.trim() || error.message).split('\n').at(-1)));
    });
  });
}
