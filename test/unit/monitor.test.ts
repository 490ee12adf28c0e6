/** What the recorder writes is what StepScope reads: every case goes through the real reader. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PlanTrace } from '../../server/src/core/planTrace.ts';
import { planTraceFormat } from '../../server/src/formats/planTrace.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import { PlanTraceMonitor } from '../../server/src/monitor/planTraceMonitor.ts';
import type { MonitorOptions } from '../../server/src/monitor/monitorOptions.ts';
import { testClock } from '../support/monitorClock.ts';
import { readSoundly } from '../support/formatChecks.ts';
import { planTraceLogFormat } from '../../server/src/formats/planTraceLog.ts';
import { testWorkspace } from '../support/workspace.ts';

const start = { goalText: 'Find the answer', traceId: 'run1' };

/** What a run left on disk, read back; the log holds no less than the document in memory. */
function recorded(work: (monitor: PlanTraceMonitor, clock: ReturnType<typeof testClock>) => void, options: MonitorOptions = {}): readonly PlanTrace[] {
  using workspace = testWorkspace();
  const clock = testClock();
  const file = workspace.path('log.trace.jsonl');
  work(new PlanTraceMonitor({ file, onNotice: (sentence) => { throw new Error(sentence); }, ...options }, clock), clock);
  const text = readFileSync(file, 'utf8');
  readSoundly(planTraceLogFormat, text);
  return readTraces({ path: file, text })?.traces ?? [];
}

const steps = (trace: PlanTrace | undefined): readonly (readonly [string, string | undefined])[] => (trace?.steps ?? []).map((s) => [s.stepType, s.output] as const);

afterEach(() => vi.useRealTimers());

describe('a run', () => {
  it('is read as one PlanTrace', () => {
    const [trace, ...more] = recorded((monitor, clock) => {
      const run = monitor.startPipeline({ ...start, goalId: 'g7', stages: ['search', 'answer'], input: { q: 1 }, agentName: 'Finder', model: 'm1' });
      const search = monitor.startStage(run, 'search', { input: 'where?', rationale: 'to know', tags: ['a'], attributes: { k: 3 } });
      clock.pass(250);
      monitor.completeStage(search, { output: 'there', attributes: { hits: 2 } });
      const answer = monitor.startStage(run, 'answer', { input: 'there' });
      clock.pass(1_000);
      monitor.completeStage(answer, { output: { text: 'it is there' } });
      monitor.completePipeline(run, { finalOutput: 'it is there' });
    });
    expect(more).toEqual([]);
    expect(trace).toMatchObject({ traceId: 'run1', format: 'plan-trace-log', goalText: 'Find the answer', planSignature: 'search_answer', finalOutputText: 'it is there', createdAt: '2026-01-02T03:04:05.000Z', meta: { agent: 'Finder', model: 'm1' } });
    const began = Date.UTC(2026, 0, 2, 3, 4, 5);
    expect(trace?.steps).toMatchObject([
      { stepId: 'step_1', stepType: 'search', agentName: 'search', description: 'Stage 1: search', input: 'where?', output: 'there', startTimeMs: began, endTimeMs: began + 250, durationMs: 250, attributes: { k: 3, hits: 2, rationale: 'to know', tags: ['a'], output_size: 5, step_order: 1 }, isProvisional: false },
      { stepId: 'step_2', output: '{"text":"it is there"}', durationMs: 1_000, attributes: { output_keys: ['text'] } },
    ]);
  });

  it('leaves the same in memory as on disk', () => {
    let inMemory: unknown;
    const [trace] = recorded((monitor) => {
      const run = monitor.startPipeline({ ...start, config: { lr: 1 }, tags: ['t'] });
      const outer = monitor.startStage(run, 'outer', { input: [1] });
      const inner = monitor.startStage(outer, 'inner');
      monitor.startStage(run, 'never ends');
      monitor.handleStageError(inner, new Error('no'));
      monitor.completeStage(outer, { output: 'done' });
      monitor.completePipeline(run, { finalOutput: 'x' });
      inMemory = monitor.traceOf(run);
    });
    const places = new Set(['range', 'textRange', 'goalRange', 'jsonPointer', 'format']);
    const shown = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (key, v: unknown) => (places.has(key) ? null : v)));
    expect(shown(trace)).toEqual(shown(planTraceFormat.parse({ path: '', text: JSON.stringify(inMemory) }).traces[0]));
    expect(inMemory).toMatchObject({ extra_data: { config: { lr: 1 }, tags: ['t'], status: 'completed' } });
  });

  it('keeps the error of a stage, with its cause, and of the run', () => {
    const [trace] = recorded((monitor) => {
      const run = monitor.startPipeline(start);
      const stage = monitor.startStage(run, 'load');
      const error = new TypeError('no file', { cause: new Error('disk gone') });
      monitor.handleStageError(stage, error);
      monitor.handlePipelineError(run, error);
    });
    expect(trace?.steps[0]?.error).toMatchObject({ type: 'TypeError', message: 'no file' });
    expect(trace?.steps[0]?.error?.traceback).toContain('Caused by: Error: disk gone');
    expect(trace?.finalOutputText).toBe('Pipeline failed: no file');
  });

  it('is a growing one while it runs: the stage that has not ended is provisional, with its input', () => {
    const [trace] = recorded((monitor) => {
      const run = monitor.startPipeline(start);
      monitor.startStage(run, 'slow', { input: 'think' });
    });
    expect(trace?.steps).toMatchObject([{ stepType: 'slow', input: 'think', isProvisional: true }]);
  });
});

