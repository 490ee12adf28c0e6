/** Plain logs of ReAct agents: `Thought:`, `Action:`, `Action Input:`, `Observation:` and `Final Answer:` at the start of lines, numbered or not. */
import type { OffsetRange, PlanTrace, TraceMeta } from '../core/planTrace.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { settled } from './jsonFields.ts';
import { looksLikeFailure, toolArguments } from './messageContent.ts';
import { OpenSteps, type OpenStep } from './openSteps.ts';
import { labelledParts, type LabelledPart } from './reactLabels.ts';
import { assembleTrace, UniqueIds } from './traceAssembly.ts';

const ID = 'react-text';

export const reactTextFormat: TraceFormat = {
  id: ID,
  title: 'ReAct log',
  detect(sniff: Sniff): number {
    // Source code, documents and prompts hold examples of the same words.
    if (NOT_TEXT.test(sniff.head.slice(0, 400)) || NOT_LOGS.test(sniff.path)) return 0;
    const labels = new Set(labelledParts(sniff.head).map((part) => part.label));
    if (!labels.has('Thought') || !labels.has('Action') || !labels.has('Observation')) return 0;
    return NAMED.test(sniff.path) ? 0.6 : 0.3;
  },
  parse: parseLog,
};

const NOT_TEXT = /^\s*(?:[{<]|\[\s*[{["\]])/;
const NOT_LOGS = /\.(?!(?:log|txt|out|react|ansi)$)\w{1,8}$/i;
const NAMED = /(?:^|[\\/._-])react(?:[._-][^\\/]*)?\.(?:log|txt)$/i;

interface Episode {
  readonly goal: { readonly text: string; readonly range: OffsetRange } | undefined;
  readonly steps: OpenSteps;
  readonly start: number;
  end: number;
  isExample: boolean;
}

function parseLog(input: ParseInput): ParsedFile {
  const { text } = input;
  const episodes: Episode[] = [];
  let hasExamples = false;
  for (const part of labelledParts(text)) {
    let episode = episodes.at(-1);
    if (part.isAfterExamples) hasExamples = true;
    if (part.label === 'Question' || episode === undefined) {
      // In a prompt with worked examples the last question is the one that is asked.
      if (episode !== undefined && hasExamples) episode.isExample = true;
      episode = { goal: part.label === 'Question' ? { text: part.text, range: part.words } : undefined, steps: new OpenSteps(), start: part.start, end: part.end, isExample: false };
      episodes.push(episode);
    }
    episode.end = part.end;
    if (part.label !== 'Question') addPart(episode.steps, part);
    if (part.endsSection) hasExamples = false;
  }
  const traceIds = new UniqueIds();
  const traces = episodes.filter((episode) => !episode.isExample && episode.steps.steps.length > 0).map((episode) => traceOf(episode, traceIds));
  return { format: ID, formatVersion: '1', traces, warnings: [] };
}

function addPart(steps: OpenSteps, part: LabelledPart): void {
  const { last } = steps;
  const isOpen = last !== undefined && last.calls.length === 0 && last.output === undefined;
  switch (part.label) {
    case 'Thought': {
      if (part.text === '') return;
      begin(steps, part).reasoning = part.text;
      return;
    }
    case 'Action': {
      if (part.text === '' || /^none\b/i.test(part.text)) return;
      const step = isOpen ? last : begin(steps, part);
      const written = /^([\w .-]{1,80}?)\s*[[(]([^]*)[\])]\s*$/.exec(part.text);
      steps.addCall(step, written === null ? { name: part.text.split('\n')[0]?.trim() ?? 'unnamed', args: null, isError: false } : { name: written[1] ?? 'unnamed', ...argumentsOf(written[2] ?? ''), isError: false });
      step.range.end = part.end;
      return;
    }
    case 'Action Input': {
      const call = last?.calls.at(-1);
      if (last === undefined || call === undefined) return;
      last.calls[last.calls.length - 1] = { ...call, ...argumentsOf(part.text) };
      last.range.end = part.end;
      return;
    }
    case 'Observation':
      steps.answer(undefined, { text: part.text, isError: looksLikeFailure(part.text), end: part.end });
      return;
    case 'Final Answer': {
      const step = isOpen ? last : begin(steps, part);
      step.output = part.text;
      step.textRange = part.words;
      step.range.end = part.end;
      return;
    }
    case 'Question':
  }
}

function begin(steps: OpenSteps, part: LabelledPart): OpenStep {
  const step = steps.begin({ start: part.start, end: part.end }, `/${part.line}`);
  step.textRange = part.words;
  return step;
}

/** Text is what most tools take; only what begins as JSON is meant as JSON. */
function argumentsOf(text: string): ReturnType<typeof toolArguments> {
  const trimmed = text.trim();
  return /^[{[]/.test(trimmed) ? toolArguments(trimmed) : { args: trimmed };
}

function traceOf(episode: Episode, traceIds: UniqueIds): PlanTrace {
  return assembleTrace(
    {
      format: ID,
      formatVersion: '1',
      goalText: episode.goal?.text,
      goalRange: episode.goal?.range,
      planSignature: ID,
      steps: episode.steps.drafts(false).map((step) => (step.output === undefined && step.stepType === 'tool_call' ? { ...step, output: step.reasoning, reasoning: undefined } : step)),
      meta: settled<TraceMeta>({ model: undefined, agent: undefined, session: undefined, cwd: undefined, costUsd: undefined, outcome: undefined }),
      range: { start: episode.start, end: episode.end },
    },
    traceIds,
  );
}
