/** Re-score Trace: `[uri, traceId]`, else the trace under the cursor, else the whole file. */
import * as vscode from 'vscode';
import { sourceOf, wireUri } from '../uris.ts';
import type { CommandContext } from './commandContext.ts';
import { rescore } from './rescore.ts';
import { activeTraces, stepAt } from './target.ts';

const TITLE = 'StepScope: re-scoring this trace';

export async function rescoreTrace(context: CommandContext, ...args: readonly unknown[]): Promise<void> {
  const [uri, traceId] = args;
  if (typeof uri === 'string' && typeof traceId === 'string') {
    return rescore(context.server, TITLE, { scope: 'trace', uri: wireUri(sourceOf(vscode.Uri.parse(uri))), traceId });
  }
  const shown = await activeTraces(context);
  if (shown === undefined) return;
  const source = wireUri(sourceOf(shown.editor.document.uri));
  const trace = stepAt(shown.traces, shown.editor.selection.active)?.trace ?? (shown.traces.length === 1 ? shown.traces[0] : undefined);
  await rescore(context.server, TITLE, trace === undefined ? { scope: 'file', uri: source } : { scope: 'trace', uri: source, traceId: trace.traceId });
}
