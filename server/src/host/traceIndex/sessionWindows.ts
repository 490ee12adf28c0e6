/**
 * Reads a session a window at a time with the reader of its format, which sees the lines before the first step, then those
 * from some steps before the first unsettled one on. What may still change is read again with the next window.
 */
import type { ParsedFile, TraceFormat } from '../../formats/format.ts';
import { UniqueIds } from '../../formats/traceAssembly.ts';
import type { TraceChange } from '../../core/traceIndex.ts';
import { compose, type Composite, type Piece } from './composite.ts';
import type { FreshStep } from './sessionTrace.ts';
import { createSessionTrace, type SessionTrace } from './sessionTrace.ts';
import { linesAgain, type FileProgress, type OpenFile } from './fileReading.ts';
import type { LeanSettings } from './leanSteps.ts';
import { createLineMarks } from './lineMarks.ts';
import type { SpillWriter } from './spill.ts';
import type { PartWarnings } from './partWarnings.ts';

export interface WindowReader {
  readonly traceCount: number;
  /** Takes the next lines, or at the end of the file what stands after the last line break. */
  take(window: Piece, at: WindowPlace): readonly TraceChange[];
}

export interface WindowPlace {
  readonly file: OpenFile;
  readonly progress: FileProgress;
  /** More of the file follows, or is likely to. */
  readonly isGrowing: boolean;
  /** Whether the lines are whole and will not be given again. */
  readonly isWhole: boolean;
}

export interface ReaderTools extends LeanSettings {
  readonly format: TraceFormat;
  readonly path: string;
  readonly spill: SpillWriter;
  readonly warnings: PartWarnings;
}

/** Steps at the end that may still change, though nothing shows it: records of one message may come late. */
const UNSETTLED_STEPS = 8;
/** Settled steps that are read again, so that the reader knows what came before. */
const STEPS_BEFORE = 4;
/** A call without a result is waited for over so much text. */
const LONGEST_WAIT = 8_000_000;
/** Of what a rewind reaches back over, so much is read again; beyond it the part that was left is passed over. */
const LONGEST_REWIND = 64_000_000;

