/** What the models read of a step: its words, its tool calls and what came back. */
import type { ExecutionStep, JsonValue, ToolCall } from '../core/planTrace.ts';

export interface StepText {
  readonly text: string;
  /** Whether the middle was left out because the step is longer than allowed. */
  readonly isShortened: boolean;
}

/** Stands where the middle of a long step was left out. */
export const ELISION = '\n…\n';

/**
 * The text of a step, at most `maxCharacters` UTF-16 units long: beginning and end are kept. A step without tools is its
 * reasoning and its output (without an output, its input); with tools, `name(arguments)` and `-> result` follow for each.
 * Empty when the step holds no words.
 */
export function composeStepText(step: ExecutionStep, maxCharacters: number): StepText {
  const parts: string[] = [];
  if (isFilled(step.reasoning)) parts.push(step.reasoning);
  if (isFilled(step.output)) parts.push(step.output);
  for (const tool of step.tools) parts.push(toolText(tool, maxCharacters));
  if (parts.length === 0 && step.error !== undefined && step.error.message !== '') parts.push(`${step.error.type}: ${step.error.message}`);
  // A plan step that wrote nothing is known by what it was given; an agent's input is somebody else's words.
  if (parts.length === 0 && isFilled(step.input) && step.stepType !== 'thought' && step.stepType !== 'message') parts.push(step.input);
  return shorten(parts.join('\n'), maxCharacters);
}

function isFilled(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== '';
}

function toolText(tool: ToolCall, maxCharacters: number): string {
  const call = tool.name === 'observation' && tool.args === null ? '' : `${tool.name}(${argumentsText(tool.args)})`;
  if (tool.result === undefined) return call;
  // What is far over the limit is cut here, so that joining many results stays cheap.
  const result = tool.result.length > 2 * maxCharacters ? shorten(tool.result, maxCharacters).text : tool.result;
  return `${call === '' ? '' : `${call}\n`}-> ${result}`;
}

function argumentsText(args: JsonValue): string {
  if (args === null) return '';
  if (typeof args === 'string') return args;
  try {
    return JSON.stringify(args);
  } catch {
    return '';
  }
}

function shorten(text: string, maxCharacters: number): StepText {
  if (text.length <= maxCharacters) return { text, isShortened: false };
  const kept = Math.max(0, maxCharacters - ELISION.length);
  let head = Math.ceil(kept / 2);
  let tail = text.length - (kept - head);
  // Never between the halves of one character.
  if (head > 0 && isHighSurrogate(text.charCodeAt(head - 1))) head--;
  if (tail < text.length && isHighSurrogate(text.charCodeAt(tail - 1))) tail++;
  return { text: text.slice(0, head) + ELISION + text.slice(tail), isShortened: true };
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
