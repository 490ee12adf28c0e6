/**
 * Spans as every tracing system records them, whatever file they came from, and the tree they make. A format reads its file into
 * `TraceSpan`s, says what each of them means (`SpanReading`, in spanReading.ts), and spanTraces.ts makes traces of them.
 */
import type { OffsetRange } from '../core/planTrace.ts';
import { asNumber, asString, asTimeMs, LAST_DATE_MS, type JsonRecord } from './jsonFields.ts';

/** One span as its file has it. */
export interface TraceSpan {
  /** '' where the file names none: such spans are one trace. */
  readonly traceId: string;
  /** '' where the file names none. */
  readonly spanId: string;
  /** Undefined for a root. */
  readonly parentId: string | undefined;
  readonly name: string;
  /** Milliseconds since the epoch, with fractions down to the microsecond. */
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  readonly status: SpanStatus;
  readonly statusMessage?: string | undefined;
  /** The span's attributes by their dotted names. */
  readonly attributes: JsonRecord;
  readonly events: readonly SpanEvent[];
  /** Attributes of the process that made the span. */
  readonly resource: JsonRecord;
  /** Spans this one is about, as carriers of judgements have them. */
  readonly links?: readonly SpanLink[];
  /** Where the span stands in the file's text. */
  readonly range: OffsetRange;
  readonly pointer: string;
}

export type SpanStatus = 'unset' | 'ok' | 'error';

/** Something that happened during a span, or a log record that belongs to it. */
export interface SpanEvent {
  readonly name: string;
  readonly timeMs: number | undefined;
  readonly attributes: JsonRecord;
  /** The body of a log record, where it is an object. */
  readonly body?: JsonRecord | undefined;
  /** Where a log record stands; undefined for an event inside its span. */
  readonly range?: OffsetRange | undefined;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
}

/** A span in its place. */
export interface SpanNode {
  readonly span: TraceSpan;
  readonly parent: SpanNode | undefined;
  /** In order of their start. */
  readonly children: readonly SpanNode[];
}

/** The spans of one trace id. */
export interface SpanTree {
  readonly traceId: string;
  /** Spans without a parent in the file, in order of their start. */
  readonly roots: readonly SpanNode[];
  /** Every span once, each before its children, siblings in order of their start. */
  readonly nodes: readonly SpanNode[];
  /** How many spans the file repeats; the fuller copy is kept. */
  readonly repeated: number;
}

/** One tree for each trace id, in order of its first span in the file. Total: repeated ids, circles and missing parents are allowed. */
export function spanTrees(spans: readonly TraceSpan[]): readonly SpanTree[] {
  const spansByTrace = new Map<string, TraceSpan[]>();
  for (const span of spans) {
    const group = spansByTrace.get(span.traceId);
    if (group === undefined) spansByTrace.set(span.traceId, [span]);
    else group.push(span);
  }
  return [...spansByTrace].map(([traceId, group]) => spanTree(traceId, group));
}

interface OpenNode {
  readonly span: TraceSpan;
  parent: OpenNode | undefined;
  readonly children: OpenNode[];
  readonly startMs: number;
  /** Position in the file. */
  readonly order: number;
}

function spanTree(traceId: string, spans: readonly TraceSpan[]): SpanTree {
  const { kept, repeated } = withoutCopies(spans);
  // A span without a start stands where it ended, else where it stands in the file.
  let startMs = 0;
  const nodes = kept.map((span, order): OpenNode => {
    startMs = span.startMs ?? span.endMs ?? startMs;
    return { span, parent: undefined, children: [], startMs, order };
  });
  const nodesById = new Map(nodes.flatMap((node) => (node.span.spanId === '' ? [] : [[node.span.spanId, node] as const])));
  for (const node of nodes) {
    const { parentId } = node.span;
    const parent = parentId === undefined ? undefined : nodesById.get(parentId);
    node.parent = parent === node ? undefined : parent;
  }
  cutCircles(nodes);
  const roots: OpenNode[] = [];
  for (const node of nodes) (node.parent?.children ?? roots).push(node);
  for (const node of nodes) if (node.children.length > 1) node.children.sort(byStart);
  roots.sort(byStart);
  return { traceId, roots, nodes: inDepthFirstOrder(roots), repeated };
}

