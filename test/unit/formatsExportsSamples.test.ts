/** Real exports and logs, where they are at hand; they are not part of the project. The numbers were counted by hand and with scripts that share no code with the readers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sniff } from '../../server/src/formats/detect.ts';
import type { TraceFormat } from '../../server/src/formats/format.ts';
import { inspectFormat } from '../../server/src/formats/inspect.ts';
import { langfuseFormat } from '../../server/src/formats/langfuse.ts';
import { langSmithFormat } from '../../server/src/formats/langSmith.ts';
import { mlflowFormat } from '../../server/src/formats/mlflow.ts';
import { openaiAgentsFormat } from '../../server/src/formats/openaiAgents.ts';
import { bufferSource } from '../../server/src/host/containers/byteSource.ts';
import { readContainer } from '../../server/src/host/containers/readContainer.ts';
import { holdsOwnWords, readSoundly } from '../support/formatChecks.ts';

const folder = join(import.meta.dirname, '../../../shared/samples');
const isHere = existsSync(folder);
const FORMATS: Readonly<Record<string, TraceFormat>> = { 'inspect-ai': inspectFormat, langfuse: langfuseFormat, langsmith: langSmithFormat, mlflow: mlflowFormat, 'openai-agents': openaiAgentsFormat };
/** A recording of API calls, an event list by itself, a note. */
const NOT_OURS = ['anthropic_managed_custom_tools.jsonl', 'parallel_spans.json', 'README.txt'];

/** Traces, steps, tool calls, those with a result, input and output tokens, scores of traces and of steps, and how the first goal begins. */
type Counts = readonly [traces: number, steps: number, calls: number, results: number, input: number, output: number, scores: number, goal: string];

const COUNTED: Readonly<Record<string, Counts>> = {
  'inspect-ai/2025-05-12T20-27-36-04-00_browser.json': [1, 5, 4, 4, 15235, 281, 1, 'Use the web browser tool to navigate to'],
  'inspect-ai/2025-02-11T15-17-00-05-00_popularity_dPiJifoWeEQBrfWsAopzWr.eval': [10, 10, 0, 0, 620, 20, 0, 'Is the following statement something'],
  'inspect-ai/log_message_deduplication.eval': [1, 6, 5, 5, 0, 0, 1, 'Guess the number'],
  'inspect-ai/log_streaming.eval': [4, 4, 0, 0, 252, 6, 4, 'Is the following statement something'],
  'inspect-ai/log_formats.json': [1, 1, 0, 0, 66, 2, 1, 'Is the following statement something'],
  'inspect-ai/log_tool_call_error.json': [1, 0, 0, 0, 0, 0, 0, '...'],
  'langfuse/claude-agent-2025-12-22.trace.json': [1, 4, 2, 2, 34, 232, 3, "What's the weather like in Berlin"],
  'langfuse/langgraph-python-2025-08-22.trace.json': [1, 2, 1, 1, 168, 66, 2, "Search the web for 'example'"],
  'langfuse/openai-agents-2025-09-30.trace.json': [1, 2, 1, 1, 140, 44, 2, "What's the weather in Tokyo?"],
  'langfuse/vercel-aisdk-2025-11-17.trace.json': [1, 1, 1, 1, 62, 85, 2, 'What is the weather like today'],
  'langfuse/autogen-2025-06-06.trace.json': [1, 1, 0, 0, 41, 3, 0, "Say 'Hello World!'"],
  'langsmith/run-export.jsonl': [1, 1, 2, 1, 212, 19, 0, 'Refund order A-17'],
  'langsmith/run-tree.json': [1, 1, 2, 1, 212, 19, 0, 'Refund order A-17'],
  'langsmith/langsmith_py_wrap_openai_reasoning.json': [1, 1, 0, 0, 43, 2497, 0, 'Write a bash script'],
  'langsmith/langsmith_js_wrap_openai_default.json': [1, 1, 0, 0, 9, 9, 0, 'howdy'],
  'mlflow/v3_trace_shape.json': [1, 1, 0, 0, 27, 641, 1, 'What is a good apple pie recipe'],
  'mlflow/traces.json': [1, 1, 0, 0, 27, 641, 0, 'What is a good apple pie recipe'],
  'mlflow/v2_trace_shape.json': [1, 1, 0, 0, 0, 0, 0, '{"x":2}'],
  'openai-agents/agents-core-0.20-export.jsonl': [1, 2, 3, 2, 513, 33, 0, 'Refund order A-17'],
};

if (!isHere) console.log(`Skipped: no sample files at ${folder}. They are the traces of other projects and not part of this one.`);

async function textOf(name: string): Promise<string> {
  const bytes = readFileSync(join(folder, name));
  const inside = await readContainer(name, bufferSource(bytes), { maxTextBytes: 1e9 });
  return inside.kind === 'text' ? inside.text : bytes.toString('utf8');
}

describe.skipIf(!isHere)('real exports and logs', () => {
  const files = isHere ? Object.keys(FORMATS).flatMap((name) => readdirSync(join(folder, name)).map((file) => `${name}/${file}`)) : [];

  it.each(files)('%s', async (name) => {
    const format = FORMATS[name.split('/')[0] ?? ''];
    if (format === undefined) throw new Error(name);
    const text = await textOf(name);
    const isOurs = !NOT_OURS.some((other) => name.endsWith(other));
    for (const other of Object.values(FORMATS)) expect(other.detect(sniff(name, text)) > 0.5).toBe(isOurs && other === format);
    if (!isOurs) return;
    const parsed = readSoundly(format, text, name);
    expect(parsed.warnings).toEqual([]);
    for (const trace of parsed.traces) {
      expect(trace.goalRange).not.toBeNull();
      for (const step of trace.steps) expect(holdsOwnWords(text, step), `${name} ${step.stepId}`).toBe(true);
    }
    const counted = COUNTED[name];
    if (counted === undefined) return;
    const steps = parsed.traces.flatMap((trace) => trace.steps);
    const tools = steps.flatMap((step) => step.tools);
    const sum = (of: readonly (number | undefined)[]): number => of.reduce<number>((total, value) => total + (value ?? 0), 0);
    expect([
      parsed.traces.length, steps.length, tools.length, tools.filter((tool) => tool.result !== undefined).length, sum(steps.map((step) => step.usage?.inputTokens)), sum(steps.map((step) => step.usage?.outputTokens)),
      sum(parsed.traces.map((trace) => trace.importedScores.length)) + sum(steps.map((step) => step.importedScores.length)), parsed.traces[0]?.goalText.slice(0, counted[7].length),
    ]).toEqual(counted);
  });

  it('counts at least two files of each format', () => {
    for (const name of ['inspect-ai', 'langfuse', 'langsmith', 'mlflow']) expect(Object.keys(COUNTED).filter((file) => file.startsWith(`${name}/`)).length).toBeGreaterThanOrEqual(2);
  });
});
