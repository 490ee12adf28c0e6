/** `stepscope inspect`: what was read, without any model. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import { buildLineIndex } from '../core/lineIndex.ts';
import type { LineIndex } from '../core/lineIndex.ts';
import type { OffsetRange, PlanTrace } from '../core/planTrace.ts';
import { stepTitle } from '../features/scoredTrace.ts';
import { needPaths } from './command.ts';
import type { CliCommand } from './command.ts';
import { readInputs } from './inputs.ts';
import type { Output } from './output.ts';

export const inspectCommand: CliCommand = {
  name: 'inspect',
  usage: ['inspect <path>…   read traces without models: what was understood, and what was not'],
  options: {},
  run: (input, { settings, output }) => inspect(needPaths(input, 'inspect'), settings, output),
};

/** Answers whether everything named could be read. */
async function inspect(paths: readonly string[], settings: EffectiveSettings, output: Output): Promise<boolean> {
  let isClean = true;
  for await (const input of readInputs(paths, settings)) {
    if (output.isClosed()) break;
    if (input.kind === 'error') {
      isClean = false;
      await output.write(input, `${input.file}: ${input.message}`);
      continue;
    }
    const lines = buildLineIndex(input.text);
    for (const [index, trace] of input.parsed.traces.entries()) {
      const warnings = [...(index === 0 ? input.parsed.warnings : []), ...trace.warnings];
      await output.write(record(input.file, trace, lines, warnings), text(input.file, trace, warnings.map((w) => w.message)));
    }
  }
  return isClean;
}

/** Range as the command line prints it; null for formats without lines. */
export function wireRange(range: OffsetRange | null, lines: LineIndex): unknown {
  return range === null ? null : { start: lines.positionAt(range.start), end: lines.positionAt(range.end) };
}

function record(file: string, trace: PlanTrace, lines: LineIndex, warnings: PlanTrace['warnings']): Readonly<Record<string, unknown>> {
  return {
    kind: 'trace', file, format: trace.format, formatVersion: trace.formatVersion, traceId: trace.traceId, goal: trace.goalText,
    steps: trace.steps.map((step) => ({
      stepId: step.stepId, stepIndex: step.stepIndex, stepType: step.stepType, agentName: step.agentName ?? null,
      tool: step.tools[0]?.name ?? null, isError: step.error !== undefined || step.tools.some((t) => t.isError),
      inputChars: inputText(step).length, outputChars: outputText(step).length, range: wireRange(step.range, lines),
    })),
    warnings: warnings.map((w) => ({ code: w.code, message: w.message, range: wireRange(w.range, lines) })),
    unknownRecordCounts: trace.unknownRecordCounts,
  };
}

function inputText(step: PlanTrace['steps'][number]): string {
  return step.input ?? step.tools.map((t) => (typeof t.args === 'string' ? t.args : JSON.stringify(t.args))).join('');
}

function outputText(step: PlanTrace['steps'][number]): string {
  return `${step.output ?? ''}${step.tools.map((t) => t.result ?? '').join('')}`;
}

function text(file: string, trace: PlanTrace, warnings: readonly string[]): string {
  const head = `${file}  ${trace.format} ${trace.formatVersion}  ${trace.traceId}  ${trace.steps.length} steps\n  goal: ${trace.goalText.slice(0, 100).replace(/\s+/g, ' ')}`;
  return [head, ...trace.steps.map((s) => `  ${s.stepIndex + 1}. ${s.stepType}  ${stepTitle(s)}`), ...warnings.map((w) => `  ! ${w}`)].join('\n');
}
