/** Diagnostics of files nobody has open: what changed since the editor last asked, and a poll held until something does. */
import type { CancellationToken, Diagnostic, WorkspaceDocumentDiagnosticReport } from 'vscode-languageserver';

interface Report {
  readonly resultId: string;
  readonly items: readonly Diagnostic[];
}

export interface DiagnosticReports {
  set(uri: string, items: readonly Diagnostic[]): void;
  /** The file is gone or no longer ours: the next answer empties it. */
  clear(uri: string): void;
  get(uri: string): readonly Diagnostic[] | undefined;
  /** Waits until something differs from what the editor has, then answers only that. */
  poll(previous: ReadonlyMap<string, string>, token: CancellationToken): Promise<WorkspaceDocumentDiagnosticReport[]>;
  /** Answers every held poll. */
  release(): void;
}

export function createDiagnosticReports(): DiagnosticReports {
  const reports = new Map<string, Report>();
  const waiting = new Set<() => void>();
  let counter = 0;
  let isReleased = false;
  const wake = (): void => {
    for (const resume of waiting) resume();
    waiting.clear();
  };
  const changes = (previous: ReadonlyMap<string, string>): WorkspaceDocumentDiagnosticReport[] => {
    const changed: WorkspaceDocumentDiagnosticReport[] = [];
    for (const [uri, report] of reports) {
      if (previous.get(uri) === report.resultId || (report.items.length === 0 && !previous.has(uri))) continue;
      changed.push({ kind: 'full', uri, version: null, resultId: report.resultId, items: [...report.items] });
    }
    return changed;
  };
  return {
    set(uri, items) {
      const old = reports.get(uri);
      if (old !== undefined && JSON.stringify(old.items) === JSON.stringify(items)) return;
      reports.set(uri, { resultId: `r${++counter}`, items });
      wake();
    },
    clear(uri) {
      if ((reports.get(uri)?.items.length ?? 0) === 0) return;
      reports.set(uri, { resultId: `r${++counter}`, items: [] });
      wake();
    },
    get: (uri) => reports.get(uri)?.items,
    async poll(previous, token) {
      for (;;) {
        const changed = changes(previous);
        if (changed.length > 0 || isReleased || token.isCancellationRequested) return changed;
        await new Promise<void>((resolve) => {
          const resume = (): void => resolve();
          waiting.add(resume);
          token.onCancellationRequested(() => {
            waiting.delete(resume);
            resolve();
          });
        });
      }
    },
    release() {
      isReleased = true;
      wake();
    },
  };
}
