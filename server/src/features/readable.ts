/** A trace file as text for reading: one paragraph a step, for files that are one long line or no text at all. */
import type { ExecutionStep, OffsetRange, PlanTrace } from '../core/planTrace.ts';

export interface Readable {
  readonly text: string;
  /** The traces again, with every range in the readable text. */
  readonly traces: readonly PlanTrace[];
}

const RULE = '─'.repeat(40);

/** Lays out traces. Ranges of evidence inside a step are not carried over: the whole paragraph stands for them. */
export function renderReadable(traces: readonly PlanTrace[]): Readable {
  let text = '';
  const write = (piece: string): OffsetRange => {
    const start = text.length;
    text += piece;
    return { start, end: text.length };
  };
  const placed = traces.map((trace): PlanTrace => {
    const start = text.length;
    const title = write(`Goal: ${oneBlock(trace.goalText) || '(none)'}`);
    write(`\nTrace ${trace.traceId} · ${trace.format} · ${trace.steps.length} steps\n${RULE}\n\n`);
    const steps = trace.steps.map((step): ExecutionStep => {
      const head = write(`#${step.stepIndex + 1} ${step.stepType}${step.agentName === undefined ? '' : ` · ${step.agentName}`}\n`);
      const body = write(stepBody(step));
      write('\n\n');
      return { ...step, range: { start: head.start, end: body.end }, textRange: body.end > body.start ? body : head };
    });
    if (trace.finalOutputText.trim() !== '') write(`Final output: ${oneBlock(trace.finalOutputText)}\n`);
    const end = text.length;
    write('\n');
    return { ...trace, steps, goalRange: title, range: { start, end }, warnings: [] };
  });
  return { text, traces: placed };
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
