/** What must come back of a trace that was printed and read again; written apart from the code that lists losses. */
import type { ExecutionStep, PlanTrace } from '../../server/src/core/planTrace.ts';
import { atifFormat } from '../../server/src/formats/atif.ts';
import type { TraceFormat } from '../../server/src/formats/format.ts';
import { otlpFormat } from '../../server/src/formats/otlp.ts';
import { planTraceFormat } from '../../server/src/formats/planTrace.ts';
import type { ExportTarget } from '../../server/src/features/exportTrace.ts';

export const READERS: Readonly<Record<ExportTarget, TraceFormat>> = { plantrace: planTraceFormat, atif: atifFormat, otlp: otlpFormat };

/** Fields whose absence is told by a value of its own, never left to a default. */
export interface Difference {
  /** Word that stands in the sentence about such a loss. */
  readonly word: string;
  readonly at: string;
}

/** The main fields of steps that differ: words, tools, tokens, errors. Steps pair by position. */
export function differences(was: PlanTrace, is: PlanTrace): readonly Difference[] {
  const found: Difference[] = [];
  const check = (word: string, at: string, before: unknown, after: unknown): void => {
    if (JSON.stringify(before ?? null) !== JSON.stringify(after ?? null)) found.push({ word, at });
  };
  if (was.goalText !== '') check('goal', 'trace', was.goalText, is.goalText);
  if (was.steps.length !== is.steps.length) found.push({ word: 'as a whole', at: 'trace' });
  const said = (text: string | undefined): string => text ?? '';
  was.steps.forEach((step, i) => {
    const other = is.steps[i];
    if (other === undefined) return;
    const at = `step ${i}`;
    if (said(step.output) !== '') check('outputs', at, step.output, other.output);
    if (said(step.reasoning) !== '') check('reasoning', at, step.reasoning, other.reasoning);
    if (said(step.input) !== '') check('inputs', at, step.input, other.input);
    check('tool calls', at, step.tools.map((t) => t.name), other.tools.map((t) => t.name));
    if (step.tools.length === other.tools.length) {
      check('tool arguments', at, step.tools.map(argsOf), other.tools.map(argsOf));
      check('tool results', at, step.tools.map((t) => t.result ?? null), other.tools.map((t) => t.result ?? null));
      check('failure marks of tools', at, step.tools.map((t) => t.isError), other.tools.map((t) => t.isError));
    }
    for (const [word, key] of [['input tokens', 'inputTokens'], ['output tokens', 'outputTokens'], ['cached tokens', 'cachedTokens']] as const) if (step.usage?.[key] !== undefined) check(word, at, step.usage[key], other.usage?.[key]);
    if (step.error !== undefined) check('errors', at, [step.error.type, step.error.message], [other.error?.type, other.error?.message]);
  });
  return found;
}

/** No arguments and an empty object of them say the same. Members come in any order. */
function argsOf(tool: ExecutionStep['tools'][number]): unknown {
  const { args } = tool;
  if (args === null || typeof args !== 'object') return args ?? {};
  return sorted(args);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== null).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sorted(v)]));
}