describe('stages', () => {
  it('nest, and stand where their words came to be', () => {
    const [trace] = recorded((monitor) => {
      const run = monitor.startPipeline(start);
      const outer = monitor.startStage(run, 'outer');
      const inner = monitor.startStage(outer, 'inner');
      monitor.completeStage(monitor.startStage(inner, 'innermost'), { output: 3 });
      monitor.completeStage(inner, { output: 2 });
      monitor.completeStage(outer, { output: 1 });
    });
    expect(trace?.steps.map((s) => [s.stepType, s.depth, s.parentId])).toEqual([['innermost', 2, 'step_2'], ['inner', 1, 'step_1'], ['outer', 0, undefined]]);
  });

  it('of several runs at once in one file are not mixed up', () => {
    const traces = recorded((monitor) => {
      const runs = ['a', 'b', 'c'].map((traceId) => monitor.startPipeline({ goalText: traceId, traceId }));
      const stages = runs.flatMap((run) => [1, 2].map((n) => ({ run, stage: monitor.startStage(run, `${run.traceId}${n}`) })));
      for (const { run, stage } of [...stages].reverse()) monitor.completeStage(stage, { output: `of ${run.traceId}` });
      for (const run of runs) monitor.completePipeline(run);
    });
    expect(traces.map((t) => [t.traceId, t.goalText, steps(t)])).toEqual(['a', 'b', 'c'].map((id) => [id, id, [[`${id}2`, `of ${id}`], [`${id}1`, `of ${id}`]]]));
  });

  it('count how often they began, unless they are told', () => {
    const [trace] = recorded((monitor) => {
      const run = monitor.startPipeline(start);
      for (const n of [1, 2, 3]) monitor.completeStage(monitor.startStage(run, 'try', { input: n }), { output: n });
      monitor.completeStage(monitor.startStage(run, 'epoch', { iteration: 7 }));
    });
    expect(trace?.steps.map((s) => s.attributes['iteration'])).toEqual([undefined, 2, 3, 7]);
  });

  it('take no less than no time when the wall clock is set back', () => {
    const [trace] = recorded((monitor, clock) => {
      const run = monitor.startPipeline(start);
      const stage = monitor.startStage(run, 'x');
      clock.jump(-3_600_000);
      clock.pass(40);
      monitor.completeStage(stage);
      monitor.completePipeline(run);
    });
    expect(trace?.steps[0]?.durationMs).toBe(40);
    expect((trace?.steps[0]?.endTimeMs ?? 0) - (trace?.steps[0]?.startTimeMs ?? 0)).toBe(40);
  });

  it('end once; a late end of a run that failed is kept', () => {
    const [trace] = recorded((monitor) => {
      const run = monitor.startPipeline(start);
      const [first, late] = [monitor.startStage(run, 'first'), monitor.startStage(run, 'late')];
      monitor.completeStage(first, { output: 'one' });
      monitor.completeStage(first, { output: 'two' });
      monitor.handlePipelineError(run, 'stop');
      monitor.completePipeline(run, { finalOutput: 'not this' });
      monitor.completeStage(late, { output: 'in the end' });
    });
    expect(steps(trace)).toEqual([['first', 'one'], ['late', 'in the end']]);
    expect(trace?.finalOutputText).toBe('Pipeline failed: stop');
  });

  it('can be a function', async () => {
    const monitor = new PlanTraceMonitor();
    const run = monitor.startPipeline(start);
    expect(await monitor.recordStage(run, 'double', () => 21 * 2, { input: 21 })).toBe(42);
    await expect(monitor.recordStage(run, 'fail', () => Promise.reject(new RangeError('far')))).rejects.toThrow('far');
    expect(monitor.traceOf(run).execution_steps).toMatchObject([{ input_text: '21', output_text: '42' }, { error: { type: 'RangeError' } }]);
  });
});

