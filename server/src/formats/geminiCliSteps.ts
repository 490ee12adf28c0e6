/** The messages of a Gemini CLI session as steps: one for each message of the model, its tool calls with their results inside. */
import type { Usage } from '../core/planTrace.ts';
import type { FileRecord } from './documents.ts';
import { asArray, asJson, asNumber, asRecord, asString, asText, asTimeMs, membersExcept, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import { contentText, jsonText, looksLikeFailure } from './messageContent.ts';
import { joined, OpenSteps, type OpenCall, type OpenStep } from './openSteps.ts';
import type { StepDraft } from './traceAssembly.ts';
import { EACH, findWords } from './wordRanges.ts';

/** What a message says, without thoughts and without the results of tools. */
export function wordsOf(message: JsonRecord): string {
  return contentText(partsOf(message, false)) ?? '';
}

/** The parts of a message's content that are thoughts, or that are not. */
function partsOf(message: JsonRecord, areThoughts: boolean): unknown {
  const content = message['content'];
  if (!Array.isArray(content)) return areThoughts ? undefined : content;
  return (content as unknown[]).filter((part) => (asRecord(part)?.['thought'] === true) === areThoughts);
}

/** `pointer` leads to the list of messages; '' where each is a line. */
export function geminiSteps(text: string, messages: readonly FileRecord[], file: { readonly isCut: boolean; readonly pointer: string }): readonly StepDraft[] {
  const steps = new OpenSteps();
  // Whether the user has spoken since the last step.
  let isAnswered = true;
  for (const record of messages) {
    const message = asRecord(record.value) ?? {};
    const { last } = steps;
    if (message['type'] === 'user') {
      const words = wordsOf(message);
      steps.hear(words);
      if (words !== '') isAnswered = false;
    } else if (message['type'] === 'error') {
      if (last !== undefined && isAnswered) last.error = { type: 'error', message: wordsOf(message) };
    } else if (message['type'] === 'gemini') {
      const step = last !== undefined && isAnswered && continues(last, message) ? last : beginStep(text, steps, record, `${file.pointer}/${record.index}`);
      if (record.start >= step.range.start) step.range.end = Math.max(step.range.end, record.end);
      for (const call of recordsOf(message['toolCalls'])) addCall(steps, step, call);
      isAnswered = true;
    }
  }
  return steps.drafts(file.isCut);
}

/** Calls are recorded apart from the words that announce them when a notice comes between: without words, thoughts or tokens of their own. */
function continues(step: OpenStep, message: JsonRecord): boolean {
  return step.calls.length === 0 && wordsOf(message) === '' && asArray(message['thoughts']).length === 0 && usageOf(message) === undefined && recordsOf(message['toolCalls']).length > 0;
}

function beginStep(text: string, steps: OpenSteps, record: FileRecord, pointer: string): OpenStep {
  const message = asRecord(record.value) ?? {};
  const step = steps.begin(record, pointer);
  const thoughts = recordsOf(message['thoughts']).map((thought) => [asText(thought['subject']), asText(thought['description'])].flatMap((part) => part ?? []).join('\n'));
  const output = wordsOf(message);
  const reasoning = joined(thoughts.join('\n\n'), contentText(partsOf(message, true)));
  step.stepId = asText(message['id']);
  step.output = output === '' ? undefined : output;
  step.reasoning = reasoning === '' ? undefined : reasoning;
  step.startTimeMs = asTimeMs(message['timestamp']);
  step.usage = usageOf(message);
  step.attributes = membersExcept(message, MESSAGE_FIELDS);
  const firstPart = asArray(message['content']).findIndex((part) => asRecord(part)?.['thought'] !== true && asText(asRecord(part)?.['text']) !== undefined);
  step.textRange = findWords(text, record, [['content', String(firstPart), 'text'], ['content'], ['thoughts', EACH, 'subject'], ['thoughts', EACH, 'description'], ['toolCalls', EACH, 'args']].slice(output === '' ? 2 : 0));
  return step;
}

const MESSAGE_FIELDS: ReadonlySet<string> = new Set(['id', 'type', 'timestamp', 'content', 'displayContent', 'thoughts', 'tokens', 'toolCalls']);

/** Gemini counts thoughts apart from the output; other formats count them in, and so does this. Zeros stand for "not counted". */
function usageOf(message: JsonRecord): Usage | undefined {
  const tokens = asRecord(message['tokens']);
  if (tokens === undefined) return undefined;
  const input = asNumber(tokens['input']);
  const output = asNumber(tokens['output']);
  const thoughts = asNumber(tokens['thoughts']);
  if ((input ?? 0) === 0 && (output ?? 0) === 0 && (thoughts ?? 0) === 0) return undefined;
  return settled<Usage>({ inputTokens: input, outputTokens: output === undefined ? thoughts : output + (thoughts ?? 0), cachedTokens: asNumber(tokens['cached']) });
}

function addCall(steps: OpenSteps, step: OpenStep, call: JsonRecord): void {
  const outcome = outcomeOf(call);
  const open: OpenCall = { name: asText(call['name']) ?? 'unnamed', args: asJson(call['args']), callId: asText(call['id']), result: outcome?.text, isError: outcome?.isError ?? call['status'] === 'error' };
  steps.addCall(step, open);
  const timeMs = asTimeMs(call['timestamp']);
  if (timeMs !== undefined) step.endTimeMs = Math.max(step.endTimeMs ?? timeMs, timeMs);
}

function outcomeOf(call: JsonRecord): { readonly text: string; readonly isError: boolean } | undefined {
  const texts: string[] = [];
  let hasError = call['status'] === 'error';
  const result = call['result'];
  for (const part of Array.isArray(result) ? (result as unknown[]) : [result]) {
    const response = asRecord(asRecord(part)?.['functionResponse'])?.['response'];
    const fields = asRecord(response);
    const said = fields === undefined ? contentText(response ?? part) : (asString(fields['output']) ?? asString(fields['error']) ?? asString(fields['content']) ?? jsonText(fields));
    if (fields !== undefined && asText(fields['error']) !== undefined) hasError = true;
    if (said !== undefined && said !== '' && part !== undefined && part !== null) texts.push(said);
  }
  const text = texts.length > 0 ? texts.join('\n') : Array.isArray(result) || result !== undefined ? asString(call['resultDisplay']) : undefined;
  if (text === undefined) return undefined;
  return { text, isError: hasError || (call['status'] !== 'success' ? looksLikeFailure(text) : SHELL_FAILED.test(text.slice(-400))) };
}

/** The shell tool succeeds whatever the command does, and states the exit code near the end. */
const SHELL_FAILED = /^Exit Code: (?!0$)-?\d+$/m;
