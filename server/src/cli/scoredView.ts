/** One file scored by all scorers that are switched on, with its labels: what commands that need scores start from. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { LabelRecord } from '../core/labels.ts';
import { buildTraceFile, pendingSteps, sourceView } from '../features/traceFile.ts';
import type { TraceView } from '../features/traceFile.ts';
import type { Engine, ServerPorts } from '../lsp/ports.ts';
import { activeScorerIds } from '../scoring/activeScorers.ts';
import type { Input } from './inputs.ts';

/** Incomplete where `signal` stopped it. */
export async function scoredView(input: Extract<Input, { kind: 'file' }>, tools: { readonly engine: Engine; readonly ports: ServerPorts; readonly settings: EffectiveSettings; readonly signal: AbortSignal }): Promise<TraceView> {
  const { engine, ports, settings, signal } = tools;
  const scorers = activeScorerIds(engine.manifest, settings);
  const labels: readonly LabelRecord[] = input.file === '-' ? [] : await ports.loadLabels(input.file);
  const file = buildTraceFile({ uri: input.file, path: input.file, text: input.text, parsed: input.parsed, settings, manifest: engine.manifest, sha256: ports.sha256, labels, before: undefined });
  for (const [index, work] of file.works.entries()) {
    if (signal.aborted) break;
    const raws = file.rawByTraceId.get(work.trace.traceId);
    await engine.scorer.score({
      work, scorers, pending: pendingSteps(file, index, scorers), signal,
      onScored: (scored) => scored.forEach(({ stepIndex, raw }) => {
        const step = work.steps[stepIndex];
        if (step !== undefined) raws?.set(step.step.stepId, { raw, chainKey: step.chainKey });
      }),
    });
  }
  return sourceView(file, { manifest: engine.manifest, scorersOf: () => scorers, matchesGlob: ports.matchesGlob, labelKeyOf: ports.labelKeyOf, textHashOf: ports.sha256 });
}