describe('limits', () => {
  it('of a value leave a mark that says what was cut', () => {
    const [trace] = recorded((monitor) => {
      const run = monitor.startPipeline(start);
      monitor.completeStage(monitor.startStage(run, 'x', { input: 'i'.repeat(60_000) }), { output: { list: Array.from({ length: 50_000 }, (_, i) => i) } });
    }, { maxValueChars: 1_000 });
    const [step] = trace?.steps ?? [];
    expect(step?.input).toMatch(/^i{1000}…\[cut: 1000 of 60000 characters\]$/);
    expect(step?.output).toMatch(/,"\[cut: \d+ of 50000\]"\]\}$/);
    expect(step?.output?.length).toBeLessThan(1_200);
    expect(step?.attributes['output_size']).toBeUndefined();
  });

  it('of a trace leave out texts first, then stages, and say so', () => {
    let bytes = 0;
    const notes: string[] = [];
    const [trace] = recorded((monitor) => {
      const run = monitor.startPipeline(start);
      for (let i = 0; i < 2_000; i++) monitor.completeStage(monitor.startStage(run, `s${i}`, { input: `in ${i}` }), { output: 'o'.repeat(500) });
      monitor.completePipeline(run, { finalOutput: 'end' });
      bytes = JSON.stringify(monitor.traceOf(run)).length;
      notes.push(String(monitor.traceOf(run).extra_data['dropped_stages']));
    }, { maxTraceChars: 100_000 });
    expect(bytes).toBeLessThan(101_000);
    expect(trace?.steps[0]?.output).toBe('o'.repeat(500));
    expect(trace?.steps.at(-1)?.output).toBe('[cut: the trace is nearly full]');
    expect(Number(notes[0])).toBe(2_000 - (trace?.steps.length ?? 0));
    expect(trace?.finalOutputText).toBe('end');
  });
});

