/** Real files of coding agents and benchmarks, where they are at hand, against numbers counted without the parser. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ExecutionStep } from '../../server/src/core/planTrace.ts';
import { sniff } from '../../server/src/formats/detect.ts';
import type { TraceFormat } from '../../server/src/formats/format.ts';
import { AGENT_FORMATS } from '../support/agentFormats.ts';
import { checkSound } from '../support/soundTraces.ts';

const folder = join(import.meta.dirname, '../../../shared/samples');
const isHere = existsSync(folder);
const FOLDERS = ['codex', 'gemini-cli', 'sweagent-traj', 'mini-swe-agent', 'openhands', 'tau-bench', 'dspy-lats'];

if (!isHere) console.log(`Skipped: no sample files at ${folder}. They are the traces of other projects and not part of this one.`);

interface Expected {
  /** Beginning of the file's name, with its folder. */
  readonly file: string;
  readonly format: string;
  readonly goals: readonly string[];
  /** A number for each trace. */
  readonly steps: readonly number[];
  /** Calls with a result, of all calls. */
  readonly pairs: readonly [answered: number, calls: number];
  readonly failed?: number;
  /** Sums over all steps. */
  readonly tokens?: readonly [input: number, output: number];
  readonly scores?: readonly string[];
  readonly outcomes?: readonly (number | undefined)[];
  readonly costs?: readonly number[];
}

/**
 * Counted by hand, or by a script of a few lines that knows nothing of steps: Codex by distinct `total_token_usage` and its
 * last value, Gemini by messages of type gemini (one of the second file's eleven only carries the call of the one before),
 * SWE-agent by elements of `trajectory`, mini by messages of the assistant and `<returncode>1`, OpenHands by actions of the
 * agent, observations by cause and `accumulated_token_usage`, failures by exit codes and one refused edit, tau-bench by messages of the assistant and of tools.
 */
const TABLE: readonly Expected[] = [
  { file: 'codex/localpush__rollout-2026-02-23T12', format: 'codex', goals: ['[REDACTED_MESSAGE len=115 sha=a83ebe6f]'], steps: [28], pairs: [118, 118], tokens: [1_751_428, 14_600] },
  { file: 'codex/localpush__rollout-2026-02-23T13', format: 'codex', goals: ['[REDACTED_MESSAGE len=86 sha=2239bcba]'], steps: [1], pairs: [0, 1], tokens: [34_469, 431] },
  { file: 'codex/localpush__rollout-2026-02-23T20', format: 'codex', goals: ['[REDACTED_MESSAGE len=98 sha=c002ff99]'], steps: [6], pairs: [5, 5], tokens: [298_373, 1_123] },
  { file: 'gemini-cli/entireio__12', format: 'gemini-cli', goals: ['add new text to test-gemini.txt'], steps: [4], pairs: [2, 2], failed: 0, tokens: [48_965, 302] },
  { file: 'gemini-cli/entireio__ab', format: 'gemini-cli', goals: ['run an agent that creates a color file inside docs, choose your color'], steps: [10], pairs: [9, 9], failed: 0, tokens: [131_375, 1_812] },
  { file: 'gemini-cli/entireio__ec', format: 'gemini-cli', goals: [], steps: [], pairs: [0, 0] },
  { file: 'sweagent-traj/demonstrations__ctf', format: 'swe-agent', goals: ["We're currently solving the following CTF challenge."], steps: [4], pairs: [4, 4], costs: [0] },
  { file: 'sweagent-traj/demonstrations__function', format: 'swe-agent', goals: ["We're currently solving the following issue"], steps: [5], pairs: [5, 5], failed: 0 },
  { file: 'sweagent-traj/demonstrations__replay', format: 'swe-agent', goals: ['TimeDelta serialization precision\nHi there!'], steps: [11], pairs: [11, 11], costs: [0] },
  { file: 'sweagent-traj/gpt4__swe-agent-test-repo', format: 'swe-agent', goals: ["We're currently solving the following issue"], steps: [5], pairs: [5, 5], costs: [0.019520000000000006] },
  { file: 'sweagent-traj/gpt4__swe-bench-dev', format: 'swe-agent', goals: ["We're currently solving the following issue"], steps: [12], pairs: [12, 12], costs: [1.26719] },
  { file: 'mini-swe-agent/github_issue', format: 'mini-swe-agent', goals: ['Please solve this issue: GitHub Issue: SyntaxError: invalid syntax'], steps: [10], pairs: [10, 10], failed: 2 },
  { file: 'mini-swe-agent/local', format: 'mini-swe-agent', goals: ['Please solve this issue: Blah blah blah'], steps: [2], pairs: [2, 2], failed: 0 },
  { file: 'openhands/v0-basic.json', format: 'openhands', goals: ['Please create a simple 2048 game.'], steps: [2], pairs: [1, 1], failed: 0, tokens: [3_486 + 4_646, 1_135 + 177] },
  { file: 'openhands/v0-basic_interactions', format: 'openhands', goals: ["what's 1+1?"], steps: [3], pairs: [0, 0], tokens: [2_473, 10] },
  { file: 'openhands/v0-eval', format: 'openhands', goals: ['<uploaded_files>\n/workspace/ponylang__ponyc__0.1'], steps: [23], pairs: [22, 22], failed: 5 + 1, tokens: [565_158, 2_558] },
  {
    file: 'openhands/v0-resolver', format: 'openhands', goals: ['Please fix the following issue', 'Please fix the following issue'], steps: [4, 22], pairs: [24, 24], failed: 11, costs: [0.070713, 1.152933],
    scores: ['openhands-resolver success 1 of 0–1', 'openhands-resolver success 1 of 0–1'],
  },
  { file: 'openhands/v1-sdk', format: 'openhands', goals: [''], steps: [2], pairs: [2, 2], failed: 2, tokens: [35_299 + 35_984, 185 + 192] },
  {
    file: 'tau-bench/tau1', format: 'tau-bench', goals: ['You are mia_li_3668. You want to fly', 'You are olivia_gonzalez_2305, you currently'], steps: [15, 5], pairs: [8, 8], failed: 1, outcomes: [0, 0],
    scores: ['tau-bench reward 0 of 0–1', 'tau-bench reward 0 of 0–1'],
  },
  // The results of a voice run in its folder layout: the simulations are in other files.
  { file: 'tau-bench/tau2', format: '', goals: [], steps: [], pairs: [0, 0] },
  { file: 'dspy-lats/dspy__saved', format: 'dspy', goals: ['That Darn Cat! and Never a Dull Moment', 'That Darn Cat! and Never a Dull Moment'], steps: [2, 3], pairs: [3, 4] },
  { file: 'dspy-lats/lats__hotpot', format: 'lats', goals: ["Which magazine was started first Arthur's Magazine or First for Women?"], steps: [5], pairs: [5, 5] },
  // Problems solved at the first attempt leave no implementation behind.
  { file: 'dspy-lats/lats__humaneval', format: '', goals: [], steps: [], pairs: [0, 0] },
];

