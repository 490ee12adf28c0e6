/** What there is to score in a trace: the words of each step, and keys that name each score's whole input. */
import type { ExecutionStep, PlanTrace } from '../core/planTrace.ts';
import type { UnscoredReason } from '../core/scoreResult.ts';
import type { ModelManifest } from './manifest.ts';
import { composeStepText } from './stepText.ts';

export interface StepWork {
  readonly step: ExecutionStep;
  /** What the models read; '' where the step is not scored. */
  readonly text: string;
  /** Names the step's text alone. */
  readonly textKey: string;
  /** Names the goal and the texts of all scored steps before this one. */
  readonly contextKey: string;
  /** Names everything a score of this step depends on: backbone, goal, every scored step up to this one. */
  readonly chainKey: string;
  readonly isShortened: boolean;
  /** Set where the step is left out of scoring. */
  readonly unscored?: UnscoredReason;
}

export interface TraceWork {
  readonly trace: PlanTrace;
  readonly goalKey: string;
  readonly steps: readonly StepWork[];
}

/** Lays out the work of a trace. `sha256` maps text to hex digits. Cost is linear in the length of the trace. */
export function prepareTrace(
  trace: PlanTrace,
  options: { readonly manifest: ModelManifest; readonly maxStepCharacters: number; readonly sha256: (text: string) => string },
): TraceWork {
  const preparation = createTracePreparation({ ...options, goalText: trace.goalText, modelsKey: modelsKeyOf(options.manifest, options.sha256) });
  return { trace, goalKey: preparation.goalKey, steps: trace.steps.map((step) => preparation.add(step)) };
}

/** Names the models and how they read. */
export function modelsKeyOf({ backbone, tokenizer, headInput }: ModelManifest, sha256: (text: string) => string): string {
  return sha256([backbone.sha256, tokenizer.sha256, JSON.stringify(backbone.window), headInput.version, ...headInput.scalars].join('|'));
}

/** The work of a trace, step by step. */
export interface TracePreparation {
  readonly goalKey: string;
  /** Names the goal and all scored steps so far; give it as `contextKey` to go on from here. */
  readonly contextKey: string;
  add(step: ExecutionStep): StepWork;
}

/** Begins the work of a trace, or goes on with it after the steps that `contextKey` names. */
export function createTracePreparation(options: {
  readonly goalText: string;
  readonly modelsKey: string;
  readonly maxStepCharacters: number;
  readonly sha256: (text: string) => string;
  readonly contextKey?: string;
}): TracePreparation {
  const { modelsKey, maxStepCharacters, sha256 } = options;
  const goalKey = sha256(options.goalText);
  let contextKey = options.contextKey ?? sha256(`goal|${goalKey}`);
  return {
    goalKey,
    get contextKey() {
      return contextKey;
    },
    add(step) {
      const unscored = reasonToSkip(step);
      const { text, isShortened } = unscored === undefined ? composeStepText(step, maxStepCharacters) : { text: '', isShortened: false };
      if (unscored !== undefined || text.trim() === '') return { step, text: '', textKey: '', contextKey: '', chainKey: '', isShortened: false, unscored: unscored ?? 'no-text' };
      const textKey = sha256(text);
      const before = contextKey;
      contextKey = sha256(`${before}|${textKey}`);
      return { step, text, textKey, contextKey: before, chainKey: sha256(`${modelsKey}|${contextKey}`), isShortened };
    },
  };
}

function reasonToSkip(step: ExecutionStep): UnscoredReason | undefined {
  if (step.isCopiedContext) return 'copied-context';
  return step.contentNotCaptured ? 'content-not-captured' : undefined;
}
