/** `stepscope eval`: how well the scorers do on labelled traces, every step scored as `stepscope score` scores it. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import { findResult } from '../core/scoreResult.ts';
import { presentTrace } from '../features/presentTrace.ts';
import type { RawScore } from '../features/presentTrace.ts';
import { displayConsensus } from '../features/scoredTrace.ts';
import { labelledPlanTrace } from '../formats/labelledTrace.ts';
import type { LabelledTrace } from '../formats/labelledTrace.ts';
import type { Engine, ServerPorts } from '../lsp/ports.ts';
import { activeDimensions, activeScorerIds } from '../scoring/activeScorers.ts';
import { BOOTSTRAP_SEED, createBootstrap, seededRandom } from '../scoring/evaluation/bootstrap.ts';
import { evaluate } from '../scoring/evaluation/evaluate.ts';
import type { JudgedStep, JudgedTrace } from '../scoring/evaluation/evaluate.ts';
import { splitOutputs } from '../scoring/rawScores.ts';
import type { RawByScorer } from '../scoring/rawScores.ts';
import { findScorer } from '../scoring/registry.ts';
import { RULES } from '../scoring/rules/index.ts';
import { readRow } from '../scoring/scorer.ts';
import { prepareTrace } from '../scoring/traceWork.ts';
import type { TraceWork } from '../scoring/traceWork.ts';
import { MEMORY_OPTION, UsageError, wholeNumber } from './command.ts';
import type { CliCommand } from './command.ts';
import { evaluationText } from './evalText.ts';
import { readLabelledFiles } from './labelledFiles.ts';
import type { Output } from './output.ts';
import { createProgress } from './progress.ts';
import type { Progress } from './progress.ts';

export interface EvalOptions {
  readonly paths: readonly string[];
  /** Most traces scored of a file, drawn at random with a fixed seed. */
  readonly limit: number | undefined;
  readonly settings: EffectiveSettings;
  readonly engine: Engine;
  readonly ports: ServerPorts;
  readonly output: Output;
  readonly signal: AbortSignal;
}

export const evalCommand: CliCommand = {
  name: 'eval',
  usage: ['eval --data <path>…', '                  measure the scorers on labelled traces (.jsonl, .jsonl.gz or folders of them)'],
  options: {
    '--data': { value: 'PATH', help: 'labelled traces; may be given several times' }, ...MEMORY_OPTION,
    '--limit': { value: 'N', help: 'at most N traces of a file, drawn at random, always the same' },
  },
  run: async (input, tools) => {
    const paths = [...input.options('--data'), ...input.words];
    if (paths.length === 0) throw new UsageError('eval needs --data: a file of labelled traces (.jsonl or .jsonl.gz), or a folder of them.');
    const memoryFile = input.option('--memory');
    return evaluateFiles({ ...tools, paths, limit: wholeNumber(input, '--limit'), engine: await tools.engine(memoryFile === undefined ? {} : { memoryFile }) });
  },
};

/** Answers whether everything named could be read. */
export async function evaluateFiles(options: EvalOptions): Promise<boolean> {
  const { engine, output, signal } = options;
  // All that ships is measured, whatever is switched off on screen.
  const settings: EffectiveSettings = { ...options.settings, dimensions: [] };
  const { manifest } = engine;
  const scorers = activeScorerIds(manifest, settings);
  const bootstrap = createBootstrap();
  let isClean = true;
  for await (const { file, traces, errors } of readLabelledFiles(options.paths)) {
    signal.throwIfAborted();
    if (output.isClosed()) break;
    for (const error of errors) {
      isClean = false;
      await output.write({ kind: 'error', ...error }, `${error.file}${error.line === undefined ? '' : `:${error.line}`}: ${error.message}`);
    }
    if (traces.length === 0) continue;
    const sample = sampled(traces, options.limit);
    const judged = await judgeTraces(file, sample, { ...options, settings, scorers });
    const found = evaluate(judged, { scorers, dimensions: activeDimensions(manifest, settings), firstErrorThreshold: manifest.thresholds.firstError, bootstrap });
    const record = {
      kind: 'evaluation', file, dimension: PRIMARY_DIMENSION, ...found,
      sample: sample.length < traces.length ? { of: traces.length, seed: BOOTSTRAP_SEED } : null,
      models: { backbone: manifest.backbone.sha256, scorers: Object.fromEntries(manifest.scorers.filter((s) => scorers.includes(s.id)).map((s) => [s.id, s.version])) },
    } as const;
    await output.write(record, evaluationText(record));
  }
  return isClean;
}

/** At most `limit` traces, drawn at random but always the same, in the order of the file. */
export function sampled<T>(items: readonly T[], limit: number | undefined): readonly T[] {
  if (limit === undefined || limit >= items.length) return items;
  const random = seededRandom(BOOTSTRAP_SEED);
  const drawn = items.map((_, index) => ({ index, key: random() })).sort((a, b) => a.key - b.key || a.index - b.index).slice(0, limit).map((d) => d.index);
  return drawn.sort((a, b) => a - b).flatMap((index) => items[index] ?? []);
}

type JudgeOptions = Omit<EvalOptions, 'paths' | 'limit' | 'output'> & { readonly scorers: readonly string[] };

/** One a trace, in order. */
async function judgeTraces(file: string, traces: readonly LabelledTrace[], options: JudgeOptions): Promise<readonly JudgedTrace[]> {
  const total = traces.reduce((sum, t) => sum + wantedSteps(t).length, 0);
  const progress = createProgress({ title: file, total, unit: 'steps', stream: process.stderr, isTerminal: process.stderr.isTTY, nowMs: () => performance.now() });
  const judged: JudgedTrace[] = [];
  try {
    for (const group of groupedByProblem(traces)) await judgeProblem(group.map((index) => ({ index, labelled: traces[index] })), judged, { ...options, progress });
  } finally {
    progress.end();
  }
  return judged;
}

