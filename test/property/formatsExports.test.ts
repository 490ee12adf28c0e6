/** The readers of evaluation logs and of exported traces are total, quick, and true to the text, whatever is done to their files. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TraceFormat } from '../../server/src/formats/format.ts';
import { sniff } from '../../server/src/formats/detect.ts';
import { inspectFormat } from '../../server/src/formats/inspect.ts';
import { langfuseFormat } from '../../server/src/formats/langfuse.ts';
import { langSmithFormat } from '../../server/src/formats/langSmith.ts';
import { mlflowFormat } from '../../server/src/formats/mlflow.ts';
import { openaiAgentsFormat } from '../../server/src/formats/openaiAgents.ts';
import { brokenCopies, readSoundly } from '../support/formatChecks.ts';

const FORMATS: readonly TraceFormat[] = [inspectFormat, langfuseFormat, langSmithFormat, mlflowFormat, openaiAgentsFormat];
const FIXTURES = [join(import.meta.dirname, '../golden/formats')]
  .flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []))
  .filter((path) => /\.(?:inspect|langfuse|langsmith|mlflow|agents)\.jsonl?$/.test(path));
const SAMPLES = join(import.meta.dirname, '../../../shared/samples');

function formatOf(text: string, path: string): TraceFormat | undefined {
  return FORMATS.find((format) => format.detect(sniff(path, text)) > 0);
}

function checkTotal(text: string): void {
  for (const format of FORMATS) {
    expect(format.detect(sniff('x.json', text))).toBeLessThanOrEqual(1);
    readSoundly(format, text);
  }
}

describe('exports are read totally', () => {
  it('has fixtures', () => expect(FIXTURES.length).toBeGreaterThan(6));

  it.each(FIXTURES.map((path) => [path.replace(/.*[\\/]/, ''), path] as const))('%s, broken in every way', (_, path) => {
    const text = readFileSync(path, 'utf8');
    const format = formatOf(text, path);
    if (format === undefined) throw new Error(`${path} is taken by no format`);
    for (const copy of brokenCopies(text)) {
      const started = performance.now();
      readSoundly(format, copy);
      expect(performance.now() - started).toBeLessThan(5000);
    }
  });

  it.skipIf(!existsSync(SAMPLES))('samples, broken in every way', () => {
    if (!existsSync(SAMPLES)) return;
    for (const folder of ['inspect-ai', 'langfuse', 'langsmith', 'mlflow', 'openai-agents']) {
      for (const name of readdirSync(join(SAMPLES, folder))) {
        const path = join(SAMPLES, folder, name);
        if (!/\.jsonl?$/.test(name) || statSync(path).size > 100_000) continue;
        const text = readFileSync(path, 'utf8');
        const format = formatOf(text, path);
        if (format !== undefined) for (const copy of brokenCopies(text)) readSoundly(format, copy);
      }
    }
  }, 120_000);

  it('arbitrary strings and JSON', () =>
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.json()), checkTotal), { numRuns: 150 }));

  it('JSON in the shape of the formats with values of any kind', () => {
    const any = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('a', 'b', '{"messages":[{"role":"user","content":"x"}]}', '"\\"', 'attachment://0', 1e300, -1));
    const id = fc.constantFrom('a', 'b', 'c', null, 1);
    const message = fc.record({ role: fc.constantFrom('user', 'assistant', 'tool', 'system'), id, content: any, tool_calls: fc.oneof(any, fc.array(fc.record({ id, function: any, arguments: any }))), tool_call_id: id, source: fc.constantFrom('input', 'generate') }, { requiredKeys: [] });
    const event = fc.record(
      { event: fc.constantFrom('model', 'tool', 'span_begin', 'span_end', 'step', 'subtask', 'score', 'x'), id, span_id: id, parent_id: id, type: fc.constantFrom('agent', 'tool', 'scorer', 'solver'), name: any, action: fc.constantFrom('begin', 'end'), output: fc.record({ choices: fc.array(fc.record({ message })) }), input_refs: any, events: fc.array(any), timestamp: any, intermediate: fc.boolean(), score: any },
      { requiredKeys: [] },
    );
    const sample = fc.record({ id: any, epoch: fc.constantFrom(1, 2), input: any, target: any, messages: fc.array(message), events: fc.array(event), scores: any, attachments: any, message_refs: any, events_data: any, output: any, error: any }, { requiredKeys: ['epoch', 'id'] });
    const span = fc.record(
      {
        id, traceId: id, trace_id: id, span_id: id, parent_id: id, parentObservationId: id, parent_run_id: id, parent_span_id: id, object: fc.constantFrom('trace.span', 'trace'), run_type: fc.constantFrom('llm', 'tool', 'chain'), type: fc.constantFrom('GENERATION', 'TOOL', 'SPAN'),
        name: any, startTime: any, start_time: any, started_at: any, inputs: any, outputs: any, input: any, output: any, usageDetails: any, metadata: any, span_data: fc.oneof(any, fc.record({ type: fc.constantFrom('generation', 'response', 'function', 'agent'), input: any, output: any, name: any })),
        attributes: fc.oneof(any, fc.record({ 'mlflow.spanType': fc.constantFrom('"TOOL"', '"LLM"', 'LLM'), 'mlflow.spanInputs': any, 'mlflow.spanOutputs': any })), dotted_order: any, error: any, level: any, child_runs: fc.array(any), feedback_stats: any, scores: any,
      },
      { requiredKeys: [] },
    );
    const file = fc.tuple(fc.array(sample, { maxLength: 3 }), fc.array(span, { maxLength: 5 })).chain(([samples, spans]) =>
      fc.constantFrom(
        JSON.stringify({ version: 2, eval: { task: 't', model: 'm' }, samples }),
        samples.map((value, i) => JSON.stringify({ member: `samples/${i}_epoch_1.json`, value })).join('\n'),
        samples.map((value) => JSON.stringify({ member: 'samples/x_epoch_1/sample.json', value })).join('\n'),
        JSON.stringify({ trace: { id: 't', scores: spans }, observations: spans }),
        JSON.stringify({ info: { trace_id: 't', assessments: spans }, data: { spans } }),
        JSON.stringify({ spans }),
        JSON.stringify({ post: spans, patch: spans }),
        spans.map((value) => JSON.stringify(value)).join('\n'),
      ),
    );
    fc.assert(fc.property(file, checkTotal), { numRuns: 200 });
  });

  it.each([
    ['nested runs', '{"run_type":"chain","child_runs":['.repeat(50_000)],
    ['nested traces', '{"trace":{"data":{"spans":['.repeat(30_000)],
    ['lines in lines', '{"member":"samples/a_epoch_1.json","value":{"samples":['.repeat(30_000)],
    ['nested events', `{"epoch":1,"id":1,"messages":[],"events":[${'{"event":"tool","id":"a","events":['.repeat(30_000)}`],
    ['ten thousand strings of JSON in strings', `{"trace":{"id":"t","timestamp":"x","userId":"u"},"observations":[${Array.from({ length: 2000 }, (_, i) => JSON.stringify({ id: `${i}`, traceId: 't', parentObservationId: `${i + 1}`, type: 'GENERATION', startTime: '2026-01-01', output: JSON.stringify(JSON.stringify(['"'.repeat(20)])) })).join(',')}]}`],
    ['many messages that name one attachment', `{"epoch":1,"id":1,"input":"attachment://a","target":"","attachments":{"a":"${'x'.repeat(20_000)}"},"messages":[${Array.from({ length: 3000 }, () => '{"role":"assistant","content":"attachment://a"}').join(',')}]}`],
    ['many calls of the model with the same pool', `{"epoch":1,"id":1,"input":"","target":"","messages":[],"events_data":{"messages":[${'{"role":"user","content":"u"},'.repeat(3000)}]},"events":[${Array.from({ length: 3000 }, (_, i) => `{"event":"model","input_refs":[[0,3000]],"output":{"choices":[{"message":{"id":"m${i}","role":"assistant","content":"c"}}]}}`).join(',')}]}`],
    ['ranges of messages that repeat', `{"member":"samples/a_epoch_1/sample.json","value":{"id":1,"epoch":1,"message_refs":[${'[0,1000000000],'.repeat(5000)}]}}\n{"member":"samples/a_epoch_1/messages/0.json","value":[${'{"role":"assistant","content":"c"},'.repeat(500)}]}`],
  ])('%s', (_, text) => {
    const started = performance.now();
    checkTotal(text);
    expect(performance.now() - started).toBeLessThan(20_000);
  }, 60_000);
});
