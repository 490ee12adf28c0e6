/** Traces printed in formats for exchange: what stands where, what comes back, and what is said to be lost. */
import { describe, expect, it } from 'vitest';
import type { ExecutionStep, PlanTrace } from '../../server/src/core/planTrace.ts';
import { EXPORT_TARGETS, exportName, exportScored, exportTraces } from '../../server/src/features/exportTrace.ts';
import type { ExportTarget } from '../../server/src/features/exportTrace.ts';
import { detectFormat, sniff } from '../../server/src/formats/detect.ts';
import { printStepFields, printTraceFields, readStepFields, readTraceFields } from '../../server/src/formats/planTraceModelFields.ts';
import { READERS } from '../support/exportedTraces.ts';
import { scoredTraces } from '../support/writtenTrace.ts';

type Json = Readonly<Record<string, unknown>>;
const TARGETS = Object.keys(EXPORT_TARGETS) as readonly ExportTarget[];
const START = Date.UTC(2026, 0, 2, 3, 4, 5);

function step(stepIndex: number, more: Partial<ExecutionStep> = {}): ExecutionStep {
  return {
    stepId: `s${stepIndex + 1}`, stepIndex, stepType: 'message', description: '', depth: 0, output: `Words ${stepIndex + 1}.`, tools: [], attributes: {}, importedScores: [],
    range: null, textRange: null, jsonPointer: '', isCopiedContext: false, isSidechain: false, isProvisional: false, contentNotCaptured: false, ...more,
  };
}

function trace(steps: readonly ExecutionStep[], more: Partial<PlanTrace> = {}): PlanTrace {
  return {
    traceId: 't1', format: 'test', formatVersion: '1', goalText: 'Count the boats.', goalRange: null, planSignature: 'counter', steps, finalOutputText: steps.at(-1)?.output ?? '', importedScores: [],
    meta: { agent: 'counter' }, warnings: [], unknownRecordCounts: {}, range: null, ...more,
  };
}

const WITH_TOOLS = trace([
  step(0, {
    stepType: 'tool_call', reasoning: 'Look first.', startTimeMs: START, endTimeMs: START + 2500, durationMs: 2500, usage: { inputTokens: 100, outputTokens: 20, cachedTokens: 7 }, costUsd: 0.25, finishReason: 'tool_calls',
    tools: [
      { name: 'look', args: { where: 'harbour', how: [1, 'two', null] }, callId: 'c1', result: '["three", "boats"]', isError: false },
      { name: 'count', args: {}, callId: 'c2', result: '"3"', isError: false },
      { name: 'fetch', args: { url: 'x' }, callId: 'c3', result: 'Error: no net', isError: true },
      { name: 'wait', args: { s: 1 }, callId: 'c4', isError: false },
    ],
  }),
  step(1, { stepType: 'message', input: 'Are you sure?', output: 'Error: is a word, too.', error: { type: 'Timeout', message: 'too slow', traceback: 'line 1' } }),
]);

function back(target: ExportTarget, traces: readonly PlanTrace[]): { readonly text: string; readonly lost: readonly string[]; readonly read: readonly PlanTrace[] } {
  const { text, lost } = exportTraces(traces, target);
  return { text, lost, read: READERS[target].parse({ path: '', text }).traces };
}

