/** The status bar item: what the server is doing, and a menu behind a click. */
import * as vscode from 'vscode';
import type { ServerStatus } from '../../server/src/contract/protocol.ts';
import type { ServerProcess, ServerState } from './serverProcess.ts';

interface Shown {
  readonly text: string;
  readonly tooltip: string;
  readonly isError?: boolean;
}

/** Shown from the first start of the server on. */
export function createStatusBar(server: ServerProcess): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('stepscope.status', vscode.StatusBarAlignment.Right, 90);
  item.name = 'StepScope';
  item.command = 'stepscope.showMenu';
  let status: ServerStatus = { kind: 'idle', traces: 0, steps: 0, following: 0, isPaused: false };

  const show = (): void => {
    if (server.state.kind === 'stopped') {
      item.hide();
      return;
    }
    const { text, tooltip, isError } = describeState(server.state) ?? describeStatus(status);
    item.text = text;
    const heard = status.receiver === undefined ? '' : ` Receiving OpenTelemetry at port ${status.receiver.port}: ${count(status.receiver.spans, 'span')} so far.`;
    item.tooltip = `StepScope: ${tooltip}${heard}\nClick for actions.`;
    item.accessibilityInformation = { label: `StepScope: ${tooltip}${heard} Press for actions.`, role: 'button' };
    item.backgroundColor = isError === true ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
    item.show();
  };
  const subscriptions = [
    server.onState((state) => {
      if (state.kind === 'starting') status = { kind: 'idle', traces: 0, steps: 0, following: 0, isPaused: false };
      show();
    }),
    server.onStatus((next) => { status = next; show(); }),
    item,
  ];
  show();
  return vscode.Disposable.from(...subscriptions);
}

/** What the state of the process says; undefined while it runs, when the server's own status counts. */
function describeState(state: ServerState): Shown | undefined {
  switch (state.kind) {
    case 'running':
    case 'stopped':
      return undefined;
    case 'starting':
      return { text: '$(loading~spin) StepScope', tooltip: 'The server is starting.' };
    case 'waiting':
      return { text: '$(warning) StepScope', tooltip: `The server ended unexpectedly and starts again in ${state.delayMs / 1000} s.` };
    case 'failed':
      return { text: '$(error) StepScope', tooltip: state.message, isError: true };
  }
}

function describeStatus(status: ServerStatus): Shown {
  switch (status.kind) {
    case 'idle':
      return status.traces === 0
        ? { text: '$(telescope) StepScope', tooltip: 'No traces yet. Open an agent trace to see its steps scored.' }
        : {
            text: `${status.isPaused ? '$(debug-pause)' : status.following > 0 ? '$(eye)' : '$(telescope)'} ${count(status.steps, 'step')}`,
            tooltip: `${status.isPaused ? 'Background scoring is paused. ' : ''}${count(status.steps, 'step')} in ${count(status.traces, 'trace')}.${status.following > 0 ? ` Following ${count(status.following, 'file')} that an agent is writing.` : ''}`,
          };
    case 'loading-model':
      return { text: '$(loading~spin) Loading models', tooltip: 'The models are being loaded.' };
    case 'reading':
      return { text: `$(sync~spin) Reading ${share(status)}`, tooltip: `Reading a long file: ${megabytes(status.done)} of ${megabytes(status.total)}.` };
    case 'scoring':
      return { text: `$(sync~spin) Scoring ${status.done}/${status.total}`, tooltip: `Scoring: ${status.done} of ${count(status.total, 'step')} done.` };
    case 'error':
      return { text: '$(error) StepScope', tooltip: status.message, isError: true };
  }
}

function share({ done, total }: { readonly done: number; readonly total: number }): string {
  return (done / total).toLocaleString(undefined, { style: 'percent' });
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576).toLocaleString()} MB`;
}

function count(n: number, noun: string): string {
  return `${n.toLocaleString()} ${noun}${n === 1 ? '' : 's'}`;
}
