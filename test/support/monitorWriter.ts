/**
 * A process that records until it is killed: `monitorWriter.js FILE`. The number of each stage is printed once its beginning
 * is recorded, and again, with a dot, once its end is. With a third word, `limited`, it records ten stages into a file that may
 * not grow, makes room once that is full and ends the run.
 */
import { statSync, truncateSync, writeSync } from 'node:fs';
import { PlanTraceMonitor } from '../../server/src/monitor/planTraceMonitor.ts';

const [, , file = '', mode = ''] = process.argv;
const say = (line: string): void => void writeSync(1, `${line}\n`);

if (mode === 'limited') limited();
else unlimited();

function unlimited(): void {
  const monitor = new PlanTraceMonitor({ file });
  const run = monitor.startPipeline({ goalText: 'survive', traceId: 'killed' });
  say('begun');
  for (let n = 1; ; n++) {
    const stage = monitor.startStage(run, `s${n}`, { input: `in ${n} ${'i'.repeat((n * 37) % 3_000)}` });
    say(`${n}`);
    monitor.completeStage(stage, { output: `out ${n} ${'o'.repeat((n * 91) % 9_000)}` });
    say(`${n}.`);
  }
}

/** Room is made by cutting off the end of the file, so that it ends within a record, as where the disk is full it does too. */
function limited(): void {
  const monitor = new PlanTraceMonitor({ file, onNotice: say });
  const run = monitor.startPipeline({ goalText: 'survive', traceId: 'limited' });
  for (let n = 1; n <= 10; n++) monitor.completeStage(monitor.startStage(run, `s${n}`, { input: 'in' }), { output: 'o'.repeat(1_000) });
  truncateSync(file, statSync(file).size - 6_000);
  monitor.completePipeline(run, { finalOutput: 'the end' });
}
