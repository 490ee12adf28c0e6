/** The trace or step a command is about: its arguments, else the active editor and its cursor. */
import * as vscode from 'vscode';
import { TRACES } from '../../../server/src/contract/protocol.ts';
import type { TracesParams, TracesResult, WirePosition, WireRange, WireStep, WireTrace } from '../../../server/src/contract/protocol.ts';
import type { CommandContext } from './commandContext.ts';
import { sourceOf, wireUri } from '../uris.ts';

export interface StepTarget {
  /** Address of the trace file, never of its readable view. */
  readonly uri: string;
  readonly traceId: string;
  readonly stepId: string;
}

export interface ActiveTraces extends TracesResult {
  readonly editor: vscode.TextEditor;
}

export const NO_TRACE = 'No trace is open. Open the JSON or JSONL file an agent left behind, or run "StepScope: Open Sample Traces".';

/** The traces of the active editor. Undefined, after a sentence to the user, where it shows none. */
export async function activeTraces({ server }: CommandContext): Promise<ActiveTraces | undefined> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    teach(NO_TRACE);
    return undefined;
  }
  const params: TracesParams = { uri: wireUri(editor.document.uri) };
  const result = await server.request<TracesResult | null>(TRACES, params);
  if (result === null || result.traces.length === 0) {
    teach('This file is not known as a trace. If it is one, run "StepScope: Score This Trace"; if traces have names of their own here, add a pattern to stepscope.include.');
    return undefined;
  }
  return { ...result, editor };
}

/** The step that arguments `[uri, traceId, stepId]` name, else the one under the cursor. Undefined after a sentence to the user. */
export async function targetStep(context: CommandContext, args: readonly unknown[]): Promise<(StepTarget & { readonly step?: WireStep }) | undefined> {
  const [uri, traceId, stepId] = args;
  if (typeof uri === 'string' && typeof traceId === 'string' && typeof stepId === 'string') return { uri: wireUri(sourceOf(vscode.Uri.parse(uri))), traceId, stepId };
  const shown = await activeTraces(context);
  if (shown === undefined) return undefined;
  const found = stepAt(shown.traces, shown.editor.selection.active);
  if (found === undefined) {
    teach('The cursor is in no step. Put it into the step you mean.');
    return undefined;
  }
  return { uri: wireUri(sourceOf(shown.editor.document.uri)), traceId: found.trace.traceId, stepId: found.step.stepId, step: found.step };
}

/** The innermost step that holds a position. */
export function stepAt(traces: readonly WireTrace[], position: WirePosition): { readonly trace: WireTrace; readonly step: WireStep } | undefined {
  let best: { readonly trace: WireTrace; readonly step: WireStep } | undefined;
  for (const trace of traces) {
    for (const step of trace.steps) {
      if (!holds(step.range, position)) continue;
      if (best === undefined || compare(step.range.start, best.step.range.start) >= 0) best = { trace, step };
    }
  }
  return best;
}

/** Shows a range of a document, in its editor where it has one, and puts the cursor at its start. */
export async function reveal(uri: vscode.Uri, start: WirePosition): Promise<void> {
  const visible = vscode.window.visibleTextEditors.find((e) => e.document.uri.toString() === uri.toString());
  const editor = await vscode.window.showTextDocument(uri, visible?.viewColumn === undefined ? {} : { viewColumn: visible.viewColumn });
  const position = new vscode.Position(start.line, start.character);
  editor.selection = new vscode.Selection(position, position);
  editor.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** A sentence that says what to do. */
export function teach(message: string): void {
  void vscode.window.showInformationMessage(message);
}

/** A short word that something worked; screen readers read it, nobody has to close it. */
export function confirm(message: string): void {
  vscode.window.setStatusBarMessage(message, 6_000);
}

export function isPosition(value: unknown): value is WirePosition {
  return typeof value === 'object' && value !== null && 'line' in value && typeof value.line === 'number' && 'character' in value && typeof value.character === 'number';
}

function holds({ start, end }: WireRange, position: WirePosition): boolean {
  return compare(start, position) <= 0 && compare(position, end) <= 0;
}

function compare(a: WirePosition, b: WirePosition): number {
  return a.line - b.line || a.character - b.character;
}
