/** Stages run in order under the monitor, and the trace says what each was given and made of it. */
import { expect, it } from 'vitest';
import type { PlanTraceDocument } from '../../server/src/monitor/planTraceDocument.ts';
import { PlanTraceMonitor } from '../../server/src/monitor/planTraceMonitor.ts';
import { Supervisor } from '../../server/src/monitor/supervisor.ts';
import type { PipelineContext, Stage, SupervisorOptions } from '../../server/src/monitor/supervisor.ts';

/** Runs the stages and keeps the trace, which the scorer is shown. */
async function run(stages: readonly Stage[], context: PipelineContext = {}, options: Partial<SupervisorOptions> = {}): Promise<{ readonly trace: PlanTraceDocument; readonly result: PipelineContext | undefined; readonly error: unknown }> {
  let trace: PlanTraceDocument | undefined;
  const supervisor = new Supervisor({ monitor: new PlanTraceMonitor(), stages, scorer: (seen) => { trace = seen; return {}; }, ...options });
  const settled = await supervisor.run({ goalText: 'g', runId: 'r' }, context).then((result) => ({ result, error: undefined }), (error: unknown) => ({ result: undefined, error }));
  if (trace === undefined) throw new Error('the scorer was not asked');
  return { trace, ...settled };
}

const add = (key: string, value: unknown): Stage => ({ name: key, run: (context) => ({ ...context, [key]: value }) });

it('records what each stage was given and what it changed', async () => {
  const { trace, result } = await run([add('a', 1), add('b', [2])], { start: 0 });
  expect(result).toEqual({ start: 0, a: 1, b: [2] });
  expect(trace).toMatchObject({ trace_id: 'r', plan_signature: 'a_b', input_data: { start: 0 }, final_output_text: '{"b":[2]}', extra_data: { status: 'completed' } });
  expect(trace.execution_steps.map((s) => [s.step_type, s.input_text, s.output_text])).toEqual([['a', '{"start":0}', '{"a":1}'], ['b', '{"start":0,"a":1}', '{"b":[2]}']]);
});

it('leaves out what is switched off, and signs what was chosen', async () => {
  const { trace } = await run([add('a', 1), { ...add('b', 2), isEnabled: false }, add('c', 3)], {}, { adjustPipeline: (stages) => [...stages].reverse() });
  expect(trace.plan_signature).toBe('c_a');
  expect(trace.execution_steps.map((s) => s.step_type)).toEqual(['c', 'a']);
});

it('repeats a stage within one that says what came of it all', async () => {
  const { trace, result } = await run([{ name: 'grow', iterations: 3, run: ({ n }) => ({ n: Number(n) * 2 }) }], { n: 1 });
  expect(result).toEqual({ n: 8 });
  expect(trace.execution_steps.map((s) => [s.attributes['iteration'], s.output_text, s.attributes['stepscope']])).toEqual([
    [1, '{"n":2}', { parent_id: 'step_1', depth: 1 }], [2, '{"n":4}', { parent_id: 'step_1', depth: 1 }], [3, '{"n":8}', { parent_id: 'step_1', depth: 1 }], [undefined, '{"n":8}', undefined],
  ]);
});

it('ends with the error of a stage, which is recorded, scored and thrown on', async () => {
  const boom = new Error('boom');
  const { trace, error } = await run([add('a', 1), { name: 'bad', iterations: 2, run: () => { throw boom; } }, add('never', 1)]);
  expect(error).toBe(boom);
  expect(trace.execution_steps.map((s) => [s.step_type, s.error?.message])).toEqual([['a', undefined], ['bad', 'boom'], ['bad', 'boom']]);
  expect(trace).toMatchObject({ final_output_text: 'Pipeline failed: boom', extra_data: { status: 'failed' } });
});

it('hands each stage a copy, and its handle for stages within', async () => {
  const monitor = new PlanTraceMonitor();
  const { trace, result } = await run([{
    name: 'outer',
    run: async (context, stage) => {
      (context as Record<string, unknown>)['start'] = 'spoilt';
      return { inner: await monitor.recordStage(stage, 'inner', () => 5) };
    },
    describe: (before, after) => ({ input: `of ${Object.keys(before).length}`, output: after['inner'] }),
  }], { start: 0 }, { monitor });
  expect(result).toEqual({ inner: 5 });
  expect(trace.execution_steps.map((s) => [s.step_type, s.input_text, s.output_text])).toEqual([['inner', undefined, '5'], ['outer', 'of 1', '5']]);
  expect(trace.input_data).toEqual({ start: 0 });
});

it('sees what a stage changed in place', async () => {
  const { trace } = await run([{ name: 'sets', run: (context) => Object.assign(context, { set: 1 }) }], { start: 0 });
  expect(trace.execution_steps[0]?.output_text).toBe('{"set":1}');
  expect(trace.input_data).toEqual({ start: 0 });
});

it('runs several at once without mixing them up', async () => {
  const monitor = new PlanTraceMonitor();
  const seen: PlanTraceDocument[] = [];
  const supervisor = new Supervisor({
    monitor, scorer: (trace) => { seen.push(trace); return {}; },
    stages: [1, 2, 3].map((n) => ({ name: `s${n}`, run: async (context) => { await new Promise((r) => { setImmediate(r); }); return { ...context, [`s${n}`]: context['id'] }; } })),
  });
  await Promise.all(['a', 'b', 'c'].map((id) => supervisor.run({ goalText: id, runId: id }, { id })));
  expect(seen.map((t) => [t.trace_id, t.execution_steps.map((s) => s.output_text)]).sort()).toEqual(['a', 'b', 'c'].map((id) => [id, [1, 2, 3].map((n) => `{"s${n}":"${id}"}`)]));
});
