/** Files of spans of other projects, where they are at hand, and two of ours counted by hand. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ExecutionStep, PlanTrace } from '../../server/src/core/planTrace.ts';
import { copilotSpansFormat } from '../../server/src/formats/copilotSpans.ts';
import { sniff } from '../../server/src/formats/detect.ts';
import type { TraceFormat } from '../../server/src/formats/format.ts';
import { otlpFormat } from '../../server/src/formats/otlp.ts';
import { phoenixFormat } from '../../server/src/formats/phoenix.ts';

const samples = join(import.meta.dirname, '../../../shared/samples');
const ours = join(import.meta.dirname, '../golden/spans');
const isHere = existsSync(samples);
if (!isHere) console.log(`Skipped: no sample files at ${samples}. They are the traces of other projects and not part of this one.`);

const FORMATS: readonly TraceFormat[] = [otlpFormat, phoenixFormat, copilotSpansFormat];

interface Counted {
  readonly file: string;
  readonly format: string;
  /** A trace each: goal, steps, tool calls with a result of all, input and output tokens, imported scores of steps and trace. */
  readonly traces: readonly (readonly [goal: string, steps: number, answered: number, calls: number, input: number, output: number, ofSteps: number, ofTrace: number])[];
}

// Counted from the files by eye, not by the reader: spans whose operation is chat or whose kind is LLM, tools that follow them.
const COUNTED: readonly Counted[] = [
  // One chat span with call_1 in its words; tool spans call_1 (result) and call_2 (exception "already refunded"). The root repeats no usage.
  { file: 'otlp/genai-current-semconv.otlp.json', format: 'otlp', traces: [['Refund order A-17, it arrived broken.', 1, 2, 2, 212, 19, 1, 0]] },
  { file: 'otlp/genai-current-semconv.otlp.jsonl', format: 'otlp', traces: [['Refund order A-17, it arrived broken.', 1, 2, 2, 212, 19, 1, 0]] },
  // Attributes of one span each, without the span.
  { file: 'openinference/openinference_client_span_tool_calls.json', format: 'phoenix', traces: [['Weather in Paris?', 1, 0, 0, 97, 52, 0, 0]] },
  { file: 'openinference/otel_genai_client_span_tool_calls.json', format: 'phoenix', traces: [['Weather in Paris?', 1, 0, 0, 97, 52, 0, 0]] },
  { file: 'openinference/otel_genai_deprecated_client_span_tool_calls.json', format: 'phoenix', traces: [['Weather in Paris?', 1, 0, 0, 97, 52, 0, 0]] },
  { file: 'openinference/otel_genai_tool_execution_span.json', format: 'phoenix', traces: [['', 1, 1, 1, 0, 0, 0, 0]] },
  // 320 + 410 + 90 + 502 and 41 + 22 + 15 + 77; the agents' own 1322 and 90 are the sums of these.
  { file: 'tripPlanner.otlp.jsonl', format: 'otlp', traces: [['Plan two days in "Köln" for three people.\nBudget: 400 €.', 4, 3, 3, 1322, 155, 1, 0], ['Is it raining?', 1, 0, 0, 0, 0, 0, 0]] },
  // A retrieval and two calls of the model; the judge's 900 tokens are not the agent's. Annotations: judge-a, CODE, and the judge's through its link.
  { file: 'handbook.phoenix.json', format: 'phoenix', traces: [['How many days of leave do I have?', 3, 2, 2, 340, 32, 3, 1]] },
  { file: 'rename.copilot.jsonl', format: 'copilot-spans', traces: [['rename foo to bar', 3, 2, 2, 4800, 82, 0, 0]] },
];

function read(file: string): { readonly text: string; readonly format: TraceFormat; readonly traces: readonly PlanTrace[] } {
  const path = file.includes('/') ? join(samples, file) : join(ours, file);
  const text = readFileSync(path, 'utf8');
  const head = sniff(file, text);
  const [format = otlpFormat] = [...FORMATS].sort((a, b) => b.detect(head) - a.detect(head));
  return { text, format, traces: format.parse({ path: file, text }).traces };
}

const sum = (values: readonly (number | undefined)[]): number => values.reduce<number>((total, value) => total + (value ?? 0), 0);

describe('counted by hand', () => {
  it.each(COUNTED.filter(({ file }) => isHere || !file.includes('/')))('$file', ({ file, format, traces }) => {
    const found = read(file);
    expect(found.format.id).toBe(format);
    expect(
      found.traces.map(({ goalText, steps, importedScores }) => {
        const calls = steps.flatMap((step) => step.tools);
        return [goalText, steps.length, calls.filter((call) => call.result !== undefined).length, calls.length, sum(steps.map((step) => step.usage?.inputTokens)), sum(steps.map((step) => step.usage?.outputTokens)), sum(steps.map((step) => step.importedScores.length)), importedScores.length];
      }),
    ).toEqual(traces);
  });
});

/** Letters and digits only, so that escapes of any kind and number fall away. */
function bare(text: string): string {
  return text.replaceAll(/\\+u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))).replaceAll(/\\+[nrtbf]/g, ' ').replaceAll(/[^\p{L}\p{N}]/gu, '');
}

function ownWords(step: ExecutionStep): string | undefined {
  return [step.output, step.reasoning, step.tools[0]?.name].find((words) => words !== undefined && words.trim() !== '');
}

describe('each step stands where it says', () => {
  const files = [...(isHere ? ['otlp', 'openinference'].flatMap((folder) => readdirSync(join(samples, folder)).map((name) => `${folder}/${name}`)) : []), ...readdirSync(ours).filter((name) => !name.endsWith('.expected.json'))];

  it.each(files)('%s', (file) => {
    const { text, traces } = read(file);
    for (const trace of traces) {
      for (const step of trace.steps) {
        const slice = text.slice(step.range?.start, step.range?.end);
        expect([slice.charAt(0), slice.at(-1)]).toEqual(['{', '}']);
        const words = ownWords(step);
        if (words === undefined) continue;
        const start = bare(words.slice(0, 60));
        expect(bare(slice)).toContain(start);
        expect(bare(text.slice(step.textRange?.start, step.textRange?.end)).startsWith(start)).toBe(true);
      }
      if (trace.goalText !== '') expect(bare(text.slice(trace.goalRange?.start, trace.goalRange?.end))).toBe(bare(trace.goalText));
    }
  });
});

describe('other projects’ files of other kinds', () => {
  const files = isHere ? readdirSync(samples, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:json|jsonl|traj|txt)$/.test(name) && !/^(?:otlp|openinference)\//.test(name)) : [];

  it.skipIf(!isHere)('are left alone', () => {
    expect(files.length).toBeGreaterThan(20);
    const taken = files.flatMap((file) => {
      const head = sniff(file, readFileSync(join(samples, file), 'utf8'));
      return FORMATS.filter((format) => format.detect(head) > 0).map((format) => `${file}: ${format.id}`);
    });
    expect(taken).toEqual([]);
  });
});