describe.each(TARGETS)('%s', (target) => {
  it('is known for what it is', () => {
    const { text } = back(target, [WITH_TOOLS]);
    const id = { plantrace: 'plan-trace', atif: 'atif', otlp: 'otlp' }[target];
    expect(detectFormat(sniff(`x${EXPORT_TARGETS[target].ending}`, text))).toMatchObject({ format: id, confidence: target === 'otlp' ? 0.95 : 1 });
  });

  it('keeps goal, words, order and trace of plain steps, and says that nothing is lost', () => {
    // Ids as each format spells its own: ATIF counts its steps, the user's words among them; spans have hexadecimal ids.
    const ids = { plantrace: ['a', 'b'], atif: ['2', '3'], otlp: ['00000000000000aa', '00000000000000bb'] }[target];
    const plain = trace([step(0, { stepId: ids[0] ?? '' }), step(1, { stepId: ids[1] ?? '' })], { traceId: target === 'otlp' ? 'ab'.repeat(16) : 't1' });
    const { read, lost } = back(target, [plain]);
    expect(lost).toEqual([]);
    expect(read.map((t) => [t.traceId, t.goalText, t.finalOutputText, t.meta.agent, t.steps.map((s) => [s.stepId, s.output])])).toEqual([[plain.traceId, 'Count the boats.', 'Words 2.', 'counter', [[ids[0], 'Words 1.'], [ids[1], 'Words 2.']]]]);
  });

  it('prints several traces, none, and one without steps', () => {
    const several = back(target, [trace([step(0)]), trace([step(0)], { traceId: 't2', goalText: 'Count the gulls.' })]);
    expect(several.read.map((t) => t.goalText)).toEqual(['Count the boats.', 'Count the gulls.']);
    expect(back(target, [])).toMatchObject({ read: [], lost: [] });
    const empty = back(target, [trace([])]);
    expect(empty.lost).toEqual(target === 'otlp' ? ['1 trace without any step'] : []);
  });

  it('is the same for the same trace, whatever the rest of the file', () => {
    expect(exportTraces([WITH_TOOLS], target).text).toBe(exportTraces([structuredClone(WITH_TOOLS)], target).text);
  });

  it('keeps text that looks like JSON, and characters that are hard to write', () => {
    const text = '\ud83d[{"a":1}] "quoted"\r\n\u2028\u0000';
    const { read, lost } = back(target, [trace([step(0, { output: text, reasoning: text, input: text })], { goalText: text })]);
    expect(read[0]?.steps[0]).toMatchObject({ output: text });
    expect(read[0]?.goalText).toBe(text);
    expect(lost.filter((l) => /outputs|goal/.test(l))).toEqual([]);
  });
});

describe('ATIF', () => {
  it('has calls and results by id, metrics and the user between the agent', () => {
    const { text, read, lost } = back('atif', [WITH_TOOLS]);
    const value = JSON.parse(text) as { steps: Json[]; final_metrics: Json };
    expect(value).toMatchObject({ schema_version: 'ATIF-v1.7', trajectory_id: 't1', session_id: 't1', agent: { name: 'counter', version: 'unknown' } });
    expect(value.steps.map((s) => [s['step_id'], s['source'], s['message']])).toEqual([[1, 'user', 'Count the boats.'], [2, 'agent', 'Words 1.'], [3, 'user', 'Are you sure?'], [4, 'agent', 'Error: is a word, too.']]);
    expect(value.steps[1]).toMatchObject({
      timestamp: '2026-01-02T03:04:05.000Z', reasoning_content: 'Look first.', metrics: { prompt_tokens: 100, completion_tokens: 20, cached_tokens: 7, cost_usd: 0.25, extra: { duration_ms: 2500 } },
      tool_calls: [{ tool_call_id: 'c1', function_name: 'look', arguments: { where: 'harbour' } }, { tool_call_id: 'c2' }, { tool_call_id: 'c3' }, { tool_call_id: 'c4' }], extra: { finish_reason: 'tool_calls' },
    });
    expect(value.final_metrics).toEqual({ total_prompt_tokens: 100, total_completion_tokens: 20, total_cached_tokens: 7, total_cost_usd: 0.25, total_steps: 4 });
    expect(read[0]?.steps.map((s) => s.tools)).toEqual(WITH_TOOLS.steps.map((s) => s.tools));
    // ATIF numbers its steps and has no errors of a step: both stand in its open dictionary.
    expect(value.steps[3]).toMatchObject({ extra: { stepscope: { step_id: 's2', error: { type: 'Timeout', message: 'too slow', traceback: 'line 1' } } } });
    expect(lost).toEqual([]);
  });

  it('says that arguments which are no object are not held, and ids that are not unique', () => {
    const odd = trace([step(0, { stepId: '2', stepType: 'tool_call', tools: [{ name: 'a', args: [1], callId: 'x', isError: false }, { name: 'b', args: { q: 1 }, callId: 'x', result: '', isError: true }] })]);
    expect(back('atif', [odd]).lost).toEqual(['tool arguments of 1 step', 'tool call ids of 1 step']);
  });
});

