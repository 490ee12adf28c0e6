/** What every command is given. */
import type * as vscode from 'vscode';
import type { LabelHistory } from './labelHistory.ts';
import type { ServerProcess } from '../serverProcess.ts';

export interface CommandContext {
  readonly extension: vscode.ExtensionContext;
  readonly output: vscode.LogOutputChannel;
  readonly server: ServerProcess;
  readonly labels: LabelHistory;
}

/** Arguments come from code lenses, code actions, key bindings and other extensions: they are checked, not trusted. */
export type CommandFunction = (context: CommandContext, ...args: readonly unknown[]) => Promise<void>;
