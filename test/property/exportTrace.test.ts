/** Any trace, printed in a format for exchange and read again, has every field that both sides hold; the rest is said to be lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExecutionStep, JsonValue, PlanTrace, ToolCall } from '../../server/src/core/planTrace.ts';
import { EXPORT_TARGETS, exportTraces } from '../../server/src/features/exportTrace.ts';
import type { ExportTarget } from '../../server/src/features/exportTrace.ts';
import { differences, READERS } from '../support/exportedTraces.ts';

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.constantFrom('Error: no', '["a"]', '"b"', '{"c": 1}', ' ', 'None', 'line\r\nline', '[sic]', '[{"type":"text","text":"x"}]'));
const word = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 8 }).filter((s) => s.trim() !== '');
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);
const args = fc.oneof({ weight: 3, arbitrary: fc.dictionary(word.filter((w) => w !== '__proto__'), json, { maxKeys: 3 }) as fc.Arbitrary<JsonValue> }, json.filter((v) => !JSON.stringify(v).includes('__proto__')));
const tool: fc.Arbitrary<ToolCall> = fc.record({ name: word, args, callId: word, result: text, isError: fc.boolean() }, { requiredKeys: ['name', 'args', 'isError'] });
const brokenCall: fc.Arbitrary<ToolCall> = fc.record({ name: word, args: fc.constantFrom('{"a":', 'not json'), argsError: fc.constant('it is not JSON'), callId: word, isError: fc.constant(false) });
const count = fc.nat(1e6);
const stepFields = fc.record({
  stepType: fc.constantFrom('message', 'tool_call', 'thought', 'action'), output: text, reasoning: text, input: text, agentName: word, description: text, tools: fc.array(fc.oneof({ weight: 5, arbitrary: tool }, brokenCall), { maxLength: 3 }),
  startTimeMs: fc.integer({ min: 1.6e12, max: 1.8e12 }), durationMs: fc.integer({ min: 0, max: 1e6 }), usage: fc.record({ inputTokens: count, outputTokens: count, cachedTokens: count }, { requiredKeys: [] }), costUsd: fc.double({ min: 0, max: 10, noNaN: true }),
  error: fc.record({ type: word, message: text, traceback: word }, { requiredKeys: ['type', 'message'] }), finishReason: word, logprobs: fc.array(fc.double({ min: -9, max: 0, noNaN: true }), { maxLength: 3 }), attributes: fc.dictionary(word, json, { maxKeys: 3 }),
  isCopiedContext: fc.boolean(), isSidechain: fc.boolean(), contentNotCaptured: fc.boolean(), parent: fc.nat(5),
}, { requiredKeys: ['stepType', 'tools', 'attributes', 'isCopiedContext', 'isSidechain', 'contentNotCaptured'] });

const steps = fc.array(stepFields, { maxLength: 5 }).map((drafts) => {
  const made: ExecutionStep[] = [];
  for (const { parent, ...draft } of drafts) {
    const above = parent === undefined || !draft.isSidechain ? undefined : made[parent];
    made.push({
      description: '', importedScores: [], range: null, textRange: null, jsonPointer: '', isProvisional: false, ...draft, stepId: `step ${made.length}`, stepIndex: made.length,
      depth: above === undefined ? 0 : above.depth + 1, ...(above === undefined ? {} : { parentId: above.stepId }),
    });
  }
  return made;
});

const trace: fc.Arbitrary<PlanTrace> = fc.record({
  goalText: text, steps, finalOutputText: text, planSignature: text,
  meta: fc.record({ model: word, agent: word, session: word, cwd: word, costUsd: fc.double({ min: 0, max: 10, noNaN: true }), outcome: fc.constantFrom(0, 1) }, { requiredKeys: [] }),
}).map((draft) => ({ traceId: 'a trace', format: 'test', formatVersion: '1', goalRange: null, importedScores: [], warnings: [], unknownRecordCounts: {}, range: null, ...draft }));

/** Fields that each format and our reader of it both hold, whatever they contain. */
const HELD: Readonly<Record<ExportTarget, readonly string[]>> = {
  plantrace: ['goal', 'outputs', 'inputs', 'errors', 'as a whole'],
  atif: ['goal', 'outputs', 'errors', 'tool calls', 'tool results', 'failure marks of tools', 'input tokens', 'output tokens', 'cached tokens'],
  otlp: ['outputs', 'input tokens', 'output tokens', 'cached tokens', 'errors'],
};

describe.each(Object.keys(EXPORT_TARGETS) as readonly ExportTarget[])('%s', (target) => {
  const read = (traces: readonly PlanTrace[]): { readonly lost: readonly string[]; readonly read: readonly PlanTrace[] } => {
    const printed = exportTraces(traces, target);
    return { lost: printed.lost, read: READERS[target].parse({ path: '', text: printed.text }).traces };
  };

  it('keeps what both sides hold and lists what differs', () => fc.assert(fc.property(trace, (made) => {
    const { lost, read: [found] } = read([made]);
    if (found === undefined) return void expect(lost).toContain('1 trace without any step');
    if (lost.some((l) => l.startsWith('the order of'))) return;
    const different = differences(made, found);
    for (const { word: what, at } of different) expect(lost.join('\n'), `${at} differs in: ${what}`).toContain(what);
    expect(different.filter((d) => HELD[target].includes(d.word))).toEqual([]);
    expect(found.steps.length).toBe(made.steps.length);
  }), { numRuns: 400 }));

  it('has nothing left to lose the second time', () => fc.assert(fc.property(trace, (made) => {
    const { read: once } = read([made]);
    const { lost, read: twice } = read(once);
    // Spans stand in the order of their times: steps without one move with those beside them.
    if (lost.some((l) => l.startsWith('the order of'))) return;
    expect(once.flatMap((t, i) => differences(t, twice[i] ?? t)).map((d) => d.word)).toEqual([]);
    expect(lost.filter((l) => /^(?:outputs|inputs|tool|the goal|input tokens|output tokens|errors|reasoning)/.test(l))).toEqual([]);
  }), { numRuns: 200 }));
});
