/** What the recorder costs the pipeline it records. */
import { performance } from 'node:perf_hooks';
import { PlanTraceMonitor } from '../../server/src/monitor/planTraceMonitor.ts';
import type { MonitorOptions } from '../../server/src/monitor/monitorOptions.ts';
import { testWorkspace } from '../support/workspace.ts';
import { median, report } from './report.ts';

const STAGES = 2_000;
const RUNS = 7;
const PROSE = 'The tea is green, and green tea steeps for two to three minutes in water of eighty degrees. ';
const RECORD = { tea: 'green', grams: 3, notes: ['fresh', 'bitter when it steeps too long'], water: { degrees: 80, litres: 0.25 } };

/** Microseconds a stage, its beginning and its end, the median of several runs. */
function microseconds(options: MonitorOptions, input: unknown, output: unknown): number {
  return median(Array.from({ length: RUNS }, () => {
    const monitor = new PlanTraceMonitor(options);
    const run = monitor.startPipeline({ goalText: 'g' });
    const began = performance.now();
    for (let i = 0; i < STAGES; i++) monitor.completeStage(monitor.startStage(run, `stage ${i}`, { input }), { output });
    const us = ((performance.now() - began) * 1_000) / STAGES;
    monitor.completePipeline(run);
    return us;
  }));
}

using workspace = testWorkspace();
const folder = workspace.path('traces');
const text = PROSE.repeat(11).slice(0, 1_000);
report('Recorder', [
  { what: 'a stage recorded to disk, 1,000 characters in and out', value: microseconds({ folder }, text, text), unit: 'µs', budget: { atMost: 200 } },
  { what: 'the same in memory', value: microseconds({}, text, text), unit: 'µs' },
  { what: 'a stage recorded to disk, a small object in and out', value: microseconds({ folder }, RECORD, RECORD), unit: 'µs' },
  { what: 'a stage recorded to disk, 100,000 characters out, cut to 20,000', value: microseconds({ folder }, RECORD, PROSE.repeat(1_100)), unit: 'µs' },
  { what: 'a stage of a monitor that is switched off', value: microseconds({ folder, isEnabled: false }, text, text), unit: 'µs' },
]);