describe('runs that get nowhere', () => {
  const alarmsOf = (outputs: readonly unknown[], progress?: readonly number[]): readonly unknown[] => {
    const monitor = new PlanTraceMonitor();
    const run = monitor.startPipeline(start);
    outputs.forEach((output, i) => monitor.completeStage(monitor.startStage(run, 'step'), { output, ...(progress === undefined ? {} : { progress: progress[i] ?? 0 }) }));
    return (monitor.traceOf(run).extra_data['alarms'] ?? []) as readonly unknown[];
  };

  it('are stuck after the fifth same result', () => {
    expect(alarmsOf(['a', 'a', 'a', 'a'])).toEqual([]);
    expect(alarmsOf(['a', 'a', 'a', 'a', 'b', 'a'])).toEqual([]);
    expect(alarmsOf(['x', 'a', 'a', 'a', 'a', 'a'])).toMatchObject([{ kind: 'stuck', reason: 'step gave the same result 5 times in a row.', step_id: 'step_6' }]);
  });

  it('oscillate after A B three times', () => {
    expect(alarmsOf(['a', 'b', 'a', 'b', 'a'])).toEqual([]);
    expect(alarmsOf(['a', 'b', 'a', 'b', 'a', 'c'])).toEqual([]);
    expect(alarmsOf(['a', 'b', 'a', 'b', 'a', 'b'])).toMatchObject([{ kind: 'oscillating', stages: ['step', 'step'] }]);
  });

  it('are known by their progress', () => {
    const different = ['a', 'b', 'c', 'd', 'e'];
    expect(alarmsOf(different, [1, 2, 3, 4, 5])).toEqual([]);
    expect(alarmsOf(different, [1, 2, 1.5, 2.5, 3.5])).toEqual([]);
    expect(alarmsOf(different, [0.5, 0.501, 0.5, 0.505, 0.5])).toMatchObject([{ kind: 'stuck' }]);
    expect(alarmsOf(different, [1, 0, 1, 0, 1])).toMatchObject([{ kind: 'oscillating', reason: 'The progress of step swings: 1, 0, 1, 0, 1.' }]);
  });

  it('say so at the step, in the file too', () => {
    const [trace] = recorded((monitor) => {
      const run = monitor.startPipeline(start);
      for (let i = 0; i < 5; i++) monitor.completeStage(monitor.startStage(run, 'ask', { input: 'same' }), { output: 'nothing' });
    });
    expect(trace?.steps.map((s) => s.attributes['alarm'])).toEqual([undefined, undefined, undefined, undefined, 'ask gave the same result 5 times in a row.']);
  });

  it('are not those that ask something else each time', () => {
    const monitor = new PlanTraceMonitor();
    const run = monitor.startPipeline(start);
    for (let i = 0; i < 9; i++) monitor.completeStage(monitor.startStage(run, 'map', { input: i }), { output: 'ok' });
    expect(monitor.traceOf(run).extra_data['alarms']).toBeUndefined();
  });

  it('are those of which nothing is heard, told once a silence', () => {
    vi.useFakeTimers();
    const monitor = new PlanTraceMonitor({ stuckAfterMs: 2_000 });
    const run = monitor.startPipeline(start);
    const stage = monitor.startStage(run, 'hangs');
    const told = (): number => ((monitor.traceOf(run).extra_data['alarms'] ?? []) as readonly unknown[]).length;
    vi.advanceTimersByTime(1_999);
    expect(told()).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(told()).toBe(1);
    expect(monitor.traceOf(run).extra_data['alarms']).toMatchObject([{ kind: 'stuck', reason: 'Nothing was recorded for 2 s.', stages: ['hangs'] }]);
    monitor.completeStage(stage);
    vi.advanceTimersByTime(2_001);
    expect(told()).toBe(2);
    monitor.completePipeline(run);
    vi.advanceTimersByTime(60_000);
    expect(told()).toBe(2);
  });
});

