/** repeated-action: the same call with the same result over and over, a loop of calls, or the same words again. */
import { hashText } from '../../core/hash.ts';
import type { ExecutionStep, JsonValue, PlanTrace, ToolCall } from '../../core/planTrace.ts';
import type { Finding } from '../../core/problems.ts';
import { isRedacted } from '../../core/redacted.ts';
import { inOwnWords, isCallRedacted, placeOf, pointTo, scoredSteps, stepNumber } from './ownWords.ts';
import type { Rule } from './rule.ts';

export const repeatedAction: Rule = {
  code: 'repeated-action',
  check(trace) {
    const steps = scoredSteps(trace);
    return [...repeatedCalls(steps), ...repeatedWords(trace, steps)].sort((a, b) => (a.stepIndex ?? 0) - (b.stepIndex ?? 0));
  },
};

/** Rounds of a loop that make it one. */
const ROUNDS = 3;
/** Rounds where the calls wait for something: looking again is their purpose. */
const POLLING_ROUNDS = 10;
const LONGEST_LOOP = 4;
const SHOWN_EVIDENCE = 10;

interface Action {
  readonly step: ExecutionStep;
  /** Calls, arguments and results; equal keys did the same and saw the same. */
  readonly key: string;
  readonly isError: boolean;
  readonly isWaiting: boolean;
  /** The user spoke between the action before and this one. */
  readonly isAskedFor: boolean;
}

/** Runs of a pattern of one to four actions that repeats without a change in what comes back. */
function repeatedCalls(steps: readonly ExecutionStep[]): Finding[] {
  const actions: Action[] = [];
  let wasAsked = false;
  for (const step of steps) {
    if (step.input !== undefined) wasAsked = true;
    if (step.tools.length === 0 || step.isProvisional) continue;
    actions.push(actionOf(step, wasAsked));
    wasAsked = false;
  }
  const findings: Finding[] = [];
  let i = 0;
  while (i < actions.length) {
    let best: { readonly period: number; readonly length: number } | undefined;
    for (let period = 1; period <= LONGEST_LOOP; period++) {
      let length = period;
      while (isSame(actions[i + length], actions[i + length - period])) length++;
      if (length >= 2 * period && (best === undefined || length > best.length)) best = { period, length };
    }
    const found = best === undefined ? undefined : loopFinding(actions.slice(i, i + best.length), best.period);
    if (found !== undefined) findings.push(found);
    i += found === undefined || best === undefined ? 1 : best.length;
  }
  return findings;
}

function isSame(action: Action | undefined, earlier: Action | undefined): boolean {
  return action !== undefined && earlier !== undefined && action.key === earlier.key && !action.isAskedFor;
}

function loopFinding(run: readonly Action[], period: number): Finding | undefined {
  const rounds = Math.floor(run.length / period);
  const first = run[0];
  if (first === undefined) return undefined;
  const isWaiting = run.slice(0, period).some((action) => action.isWaiting);
  // The same call failing in the same way is a loop the second time: nothing was changed in between.
  const needed = isWaiting ? POLLING_ROUNDS : period === 1 && first.isError ? 2 : ROUNDS;
  const at = run[(needed - 1) * period];
  if (rounds < needed || at === undefined) return undefined;
  const names = run.slice(0, period).map((action) => nameOf(action.step));
  const what = period === 1 ? `${names[0] ?? ''} was called with the same arguments and ${first.isError ? 'failed in the same way' : 'gave the same result'}` : `the same ${period} calls (${[...new Set(names)].join(', ')}) went round with the same results`;
  return {
    code: 'repeated-action',
    stepIndex: at.step.stepIndex,
    range: placeOf(at.step),
    message: `${rounds} times ${what}, in steps ${stepNumber(first.step)} to ${stepNumber((run.at(-1) ?? first).step)}.`,
    evidence: run.slice(0, SHOWN_EVIDENCE).filter((action) => action !== at).flatMap((action) => pointTo(action.step, `Step ${stepNumber(action.step)}: the same.`)),
    weight: Math.min(1, 0.5 + 0.1 * rounds),
    data: { rounds, period },
  };
}

function nameOf(step: ExecutionStep): string {
  const names = [...new Set(step.tools.map((tool) => tool.name))];
  return names.length === 1 && names[0] === 'observation' ? 'the same action' : names.join(', ');
}

function actionOf(step: ExecutionStep, isAskedFor: boolean): Action {
  const calls = step.tools.map((tool) => `${tool.name}\u0000${argumentsKey(tool, step)}\u0000${resultKey(tool)}`);
  // Placeholders look alike whatever they stand for: such a step is like no other.
  const isUnknown = step.contentNotCaptured || step.tools.some((tool) => isCallRedacted(tool) || (isObservation(tool) && isRedacted(step.output ?? '')));
  return {
    step,
    key: isUnknown ? `step ${step.stepIndex}` : hashText(calls.join('\u0001')),
    isError: step.tools.some((tool) => tool.isError),
    isWaiting: step.tools.some(isWaiting),
    isAskedFor,
  };
}

