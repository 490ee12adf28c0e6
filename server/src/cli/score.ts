/** `stepscope score`: a line a step, then a line a trace. */
import { resolve } from 'node:path';
import { nameInMemory } from '../core/scoreRecord.ts';
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { Problem } from '../core/problems.ts';
import type { ScoreResult } from '../core/scoreResult.ts';
import { displayConsensus, percent, problemsOfStep, stepTitle } from '../features/scoredTrace.ts';
import type { ScoredTrace } from '../features/scoredTrace.ts';
import { evaluationsOf, recordsOfTrace } from '../features/scoreRecords.ts';
import type { TraceView } from '../features/traceFile.ts';
import { summariseTrace, summaryText } from '../features/traceSummary.ts';
import { modelKeys } from '../scoring/modelKeys.ts';
import type { Engine, ServerPorts } from '../lsp/ports.ts';
import { MEMORY_OPTION, needPaths } from './command.ts';
import type { CliCommand } from './command.ts';
import { wireRange } from './inspect.ts';
import { readInputs } from './inputs.ts';
import { RECORD_OPTION, recorded } from './recording.ts';
import type { FileStages } from './recording.ts';
import { scoredView } from './scoredView.ts';
import type { Output } from './output.ts';

interface ScoreOptions {
  readonly paths: readonly string[];
  /** Whether scores go into the memory, beside the cache. */
  readonly isRemembered: boolean;
  readonly settings: EffectiveSettings;
  readonly engine: Engine;
  readonly ports: ServerPorts;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly stages: FileStages;
}

export const scoreCommand: CliCommand = {
  name: 'score',
  usage: ['score <path>…     score every step: a line a step, then a line a trace'],
  options: { ...MEMORY_OPTION, ...RECORD_OPTION },
  run: async (input, tools) => {
    const paths = needPaths(input, 'score');
    const memoryFile = input.option('--memory');
    const engine = await tools.engine(memoryFile === undefined ? {} : { memoryFile });
    const about = { record: input.option('--record'), goal: `Score ${paths.join(', ')}`, config: { scorers: tools.settings.scorers }, log: tools.log };
    return recorded(about, (stages) => score({ ...tools, paths, isRemembered: memoryFile !== undefined, engine, stages }));
  },
};

/** Answers whether everything named could be read. */
async function score(options: ScoreOptions): Promise<boolean> {
  const { settings, output, stages } = options;
  let isClean = true;
  for await (const input of readInputs(options.paths, settings, stages)) {
    if (options.signal.aborted || output.isClosed()) break;
    const { file } = input;
    if (input.kind === 'error') {
      isClean = false;
      await output.write(input, `${file}: ${input.message}`);
      stages.end(file, input.message);
      continue;
    }
    const view = await stages.run({ file, name: 'score' }, () => scoredView(input, options), scoredSteps);
    if (options.isRemembered) await remember(view, options);
    await stages.run({ file, name: 'report' }, () => report(file, view, output), (lines) => `${lines} lines`);
    stages.end(file);
  }
  return isClean;
}

/** For whoever records the run. */
function scoredSteps(view: TraceView): unknown {
  const steps = view.traces.flatMap((t) => t.steps);
  return { steps: steps.length, scored: steps.filter((s) => displayConsensus(s) !== undefined).length, problems: view.problems.length };
}

/** Answers how many lines it wrote. */
async function report(file: string, view: TraceView, output: Output): Promise<number> {
  const { lines } = view;
  let written = 0;
  const shown = new Set(view.problems.map((p) => p.problem));
  // What concerns the whole file has no trace of its own: it stands at the first one, as inspect prints it.
  const ofFile = view.problems.flatMap((p) => (p.traceId === '' && p.stepId === null && !view.traces.some((t) => t.problems.includes(p.problem)) ? [p.problem] : []));
  for (const [traceIndex, scored] of view.traces.entries()) {
    const ofTrace = [...(traceIndex === 0 ? ofFile : []), ...scored.problems.filter((p) => p.stepIndex === undefined && shown.has(p))];
    for (const [index] of scored.trace.steps.entries()) await output.write(stepRecord(file, scored, { index, lines, shown }), stepText(scored, index));
    await output.write(traceRecord(file, scored, ofTrace), traceText(file, scored, ofTrace));
    written += scored.trace.steps.length + 1;
  }
  return written;
}