function surest(name: string, text: string): { readonly format: TraceFormat; readonly confidence: number } | undefined {
  const head = sniff(name, text);
  return AGENT_FORMATS.map((format) => ({ format, confidence: format.detect(head) })).filter((found) => found.confidence > 0).sort((a, b) => b.confidence - a.confidence)[0];
}

describe.skipIf(!isHere)('real runs of agents', () => {
  const files = isHere ? FOLDERS.flatMap((name) => readdirSync(join(folder, name)).map((file) => `${name}/${file}`)) : [];

  it('all stand in the table', () => expect(files.filter((file) => !TABLE.some((row) => file.startsWith(row.file)))).toEqual([]));

  it.each(TABLE)('$file', (expected) => {
    const file = files.find((name) => name.startsWith(expected.file));
    if (file === undefined) throw new Error(`${expected.file}… is not among the samples`);
    const text = readFileSync(join(folder, file), 'utf8');
    const found = surest(file, text);
    expect(found?.format.id ?? '').toBe(expected.format);
    const parsed = found?.format.parse({ path: file, text });
    const traces = (parsed?.traces ?? []).filter((trace) => trace.steps.length > 0);
    const steps = traces.flatMap((trace) => trace.steps);
    const calls = steps.flatMap((step) => step.tools);
    expect(traces.map((trace) => trace.steps.length)).toEqual(expected.steps);
    traces.forEach((trace, i) => expect(trace.goalText.startsWith(expected.goals[i] ?? 'no goal')).toBe(true));
    expect([calls.filter((call) => call.result !== undefined).length, calls.length]).toEqual(expected.pairs);
    if (expected.failed !== undefined) expect(calls.filter((call) => call.isError).length).toBe(expected.failed);
    expect([sum(steps, (step) => step.usage?.inputTokens), sum(steps, (step) => step.usage?.outputTokens)]).toEqual(expected.tokens ?? [0, 0]);
    expect(traces.flatMap((trace) => trace.importedScores).map((score) => `${score.source} ${score.dimension} ${score.value} of ${score.scale?.join('–') ?? '?'}`)).toEqual(expected.scores ?? []);
    if (expected.outcomes !== undefined) expect(traces.map((trace) => trace.meta.outcome)).toEqual(expected.outcomes);
    if (expected.costs !== undefined) expect(traces.map((trace) => trace.meta.costUsd)).toEqual(expected.costs);
    expect(parsed?.warnings ?? []).toEqual([]);
    if (parsed !== undefined) checkSound(parsed, text);
    for (const trace of traces) {
      if (trace.goalText !== '') expect(decoded(text.slice(trace.goalRange?.start, trace.goalRange?.end)).startsWith(trace.goalText.slice(0, 20))).toBe(true);
      let end = 0;
      for (const step of trace.steps) {
        if (step.range === null || step.textRange === null) throw new Error('a text format gave no range');
        expect(step.range.start).toBeGreaterThanOrEqual(end);
        end = step.range.end;
        expect(step.textRange.end).toBeLessThanOrEqual(end);
        expect(saysOwnWords(step, text), `step ${step.stepIndex}: ${text.slice(step.textRange.start, step.textRange.start + 80)}`).toBe(true);
      }
    }
  });
});

function sum(steps: readonly ExecutionStep[], of: (step: ExecutionStep) => number | undefined): number {
  return steps.reduce((total, step) => total + (of(step) ?? 0), 0);
}

/** What stands in the file, without the escapes of JSON strings. */
function decoded(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw;
  }
}

/** Whether the step's text range holds the beginning of its words: what it said, else thought, else called. */
function saysOwnWords(step: ExecutionStep, text: string): boolean {
  const there = decoded(text.slice(step.textRange?.start, step.textRange?.end));
  const words = (step.output ?? step.reasoning ?? '').trim();
  if (words !== '') return there.trimStart().startsWith((words.split('\n')[0] ?? '').slice(0, 24));
  const [tool] = step.tools;
  if (tool === undefined) return false;
  const given = typeof tool.args === 'string' ? tool.args : JSON.stringify(tool.args);
  return there.includes(tool.name) || given.includes(JSON.stringify(there).slice(1, 24)) || isSameJson(there, tool.args);
}

function isSameJson(raw: string, value: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(raw)) === JSON.stringify(value);
  } catch {
    return false;
  }
}
