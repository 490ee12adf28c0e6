/**
 * The rules over a trace that is read in parts. A part is checked together with the steps before it that are still at hand, so
 * that findings equal those of the whole but for what looks further back: words said long ago, the rounds of a loop that goes
 * on past a part, and figures of the final answer, which are not asked about in a trace that is no longer at hand as a whole.
 */
import type { ExecutionStep } from '../../core/planTrace.ts';
import type { Finding } from '../../core/problems.ts';
import type { TraceHeader } from '../../core/traceIndex.ts';
import { RULES } from '../../scoring/rules/index.ts';
import { contentNotCaptured } from '../../scoring/rules/contentNotCaptured.ts';
import { emptyStep } from '../../scoring/rules/emptyStep.ts';
import { fileNotStrictJson } from '../../scoring/rules/fileNotStrictJson.ts';
import type { Rule } from '../../scoring/rules/rule.ts';
import { unknownRecords } from '../../scoring/rules/unknownRecords.ts';
import { unsupportedNumber } from '../../scoring/rules/unsupportedNumber.ts';

export interface WindowRules {
  /** Findings on `fresh`, the steps after all that were kept, and those that stand on no step. */
  check(header: TraceHeader, fresh: readonly ExecutionStep[]): readonly Finding[];
  /** Takes the next steps as final. */
  keep(steps: readonly ExecutionStep[]): void;
  /** Forgets the kept steps from that one on. */
  dropFrom(stepIndex: number): void;
}

/** Longer than any loop that a rule waits for. */
const STEPS_AT_HAND = 48;
const CHARACTERS_AT_HAND = 8_000_000;
/** Steps without words that are counted one by one. */
const MOST_WORDLESS = 10_000;

/** Rules that say one thing of a whole trace where many steps have the same fault. */
const COUNTING: readonly Rule[] = [emptyStep, contentNotCaptured];
/** Rules that look at nothing but the trace's own notes and its first step. */
const OF_TRACE: readonly Rule[] = [unknownRecords, fileNotStrictJson];
const OF_STEPS = RULES.filter((rule) => !COUNTING.includes(rule) && !OF_TRACE.includes(rule));

export function createWindowRules(): WindowRules {
  let recent: ExecutionStep[] = [];
  /** A step that calls tools: what repeats is judged by whether the trace uses any. */
  let caller: ExecutionStep | undefined;
  let first: ExecutionStep | undefined;
  let wordless: ExecutionStep[] = [];
  let kept = 0;
  return {
    check(header, fresh) {
      const isAllAtHand = recent.length === kept;
      const hasCaller = caller === undefined || recent.includes(caller);
      const steps = [...(hasCaller || caller === undefined ? [] : [caller]), ...recent, ...fresh];
      const findings = OF_STEPS.filter((rule) => isAllAtHand || rule !== unsupportedNumber).flatMap((rule) => rule.check({ ...header, steps }));
      const beginning = first ?? fresh[0];
      findings.push(...OF_TRACE.flatMap((rule) => rule.check({ ...header, steps: beginning === undefined ? [] : [beginning] })));
      for (const rule of COUNTING) findings.push(...counted(rule, header, { before: wordless, fresh: fresh.filter(isWordless), isAllAtHand: kept === 0 }));
      return findings.filter((finding) => finding.stepIndex === undefined || finding.stepIndex >= kept);
    },
    keep(steps) {
      first ??= steps[0];
      caller ??= steps.find((step) => step.tools.length > 0);
      kept += steps.length;
      if (wordless.length < MOST_WORDLESS) wordless.push(...steps.filter(isWordless));
      recent = withinBounds([...recent, ...steps.slice(-STEPS_AT_HAND)]);
    },
    dropFrom(stepIndex) {
      recent = recent.filter((step) => step.stepIndex < stepIndex);
      wordless = wordless.filter((step) => step.stepIndex < stepIndex);
      if (caller !== undefined && caller.stepIndex >= stepIndex) caller = undefined;
      if (stepIndex === 0) first = undefined;
      kept = Math.min(kept, stepIndex);
    },
  };
}

/** What three steps and more have in common is said once, on no step: the first of them may be long gone by. */
function counted(rule: Rule, header: TraceHeader, at: { readonly before: readonly ExecutionStep[]; readonly fresh: readonly ExecutionStep[]; readonly isAllAtHand: boolean }): readonly Finding[] {
  const findings = rule.check({ ...header, steps: [...at.before, ...at.fresh] });
  const [only] = findings;
  if (at.isAllAtHand || findings.length !== 1 || only === undefined || only.evidence.length === 0) return findings;
  const { stepIndex: _, ...ofTrace } = only;
  return [ofTrace];
}

function isWordless(step: ExecutionStep): boolean {
  return step.contentNotCaptured || (step.tools.length === 0 && (step.output ?? '').trim() === '' && (step.reasoning ?? '').trim() === '');
}

function withinBounds(steps: readonly ExecutionStep[]): ExecutionStep[] {
  let characters = 0;
  let from = steps.length;
  while (from > 0 && steps.length - from < STEPS_AT_HAND) {
    characters += sizeOf(steps[from - 1]);
    if (characters > CHARACTERS_AT_HAND && from < steps.length) break;
    from--;
  }
  return steps.slice(from);
}

function sizeOf(step: ExecutionStep | undefined): number {
  if (step === undefined) return 0;
  let characters = (step.input?.length ?? 0) + (step.output?.length ?? 0) + (step.reasoning?.length ?? 0);
  for (const tool of step.tools) characters += (tool.result?.length ?? 0) + (typeof tool.args === 'string' ? tool.args.length : 0);
  return characters;
}
