/** Texts as a trace that is ready to be scored. */
import type { ExecutionStep, PlanTrace } from '../../server/src/core/planTrace.ts';
import type { ModelManifest } from '../../server/src/scoring/manifest.ts';
import { prepareTrace } from '../../server/src/scoring/traceWork.ts';
import type { TraceWork } from '../../server/src/scoring/traceWork.ts';

/** Keys are the texts themselves, so that a failing test can be read. */
export function traceWork(goalText: string, texts: readonly string[], manifest: ModelManifest): TraceWork {
  return prepareTrace(plainTrace(goalText, texts), { manifest, maxStepCharacters: 1_000_000, sha256: (text) => text });
}

export function plainTrace(goalText: string, texts: readonly string[]): PlanTrace {
  return {
    traceId: 'trace', format: 'plan-trace', formatVersion: '1', goalText, goalRange: null, planSignature: '', finalOutputText: '', importedScores: [],
    meta: {}, warnings: [], unknownRecordCounts: {}, range: null,
    steps: texts.map((output, stepIndex): ExecutionStep => ({
      stepId: `s${stepIndex + 1}`, stepIndex, stepType: 'thought', description: '', depth: 0, output, tools: [], attributes: {}, importedScores: [],
      range: null, textRange: null, jsonPointer: '', isCopiedContext: false, isSidechain: false, isProvisional: false, contentNotCaptured: false,
    })),
  };
}
