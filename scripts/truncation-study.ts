/**
 * What cutting tool results at 500 characters does to scores, and whether the corpus finds the culprit.
 * After `npm run build`: `node scripts/truncation-study.ts [--data ../shared/data] [--limit N] [--memory FILE] [--out docs/truncation-study.md] [name…]`.
 * Names choose files of traces by a part of their names. `--limit`: at most N traces of a file, drawn at random, always the same; with `--memory` a second run scores nothing twice.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readLabelledFiles } from '../server/src/cli/labelledFiles.ts';
import { createProgress } from '../server/src/cli/progress.ts';
import { defaultSettings } from '../server/src/core/effectiveSettings.ts';
import type { ExecutionStep, PlanTrace } from '../server/src/core/planTrace.ts';
import { presentTrace } from '../server/src/features/presentTrace.ts';
import type { RawScore } from '../server/src/features/presentTrace.ts';
import { recordsOfTrace } from '../server/src/features/scoreRecords.ts';
import { displayConsensus } from '../server/src/features/scoredTrace.ts';
import { labelledPlanTrace } from '../server/src/formats/labelledTrace.ts';
import type { LabelledTrace } from '../server/src/formats/labelledTrace.ts';
import { loadEngine } from '../server/src/host/engine.ts';
import { sha256 } from '../server/src/host/files.ts';
import { shippedLayout } from '../server/src/host/layout.ts';
import type { Engine } from '../server/src/lsp/ports.ts';
import { activeScorerIds } from '../server/src/scoring/activeScorers.ts';
import { BOOTSTRAP_SEED, seededRandom } from '../server/src/scoring/evaluation/bootstrap.ts';
import { runOutcome } from '../server/src/scoring/runOutcome.ts';
import { RULES } from '../server/src/scoring/rules/index.ts';
import { prepareTrace } from '../server/src/scoring/traceWork.ts';
import { CUT_CHARACTERS, CUT_TYPE, PLANTED_TYPE, truncationReport } from './truncationReport.ts';
import type { Arm, StudyTrace } from './truncationReport.ts';

const FILES = ['train/agent_outcomes_tau.jsonl.gz', 'train/agent_outcomes_terminal.jsonl.gz', 'train/agentrx_tau_retail.jsonl.gz'] as const;
/** Traces of a file that are scored once more at the end, whatever is stored. */
const REPEATED = 1;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundles = join(root, 'dist/server');
const settings = { ...defaultSettings(), scorers: [], dimensions: [] };

interface Given { readonly files: readonly string[]; readonly data: string; readonly out: string; readonly limit: number | undefined; readonly memory: string | undefined }

async function main(): Promise<void> {
  const { values, positionals: names } = parseArgs({ allowPositionals: true, options: { data: { type: 'string' }, limit: { type: 'string' }, memory: { type: 'string' }, out: { type: 'string' } } });
  const given: Given = {
    files: FILES.filter((f) => names.length === 0 || names.some((n) => f.includes(n))), data: resolve(values.data ?? join(root, '../shared/data')), out: resolve(values.out ?? join(root, 'docs/truncation-study.md')),
    limit: values.limit === undefined ? undefined : Number(values.limit), memory: values.memory,
  };
  if (given.limit !== undefined && !(Number.isInteger(given.limit) && given.limit > 1)) throw new Error('--limit needs a whole number from 2 on.');
  if (given.files.length === 0) throw new Error(`No file is named so; there are ${FILES.join(', ')}.`);
  if (!existsSync(given.data)) throw new Error(`There is no folder ${given.data}; name the one with the labelled traces: --data FOLDER.`);
  if (!existsSync(join(bundles, 'inferenceWorker.js'))) throw new Error('Build first: npm run build.');
  const engine = await loadEngine({ layout: shippedLayout(bundles), settings, memoryFile: given.memory, onNotice: (m) => console.error(m) });
  try {
    await study(engine, given);
  } finally {
    await engine.close();
  }
}