/** Each span id once: of two copies the one that has ended, else the later, which exporters that update spans write last. */
function withoutCopies(spans: readonly TraceSpan[]): { readonly kept: readonly TraceSpan[]; readonly repeated: number } {
  const positions = new Map<string, number>();
  const kept: TraceSpan[] = [];
  let repeated = 0;
  for (const span of spans) {
    const at = span.spanId === '' ? undefined : positions.get(span.spanId);
    const before = at === undefined ? undefined : kept[at];
    if (at === undefined || before === undefined) {
      if (span.spanId !== '') positions.set(span.spanId, kept.length);
      kept.push(span);
      continue;
    }
    repeated++;
    if (before.endMs === undefined || (span.endMs !== undefined && span.endMs > before.endMs)) kept[at] = span;
  }
  return { kept, repeated };
}

/** A span that is its own ancestor becomes a root. */
function cutCircles(nodes: readonly OpenNode[]): void {
  const settled = new Set<OpenNode>();
  for (const start of nodes) {
    const path = new Set<OpenNode>();
    let node: OpenNode | undefined = start;
    while (node !== undefined && !settled.has(node)) {
      path.add(node);
      if (node.parent !== undefined && path.has(node.parent)) node.parent = undefined;
      node = node.parent;
    }
    for (const seen of path) settled.add(seen);
  }
}

function inDepthFirstOrder(roots: readonly OpenNode[]): OpenNode[] {
  const ordered: OpenNode[] = [];
  const stack = [...roots].reverse();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    ordered.push(node);
    for (let i = node.children.length - 1; i >= 0; i--) {
      const child = node.children[i];
      if (child !== undefined) stack.push(child);
    }
  }
  return ordered;
}

function byStart(a: OpenNode, b: OpenNode): number {
  return a.startMs - b.startMs || a.order - b.order;
}

/** Milliseconds from nanoseconds since the epoch, given as a number or a string of digits of any length; undefined for none or zero. */
export function nanosToMs(value: unknown): number | undefined {
  if (typeof value === 'string') {
    const digits = value.trim();
    // Doubles hold nanoseconds of this century only to a quarter of a microsecond: the last three digits are cut instead.
    if (/^\d{1,24}$/.test(digits)) return msInReach(Number(digits.slice(0, -3) || '0') / 1000);
    return msInReach(asTimeMs(value));
  }
  const nanos = asNumber(value);
  return nanos === undefined ? undefined : msInReach(Math.floor(nanos / 1000) / 1000);
}

/** Milliseconds from `[seconds, nanoseconds]`; undefined for anything else. */
export function hrTimeToMs(value: unknown): number | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const seconds = asNumber((value as unknown[])[0]);
  const nanos = asNumber((value as unknown[])[1]);
  if (seconds === undefined || nanos === undefined) return undefined;
  return msInReach(seconds * 1000 + Math.floor(nanos / 1000) / 1000);
}

/** A time a date can show; undefined for others, and for zero, which stands for "not set". */
export function msInReach(ms: number | undefined): number | undefined {
  return ms !== undefined && ms > 0 && ms <= LAST_DATE_MS ? ms : undefined;
}

/** A trace or span id as one spelling: hex in lower case without "0x", anything else as it stands; '' for none or all zeros. */
export function spanId(value: unknown): string {
  const id = typeof value === 'number' ? String(value) : (asString(value)?.trim() ?? '');
  const hex = /^(?:0x)?([0-9a-f]+)$/i.exec(id)?.[1];
  if (hex === undefined) return id;
  if (/^0+$/.test(hex) && hex.length >= 16) return '';
  return hex.length >= 16 || id.length !== hex.length ? hex.toLowerCase() : id;
}

/** A status given as a number (2 is an error), as a name ("STATUS_CODE_ERROR", "Error"), or left out. */
export function spanStatus(value: unknown): SpanStatus {
  if (value === 2) return 'error';
  if (value === 1) return 'ok';
  const name = asString(value)?.toUpperCase() ?? '';
  if (name === '2' || name.endsWith('ERROR')) return 'error';
  return name === '1' || name.endsWith('OK') ? 'ok' : 'unset';
}
