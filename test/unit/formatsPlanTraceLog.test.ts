/** What the reader makes of logs that are whole, growing, damaged or by another hand. */
import { describe, expect, it } from 'vitest';
import { mayBeTrace } from '../../client/src/traceHead.ts';
import { detectFormat, sniff } from '../../server/src/formats/detect.ts';
import { planTraceLogFormat } from '../../server/src/formats/planTraceLog.ts';
import { RULES } from '../../server/src/scoring/rules/index.ts';
import { holdsOwnWords, readSoundly } from '../support/formatChecks.ts';
import { recordedLog } from '../support/recordedLog.ts';

const log = recordedLog();
const lines = log.split('\n');
const event = (kind: unknown, members: Readonly<Record<string, unknown>> = {}): string => JSON.stringify({ plan_trace_event: kind, trace_id: 't', ...members });
const read = (...events: readonly string[]): ReturnType<typeof readSoundly> => readSoundly(planTraceLogFormat, `${events.join('\n')}\n`);

describe('a log', () => {
  it('is known from its first line on, also by the extension', () => {
    for (const head of [lines[0] ?? '', `${lines[0]}\n`, lines.slice(0, 9).join('\n'), log]) {
      expect(detectFormat(sniff('x.trace.jsonl', head))).toEqual({ format: 'plan-trace-log', confidence: 1 });
      expect(mayBeTrace(head)).toBe(true);
    }
  });

  it('that grows keeps what it has, line by line', () => {
    let ended = 0;
    for (let n = 1; n < lines.length; n++) {
      const traces = readSoundly(planTraceLogFormat, `${lines.slice(0, n).join('\n')}\n`).traces;
      const now = traces.flatMap((t) => t.steps).filter((s) => s.output !== undefined || s.error !== undefined).length;
      expect(now).toBeGreaterThanOrEqual(ended);
      ended = now;
    }
    expect(ended).toBe(9);
  });

  it('says where the words of its steps stand, in the order of the file', () => {
    for (const trace of readSoundly(planTraceLogFormat, log).traces) {
      for (const step of trace.steps) expect(holdsOwnWords(log, step)).toBe(true);
      const starts = trace.steps.map((s) => s.range?.start ?? -1);
      expect(starts).toEqual([...starts].sort((a, b) => a - b));
    }
  });

  it('whose last line is being written is whole without it', () => {
    for (const cut of [1, 20, 60]) {
      const parsed = readSoundly(planTraceLogFormat, log.slice(0, log.trimEnd().length - cut));
      expect(parsed.warnings).toEqual([]);
      expect(parsed.traces.flatMap((t) => t.steps)).toHaveLength(10);
    }
  });

  it('that lost its beginning, or an end without one, still shows its steps', () => {
    expect(read(event('stage_ended', { step_id: 's', output_text: 'words' })).traces).toMatchObject([{ traceId: 't', steps: [{ stepId: 's', output: 'words' }] }]);
  });

  it('with an id used twice holds two runs', () => {
    const run = [event('pipeline_started', { goal_text: 'g', execution_steps: [] }), event('stage_started', { step_id: 's', step_type: 'x' })];
    expect(read(...run, ...run).traces.map((t) => [t.traceId, t.steps.length])).toEqual([['t', 1], ['t#2', 1]]);
  });

  it('counts what it does not know', () => {
    const { traces } = read('{"note":1}', event('pipeline_started', { execution_steps: [] }), event('weather'), event('weather'));
    expect(traces[0]?.unknownRecordCounts).toEqual({ weather: 2, 'no event': 1 });
  });

  it('of a run without a step is no trace yet', () => expect(read(event('pipeline_started')).traces[0]?.steps).toEqual([]));

  it('takes the scores of other judges for findings of the file, and not our own', () => {
    const begun = [event('pipeline_started', { execution_steps: [] }), event('stage_ended', { step_id: 's', output_text: 'w' })];
    const scored = (producer: string): string => event('pipeline_scored', { step_scores: [{ step_id: 's', scores: { clarity: { score: 5, source: 'j' } } }], pipeline_score: { clarity: 5, _meta: { producer } } });
    expect(read(...begun, scored('other')).traces[0]).toMatchObject({ importedScores: [{ value: 5 }], steps: [{ importedScores: [{ value: 5, source: 'j' }] }] });
    expect(read(...begun, scored('stepscope')).traces[0]).toMatchObject({ importedScores: [], steps: [{ importedScores: [] }] });
  });

  it('gives the rules what they need: a stage that ignores the error before it', () => {
    const { traces } = read(
      event('pipeline_started', { goal_text: 'Run the tests.', execution_steps: [] }),
      event('stage_ended', { step_id: 'a', step_type: 'test', output_text: 'FAILED tests/test_sum.py::test_sum - AssertionError', error: { type: 'Error', message: 'exit status 1' } }),
      event('stage_started', { step_id: 'b', step_type: 'report', input_text: '{}' }), event('stage_ended', { step_id: 'b', output_text: 'All tests pass. The work is done.' }), event('pipeline_ended'),
    );
    const found = RULES.flatMap((rule) => traces.flatMap((trace) => rule.check(trace)));
    expect(found.map((f) => f.code)).toContain('step-error-ignored');
  });
});
