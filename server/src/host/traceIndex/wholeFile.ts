/** A file that is parsed as a whole, handed over in parts. */
import type { TraceChange } from '../../core/traceIndex.ts';
import type { ParsedFile } from '../../formats/format.ts';
import { RULES } from '../../scoring/rules/index.ts';
import { leanSteps, type LeanSettings } from './leanSteps.ts';
import type { SpillWriter } from './spill.ts';

const STEPS_AT_ONCE = 500;

export function* wholeFileChanges(parsed: ParsedFile, tools: LeanSettings & { readonly spill: SpillWriter }): Generator<TraceChange> {
  for (const [traceIndex, trace] of parsed.traces.entries()) {
    const { steps, ...header } = trace;
    const findings = RULES.flatMap((rule) => rule.check(trace));
    const ofTrace = findings.filter((finding) => finding.stepIndex === undefined);
    let contextKey: string | undefined;
    for (let from = 0; from === 0 || from < steps.length; from += STEPS_AT_ONCE) {
      const until = from + STEPS_AT_ONCE;
      const lean = leanSteps(steps.slice(from, until), { ...tools, goalText: trace.goalText, contextKey });
      contextKey = lean.contextKeys.at(-1) ?? contextKey;
      const ofSteps = findings.filter(({ stepIndex }) => stepIndex !== undefined && stepIndex >= from && stepIndex < until);
      yield { traceIndex, header, goalKey: lean.goalKey, from, steps: lean.steps, findings: [...ofSteps, ...ofTrace] };
    }
  }
}
