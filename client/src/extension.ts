/** Activation: puts the parts together. The server starts when the window holds a trace, or a command asks for it. */
import * as vscode from 'vscode';
import { trackActiveTrace } from './activeTrace.ts';
import { registerCommands } from './commands/index.ts';
import { createLabelHistory } from './commands/labelHistory.ts';
import { createStepDecorations } from './decorations/stepDecorations.ts';
import { registerFileBadges } from './fileBadges.ts';
import { registerReadableDocuments } from './readableDocument.ts';
import { registerReadableEditor } from './readableEditor.ts';
import { registerReportDocuments } from './reportDocument.ts';
import { createServerProcess } from './serverProcess.ts';
import type { ServerProcess } from './serverProcess.ts';
import { readSettings, SECTION } from './settings.ts';
import { createStatusBar } from './statusBar.ts';
import { watchForTrace } from './traceWatch.ts';

let server: ServerProcess | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const output = vscode.window.createOutputChannel('StepScope', { log: true });
  const process = server = createServerProcess(context, output);
  context.subscriptions.push(
    output,
    process,
    createStatusBar(process),
    createStepDecorations(process),
    trackActiveTrace(process),
    registerReadableDocuments(process),
    registerReadableEditor(),
    registerReportDocuments(process),
    registerFileBadges(process),
    registerCommands({ extension: context, output, server: process, labels: createLabelHistory() }),
    watchForTrace(start),
    vscode.workspace.onDidChangeConfiguration((change) => { if (change.affectsConfiguration(`${SECTION}.receiver`)) startReceiver(); }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => startReceiver()),
  );
  startReceiver();

  function start(reason: string): void {
    process.start(reason).catch((error: unknown) => output.error(`The server did not start: ${error instanceof Error ? error.message : String(error)}`));
  }
  /** What is received makes the first trace of a workspace: nobody else would start the server for it. */
  function startReceiver(): void {
    if (vscode.workspace.isTrusted && readSettings().receiver.enabled && (vscode.workspace.workspaceFolders?.length ?? 0) > 0) start('the receiver is on');
  }
}

/** VS Code waits for this; the server needs it to come to rest. */
export async function deactivate(): Promise<void> {
  await server?.stop();
  server = undefined;
}