describe('scorePipeline', () => {
  it('writes scores into the trace, where the reader finds them', async () => {
    using workspace = testWorkspace();
    const file = workspace.path('log.trace.jsonl');
    const monitor = new PlanTraceMonitor({ file });
    const run = monitor.startPipeline(start);
    monitor.completeStage(monitor.startStage(run, 'x'), { output: 'y' });
    monitor.completePipeline(run);
    const scores = { step_scores: [{ step_id: 'step_1', scores: { clarity: { score: 72, source: 'mine', rationale: 'plain' } } }], pipeline_score: { clarity: 72 }, mars_analysis: null };
    expect(await monitor.scorePipeline(run, (trace) => (trace.execution_steps.length === 1 ? scores : {}))).toEqual(scores);
    const [trace] = readTraces({ path: file, text: readFileSync(file, 'utf8') })?.traces ?? [];
    expect(trace?.steps[0]?.importedScores).toMatchObject([{ source: 'mine', dimension: 'clarity', value: 72, scale: [0, 100], rationale: 'plain' }]);
    expect(trace?.importedScores).toMatchObject([{ dimension: 'clarity', value: 72 }]);
    expect(monitor.traceOf(run).execution_steps[0]?.scores).toEqual(scores.step_scores[0]?.scores);
  });

  it('says that a scorer failed, and throws nothing', async () => {
    const notices: string[] = [];
    const monitor = new PlanTraceMonitor({ onNotice: (sentence) => notices.push(sentence) });
    const run = monitor.startPipeline(start);
    expect(await monitor.scorePipeline(run, () => { throw new Error('no models'); })).toBeUndefined();
    expect(notices).toEqual(['The run run1 is not scored: no models']);
  });
});

describe('the monitor', () => {
  it('gives up open runs on reset', () => {
    const [trace] = recorded((monitor) => {
      const run = monitor.startPipeline(start);
      const stage = monitor.startStage(run, 'x', { input: 'i' });
      monitor.reset();
      monitor.completeStage(stage, { output: 'too late' });
      monitor.startStage(run, 'more');
      expect(monitor.traceOf(run).extra_data['status']).toBe('abandoned');
    });
    expect(steps(trace)).toEqual([['x', undefined]]);
    expect(trace?.steps[0]?.isProvisional).toBe(false);
  });

  it('that is switched off records nothing and answers as ever', async () => {
    using workspace = testWorkspace();
    const monitor = new PlanTraceMonitor({ folder: workspace.folder, isEnabled: false });
    const run = monitor.startPipeline(start);
    expect(await monitor.recordStage(run, 'x', () => 1)).toBe(1);
    monitor.completePipeline(run);
    expect(run.file).toBeUndefined();
    expect(monitor.traceOf(run).execution_steps).toEqual([]);
  });

  it('writes a file a run where it has a folder, whatever the id', () => {
    using workspace = testWorkspace();
    const monitor = new PlanTraceMonitor({ folder: workspace.path('deep/er') });
    const run = monitor.startPipeline({ goalText: 'g', traceId: '../a b' });
    monitor.completePipeline(run);
    expect(run.file).toBe(workspace.path('deep/er/.._a_b.trace.jsonl'));
    expect(readFileSync(run.file ?? '', 'utf8').trim().split('\n')).toHaveLength(2);
  });

  it('never throws into the pipeline', () => {
    const notices: string[] = [];
    const monitor = new PlanTraceMonitor({ onNotice: (sentence) => { notices.push(sentence); throw new Error('listener'); } });
    const hostile = { get x(): never { throw new Error('getter'); } };
    const run = monitor.startPipeline({ goalText: 7 as unknown as string, input: hostile, config: hostile });
    const stage = monitor.startStage(run, Symbol('s') as unknown as string, { input: hostile, attributes: hostile });
    monitor.completeStage(stage, { output: hostile });
    monitor.handleStageError(monitor.startStage(run, 'y'), null);
    monitor.handlePipelineError(run, undefined);
    const none = undefined as never;
    monitor.completeStage(monitor.startStage(none, 'x'));
    monitor.completeStage(none);
    monitor.completePipeline(none);
    monitor.startPipeline(none);
    monitor.completeStage(monitor.startStage(run, 'z', null as never), null as never);
    expect(notices.length).toBeGreaterThan(3);
    expect(monitor.traceOf(run).execution_steps.at(-1)).toMatchObject({ step_type: 'y', error: { type: 'Error', message: 'null' } });
  });
});