/** What came back without a call: it belongs to what the step said. */
function isObservation(tool: ToolCall): boolean {
  return tool.args === null && tool.name === 'observation';
}

function argumentsKey(tool: ToolCall, step: ExecutionStep): string {
  return isObservation(tool) ? (step.output ?? '') : jsonKey(tool.args);
}

function jsonKey(value: JsonValue): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '';
  }
}

/** Results are equal that differ only in times and durations. */
function resultKey(tool: ToolCall): string {
  if (tool.result === undefined) return '';
  const { result } = tool;
  const part = result.length > 4000 ? `${result.slice(0, 2000)}${result.slice(-2000)}${result.length}` : result;
  return part
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?/g, '<time>')
    .replace(/\b\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?\b/g, '<time>')
    .replace(/\b\d+(?:\.\d+)?\s?(?:ms|s|sec|seconds|m)\b/g, '<duration>')
    .replace(/0x[0-9a-f]{6,}/gi, '<address>')
    .trim();
}

function isWaiting(tool: ToolCall): boolean {
  if (/sleep|wait|poll|status|monitor|watch|output|progress/i.test(tool.name)) return true;
  if (/\b(?:sleep \d|--wait\b|wait-for|\bwatch |status\b|\btail -f)/i.test(jsonKey(tool.args).slice(0, 4000))) return true;
  return !tool.isError && tool.result !== undefined && tool.result.length < 400 && /\b(?:pending|in[_ -]progress|running|queued|not (?:yet )?ready|waiting|starting|processing)\b/i.test(tool.result);
}

const FEWEST_WORDS = 8;
const NEAR = 8;
const ALIKE = 0.9;

/** Steps that only talk, and say what was said before. Where tools are used, saying a thing twice is common and harmless. */
function repeatedWords(trace: PlanTrace, steps: readonly ExecutionStep[]): Finding[] {
  const usesTools = trace.steps.some((step) => step.tools.length > 0);
  const needed = usesTools ? 3 : 2;
  const findings: Finding[] = [];
  const saidBy = new Map<string, ExecutionStep[]>();
  const recent: { readonly step: ExecutionStep; readonly shingles: () => ReadonlySet<string>; readonly numbers: string }[] = [];
  for (const step of steps) {
    if (step.tools.length > 0) continue;
    const text = normalized(inOwnWords(step).join(' ').slice(0, 20_000));
    const words = text === '' ? [] : text.split(' ');
    if (words.length < FEWEST_WORDS) continue;
    const before = saidBy.get(text);
    if (before !== undefined) {
      before.push(step);
      if (before.length === needed) findings.push(wordsFinding(step, before.slice(0, -1), 1));
      continue;
    }
    saidBy.set(text, [step]);
    if (usesTools) continue;
    // Steps that differ in a number go forward: 3 + 4 is another thing than 3 + 5.
    const numbers = text.match(/\d+(?:\.\d+)?/g)?.join(' ') ?? '';
    // Few steps share their numbers with one nearby: only those are compared.
    let laid: ReadonlySet<string> | undefined;
    const shingles = (): ReadonlySet<string> => laid ??= shinglesOf(words);
    const twin = recent.find((other) => other.numbers === numbers && jaccard(shingles(), other.shingles()) >= ALIKE);
    if (twin !== undefined) findings.push(wordsFinding(step, [twin.step], 0.7));
    recent.unshift({ step, shingles, numbers });
    if (recent.length > NEAR) recent.pop();
  }
  return findings;
}

function wordsFinding(step: ExecutionStep, before: readonly ExecutionStep[], weight: number): Finding {
  const first = before[0] ?? step;
  return {
    code: 'repeated-action',
    stepIndex: step.stepIndex,
    range: placeOf(step),
    message: `${before.length + 1} times ${weight === 1 ? 'the same' : 'nearly the same'} words: this step says what step ${stepNumber(first)} said.`,
    evidence: before.slice(0, SHOWN_EVIDENCE).flatMap((other) => pointTo(other, `Step ${stepNumber(other)} said it first.`)).slice(0, SHOWN_EVIDENCE),
    weight: 0.4 * weight,
    data: { rounds: before.length + 1 },
  };
}

function normalized(text: string): string {
  return text.toLowerCase().replace(/^\s*(?:step|schritt)?\s*\d+\s*[:.)]\s*/, '').replace(/\s+/g, ' ').trim();
}

function shinglesOf(words: readonly string[]): ReadonlySet<string> {
  const shingles = new Set<string>();
  for (let i = 0; i + 2 < words.length && i < 400; i++) shingles.add(`${words[i]} ${words[i + 1]} ${words[i + 2]}`);
  return shingles;
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  if (small.size < ALIKE * large.size) return 0;
  let shared = 0;
  for (const item of small) if (large.has(item)) shared++;
  const union = a.size + b.size - shared;
  return union === 0 ? 0 : shared / union;
}
