/** From StepScope's words to the protocol's: the one place that knows both. */
import { DiagnosticSeverity, DiagnosticTag, FoldingRangeKind, InlayHintKind, SymbolKind } from 'vscode-languageserver';
import type { Diagnostic, DocumentSymbol, FoldingRange, InlayHint, Position, Range } from 'vscode-languageserver';
import type { LineIndex } from '../core/lineIndex.ts';
import type { OffsetRange } from '../core/planTrace.ts';
import type { Problem } from '../core/problems.ts';
import type { Chip } from '../features/chips.ts';
import type { OutlineItem } from '../features/outline.ts';

const SEVERITY: Readonly<Record<Problem['severity'], DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error, warning: DiagnosticSeverity.Warning, information: DiagnosticSeverity.Information, hint: DiagnosticSeverity.Hint,
};
/** Editors struggle with squiggles over pages of text; the first lines stand for the step. */
const MAX_SQUIGGLE_CHARACTERS = 600;

export function toRange(range: OffsetRange, lines: LineIndex): Range {
  return { start: lines.positionAt(range.start), end: lines.positionAt(range.end) };
}

export function toPosition(offset: number, lines: LineIndex): Position {
  return lines.positionAt(offset);
}

/** What a diagnostic carries for the quick fixes. */
export interface DiagnosticData {
  readonly traceId: string;
  readonly stepId: string | null;
}

export function toDiagnostic(problem: Problem, options: { readonly uri: string; readonly lines: LineIndex; readonly page: string; readonly data: DiagnosticData }): Diagnostic {
  const { uri, lines } = options;
  const range = problem.range ?? { start: 0, end: 0 };
  const shown = { start: range.start, end: Math.min(range.end, range.start + MAX_SQUIGGLE_CHARACTERS) };
  const related = problem.evidence.map((e) => ({ message: e.message, location: { uri, range: toRange({ start: e.range.start, end: Math.min(e.range.end, e.range.start + MAX_SQUIGGLE_CHARACTERS) }, lines) } }));
  return {
    range: toRange(shown, lines), severity: SEVERITY[problem.severity], source: 'StepScope', code: problem.code,
    codeDescription: { href: options.page }, message: problem.message, data: options.data,
    ...(related.length === 0 ? {} : { relatedInformation: related }),
    ...(problem.code === 'empty-step' ? { tags: [DiagnosticTag.Unnecessary] } : {}),
  };
}

export function toInlayHint(chip: Chip, lines: LineIndex, tooltip: string): InlayHint {
  return { position: toPosition(chip.offset, lines), label: chip.label, kind: InlayHintKind.Type, paddingRight: true, tooltip: { kind: 'markdown', value: tooltip } };
}

export function toSymbol(item: OutlineItem, lines: LineIndex): DocumentSymbol {
  return {
    name: item.name === '' ? '(untitled)' : item.name, detail: item.detail, kind: item.kind === 'trace' ? SymbolKind.Module : SymbolKind.Event,
    range: toRange(item.range, lines), selectionRange: toRange(item.selectionRange, lines), children: item.children.map((c) => toSymbol(c, lines)),
  };
}

export function toFolding(range: OffsetRange, lines: LineIndex): FoldingRange | undefined {
  const { start, end } = toRange(range, lines);
  return end.line > start.line ? { startLine: start.line, endLine: end.line, kind: FoldingRangeKind.Region } : undefined;
}

