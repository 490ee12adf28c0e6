/** Score This Trace: the active document, recognised or not. */
import * as vscode from 'vscode';
import { SCORE_DOCUMENT } from '../../../server/src/contract/protocol.ts';
import type { ScoreDocumentParams, ScoreDocumentResult } from '../../../server/src/contract/protocol.ts';
import { sourceOf, wireUri } from '../uris.ts';
import type { CommandContext } from './commandContext.ts';
import { longRequest } from './longRequest.ts';
import { confirm, NO_TRACE, teach } from './target.ts';

export async function scoreTrace({ server }: CommandContext, ...[given]: readonly unknown[]): Promise<void> {
  const uri = given instanceof vscode.Uri ? given : typeof given === 'string' ? vscode.Uri.parse(given) : vscode.window.activeTextEditor?.document.uri;
  if (uri === undefined) return teach(NO_TRACE);
  const params: ScoreDocumentParams = { uri: wireUri(sourceOf(uri)) };
  const result = await longRequest<ScoreDocumentResult>(server, 'StepScope: scoring this trace', { method: SCORE_DOCUMENT, params });
  if (result === undefined) return confirm('Scoring was cancelled.');
  if (result.message !== undefined) return teach(result.message);
  confirm(`${result.steps} step${result.steps === 1 ? '' : 's'} scored.`);
}
