/** The steps of a SWE-agent run, from elements of its trajectory or from the messages of its history. */
import type { JsonValue } from '../core/planTrace.ts';
import type { FileRecord } from './documents.ts';
import { asArray, asId, asJson, asNumber, asRecord, asString, asText, membersExcept, recordsOf, type JsonRecord } from './jsonFields.ts';
import { contentText, looksLikeFailure, toolArguments } from './messageContent.ts';
import { OBSERVATION, type OpenSteps } from './openSteps.ts';
import { EACH, findWords } from './wordRanges.ts';

/** Adds the step that an element of `trajectory` is. */
export function trajectoryStep(text: string, steps: OpenSteps, record: FileRecord, pointer: string): void {
  const fields = asRecord(record.value);
  if (fields === undefined) return;
  const step = steps.begin(record, pointer);
  const action = (asString(fields['action']) ?? '').trim();
  const thought = saidBeside(action, asString(fields['thought']) ?? '', asString(fields['response']) ?? '');
  const observation = asString(fields['observation']);
  const seconds = asNumber(fields['execution_time']);
  step.output = thought === '' ? undefined : thought;
  step.durationMs = seconds === undefined ? undefined : Math.round(seconds * 1e6) / 1e3;
  step.attributes = withState(fields);
  step.textRange = findWords(text, record, [['thought'], ['response'], ['action'], ['observation']].slice(thought === '' ? 2 : 0));
  addAction(steps, action, observation === undefined ? undefined : { text: observation, end: record.end });
}

/** The thought; where the element has none, the response unless that is nothing but the action. */
function saidBeside(action: string, thought: string, response: string): string {
  if (thought.trim() !== '') return thought.trim();
  const said = response.trim();
  return said === action || said === `\`\`\`\n${action}\n\`\`\`` ? '' : said;
}

const STEP_FIELDS: ReadonlySet<string> = new Set(['action', 'observation', 'response', 'thought', 'execution_time', 'state', 'query', 'messages']);

/** What has no name in the model; `state` may be JSON in a string. */
function withState(fields: JsonRecord): Readonly<Record<string, JsonValue>> {
  const own = membersExcept(fields, STEP_FIELDS);
  const raw = fields['state'];
  if (raw === undefined || raw === null) return own;
  return { ...own, state: typeof raw === 'string' ? toolArguments(raw).args : asJson(raw) };
}

/** A command is a call of the tool it begins with; what the environment says without one is an observation. */
function addAction(steps: OpenSteps, action: string, seen: { readonly text: string; readonly end: number } | undefined): void {
  const { last } = steps;
  if (last === undefined || (action === '' && (seen === undefined || seen.text.trim() === ''))) return;
  const isError = seen !== undefined && failed(seen.text);
  if (action === '') {
    steps.addCall(last, { name: OBSERVATION, args: null, result: seen?.text, isError: true });
    return;
  }
  const command = /^[\w./-]+/.exec(action)?.[0] ?? 'command';
  steps.addCall(last, { name: command, args: command === 'command' ? action : action.slice(command.length).trim(), result: seen?.text, isError });
}

function failed(observation: string): boolean {
  return looksLikeFailure(observation) || FAILED.test(observation.slice(0, 400));
}

/** How SWE-agent's own tools say that they did not do it. */
const FAILED = /^\s*(?:Your (?:proposed )?edit has introduced new syntax error|EXECUTION TIMED OUT|COMMAND TIMED OUT|BLOCKED|Your command .{0,80} timed out|(?:bash|\/bin\/\w+): .{0,200}: command not found|Usage: )/im;

/** Takes one message of `history`: a turn of the agent begins a step, what follows is its observation. */
export function historyTurn(text: string, steps: OpenSteps, record: FileRecord, pointer: string): void {
  const message = asRecord(record.value);
  if (message === undefined) return;
  const words = contentText(message['content']) ?? '';
  const role = asText(message['role']);
  if (role === 'assistant') return agentTurn(text, steps, record, pointer);
  if (role === 'system') return;
  const ids = asArray(message['tool_call_ids']).flatMap((id) => asId(id) ?? []);
  const outcome = { text: words, isError: failed(words), end: record.end };
  if (ids.length === 0 ? steps.answer(undefined, outcome) : ids.map((id) => steps.answer(id, outcome)).includes(true)) return;
  const { last } = steps;
  if (last !== undefined && last.calls.length === 0 && message['message_type'] === 'observation' && words !== '') {
    steps.addCall(last, { name: OBSERVATION, args: null, result: words, isError: true });
    last.range.end = record.end;
  } else {
    steps.hear(words);
  }
}

function agentTurn(text: string, steps: OpenSteps, record: FileRecord, pointer: string): void {
  const message = asRecord(record.value) ?? {};
  const step = steps.begin(record, pointer);
  const action = (asString(message['action']) ?? '').trim();
  const said = saidBeside(action, asString(message['thought']) ?? '', contentText(message['content']) ?? '');
  const thinking = recordsOf(message['thinking_blocks']).flatMap((block) => asText(block['thinking']) ?? []).join('\n\n');
  step.output = said === '' ? undefined : said;
  step.reasoning = thinking === '' ? undefined : thinking;
  step.agentName = asText(message['agent']);
  step.attributes = membersExcept(message, TURN_FIELDS);
  step.textRange = findWords(text, record, [['thought'], ['content', EACH, 'text'], ['content'], ['thinking_blocks', EACH, 'thinking'], ['tool_calls', EACH, 'function', 'arguments'], ['action']].slice(said === '' ? 3 : 0));
  const calls = recordsOf(message['tool_calls']);
  for (const call of calls) {
    const called = asRecord(call['function']);
    steps.addCall(step, { name: asText(called?.['name']) ?? 'unnamed', ...toolArguments(called?.['arguments']), callId: asId(call['id']), isError: false });
  }
  if (calls.length === 0) addAction(steps, action, undefined);
}

const TURN_FIELDS: ReadonlySet<string> = new Set(['role', 'content', 'thought', 'action', 'agent', 'message_type', 'tool_calls', 'thinking_blocks', 'tags', 'cache_control']);