export function createSessionReader(tools: ReaderTools): WindowReader {
  const { format, warnings } = tools;
  const windows = format.windows ?? { kind: 'session' };
  const marks = createLineMarks(windows);
  const traceIds = new UniqueIds();
  const traces: SessionTrace[] = [];
  let head: Piece | undefined;
  /** Lines that are read again, in order. */
  let context: readonly Piece[] = [];

  function parse(pieces: readonly Piece[]): { readonly parsed: ParsedFile; readonly composite: Composite } {
    const from = pieces[0]?.firstLine ?? 0;
    const before = head === undefined || from < head.firstLine + head.lineCount ? [] : [head, ...marks.kept(head.firstLine + head.lineCount).filter((piece) => piece.firstLine < from)];
    const composite = compose([...before, ...pieces]);
    return { parsed: format.parse({ path: tools.path, text: composite.text }), composite };
  }

  function stateOf(localId: string, isOnly: boolean): SessionTrace {
    const known = traces.find((trace) => trace.localId === localId) ?? (isOnly && traces.length === 1 ? traces[0] : undefined);
    if (known !== undefined) return known;
    const made = createSessionTrace({ localId, traceId: traceIds.take(localId), traceIndex: traces.length }, tools);
    traces.push(made);
    return made;
  }

  /** The lines to read instead of those at hand, so that they begin before that line. */
  function goBack(toLine: number, { file, progress }: WindowPlace, window: Piece): readonly Piece[] {
    for (const trace of traces) trace.unsettle(progress.lines.offsetOf(toLine));
    const from = Math.min(toLine, contextLine(progress));
    const until = window.firstLine;
    if (byteOf(progress, until) - byteOf(progress, from) <= LONGEST_REWIND) return [linesAgain(file, progress, from, until), window];
    return [linesAgain(file, progress, from, toLine + 1), ...context, window];
  }

  /** The line from which on lines are read again. */
  function contextLine(progress: FileProgress): number {
    let offset = Infinity;
    let line = Infinity;
    for (const trace of traces) {
      if (trace.fresh.length === 0) continue;
      offset = Math.min(offset, trace.unsettledFrom ?? offset);
      for (const { start, stepId } of trace.beginnings(STEPS_BEFORE)) {
        offset = Math.min(offset, start);
        line = Math.min(line, marks.firstLineOf([trace.localId, stepId]) ?? line);
      }
    }
    return offset === Infinity ? 0 : Math.min(line, progress.lines.lineAt(offset));
  }

  function settleTrace(trace: SessionTrace, end: number): void {
    const { fresh } = trace;
    const open = fresh.findIndex(isOpen);
    let count = Math.min(Math.max(0, fresh.length - UNSETTLED_STEPS), open < 0 ? fresh.length : open);
    while (count < fresh.length && end - (fresh[count]?.start ?? end) > LONGEST_WAIT) count++;
    // The last step of all may grow however long it is.
    if (trace === lastTrace() && count === fresh.length) count--;
    if (count > 0) trace.settle(count);
  }

  function lastTrace(): SessionTrace | undefined {
    let found: SessionTrace | undefined;
    let latest = -1;
    for (const trace of traces) {
      const start = trace.fresh.at(-1)?.start ?? -1;
      if (start > latest) [found, latest] = [trace, start];
    }
    return found;
  }

  function leaveBehind(pieces: readonly Piece[], progress: FileProgress): void {
    const line = contextLine(progress);
    const kept: Piece[] = [];
    for (const piece of pieces) {
      if (piece.firstLine + piece.lineCount <= line) marks.leave(piece);
      else if (piece.firstLine >= line) kept.push(piece);
      else {
        const at = progress.lines.offsetOf(line) - piece.start;
        marks.leave({ ...piece, lineCount: line - piece.firstLine, text: piece.text.slice(0, at) });
        kept.push({ firstLine: line, lineCount: piece.lineCount - (line - piece.firstLine), start: piece.start + at, text: piece.text.slice(at) });
      }
    }
    context = kept;
  }

  return {
    get traceCount() {
      return traces.length;
    },
    take(window, place) {
      const { progress, isGrowing, isWhole } = place;
      let pieces: readonly Piece[] = [...context, window];
      const rewind = isWhole ? marks.rewindIn(window) : undefined;
      if (rewind !== undefined && traces.length > 0) pieces = goBack(rewind, place, window);
      let { parsed, composite } = parse(pieces);
      const isOnly = parsed.traces.length === 1;
      if (!parsed.traces.every((part) => traces.length === 0 || stateOf(part.traceId, isOnly).fits(part, composite))) {
        // A step that was settled is not where it was: what changed it lies further back.
        const again = goBack(0, place, window);
        if (again.length === 2) {
          pieces = again;
          ({ parsed, composite } = parse(pieces));
        }
      }
      warnings.note(parsed.warnings, composite);
      const lastStart = Math.max(...parsed.traces.map((part) => part.steps.at(-1)?.range?.start ?? -1));
      const changes = parsed.traces.map((part) => stateOf(part.traceId, isOnly).take(part, composite, { isLastProvisional: isGrowing && part.steps.at(-1)?.range?.start === lastStart }));
      if (!isWhole) return changes;
      const end = window.start + window.text.length;
      for (const trace of traces) settleTrace(trace, end);
      if (traces.length === 0 || traces.every((trace) => trace.settledCount === 0 && trace.fresh.length === 0)) {
        context = [joined(pieces)];
        return changes;
      }
      head ??= headOf(pieces, Math.min(...traces.map((trace) => trace.firstStart ?? Infinity)), progress);
      leaveBehind(pieces, progress);
      countUnknown(parsed);
      return changes;
    },
  };

  /** What the lines left behind held of unknown kinds is counted once and for all: all that was counted, less what will be counted again. */
  function countUnknown(parsed: ParsedFile): void {
    const again = parse(context).parsed;
    const isOnly = parsed.traces.length === 1;
    for (const part of parsed.traces) {
      const trace = stateOf(part.traceId, isOnly);
      trace.addUnknown(part.unknownRecordCounts);
      const rest = again.traces.find((other) => other.traceId === part.traceId) ?? (isOnly ? again.traces[0] : undefined);
      if (rest !== undefined) trace.addUnknown(Object.fromEntries(Object.entries(rest.unknownRecordCounts).map(([kind, count]) => [kind, -count])));
    }
  }
}

function byteOf(progress: FileProgress, line: number): number {
  return line >= progress.line ? progress.bytes : progress.lines.byteOf(line);
}

function isOpen({ step }: FreshStep): boolean {
  return step.isProvisional || step.tools.some((tool) => tool.result === undefined);
}

function headOf(pieces: readonly Piece[], offset: number, progress: FileProgress): Piece {
  const whole = joined(pieces);
  const line = progress.lines.lineAt(offset);
  const at = Math.max(0, progress.lines.offsetOf(line) - whole.start);
  return { firstLine: whole.firstLine, lineCount: line - whole.firstLine, start: whole.start, text: Buffer.from(whole.text.slice(0, at)).toString() };
}

/** Pieces that follow each other as one. */
function joined(pieces: readonly Piece[]): Piece {
  const [first] = pieces;
  if (first === undefined) return { firstLine: 0, lineCount: 0, start: 0, text: '' };
  return { ...first, lineCount: pieces.reduce((n, piece) => n + piece.lineCount, 0), text: pieces.map((piece) => piece.text).join('') };
}
