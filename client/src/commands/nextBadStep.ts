/** Go to Next and Previous Bad Step: from `[uri?, position?]`, else from the cursor. */
import * as vscode from 'vscode';
import { NEXT_BAD_STEP } from '../../../server/src/contract/protocol.ts';
import type { NextBadStepParams, NextBadStepResult } from '../../../server/src/contract/protocol.ts';
import { wireUri } from '../uris.ts';
import type { CommandContext, CommandFunction } from './commandContext.ts';
import { activeTraces, confirm, isPosition, NO_TRACE, reveal, teach } from './target.ts';

export const nextBadStep: CommandFunction = (context, ...args) => goToBadStep(context, 'next', args);
export const previousBadStep: CommandFunction = (context, ...args) => goToBadStep(context, 'previous', args);

async function goToBadStep(context: CommandContext, direction: 'next' | 'previous', [given, position]: readonly unknown[]): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const uri = typeof given === 'string' ? vscode.Uri.parse(given) : editor?.document.uri;
  if (uri === undefined) return teach(NO_TRACE);
  const cursor = editor?.document.uri.toString() === uri.toString() ? editor.selection.active : new vscode.Position(0, 0);
  const from = isPosition(position) ? position : cursor;
  const params: NextBadStepParams = { uri: wireUri(uri), position: { line: from.line, character: from.character }, direction };
  const found = await context.server.request<NextBadStepResult | null>(NEXT_BAD_STEP, params);
  if (found === null) {
    if (await activeTraces(context) !== undefined) teach('No bad step was found in this trace.');
    return;
  }
  await reveal(found.uri === undefined ? uri : vscode.Uri.parse(found.uri), found.range.start);
  confirm(found.message);
}
