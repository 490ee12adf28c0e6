/** What a span means, in words every convention of span attributes can be put into. */
import type { JsonValue, OffsetRange, StepError, Usage } from '../core/planTrace.ts';
import type { TraceSpan } from './spanTree.ts';

/**
 * model: a call of a language model, the agent's decision. tool: something the agent had done (a function, a retrieval).
 * agent: a run of an agent, holding decisions. judge: an evaluation of the run; nothing below it is a step.
 * other: whatever holds or serves these.
 */
export type SpanRole = 'model' | 'tool' | 'agent' | 'judge' | 'other';

/** One message of a conversation. */
export interface SpanMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly text?: string | undefined;
  readonly reasoning?: string | undefined;
  readonly calls: readonly MessageCall[];
  /** Results of earlier calls that the message brings. */
  readonly results: readonly MessageResult[];
  readonly finishReason?: string | undefined;
}

export interface MessageCall {
  readonly id: string | undefined;
  readonly name: string;
  /** As the file has them: an object, or a string that may hold JSON. */
  readonly args: unknown;
}

export interface MessageResult {
  /** Id of the call answered. */
  readonly id: string | undefined;
  readonly text: string;
  /** Undefined where the format has no flag for it. */
  readonly isError?: boolean | undefined;
}

/** What one tool span did. */
export interface SpanToolUse {
  readonly name: string;
  readonly callId?: string | undefined;
  /** Undefined where they were not recorded. */
  readonly args?: unknown;
  readonly result?: string | undefined;
}

/** A judgement found in a span, and what it is about: the span it stands in unless another is named. */
export interface SpanScore {
  /** Name of the judge. */
  readonly source: string;
  readonly dimension: string;
  /** Undefined for a judgement in words alone: such a one is kept among the step's attributes. */
  readonly value?: number | undefined;
  readonly scale?: readonly [lo: number, hi: number] | undefined;
  readonly label?: string | undefined;
  readonly explanation?: string | undefined;
  /** The model's answer judged, by its id. */
  readonly responseId?: string | undefined;
  /** The span judged. */
  readonly spanId?: string | undefined;
  /** The whole trace is judged. */
  readonly isOfTrace?: boolean | undefined;
}

/** A span understood. What does not apply is left out. */
export interface SpanReading {
  readonly role: SpanRole;
  /** Name of the agent, for role 'agent', and for others that name theirs. */
  readonly agentName?: string | undefined;
  readonly model?: string | undefined;
  /** What the model was given, oldest first; undefined when it was not recorded. Read once: a getter that parses is welcome. */
  readonly heard?: readonly SpanMessage[] | undefined;
  /** The end of `heard`, from what the model last said on; saves reading all of a long conversation. Undefined: take it from `heard`. */
  readonly latest?: readonly SpanMessage[] | undefined;
  /** What the model said; undefined when it was not recorded. */
  readonly said?: readonly SpanMessage[] | undefined;
  /** The user's own words, where the span tells them apart from what the model was given. */
  readonly request?: string | undefined;
  /** What the span as a whole was given and gave, in plain words (agents, chains; a model's when it has no messages). */
  readonly inputText?: string | undefined;
  readonly outputText?: string | undefined;
  /** For role 'tool'. */
  readonly tool?: SpanToolUse | undefined;
  readonly usage?: Usage | undefined;
  readonly costUsd?: number | undefined;
  readonly logprobs?: readonly number[] | undefined;
  readonly finishReason?: string | undefined;
  readonly responseId?: string | undefined;
  /** The conversation the span belongs to. */
  readonly session?: string | undefined;
  readonly error?: StepError | undefined;
  readonly scores?: readonly SpanScore[] | undefined;
  /** What the model of a step has no name for. */
  readonly attributes?: Readonly<Record<string, JsonValue>> | undefined;
  /** JSON keys after which the span's output (`said`, `outputText`, `tool.result`) stands in the file, the best first. */
  readonly outputKeys?: readonly string[] | undefined;
  /** The same for what it was given. */
  readonly inputKeys?: readonly string[] | undefined;
  /** Where the span's words stand when that is not within the span, as with log records of their own. */
  readonly wordsRange?: OffsetRange | undefined;
}

/** How a format understands its spans. */
export type SpanReader = (span: TraceSpan) => SpanReading;
