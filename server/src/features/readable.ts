/** A trace file as text for reading: one paragraph a step, for files that are one long line, no text at all, or too long for an editor. */
import type { ExecutionStep, OffsetRange, PlanTrace } from '../core/planTrace.ts';

export interface Readable {
  readonly text: string;
  /** The traces again, with every range in the readable text; null for the steps of other pages. */
  readonly traces: readonly PlanTrace[];
  /** The words that lead to other pages. */
  readonly links: readonly PageLink[];
}

export interface PageLink {
  readonly range: OffsetRange;
  /** From 1. */
  readonly page: number;
}

/** Steps of a page. */
export const PAGE_STEPS = 500;
/** Characters of a step beyond which its end is left out: editors choke on more. */
const MOST_CHARACTERS = 200_000;
const RULE = '─'.repeat(40);

/** How many pages a file fills; 1 without steps. */
export function pageCount(traces: readonly PlanTrace[]): number {
  return Math.max(1, Math.ceil(stepCount(traces) / PAGE_STEPS));
}

/** Page, from 1, of a step. */
export function pageOfStep(traces: readonly PlanTrace[], at: { readonly traceIndex: number; readonly stepIndex: number }): number {
  return Math.floor((stepCount(traces.slice(0, at.traceIndex)) + at.stepIndex) / PAGE_STEPS) + 1;
}

/** Lays out one page, the first being 1. Ranges of evidence inside a step are not carried over: the whole paragraph stands for them. */
export function renderReadable(traces: readonly PlanTrace[], page = 1): Readable {
  let text = '';
  const links: PageLink[] = [];
  const write = (piece: string): OffsetRange => {
    const start = text.length;
    text += piece;
    return { start, end: text.length };
  };
  const pages = pageCount(traces);
  const first = (page - 1) * PAGE_STEPS;
  const last = first + PAGE_STEPS;
  const leaf = (): void => {
    if (pages === 1) return;
    const total = stepCount(traces);
    write(`Page ${page} of ${pages}: steps ${first + 1} to ${Math.min(last, total)} of ${total}`);
    for (const [words, target] of [['Previous page', page - 1], ['Next page', page + 1]] as const) {
      if (target < 1 || target > pages) continue;
      write(' · ');
      links.push({ range: write(words), page: target });
    }
    write('\n\n');
  };
  leaf();
  let before = 0;
  const placed = traces.map((trace): PlanTrace => {
    const from = before;
    before += trace.steps.length;
    if (pages > 1 && (before <= first || from >= last)) return { ...trace, steps: trace.steps.map((step) => placedAt(step, NOWHERE)), goalRange: null, range: null, warnings: [] };
    const start = text.length;
    const title = write(`Goal: ${oneBlock(trace.goalText) || '(none)'}`);
    write(`\nTrace ${trace.traceId} · ${trace.format} · ${trace.steps.length} steps\n${RULE}\n\n`);
    const steps = trace.steps.map((step, i): ExecutionStep => {
      if (from + i < first || from + i >= last) return placedAt(step, NOWHERE);
      const head = write(`#${step.stepIndex + 1} ${step.stepType}${step.agentName === undefined ? '' : ` · ${step.agentName}`}\n`);
      const body = write(shortened(stepBody(step)));
      write('\n\n');
      return placedAt(step, { range: { start: head.start, end: body.end }, textRange: body.end > body.start ? body : head });
    });
    if (before <= last && trace.finalOutputText.trim() !== '') write(`Final output: ${shortened(oneBlock(trace.finalOutputText))}\n`);
    const end = text.length;
    write('\n');
    return { ...trace, steps, goalRange: title, range: { start, end }, warnings: [] };
  });
  if (text.length > 0) leaf();
  return { text, traces: placed, links };
}

/** The place here of a step that stands on another page. */
const NOWHERE = { range: null, textRange: null } as const;

/** The same step in another place. Its words are not touched: that may mean reading them from disk. */
function placedAt(step: ExecutionStep, place: Pick<ExecutionStep, 'range' | 'textRange'>): ExecutionStep {
  return Object.assign(Object.create(step) as ExecutionStep, place);
}

function stepCount(traces: readonly PlanTrace[]): number {
  return traces.reduce((sum, trace) => sum + trace.steps.length, 0);
}

function shortened(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}\n[… ${text.length - MOST_CHARACTERS} more characters are not shown here]`;
}
function stepBody(step: ExecutionStep): string {
  const parts = [
    step.reasoning === undefined ? '' : `Thinking: ${oneBlock(step.reasoning)}`,
    oneBlock(step.output ?? (step.tools.length === 0 ? step.input ?? '' : '')),
    ...step.tools.map((tool) => `→ ${tool.name}(${typeof tool.args === 'string' ? tool.args : JSON.stringify(tool.args)})${tool.result === undefined ? '' : `\n← ${tool.isError ? 'error: ' : ''}${oneBlock(tool.result)}`}`),
    step.error === undefined ? '' : `Error: ${step.error.type}: ${oneBlock(step.error.message)}`,
  ].filter((p) => p.trim() !== '');
  return parts.length === 0 ? '(empty)' : parts.join('\n');
}

function oneBlock(text: string): string {
  return text.trim().replace(/\r\n?/g, '\n').replace(/\n{3,}/g, '\n\n');
}
