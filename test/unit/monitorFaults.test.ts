/** The recorder when its process dies, the disk is full, or the file cannot be written. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planTraceLogFormat } from '../../server/src/formats/planTraceLog.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import { PlanTraceMonitor } from '../../server/src/monitor/planTraceMonitor.ts';
import { bundle } from '../support/bundle.ts';
import { readSoundly } from '../support/formatChecks.ts';
import { testWorkspace } from '../support/workspace.ts';

const WRITER = bundle('test/support/monitorWriter.ts');
/** `MONITOR_KILLS=200` for the full count. */
const KILLS = Number(process.env['MONITOR_KILLS'] ?? 20);
const isRoot = process.getuid?.() === 0;

/** Records until it is killed, some time after its first record; what it said had been recorded. */
async function killedWriter(file: string, afterMs: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [WRITER, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    if (said === '') setTimeout(() => child.kill('SIGKILL'), afterMs);
    said += piece;
  });
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  expect(signal).toBe('SIGKILL');
  // A line without its break may be of a record that was never written.
  return said.split('\n').slice(0, -1);
}

describe('a process', { timeout: 60_000 + KILLS * 2_000 }, () => {
  it(`killed ${KILLS} times while it records leaves a trace that holds everything it was told is recorded`, async () => {
    using workspace = testWorkspace();
    let stages = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const file = workspace.path(`${kill}.trace.jsonl`);
      const said = await killedWriter(file, Math.random() * 40);
      const text = readFileSync(file, 'utf8');
      const [trace] = readTraces({ path: file, text })?.traces ?? planTraceLogFormat.parse({ path: file, text }).traces;
      expect(trace?.goalText).toBe('survive');
      const byName = new Map(trace?.steps.map((s) => [s.stepType, s] as const));
      for (const line of said.slice(1)) {
        const n = Number.parseInt(line, 10);
        const step = byName.get(`s${n}`);
        expect(step?.input?.slice(0, `in ${n} `.length)).toBe(`in ${n} `);
        if (line.endsWith('.')) expect(step?.output).toBe(`out ${n} ${'o'.repeat((n * 91) % 9_000)}`);
      }
      // What it was about to say had at most one record more.
      expect(trace?.steps.length).toBeLessThanOrEqual(said.filter((l) => !l.endsWith('.')).length + 1);
      stages += trace?.steps.length ?? 0;
    }
    expect(stages).toBeGreaterThan(KILLS);
  });

  it('that died in the middle of a record costs that record only', () => {
    using workspace = testWorkspace();
    const file = workspace.path('x.trace.jsonl');
    const record = (goalText: string): void => {
      const monitor = new PlanTraceMonitor({ file });
      const run = monitor.startPipeline({ goalText, traceId: goalText });
      monitor.completeStage(monitor.startStage(run, 'stage'), { output: `of ${goalText}` });
    };
    record('first');
    const whole = readFileSync(file, 'utf8');
    for (let cut = 0; cut < whole.length; cut += 7) {
      writeFileSync(file, whole);
      truncateSync(file, cut);
      readSoundly(planTraceLogFormat, readFileSync(file, 'utf8'));
      record('second');
      const text = readFileSync(file, 'utf8');
      const traces = readSoundly(planTraceLogFormat, text).traces;
      expect(traces.at(-1)?.steps).toMatchObject([{ output: 'of second' }]);
      expect(traces.length).toBe(whole.indexOf('\n') < cut ? 2 : 1);
    }
  });
});

describe('a disk', () => {
  it.skipIf(!existsSync('/dev/full'))('that is full: recording goes on in memory and one sentence says so', async () => {
    const notices: string[] = [];
    const monitor = new PlanTraceMonitor({ file: '/dev/full', onNotice: (sentence) => notices.push(sentence) });
    const run = monitor.startPipeline({ goalText: 'g' });
    for (let i = 0; i < 5; i++) expect(await monitor.recordStage(run, `s${i}`, () => i)).toBe(i);
    monitor.completePipeline(run, { finalOutput: 'fine' });
    expect(monitor.traceOf(run)).toMatchObject({ final_output_text: 'fine', execution_steps: [0, 1, 2, 3, 4].map((i) => ({ output_text: String(i) })) });
    expect(notices).toEqual([expect.stringMatching(/^The trace cannot be written to \/dev\/full \(ENOSPC.*\): recording goes on in memory, and your pipeline is not affected\.$/)]);
  });

  it.skipIf(process.platform === 'win32')('that is full in the middle of a record: what follows begins on a line of its own', async () => {
    using workspace = testWorkspace();
    const file = workspace.path('x.trace.jsonl');
    // A limit of 20 blocks of 512 bytes on the size of files: the write that meets it is done in part.
    const child = spawn('sh', ['-c', 'ulimit -f 20; exec "$0" "$1" "$2" limited', process.execPath, WRITER, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => { said += piece; });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(said).toContain('EFBIG');
    const text = readFileSync(file, 'utf8');
    const { traces, warnings } = readSoundly(planTraceLogFormat, text);
    expect(warnings.map((w) => w.code)).toEqual(['broken-record']);
    expect(traces[0]).toMatchObject({ finalOutputText: 'the end' });
    // About 1,400 bytes a stage: the last two waited, beginning and end.
    expect(traces[0]?.steps.slice(-2)).toMatchObject([{ stepType: 's9', input: 'in', output: 'o'.repeat(1_000) }, { stepType: 's10', input: 'in', output: 'o'.repeat(1_000) }]);
    expect(text.split('\n').filter((line) => line.includes('"step_id":"step_8","output_text"'))).toHaveLength(1);
  });

  it('that has room again gets what waited', () => {
    using workspace = testWorkspace();
    const file = workspace.path('in/the/way');
    // Something stands where the folder should be.
    mkdirSync(workspace.path('in'));
    writeFileSync(workspace.path('in/the'), '');
    const notices: string[] = [];
    const monitor = new PlanTraceMonitor({ file, onNotice: (sentence) => notices.push(sentence) });
    const run = monitor.startPipeline({ goalText: 'g' });
    monitor.completeStage(monitor.startStage(run, 'a'), { output: 'A' });
    rmSync(workspace.path('in/the'));
    monitor.completePipeline(run, { finalOutput: 'fine' });
    expect(notices).toHaveLength(1);
    const [trace] = readSoundly(planTraceLogFormat, readFileSync(file, 'utf8')).traces;
    expect(trace).toMatchObject({ goalText: 'g', finalOutputText: 'fine', steps: [{ output: 'A' }] });
  });

  it.skipIf(isRoot)('that may not be written', () => {
    using workspace = testWorkspace();
    chmodSync(workspace.folder, 0o500);
    const notices: string[] = [];
    const monitor = new PlanTraceMonitor({ folder: workspace.folder, onNotice: (sentence) => notices.push(sentence) });
    monitor.completePipeline(monitor.startPipeline({ goalText: 'g' }));
    expect(notices).toHaveLength(1);
    chmodSync(workspace.folder, 0o700);
  });

  it('may hold a file of something else: it is kept', () => {
    using workspace = testWorkspace();
    const file = workspace.path('x.jsonl');
    appendFileSync(file, 'a note without a line break');
    const monitor = new PlanTraceMonitor({ file });
    monitor.completePipeline(monitor.startPipeline({ goalText: 'g' }));
    expect(readFileSync(file, 'utf8')).toMatch(/^a note without a line break\n\{"plan_trace_event":"pipeline_started"/);
  });
});