describe('OTLP', () => {
  interface Span { readonly name: string; readonly spanId: string; readonly parentSpanId?: string; readonly startTimeUnixNano: string; readonly attributes: readonly { readonly key: string; readonly value: Json }[]; readonly events?: readonly { readonly name: string; readonly attributes: readonly { readonly key: string; readonly value: Json }[] }[]; readonly status?: Json }
  const spansOf = (text: string): readonly Span[] => (JSON.parse(text) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }).resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans));

  it('has an agent span, a chat span a step and a tool span for each answered call', () => {
    const { text, read, lost } = back('otlp', [WITH_TOOLS]);
    const spans = spansOf(text);
    expect(spans.map((s) => s.name)).toEqual(['invoke_agent counter', 'chat', 'execute_tool look', 'execute_tool count', 'execute_tool fetch', 'chat']);
    const [root, first] = spans;
    expect(spans.map((s) => s.parentSpanId)).toEqual([undefined, root?.spanId, first?.spanId, first?.spanId, first?.spanId, root?.spanId]);
    expect(new Set(spans.map((s) => s.spanId)).size).toBe(spans.length);
    expect(spans.every((s) => /^[0-9a-f]{16}$/.test(s.spanId))).toBe(true);
    // 2026-01-02T03:04:05Z is 1767323045 seconds after the epoch.
    expect(first?.startTimeUnixNano).toBe('1767323045000000000');
    expect(spans[4]).toMatchObject({ status: { code: 2 } });
    const [one, two] = read[0]?.steps ?? [];
    expect(one).toMatchObject({ output: 'Words 1.', reasoning: 'Look first.', usage: { inputTokens: 100, outputTokens: 20, cachedTokens: 7 }, costUsd: 0.25, finishReason: 'tool_calls', durationMs: 2500 });
    expect(one?.tools).toEqual(WITH_TOOLS.steps[0]?.tools);
    expect(two).toMatchObject({ input: 'Are you sure?', error: { type: 'Timeout', message: 'too slow', traceback: 'line 1' } });
    expect(lost).toEqual(['the id of 1 trace', 'ids of 2 steps']);
  });

  it('keeps agents within agents', () => {
    const nested = trace([step(0, { agentName: 'counter' }), step(1, { parentId: 's1', depth: 1, isSidechain: true, agentName: 'scout' }), step(2, { parentId: 's2', depth: 2, isSidechain: true, agentName: 'bird' }), step(3, { agentName: 'counter' })]);
    const { read, lost } = back('otlp', [nested]);
    const ids = read[0]?.steps.map((s) => s.stepId) ?? [];
    expect(read[0]?.steps.map((s) => [s.output, s.depth, s.isSidechain, s.agentName, ids.indexOf(s.parentId ?? '')])).toEqual([['Words 1.', 0, false, 'counter', -1], ['Words 2.', 1, true, 'scout', 0], ['Words 3.', 2, true, 'bird', 1], ['Words 4.', 0, false, 'counter', -1]]);
    expect(lost).toEqual(['the id of 1 trace', 'ids of 4 steps']);
  });

  it('says so where times put the steps in another order', () => {
    expect(back('otlp', [trace([step(0, { startTimeMs: START + 9000 }), step(1, { startTimeMs: START })])]).lost).toContain('the order of the steps of 1 trace');
  });

  it('carries judgements as evaluation events', () => {
    const parsed = { format: 'test', formatVersion: '1', warnings: [], traces: [trace([step(0, { importedScores: [{ source: 'judge', dimension: 'tone', value: 3, rationale: 'fine', attributes: {} }] })])] };
    const { text, lost } = exportScored(scoredTraces(parsed, () => ({ sicql: 0.9, svm: 0.4 })), 'otlp');
    const events = spansOf(text).flatMap((s) => s.events ?? []).filter((e) => e.name === 'gen_ai.evaluation.result').map((e) => Object.fromEntries(e.attributes.map((a) => [a.key.replace('gen_ai.evaluation.', ''), Object.values(a.value)[0]])));
    expect(events).toContainEqual({ name: 'tone', 'score.value': 3, explanation: 'fine', source: 'judge' });
    expect(events).toContainEqual({ name: 'reasoning_quality', 'score.value': 0.9, explanation: 'sicql says so', source: 'sicql' });
    expect(events).toContainEqual({ name: 'reasoning_quality', 'score.value': 0.4, explanation: 'svm says so', source: 'svm' });
    expect(events).toContainEqual({ name: 'reasoning_quality', 'score.value': 0.65, source: 'consensus' });
    // sicql, svm, the consensus of the step and that of the whole each have some.
    expect(lost).toContain('attributes of 4 added scores');
  });
});

