/** What a stream of Claude Code says of the run beside its turns: how it was set up, and how it ended. */
import type { JsonValue } from '../core/planTrace.ts';
import type { Turn } from './claudeCodeTurns.ts';
import { asArray, asNumber, asText, membersExcept, type JsonRecord } from './jsonFields.ts';
import type { StepDraft } from './traceAssembly.ts';

export interface RunNotes {
  readonly model: string | undefined;
  readonly cwd: string | undefined;
  readonly costUsd: number | undefined;
  readonly finalOutputText: string | undefined;
  readonly hasEnded: boolean;
  readonly init: JsonRecord | undefined;
  readonly result: JsonRecord | undefined;
}

/** The first `system/init` and the last `result`, whose costs are those of the whole session. */
export function runNotes(turns: readonly Turn[]): RunNotes {
  const init = turns.find(({ type, fields }) => type === 'system' && fields['subtype'] === 'init')?.fields;
  const last = turns.findLast((turn) => turn.type === 'result' || turn.isSpoken);
  const result = turns.findLast(({ type }) => type === 'result')?.fields;
  return {
    model: asText(init?.['model']),
    cwd: asText(init?.['cwd']),
    costUsd: asNumber(result?.['total_cost_usd']),
    finalOutputText: asText(result?.['result']),
    hasEnded: last?.type === 'result',
    init,
    result,
  };
}

/** The steps with what the trace has no member for: the setup among the attributes of the first, the end among those of the last of the main conversation. */
export function withRunNotes(steps: readonly StepDraft[], { init, result }: RunNotes): readonly StepDraft[] {
  if (init === undefined && result === undefined) return steps;
  const noted = [...steps];
  if (init !== undefined) note(noted, 0, { init: membersExcept(init, INIT_FIELDS) });
  if (result === undefined) return noted;
  const end = noted.findLastIndex((step) => step.isSidechain !== true);
  note(noted, end, { result: membersExcept(result, RESULT_FIELDS) });
  const last = noted[end];
  if (last !== undefined && result['is_error'] === true) noted[end] = { ...last, error: { type: errorType(result), message: errorMessage(result) } };
  return noted;
}

const INIT_FIELDS: ReadonlySet<string> = new Set(['type', 'subtype', 'session_id', 'uuid', 'parent_tool_use_id', 'model', 'cwd', 'claude_code_version']);
const RESULT_FIELDS: ReadonlySet<string> = new Set(['type', 'session_id', 'uuid', 'parent_tool_use_id', 'result', 'is_error', 'total_cost_usd']);

function note(steps: StepDraft[], index: number, more: Readonly<Record<string, JsonValue>>): void {
  const step = steps[index];
  if (step !== undefined) steps[index] = { ...step, attributes: { ...step.attributes, ...more } };
}

/** A run that the API broke off calls itself a success that is an error. */
function errorType(result: JsonRecord): string {
  const subtype = asText(result['subtype']);
  return subtype === undefined || subtype === 'success' ? 'error' : subtype;
}

function errorMessage(result: JsonRecord): string {
  return asText(result['result']) ?? asArray(result['errors']).flatMap((error) => asText(error) ?? []).join('\n');
}
