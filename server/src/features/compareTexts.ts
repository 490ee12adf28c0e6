/** Two texts as the next step of one trace: scored in the same place, then compared. */
import type { PlanTrace } from '../core/planTrace.ts';
import { assembleTrace, UniqueIds } from '../formats/traceAssembly.ts';
import { compareSteps } from '../scoring/compare.ts';
import type { Comparison } from '../scoring/compare.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import type { StopSignal } from '../scoring/modelRunner.ts';
import type { RawByScorer } from '../scoring/rawScores.ts';
import type { TraceScorer } from '../scoring/traceScorer.ts';
import { prepareTrace } from '../scoring/traceWork.ts';

export interface ComparisonQuestion {
  readonly goal: string;
  readonly first: string;
  readonly second: string;
  /** Steps that led to the place where one of the two would stand. */
  readonly context: readonly string[];
}

/** Empty where either text holds no words. Rejects with an AbortError when cancelled. */
export async function compareTexts(question: ComparisonQuestion, options: {
  readonly manifest: ModelManifest;
  readonly scorer: TraceScorer;
  readonly scorers: readonly string[];
  readonly dimensions: readonly string[];
  readonly maxStepCharacters: number;
  readonly sha256: (text: string) => string;
  readonly signal?: StopSignal;
}): Promise<readonly Comparison[]> {
  const { manifest, maxStepCharacters, sha256, signal } = options;
  const raws: RawByScorer[] = [];
  for (const text of [question.first, question.second]) {
    const work = prepareTrace(plainTrace(question.goal, [...question.context, text]), { manifest, maxStepCharacters, sha256 });
    const last = work.steps.length - 1;
    await options.scorer.score({
      work, scorers: options.scorers, pending: work.steps.map((_, i) => i), ...(signal === undefined ? {} : { signal }),
      onScored: (scored) => {
        for (const { stepIndex, raw } of scored) if (stepIndex === last) raws.push(raw);
      },
    });
  }
  const [first, second] = raws;
  return first === undefined || second === undefined || raws.length !== 2 ? [] : compareSteps(first, second, options);
}

function plainTrace(goalText: string, texts: readonly string[]): PlanTrace {
  return assembleTrace({
    traceId: 'comparison', format: 'text', formatVersion: '1', goalText, range: null,
    steps: texts.map((output, i) => ({ stepId: String(i), stepType: 'thought', output, range: null, jsonPointer: '' })),
  }, new UniqueIds());
}