describe('PlanTrace', () => {
  it('has every scorer on 0–100 with its attributes, and what the file came with', () => {
    const parsed = { format: 'test', formatVersion: '1', warnings: [], traces: [trace([step(0, { importedScores: [{ source: 'judge', dimension: 'tone', value: 4, scale: [0, 5], attributes: { votes: 2 } }] })])] };
    const { text } = exportScored(scoredTraces(parsed, () => ({ sicql: 0.9, svm: 0.4 })), 'plantrace');
    const [first] = (JSON.parse(text) as { execution_steps: { scores: Json }[] }).execution_steps;
    expect(first?.scores).toMatchObject({
      'reasoning_quality::sicql': { score: 90, source: 'sicql', rationale: 'sicql says so', weight: 1, scorer_version: '7', attributes: { energy: 0.45 } }, 'reasoning_quality::svm': { score: 40 },
      reasoning_quality: { score: 65, source: 'consensus' }, 'tone::judge': { score: 80, source: 'judge', attributes: { votes: 2 } },
    });
    const read = READERS.plantrace.parse({ path: '', text }).traces[0]?.steps[0]?.importedScores;
    expect(read?.find((s) => s.source === 'judge')).toMatchObject({ value: 80, scale: [0, 100], dimension: 'tone', attributes: { votes: 2 } });
  });

  it('keeps the fields of its own steps where they were', () => {
    const { text, lost } = back('plantrace', [trace([step(0, { attributes: { step_order: 7, policy_logits: [1, 2], mine: { a: 1 } } })])]);
    expect((JSON.parse(text) as { execution_steps: Json[] }).execution_steps[0]).toMatchObject({ step_order: 7, policy_logits: [1, 2], attributes: { mine: { a: 1 } } });
    expect(lost).toEqual([]);
  });

  it('prints what the format has no names for so that it can be read back', () => {
    for (const of of WITH_TOOLS.steps) {
      const fields = readStepFields(JSON.parse(JSON.stringify(printStepFields(of) ?? null)));
      expect(fields).toEqual(Object.fromEntries((['tools', 'reasoning', 'usage', 'costUsd', 'finishReason'] as const).flatMap((key) => (of[key] === undefined || (key === 'tools' && of.tools.length === 0) ? [] : [[key, of[key]]]))));
    }
    const meta = { cwd: '/x', costUsd: 1, outcome: 0 };
    expect(readTraceFields(printTraceFields(trace([], { meta })))).toEqual(meta);
    expect([readStepFields('x'), readTraceFields(null), printStepFields(step(0)), printTraceFields(trace([]))]).toEqual([{}, {}, undefined, undefined]);
  });
});

describe('name of the exported file', () => {
  it.each([
    ['a/b.jsonl', 'plantrace', 'b.trace.json'], ['b.trace.json', 'otlp', 'b.otlp.json'], ['b.trace.json', 'plantrace', 'b.exported.trace.json'], ['c:\\x\\run.traj', 'atif', 'run.trajectory.json'],
    ['-', 'otlp', 'trace.otlp.json'], ['log.eval', 'atif', 'log.trajectory.json'], ['plain', 'atif', 'plain.trajectory.json'],
  ] as const)('of %s as %s is %s', (path, target, expected) => expect(exportName(path, target)).toBe(expected));
});
