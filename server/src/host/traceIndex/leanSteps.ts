/** Steps made lean: their words go to the spill file, their keys are computed on the way. */
import type { ExecutionStep } from '../../core/planTrace.ts';
import type { LeanStep } from '../../core/traceIndex.ts';
import { createTracePreparation } from '../../scoring/traceWork.ts';
import { sha256 } from '../files.ts';
import { heavyText, type Place, type SpillWriter } from './spill.ts';

export interface LeanSettings {
  /** Undefined: there are no models, and keys are ''. */
  readonly modelsKey?: string | undefined;
  readonly maxStepCharacters: number;
}

export interface LeanSteps {
  readonly goalKey: string;
  readonly steps: readonly LeanStep[];
  /** After each step: names the goal and all scored steps so far. */
  readonly contextKeys: readonly string[];
}

/** Where the last steps of a trace stand in the spill file, so that reading them again writes nothing. */
export type KnownPlaces = Map<number, { readonly text: string; readonly place: Place }>;

/** `contextKey` names what came before; undefined at the beginning of the trace. */
export function leanSteps(
  steps: readonly ExecutionStep[],
  options: LeanSettings & { readonly goalText: string; readonly contextKey: string | undefined; readonly spill: SpillWriter; readonly known?: KnownPlaces },
): LeanSteps {
  const { modelsKey, spill, known } = options;
  const preparation = modelsKey === undefined ? undefined : createTracePreparation({
    goalText: options.goalText, modelsKey, maxStepCharacters: options.maxStepCharacters, sha256, ...(options.contextKey === undefined ? {} : { contextKey: options.contextKey }),
  });
  const contextKeys: string[] = [];
  const lean = steps.map((step): LeanStep => {
    const { description: _description, input: _input, output: _output, reasoning: _reasoning, tools, logprobs, attributes: _attributes, error, ...light } = step;
    const work = preparation?.add(step);
    contextKeys.push(preparation?.contextKey ?? '');
    return {
      ...light,
      ...(error === undefined ? {} : { error: { type: error.type, message: error.message.slice(0, LONGEST_MESSAGE) } }),
      toolNames: tools.map((tool) => tool.name),
      hasLogprobs: logprobs !== undefined,
      ...placed(step, spill, known),
      textKey: work?.textKey ?? '', contextKey: work?.contextKey ?? '', chainKey: work?.chainKey ?? '', isShortened: work?.isShortened ?? false,
      ...(work === undefined ? { unscored: 'no-model' as const } : work.unscored === undefined ? {} : { unscored: work.unscored }),
    };
  });
  return { goalKey: preparation?.goalKey ?? '', steps: lean, contextKeys };
}

const LONGEST_MESSAGE = 200;

function placed(step: ExecutionStep, spill: SpillWriter, known: KnownPlaces | undefined): Place {
  const text = heavyText(step);
  if (known === undefined) return spill.write(text);
  const before = known.get(step.stepIndex);
  if (before?.text === text) return before.place;
  const place = spill.write(text);
  known.set(step.stepIndex, { text, place });
  return place;
}
