/** stepscope/label: writes one label beside the trace and answers what stood before. */
import type { LabelParams, LabelResult } from '../../contract/protocol.ts';
import { stepById } from '../stepAt.ts';
import { labelText } from '../../features/traceFile.ts';
import type { ServerPorts } from '../ports.ts';
import type { TraceStore } from '../traceStore.ts';

export async function label(store: TraceStore, params: LabelParams, ports: ServerPorts): Promise<LabelResult> {
  const view = await store.viewOrLoad(params.uri);
  const found = view === undefined ? undefined : stepById(view, params.traceId, params.stepId);
  if (found === undefined) return { kind: 'failed', message: 'This step is no longer in the file; the label was not given.' };
  const { step, scored } = found;
  const previous = scored.steps[step.stepIndex]?.label?.label ?? null;
  try {
    const file = await store.label(params.uri, {
      traceId: params.traceId, stepId: params.stepId, stepIndex: step.stepIndex, textHash: ports.sha256(labelText(step)),
      label: params.label, author: params.author ?? '', time: ports.nowIso(),
    });
    return { kind: 'saved', previous, file };
  } catch (error) {
    return { kind: 'failed', message: `The label could not be written (${error instanceof Error ? error.message : String(error)}). Make the folder of the trace writable and give it again.` };
  }
}