/** Positions of traces by problem, so that what they share is read once. */
function groupedByProblem(traces: readonly LabelledTrace[]): Iterable<readonly number[]> {
  const groups = new Map<string, number[]>();
  traces.forEach(({ problem }, index) => {
    const group = groups.get(problem);
    if (group === undefined) groups.set(problem, [index]);
    else group.push(index);
  });
  return groups.values();
}

/** Traces of one problem: the longest first, so that contexts which are its beginnings are scored along with it. */
async function judgeProblem(group: readonly { readonly index: number; readonly labelled: LabelledTrace | undefined }[], judged: JudgedTrace[], options: JudgeOptions & { readonly progress: Progress }): Promise<void> {
  const { engine, settings, ports, scorers, signal } = options;
  const prepared = group.flatMap(({ index, labelled }) => {
    if (labelled === undefined) return [];
    const work = prepareTrace(labelledPlanTrace(labelled), { manifest: engine.manifest, maxStepCharacters: settings.limits.maxStepCharacters, sha256: ports.sha256 });
    return [{ index, labelled, work, wanted: wantedSteps(labelled) }];
  });
  const needed = new Set(prepared.flatMap(({ work, wanted }) => wanted.flatMap((i) => work.steps[i]?.chainKey ?? [])));
  const rawByChainKey = new Map<string, RawByScorer>();
  for (const { index, labelled, work, wanted } of prepared.toSorted((a, b) => b.labelled.steps.length - a.labelled.steps.length || a.index - b.index)) {
    signal.throwIfAborted();
    const pending = work.steps.flatMap((s, i) => (s.unscored === undefined && needed.has(s.chainKey) && !rawByChainKey.has(s.chainKey) ? [i] : []));
    await engine.scorer.score({
      work, scorers, pending, signal,
      onScored: (scored) => scored.forEach(({ stepIndex, raw }) => {
        const step = work.steps[stepIndex];
        if (step !== undefined) rawByChainKey.set(step.chainKey, raw);
      }),
    });
    judged[index] = judgedTrace(labelled, work, { ...options, rawByChainKey });
    options.progress.advance(wanted.length);
  }
}

/** Those with a label; all of a run whose outcome is known. */
function wantedSteps(labelled: LabelledTrace): readonly number[] {
  return labelled.labels.flatMap((label, i) => (label !== null || labelled.outcome !== undefined ? [i] : []));
}

/** What `stepscope score` would print of the trace, beside its labels. */
function judgedTrace(labelled: LabelledTrace, work: TraceWork, options: JudgeOptions & { readonly rawByChainKey: ReadonlyMap<string, RawByScorer> }): JudgedTrace {
  const { engine: { manifest }, scorers, settings } = options;
  const rawByStepId = new Map(work.steps.flatMap((s): (readonly [string, RawScore])[] => {
    const raw = s.unscored === undefined ? options.rawByChainKey.get(s.chainKey) : undefined;
    return raw === undefined ? [] : [[s.step.stepId, { raw, chainKey: s.chainKey }]];
  }));
  const scored = presentTrace({
    work, rawByStepId, labelByStepId: new Map(), deltaByStepId: new Map(), ruleFindings: RULES.flatMap((rule) => rule.check(work.trace)), manifest, scorers, settings, isExcluded: () => false,
  });
  const entries = manifest.scorers.filter((s) => scorers.includes(s.id));
  const steps = work.steps.map((stepWork, i): JudgedStep => {
    const state = scored.steps[i];
    const raw = rawByStepId.get(stepWork.step.stepId)?.raw;
    const isShown = state !== undefined && displayConsensus(state) !== undefined;
    const voices = entries.flatMap((entry) => {
      const [scorer, values] = [findScorer(entry.id), raw?.get(entry.id)];
      const shown = state === undefined ? undefined : findResult(state.bundle, PRIMARY_DIMENSION, entry.id);
      if (scorer === undefined || values === undefined || shown?.kind !== 'scored') return [];
      return [[entry.id, { raw: readRow(scorer, entry, splitOutputs(entry, values), PRIMARY_DIMENSION)(scorer.mainOutput), probability: shown.score }] as const];
    });
    return {
      label: labelled.labels[i] ?? null, length: labelled.steps[i]?.length ?? 0, voices: Object.fromEntries(voices), consensus: isShown ? state.bundle.all().consensusByDimension : {},
    };
  });
  const logit = runLogit(work, rawByStepId, options);
  return {
    dataset: labelled.dataset, problem: labelled.problem, steps, ...(labelled.outcome === undefined ? {} : { outcome: labelled.outcome }),
    ...(logit === undefined ? {} : { run: { logit, ...(scored.outcome === undefined ? {} : { probability: scored.outcome.probability }) } }),
  };
}

/** hrm's word on the whole run after its last step, before calibration. */
function runLogit(work: TraceWork, rawByStepId: ReadonlyMap<string, RawScore>, { engine: { manifest }, scorers }: JudgeOptions): number | undefined {
  const entry = manifest.scorers.find((s) => s.id === 'hrm');
  const last = work.steps.findLast((s) => s.unscored === undefined);
  const values = last === undefined ? undefined : rawByStepId.get(last.step.stepId)?.raw.get('hrm');
  return entry === undefined || values === undefined || !scorers.includes('hrm') ? undefined : splitOutputs(entry, values)['run_logit']?.[0];
}
