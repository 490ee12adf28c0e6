/** Files named like traces that cannot be read as one. */
import type { Diagnostic } from 'vscode-languageserver';

/** What to say about a file that looks like a trace by name and holds none: empty, or no JSON. Nothing about other JSON. */
export function unreadableDiagnostics(text: string): readonly Diagnostic[] {
  if (text.trim() === '') return [fileNote('This file is empty: there is no trace in it yet.')];
  const start = text.trimStart()[0];
  if (start !== '{' && start !== '[') return [];
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    const lines = text.split('\n').filter((l) => l.trim() !== '');
    const parses = (line: string): boolean => {
      try {
        JSON.parse(line);
        return true;
      } catch {
        return false;
      }
    };
    if (lines.length > 1 && lines.slice(0, 20).every(parses)) return [];
    return [fileNote(`No trace could be read: the file is not valid JSON (${error instanceof Error ? error.message.slice(0, 160) : 'syntax error'}).`)];
  }
}

/** A remark about a file as a whole. */
export function fileNote(message: string): Diagnostic {
  return { range: { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } }, severity: 3, source: 'StepScope', code: 'file-not-strict-json', message };
}
