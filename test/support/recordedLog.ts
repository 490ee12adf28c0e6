/** The log of two runs at once: nested stages, an error, an alarm, scores, one stage that never ends. The same bytes every time. */
import { readFileSync } from 'node:fs';
import { PlanTraceMonitor } from '../../server/src/monitor/planTraceMonitor.ts';
import { testClock } from './monitorClock.ts';
import { testWorkspace } from './workspace.ts';

export function recordedLog(): string {
  using workspace = testWorkspace();
  const file = workspace.path('log.trace.jsonl');
  const clock = testClock();
  const monitor = new PlanTraceMonitor({ file }, clock);
  const tea = monitor.startPipeline({ goalText: 'How long must the tea steep?', traceId: 'tea', stages: ['plan', 'answer'], config: { model: 'small', apiKey: 'k' }, tags: ['demo'], rationale: 'to show the format' });
  const kettle = monitor.startPipeline({ goalText: 'Boil the kettle.', traceId: 'kettle', stages: ['boil'] });
  const plan = monitor.startStage(tea, 'plan', { input: { tea: 'green', grams: 3 } });
  clock.pass(120);
  const look = monitor.startStage(plan, 'look up', { input: 'green tea', attributes: { source: 'card' } });
  for (let i = 0; i < 5; i++) {
    const wait = monitor.startStage(kettle, 'wait', { input: 'boiling?' });
    clock.pass(30);
    monitor.completeStage(wait, { output: 'no' });
  }
  clock.pass(80);
  monitor.completeStage(look, { output: 'Green tea steeps for two to three minutes.' });
  monitor.completeStage(plan, { output: { minutes: 3 } });
  monitor.startStage(kettle, 'whistle');
  const error = new RangeError('The kettle is empty.');
  delete error.stack;
  const pour = monitor.startStage(kettle, 'pour');
  monitor.handleStageError(pour, error);
  monitor.handlePipelineError(kettle, error);
  monitor.completeStage(monitor.startStage(tea, 'answer', { input: { minutes: 3 } }), { output: 'Three minutes.' });
  monitor.completePipeline(tea, { finalOutput: 'Three minutes.' });
  return readFileSync(file, 'utf8');
}
