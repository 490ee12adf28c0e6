/** Real files of every format, where they are at hand; they are not part of the project. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { detectFormat, sniff } from '../../server/src/formats/detect.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';

const folder = join(import.meta.dirname, '../../../shared/samples');
const isHere = existsSync(folder);
const FORMATS_BY_FOLDER: Readonly<Record<string, readonly string[]>> = {
  atif: ['atif'], 'claude-code': ['claude-code'], codex: ['codex'], 'dspy-lats': ['dspy', 'lats'], 'gemini-cli': ['gemini-cli'], 'inspect-ai': ['inspect'], langfuse: ['langfuse'], langsmith: ['langsmith'],
  'mini-swe-agent': ['mini-swe-agent'], mlflow: ['mlflow'], 'openai-agents': ['openai-agents'], 'openai-messages': ['openai-messages'], openhands: ['openhands'], openinference: ['phoenix'], otlp: ['otlp'],
  plantrace: ['plan-trace'], 'sweagent-traj': ['swe-agent'], 'tau-bench': ['tau-bench'],
};
/** Without a step: nothing the agent did is in the file. */
const WITHOUT_STEPS: readonly string[] = [
  'otlp/otlp-proto-example-events.json', 'otlp/otlp-proto-example-logs.json', 'otlp/otlp-proto-example-trace.json', 'gemini-cli/entireio__ec_38b74f08e3_2.json', 'inspect-ai/log_tool_call_error.json', 'inspect-ai/parallel_spans.json',
  'langsmith/anthropic_managed_custom_tools.jsonl', 'dspy-lats/lats__humaneval_dfs.first2.jsonl', 'tau-bench/tau2-voice-results.json',
];
/** Chats kept as one string, words about the folder, archives (read through host/containers). */
const NO_TEXT_OF_A_TRACE = [/tau-bench-few_shot-first2\.jsonl$/, /README/, /\.eval$/];
/** Formats whose steps stand in the file in the order of the trace; spans are sorted by time. */
const IN_FILE_ORDER: readonly string[] = ['atif', 'claude-code', 'plan-trace', 'openai-messages'];

if (!isHere) console.log(`Skipped: no sample files at ${folder}. They are the traces of other projects and not part of this one.`);

describe.skipIf(!isHere)('real files', () => {
  const files = isHere ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile() && name.includes('/') && !NO_TEXT_OF_A_TRACE.some((other) => other.test(name))) : [];

  it.each(files)('%s', (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const found = detectFormat(sniff(name, text));
    if (!WITHOUT_STEPS.includes(name)) expect(FORMATS_BY_FOLDER[name.split('/')[0] ?? '']).toContain(found?.format);
    const steps = readTraces({ path: name, text })?.traces.flatMap((trace) => trace.steps) ?? [];
    expect(steps.length > 0).toBe(!WITHOUT_STEPS.includes(name));
    if (!IN_FILE_ORDER.includes(found?.format ?? '')) return;
    let end = 0;
    for (const step of readTraces({ path: name, text })?.traces[0]?.steps ?? []) {
      if (step.range === null || step.isSidechain) continue;
      expect(step.range.start).toBeGreaterThanOrEqual(end);
      end = step.range.end;
      expect('{'.includes(text.charAt(step.range.start)) && text.charAt(end - 1) === '}').toBe(true);
    }
  });
});
