/** Collects the steps of a run while its records are read: what the agent said, what it called, and the results that come later. */
import type { ImportedScore, JsonValue, OffsetRange, ToolCall } from '../core/planTrace.ts';
import { settled } from './jsonFields.ts';
import type { StepDraft } from './traceAssembly.ts';

/** A tool call whose result may still come. */
export interface OpenCall {
  readonly name: string;
  readonly args: JsonValue;
  readonly argsError?: string | undefined;
  readonly callId?: string | undefined;
  result?: string | undefined;
  isError: boolean;
}

/** A step that may still grow. */
export type OpenStep = { -readonly [K in keyof Omit<StepDraft, 'tools' | 'range' | 'stepType' | 'importedScores'>]: StepDraft[K] } & {
  stepType?: string | undefined;
  readonly range: { readonly start: number; end: number };
  readonly calls: OpenCall[];
  importedScores: ImportedScore[];
  /** Up to here all calls have their results. */
  answered: number;
};

export interface ToolOutcome {
  readonly text: string;
  readonly isError: boolean;
  /** Where the record of the result ends. */
  readonly end: number;
  readonly timeMs?: number | undefined;
}

/** The tool name of what the environment said without having been called by a tool. */
export const OBSERVATION = 'observation';

/** The steps of one run in order. */
export class OpenSteps {
  readonly steps: OpenStep[] = [];
  /** Calls without a result, by id; of an id used twice, the later call. */
  private readonly pending = new Map<string, { readonly step: OpenStep; readonly call: OpenCall }>();
  private heard: string[] = [];

  /** The step that grows; undefined before the first. */
  get last(): OpenStep | undefined {
    return this.steps.at(-1);
  }

  /** Keeps what was said to the agent for the input of its next step. */
  hear(words: string | undefined): void {
    if (words !== undefined && words !== '') this.heard.push(words);
  }

  /** Begins a step; what was heard since the one before is its input. */
  begin(place: OffsetRange, jsonPointer: string): OpenStep {
    const step: OpenStep = { range: { start: place.start, end: place.end }, jsonPointer, calls: [], importedScores: [], answered: 0 };
    if (this.heard.length > 0) step.input = this.heard.join('\n\n');
    this.heard = [];
    this.steps.push(step);
    return step;
  }

  addCall(step: OpenStep, call: OpenCall): void {
    step.calls.push(call);
    if (call.callId !== undefined) this.pending.set(call.callId, { step, call });
  }

  /** The call of that id that waits for its result. */
  waiting(callId: string): OpenCall | undefined {
    return this.pending.get(callId)?.call;
  }

  /** Whether a call of the last step has not come back. */
  get isWaiting(): boolean {
    const { last } = this;
    return last !== undefined && last.calls.some((call) => call.callId !== undefined && this.pending.get(call.callId)?.call === call);
  }

  /** Gives a result to the call of that id, or without an id to the last step's first call that waits; false when none does. */
  answer(callId: string | undefined, outcome: ToolOutcome): boolean {
    let target = callId === undefined ? undefined : this.pending.get(callId);
    const { last } = this;
    if (target === undefined && callId === undefined && last !== undefined) {
      while (last.calls[last.answered]?.result !== undefined) last.answered++;
      const call = last.calls[last.answered];
      if (call !== undefined) target = { step: last, call };
    }
    if (target === undefined) return false;
    this.settle(target.step, target.call, outcome);
    return true;
  }

  /** Gives a result to a call that is known. */
  settle(step: OpenStep, call: OpenCall, outcome: ToolOutcome): void {
    call.result = outcome.text;
    call.isError = outcome.isError;
    if (call.callId !== undefined && this.pending.get(call.callId)?.call === call) this.pending.delete(call.callId);
    // A result that comes after later steps stands outside this one: ranges never overlap.
    if (step === this.last) step.range.end = Math.max(step.range.end, outcome.end);
    if (outcome.timeMs !== undefined) step.endTimeMs = Math.max(step.endTimeMs ?? outcome.timeMs, outcome.timeMs);
  }

  /** Drops all steps from that one on, as a rewind does. */
  dropFrom(index: number): void {
    this.steps.length = Math.min(this.steps.length, Math.max(0, index));
    this.heard = [];
  }

  /** The steps as drafts; with `isGrowing` the last is provisional. */
  drafts(isGrowing: boolean): readonly StepDraft[] {
    const last = this.steps.length - 1;
    return this.steps.map((step, i) => draftOf(step, isGrowing && i === last));
  }
}

function draftOf(step: OpenStep, isProvisional: boolean): StepDraft {
  const { calls, stepType, answered: _answered, ...draft } = step;
  const tools = calls.map((call) => settled<ToolCall>({ name: call.name, args: call.args, argsError: call.argsError, callId: call.callId, result: call.result, isError: call.isError }));
  return {
    ...draft,
    stepType: stepType ?? (calls.some((call) => call.name !== OBSERVATION) ? 'tool_call' : isFilled(step.output) || !isFilled(step.reasoning) ? 'message' : 'thought'),
    tools,
    isProvisional: isProvisional || step.isProvisional,
  };
}

function isFilled(text: string | undefined): boolean {
  return text !== undefined && text !== '';
}

/** Two texts with a blank line between; either may be missing. */
export function joined(before: string | undefined, after: string | undefined): string | undefined {
  if (before === undefined || before === '') return after === '' ? before : after;
  return after === undefined || after === '' ? before : `${before}\n\n${after}`;
}
