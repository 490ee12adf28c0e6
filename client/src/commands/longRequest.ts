/** A request that may take long: after a second it shows progress with a Cancel button. */
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { ServerProcess } from '../serverProcess.ts';

const QUIET_MS = 1_000;

/** Sends `params` with a `workDoneToken`; resolves with the answer, or undefined when it was cancelled without one. */
export async function longRequest<Result>(server: ServerProcess, title: string, ask: { readonly method: string; readonly params: object }): Promise<Result | undefined> {
  await server.start('a command needs it');
  const workDoneToken = randomUUID();
  const cancel = new vscode.CancellationTokenSource();
  let report: (message: string | undefined, percentage: number | undefined) => void = () => undefined;
  const listening = server.onWorkDone(workDoneToken, ({ message, percentage }) => report(message, percentage));
  const answer = server.request<Result>(ask.method, { ...ask.params, workDoneToken }, cancel.token).then(
    (result) => ({ result }),
    (error: unknown) => {
      if (cancel.token.isCancellationRequested) return { result: undefined };
      throw error;
    },
  );
  const timer = setTimeout(() => {
    void vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable: true }, async (progress, token) => {
      token.onCancellationRequested(() => cancel.cancel());
      let shown = 0;
      report = (message, percentage) => {
        const increment = percentage === undefined ? 0 : Math.max(0, percentage - shown);
        shown += increment;
        progress.report({ increment, ...(message === undefined ? {} : { message }) });
      };
      await answer.catch(() => undefined);
    });
  }, QUIET_MS);
  try {
    return (await answer).result;
  } finally {
    clearTimeout(timer);
    listening.dispose();
    cancel.dispose();
  }
}
