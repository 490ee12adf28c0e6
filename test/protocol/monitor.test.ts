/** The recorder as others get it: the built file, the package export, the examples, and the command line it scores with and that it records. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type * as Monitor from '../../server/src/monitor/index.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import type { PlanTrace } from '../../server/src/core/planTrace.ts';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const BUILT = join(ROOT, 'dist/monitor/index.mjs');
const CLI = join(ROOT, 'dist/server/cli.js');
const monitorModule = (await import(BUILT)) as typeof Monitor;

const tracesIn = (file: string): readonly PlanTrace[] => readTraces({ path: file, text: readFileSync(file, 'utf8') })?.traces ?? [];

/** A folder inside the package, where its own name resolves. */
function insidePackage(): string {
  mkdirSync(join(ROOT, 'dist/test'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'dist/test/recorder-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function node(cwd: string, ...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

describe('the built file', () => {
  it('imports nothing but what Node brings', () => {
    const text = readFileSync(BUILT, 'utf8');
    const imports = [...text.matchAll(/^import [^;]*?from "([^"]+)";|\bimport\(([^)]*)\)|\brequire\(([^)]*)\)/gm)].map((m) => m[1] ?? m[2] ?? m[3]);
    expect(imports.length).toBeGreaterThan(0);
    expect(imports.filter((name) => !/^node:/.test(name ?? ''))).toEqual([]);
  });

  it('is what the name of the package leads to, for import and for require', () => {
    const folder = insidePackage();
    writeFileSync(join(folder, 'a.mjs'), "import * as m from 'stepscope/monitor'; console.log(Object.keys(m).sort().join());");
    writeFileSync(join(folder, 'b.cjs'), "console.log(Object.keys(require('stepscope/monitor')).filter((k) => k !== '__esModule').sort().join());");
    for (const file of ['a.mjs', 'b.cjs']) expect(node(folder, '--disable-warning=ExperimentalWarning', file).trim()).toBe('PlanTraceMonitor,Supervisor,stepscopeScorer');
  });

  it('comes with types that need nothing else, and say what the sources say', () => {
    const folder = insidePackage();
    writeFileSync(join(folder, 'use.ts'), [
      "import { PlanTraceMonitor, Supervisor, stepscopeScorer } from 'stepscope/monitor';",
      "import type { PipelineRun, PlanTraceDocument } from 'stepscope/monitor';",
      "const monitor = new PlanTraceMonitor({ folder: 'x' });",
      "const run: PipelineRun = monitor.startPipeline({ goalText: 'g' });",
      "const n: Promise<number> = monitor.recordStage(run, 's', () => 1);",
      'const trace: PlanTraceDocument = monitor.traceOf(run);',
      'void [n, trace, new Supervisor({ monitor, stages: [], scorer: stepscopeScorer() })];',
      '// @ts-expect-error a goal is needed',
      'monitor.startPipeline({});',
    ].join('\n'));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout, status } = spawnSync(process.execPath, [tsc, '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022', '--types', '', '--ignoreConfig', join(folder, 'use.ts')], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});

describe('the examples', () => {
  it('of docs/recorder.md', () => {
    const folder = insidePackage();
    const [, code = ''] = /```js\n([^]*?)```/.exec(readFileSync(join(ROOT, 'docs/recorder.md'), 'utf8')) ?? [];
    writeFileSync(join(folder, 'example.mjs'), code);
    const file = join(folder, node(folder, 'example.mjs').trim());
    expect(readFileSync(file, 'utf8')).not.toContain('never written');
    expect(tracesIn(file)).toMatchObject([{ traceId: 'invoices-1', goalText: 'Which of the two invoices is overdue?', finalOutputText: '["A"]', steps: [
      { stepType: 'read A', depth: 1, parentId: 'step_1' }, { stepType: 'read B', depth: 1 }, { stepType: 'load', depth: 0 }, { stepType: 'compare', output: 'Invoice A is overdue by 3 days.' },
    ] }]);
  });

  it('of the Supervisor, scored by the command line', () => {
    using workspace = testWorkspace();
    expect(node(workspace.folder, join(ROOT, 'examples/supervisor.mjs'), 'out', '--score')).toBe('The lunches cost 45 of 40: over budget.\n');
    const [name = ''] = readdirSync(workspace.path('out'));
    const [trace] = tracesIn(workspace.path(`out/${name}`));
    expect(trace?.steps.map((s) => s.stepType)).toEqual(['plan', 'replace', 'improve', 'replace', 'improve', 'improve', 'check']);
    const last = JSON.parse(readFileSync(workspace.path(`out/${name}`), 'utf8').trim().split('\n').at(-1) ?? '') as { readonly plan_trace_event: string; readonly step_scores: readonly unknown[]; readonly pipeline_score: Readonly<Record<string, unknown>> };
    expect(last.plan_trace_event).toBe('pipeline_scored');
    expect(last.step_scores).toHaveLength(7);
    expect(last.pipeline_score['reasoning_quality']).toBeTypeOf('number');
    // Ours are no findings of the file: they are computed anew.
    expect(trace?.importedScores).toEqual([]);
  });
});

describe('stepscopeScorer', () => {
  it('says why where there is no such program', async () => {
    const notices: string[] = [];
    const monitor = new monitorModule.PlanTraceMonitor({ onNotice: (sentence) => notices.push(sentence) });
    const run = monitor.startPipeline({ goalText: 'g', traceId: 'r' });
    expect(await monitor.scorePipeline(run, monitorModule.stepscopeScorer(['no-such-stepscope']))).toBeUndefined();
    expect(notices).toEqual([expect.stringMatching(/^The run r is not scored: .*no-such-stepscope/)]);
  });
});

describe('stepscope score --record', () => {
  it('records what is done to each file, and prints the same', () => {
    using workspace = testWorkspace({ 'a.trace.json': pretty(planTrace(3)), 'b.txt': 'no trace' });
    const run = (...words: string[]): { readonly status: number | null; readonly stdout: string } => spawnSync(process.execPath, [CLI, 'score', ...words], { cwd: workspace.folder, encoding: 'utf8' });
    const { status, stdout } = run('a.trace.json', 'b.txt', '--record', 'deep/log.trace.jsonl');
    expect(status).toBe(1);
    expect(stdout).toBe(run('a.trace.json', 'b.txt').stdout);
    const [trace] = tracesIn(workspace.path('deep/log.trace.jsonl'));
    expect(trace).toMatchObject({ goalText: 'Score a.trace.json, b.txt', finalOutputText: '2 files', meta: { agent: 'stepscope' } });
    expect(trace?.steps.map((s) => [s.input, s.stepType, s.depth, s.error?.message.slice(0, 16)])).toEqual([
      ...['load', 'read', 'score', 'report'].map((name) => ['a.trace.json', name, 1, undefined]), ['a.trace.json', 'file', 0, undefined],
      ...['load', 'read'].map((name) => ['b.txt', name, 1, undefined]), ['b.txt', 'file', 0, 'This is no trace'],
    ]);
    expect(trace?.steps[1]?.output).toBe('{"format":"plan-trace","traces":1,"steps":3}');
    expect(trace?.steps[3]?.output).toBe('4 lines');
    // In a folder that is scored the record does not read itself.
    const ofFolder = run('.', '--record', 'own.trace.jsonl').stdout.split('\n').filter((line) => line.includes('own.trace.jsonl'));
    expect(ofFolder).toEqual([]);
  });
});