/** Under the name the editor knows the file by, when it is opened in the current folder. */
async function remember(view: TraceView, { engine, ports, signal }: ScoreOptions): Promise<void> {
  // What was stopped half-way would stand there as the whole file.
  if (signal.aborted || view.source.path === '-') return;
  const file = nameInMemory(resolve(view.source.path), process.cwd());
  const models = modelKeys(engine.manifest, ports.sha256);
  const evaluations = view.source.works.flatMap((work, i) => {
    const scored = view.traces[i];
    return scored === undefined ? [] : evaluationsOf(recordsOfTrace(file, scored, view.lines), { work, models });
  });
  await engine.memory.record(evaluations, ports.nowMs());
  await engine.memory.retain(file, evaluations.map((e) => e.scorable.id));
}

function stepRecord(file: string, scored: ScoredTrace, at: { readonly index: number; readonly lines: Parameters<typeof wireRange>[1]; readonly shown: ReadonlySet<Problem> }): Readonly<Record<string, unknown>> {
  const step = scored.trace.steps[at.index];
  const state = scored.steps[at.index];
  if (step === undefined || state === undefined) return {};
  const consensus = displayConsensus(state);
  const { results } = state.bundle.all();
  const reason = results.find((r) => r.kind === 'unscored' && r.attributes === undefined);
  return {
    kind: 'step', file, format: scored.trace.format, traceId: scored.trace.traceId, stepId: step.stepId, stepIndex: step.stepIndex, stepType: step.stepType,
    range: wireRange(step.range, at.lines), score: consensus?.score ?? null, ...(consensus === undefined && reason?.kind === 'unscored' ? { unscored: reason.reason } : {}),
    uncertainty: consensus?.uncertainty ?? null, scores: scoredOnly(results),
    ...measured(results),
    problems: problemsOfStep(scored, at.index).filter((p) => at.shown.has(p)).map(problemRecord),
  };
}

function traceRecord(file: string, scored: ScoredTrace, problems: readonly Problem[]): Readonly<Record<string, unknown>> {
  const { trace } = scored;
  const summary = summariseTrace(scored);
  return {
    kind: 'trace', file, format: trace.format, traceId: trace.traceId, goal: trace.goalText, steps: trace.steps.length,
    score: summary.score, basis: summary.basis,
    ...(scored.outcome === undefined ? {} : { outcome: { scorer: 'hrm', probability: scored.outcome.probability, calibratedOn: scored.outcome.dataset } }), scores: scoredOnly(scored.traceResults),
    problems: problems.map(problemRecord),
  };
}

function traceText(file: string, scored: ScoredTrace, problems: readonly Problem[]): string {
  return [`${file}  ${summaryText(scored)}`, ...problems.map((p) => `  ${p.severity} ${p.code}: ${p.message}`), ''].join('\n');
}

function scoredOnly(results: readonly ScoreResult[]): readonly unknown[] {
  return results.flatMap((r) => (r.kind === 'scored' ? [{ dimension: r.dimension, scorer: r.scorer, scorerVersion: r.scorerVersion, score: r.score, attributes: r.attributes }] : []));
}

/** Numbers of those who measure without judging; nothing where all they counted is none. */
function measured(results: readonly ScoreResult[]): { readonly measures?: readonly unknown[] } {
  const measures = results.flatMap((r) => (r.kind === 'unscored' && r.attributes !== undefined && Object.values(r.attributes).some((v) => v !== 0) ? [{ scorer: r.scorer, attributes: r.attributes }] : []));
  return measures.length === 0 ? {} : { measures };
}

function problemRecord(problem: Problem): unknown {
  return { code: problem.code, severity: problem.severity, message: problem.message };
}

function stepText(scored: ScoredTrace, index: number): string {
  const step = scored.trace.steps[index];
  const state = scored.steps[index];
  const consensus = state === undefined ? undefined : displayConsensus(state);
  const lines = [`${consensus === undefined ? '  –' : String(percent(consensus.score)).padStart(3)}  #${index + 1} ${step === undefined ? '' : stepTitle(step)}`];
  for (const problem of scored.problems) if (problem.stepIndex === index) lines.push(`       ${problem.severity} ${problem.code}: ${problem.message}`);
  return lines.join('\n');
}
