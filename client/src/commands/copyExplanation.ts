/** Copy Explanation of Step: Markdown of `[uri, traceId, stepId]`, else of the step under the cursor. */
import * as vscode from 'vscode';
import { EXPLAIN } from '../../../server/src/contract/protocol.ts';
import type { ExplainParams, ExplainResult } from '../../../server/src/contract/protocol.ts';
import type { CommandContext } from './commandContext.ts';
import { confirm, targetStep, teach } from './target.ts';

export async function copyExplanation(context: CommandContext, ...args: readonly unknown[]): Promise<void> {
  const target = await targetStep(context, args);
  if (target === undefined) return;
  const params: ExplainParams = { uri: target.uri, traceId: target.traceId, stepId: target.stepId };
  const result = await context.server.request<ExplainResult | null>(EXPLAIN, params);
  if (result === null) return teach('This step is no longer in the file.');
  await vscode.env.clipboard.writeText(result.markdown);
  confirm('The explanation was copied as Markdown.');
}