async function study(engine: Engine, given: Given): Promise<void> {
  const traces: StudyTrace[] = [];
  let largestDifference = 0;
  let repeated = 0;
  for await (const { file, traces: all, errors } of readLabelledFiles(given.files.map((f) => join(given.data, f)))) {
    errors.forEach((e) => console.error(`${e.file}: ${e.message}`));
    const name = file.slice(file.lastIndexOf('/') + 1).replace('.jsonl.gz', '');
    const chosen = drawn(all, given.limit);
    // One half is cut, the other is left alone; which is which is drawn, not chosen.
    const isCut = halves(chosen.length);
    const progress = createProgress({ title: name, total: chosen.length, unit: 'traces', stream: process.stderr, isTerminal: process.stderr.isTTY, nowMs: () => performance.now() });
    for (const [i, labelled] of chosen.entries()) {
      const arms: readonly Arm[] = isCut[i] === true ? ['whole', 'cut'] : ['control'];
      for (const arm of arms) traces.push({ file: name, total: all.length, number: i, ...(await scoreTrace(engine, labelled, { arm, name })) });
      progress.advance(1);
    }
    progress.end();
    for (const [i, labelled] of chosen.entries()) {
      const before = traces.find((t) => t.file === name && t.number === i && t.arm === 'whole');
      if (before === undefined || repeated >= REPEATED * FILES.length) continue;
      const again = await scoreTrace(engine, labelled, { arm: 'whole', name, isFresh: true });
      repeated++;
      again.steps.forEach((s, k) => (largestDifference = Math.max(largestDifference, Math.abs((s.score ?? 0) - (before.steps[k]?.score ?? 0)))));
      break;
    }
  }
  const { manifest } = engine;
  const command = ['node scripts/truncation-study.ts', ...(given.limit === undefined ? [] : [`--limit ${given.limit}`]), ...(given.files.length === FILES.length ? [] : given.files.map((f) => f.replace(/^train\//, '').replace('.jsonl.gz', '')))].join(' ');
  const text = truncationReport(traces, {
    command, limit: given.limit, repaired: { traces: repeated, largestDifference }, firstErrorBelow: manifest.thresholds.firstError,
    models: `backbone ${manifest.backbone.sha256.slice(0, 12)}, ${manifest.scorers.map((s) => `${s.id} ${s.version}`).join(', ')}`,
  });
  await writeFile(given.out, text);
  console.log(text);
  console.error(`Written to ${relative(process.cwd(), given.out)}.`);
}

type Scored = Omit<StudyTrace, 'file' | 'total' | 'number'>;

async function scoreTrace(engine: Engine, labelled: LabelledTrace, options: { readonly arm: Arm; readonly name: string; readonly isFresh?: boolean }): Promise<Scored> {
  const { manifest } = engine;
  const trace = typedTrace(labelled, options.arm);
  const work = prepareTrace(trace, { manifest, maxStepCharacters: settings.limits.maxStepCharacters, sha256 });
  const scorers = activeScorerIds(manifest, settings);
  const raws = new Map<string, RawScore>();
  await engine.scorer.score({
    work, scorers, pending: work.steps.flatMap((s, i) => (s.unscored === undefined ? [i] : [])), signal: new AbortController().signal, ...(options.isFresh === true ? { isFresh: true } : {}),
    onScored: (scored) => scored.forEach(({ stepIndex, raw }) => {
      const step = work.steps[stepIndex];
      if (step !== undefined) raws.set(step.step.stepId, { raw, chainKey: step.chainKey });
    }),
  });
  const findings = RULES.flatMap((rule) => rule.check(trace));
  const scored = presentTrace({ work, rawByStepId: raws, labelByStepId: new Map(), deltaByStepId: new Map(), ruleFindings: findings, manifest, scorers, settings, isExcluded: () => false });
  const last = work.steps.findLast((s) => s.unscored === undefined);
  const raw = last === undefined ? undefined : raws.get(last.step.stepId)?.raw;
  const run = raw === undefined ? undefined : runOutcome(manifest, raw)?.probability;
  return {
    arm: options.arm, outcome: labelled.outcome, run, recorded: recordsOfTrace(options.name, scored),
    steps: trace.steps.map((step, i) => {
      const state = scored.steps[i];
      const consensus = state === undefined ? undefined : displayConsensus(state);
      return { type: step.stepType, isLong: isPlanted(step) && contentOf(labelled.steps[i] ?? '').length > CUT_CHARACTERS, isFound: findings.some((f) => f.stepIndex === i && f.code === 'output-truncated'), label: labelled.labels[i] ?? null, score: consensus?.score, uncertainty: consensus?.uncertainty };
    }),
  };
}

/** The steps by who speaks; in the arm `cut` what tools answer ends after 500 characters. */
function typedTrace(labelled: LabelledTrace, arm: Arm): PlanTrace {
  const trace = labelledPlanTrace(labelled);
  const steps = trace.steps.map((step): ExecutionStep => {
    const output = step.output ?? '';
    const role = /^(system|user|assistant|tool):/.exec(output)?.[1] ?? 'message';
    if (role !== PLANTED_TYPE || arm !== 'cut') return { ...step, stepType: role };
    return { ...step, stepType: CUT_TYPE, output: output.slice(0, output.length - contentOf(output).length) + cut(contentOf(output)) };
  });
  return { ...trace, traceId: `${labelled.dataset}/${labelled.id}`, planSignature: arm, steps, meta: { ...trace.meta, ...(labelled.outcome === undefined ? {} : { outcome: labelled.outcome }) } };
}

function isPlanted(step: ExecutionStep): boolean {
  return step.stepType === PLANTED_TYPE || step.stepType === CUT_TYPE;
}

function contentOf(text: string): string {
  return text.replace(/^\w+: ?/, '');
}

/** Never between the halves of one character. */
function cut(text: string): string {
  return text.slice(0, CUT_CHARACTERS).replace(/[\uD800-\uDBFF]$/, '');
}

function drawn<T>(items: readonly T[], limit: number | undefined): readonly T[] {
  if (limit === undefined || limit >= items.length) return items;
  return shuffled(items.length, BOOTSTRAP_SEED).slice(0, limit).sort((a, b) => a - b).flatMap((i) => items[i] ?? []);
}

function halves(count: number): readonly boolean[] {
  const first = new Set(shuffled(count, BOOTSTRAP_SEED + 1).slice(0, Math.ceil(count / 2)));
  return Array.from({ length: count }, (_, i) => first.has(i));
}

function shuffled(count: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => ({ i, key: random() })).sort((a, b) => a.key - b.key).map(({ i }) => i);
}

await main();
