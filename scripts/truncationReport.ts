/** The figures of the truncation study as a document. */
import { createCorpus } from '../server/src/corpus/scoreCorpus.ts';
import type { ScoreCorpus } from '../server/src/corpus/scoreCorpus.ts';
import { findPatterns } from '../server/src/corpus/patterns.ts';
import { recommendPatterns } from '../server/src/corpus/patternRecommendations.ts';
import type { RecordedScorable } from '../server/src/features/scoreRecords.ts';
import { logit } from '../server/src/scoring/calibration.ts';
import { BOOTSTRAP_SEED, createBootstrap, interval } from '../server/src/scoring/evaluation/bootstrap.ts';
import type { Draw, Interval } from '../server/src/scoring/evaluation/bootstrap.ts';
import { auroc, aurocDraws } from '../server/src/scoring/evaluation/ranking.ts';

export const CUT_CHARACTERS = 500;
export const PLANTED_TYPE = 'tool';
/** The planted type where it was cut: the loader that truncates, under a name of its own. */
export const CUT_TYPE = 'tool_cut';

/** `whole` and `cut` are the same traces before and after; `control` are the others. */
export type Arm = 'control' | 'whole' | 'cut';

export interface StudyStep {
  readonly type: string;
  /** A tool result of more than 500 characters, before the cut. */
  readonly isLong: boolean;
  /** The rule output-truncated speaks up. */
  readonly isFound: boolean;
  readonly label: number | null;
  readonly score: number | undefined;
  readonly uncertainty: number | undefined;
}

export interface StudyTrace {
  readonly file: string;
  /** Traces of the file, drawn or not. */
  readonly total: number;
  /** Place among those drawn. */
  readonly number: number;
  readonly arm: Arm;
  readonly outcome: number | undefined;
  /** hrm's chance that the run succeeds. */
  readonly run: number | undefined;
  readonly recorded: readonly RecordedScorable[];
  readonly steps: readonly StudyStep[];
}

export interface StudyFacts {
  readonly command: string;
  readonly limit: number | undefined;
  readonly models: string;
  readonly firstErrorBelow: number;
  readonly repaired: { readonly traces: number; readonly largestDifference: number };
}

const bootstrap = createBootstrap();
/** Halves are drawn apart from each other. */
const otherBootstrap = createBootstrap({ seed: BOOTSTRAP_SEED + 7 });
const SUCCESS = 0.5;
/** Fewer traces on a side give no interval worth the name. */
const FEWEST_TRACES = 8;
/** Differences of scores below this are none. */
const SAME = 1e-6;

export function truncationReport(traces: readonly StudyTrace[], facts: StudyFacts): string {
  const files = [...new Set(traces.map((t) => t.file))];
  const counts = files.map((f) => `${traces.filter((t) => t.file === f && t.arm !== 'cut').length} of ${traces.find((t) => t.file === f)?.total ?? 0} traces of ${f}`);
  return `${[
    '# What truncated tool results do', '',
    `Written by \`${facts.command}\`; do not edit. In a random half of the agent traces every tool result is cut at ${CUT_CHARACTERS} characters; the other half is the control. Both halves are scored, and the cut half once more as it was.`, '',
    `Traces: ${counts.join(', ')}${facts.limit === undefined ? '' : ' (a sample: run without `--limit` for all)'}. Models: ${facts.models}. Brackets hold 95 % of 1,000 resamplings of whole traces; from fewer than ${FEWEST_TRACES} traces there are none. The scorers were trained on traces of these files: levels are flattered by that, differences between halves less so.`, '',
    '## The planted step', '',
    `Uncertainty is the consensus' chance of being wrong, on tool results. "Same traces" sets the cut half against itself before the cut, so that the draw of the halves plays no part; the last columns leave out results that were short enough to stay whole.`, '',
    ...table(['traces', 'tool results', 'cut', 'control', 'cut half', 'ratio', 'ratio, same traces', 'ratio, cut results only', 'score, cut results only'], [...files, ...(files.length > 1 ? ['all'] : [])].map((f) => plantedRow(f, f === 'all' ? traces : traces.filter((t) => t.file === f)))), '',
    foundText(traces), '',
    '## Does the corpus name it?', '',
    `\`corpus.groupBy('stepType', uncertainty)\`, most uncertain first, with the lift against all steps. A type that is first without any cut proves nothing by being first with it: the control stands beside. "Share" is the share of resamplings in which the planted type is first.`, '',
    ...table(['corpus', 'step types by uncertainty', 'planted type first', 'share'], corpora(traces).map(queryRow)), '',
    '## What the patterns say', '', ...patternLines(traces, facts), '',
    '## What the cut costs', '',
    'AUROC for the outcome of runs (0.5 and more is a success) and for the steps that people labelled. Lost: whole less cut, the same traces.', '',
    ...table(['traces', 'figure', 'n', 'control', 'whole', 'cut', 'lost by cutting'], files.flatMap((f) => lossRows(f, traces.filter((t) => t.file === f)))), '',
    '## Repair', '',
    `A score hangs on goal, context and text alone: with the full results back, the scores of "whole" are back. Scored afresh after the cut, without anything stored, ${facts.repaired.traces} ${facts.repaired.traces === 1 ? 'trace' : 'traces'} differed from before it by at most ${facts.repaired.largestDifference === 0 ? '0' : facts.repaired.largestDifference.toExponential(1)}${facts.repaired.largestDifference < SAME ? ': what was lost is regained in full' : ''}.`,
  ].join('\n')}\n`;
}

/** `unit` 1 a step with a number. */
interface Sum { readonly total: number; readonly n: number }

const isToolResult = (s: StudyStep): boolean => s.type === PLANTED_TYPE || s.type === CUT_TYPE;

function sumsOf(traces: readonly StudyTrace[], valueOf: (step: StudyStep) => number | undefined): readonly Sum[] {
  return traces.map((t) => {
    const values = t.steps.flatMap((s) => valueOf(s) ?? []);
    return { total: values.reduce((a, b) => a + b, 0), n: values.length };
  });
}

function meanOf(sums: readonly Sum[], draw?: Draw): number {
  let [total, n] = [0, 0];
  for (const [i, sum] of sums.entries()) {
    const weight = draw === undefined ? 1 : draw[i] ?? 0;
    total += weight * sum.total;
    n += weight * sum.n;
  }
  return total / n;
}

function plantedRow(name: string, traces: readonly StudyTrace[]): readonly string[] {
  const of = (arm: Arm): readonly StudyTrace[] => traces.filter((t) => t.arm === arm);
  const uncertainty = (isOnlyLong: boolean) => (s: StudyStep): number | undefined => (isToolResult(s) && (!isOnlyLong || s.isLong) ? s.uncertainty : undefined);
  const [control, whole, cut] = [of('control'), of('whole'), of('cut')].map((t) => sumsOf(t, uncertainty(false)));
  const [wholeLong, cutLong] = [of('whole'), of('cut')].map((t) => sumsOf(t, uncertainty(true)));
  const [wholeScore, cutScore] = [of('whole'), of('cut')].map((t) => sumsOf(t, (s) => (s.isLong ? s.score : undefined)));
  const results = of('cut').flatMap((t) => t.steps.filter(isToolResult));
  return [
    name, String(results.length), String(results.filter((s) => s.isLong).length), fixed(meanOf(control ?? [])), fixed(meanOf(cut ?? [])),
    ranged(apart(cut ?? [], control ?? [])), ranged(together(cut ?? [], whole ?? [], (a, b) => a / b)), ranged(together(cutLong ?? [], wholeLong ?? [], (a, b) => a / b)),
    `${fixed(meanOf(wholeScore ?? []))} → ${fixed(meanOf(cutScore ?? []))}, ${ranged(together(cutScore ?? [], wholeScore ?? [], (a, b) => a - b))}`,
  ];
}

/** What the rule that looks for cut texts can see of it. */
function foundText(traces: readonly StudyTrace[]): string {
  const [whole, cut] = (['whole', 'cut'] as const).map((arm) => traces.filter((t) => t.arm === arm).flatMap((t) => t.steps.filter((s) => s.isLong)));
  return `The rule output-truncated looks for the marks that tools leave where they cut; this cut leaves none. It speaks up on ${cut?.filter((s) => s.isFound).length ?? 0} of the ${cut?.length ?? 0} cut results and on ${whole?.filter((s) => s.isFound).length ?? 0} of them before the cut.`;
}

interface Figure { readonly value: number; readonly interval: Interval | null }

/** Ratio of the means of two sets of traces, each drawn on its own. */
function apart(a: readonly Sum[], b: readonly Sum[]): Figure {
  const [first, second] = [bootstrap.drawsOf(a.length), otherBootstrap.drawsOf(b.length)];
  return { value: meanOf(a) / meanOf(b), interval: bounds(Math.min(a.length, b.length), first.map((draw, i) => meanOf(a, draw) / meanOf(b, second[i]))) };
}

/** The same traces twice: both are drawn together. */
function together(a: readonly Sum[], b: readonly Sum[], of: (a: number, b: number) => number): Figure {
  return { value: of(meanOf(a), meanOf(b)), interval: bounds(a.length, bootstrap.drawsOf(a.length).map((draw) => of(meanOf(a, draw), meanOf(b, draw)))) };
}

function bounds(traces: number, values: readonly number[]): Interval | null {
  return traces < FEWEST_TRACES ? null : interval(values);
}

interface Corpus { readonly title: string; readonly planted: string; readonly traces: readonly StudyTrace[]; readonly corpus: ScoreCorpus }

/** Control, the other half before and after, and both halves with the truncating loader under the same name and under its own. */
function corpora(traces: readonly StudyTrace[]): readonly Corpus[] {
  const of = (...arms: readonly Arm[]): readonly StudyTrace[] => traces.filter((t) => arms.includes(t.arm));
  const made = (title: string, part: readonly StudyTrace[], planted: string): Corpus => ({ title, planted, traces: part, corpus: corpusOf(part, planted) });
  return [
    made('control half', of('control'), PLANTED_TYPE), made('cut half before the cut', of('whole'), PLANTED_TYPE), made('cut half', of('cut'), PLANTED_TYPE),
    made('both halves, one name', of('control', 'cut'), PLANTED_TYPE), made(`both halves, cut results named ${CUT_TYPE}`, of('control', 'cut'), CUT_TYPE),
  ];
}

/** With `planted` the planted type's own name, cut results are told from whole ones; else they share a name. */
function corpusOf(traces: readonly StudyTrace[], planted: string): ScoreCorpus {
  const corpus = createCorpus();
  const named = (type: string): string => (type === CUT_TYPE ? planted : type);
  for (const { scorable, records } of traces.flatMap((t) => t.recorded)) {
    corpus.addScorable({
      ...scorable, stepType: named(scorable.stepType), ...(scorable.previousStepType === undefined ? {} : { previousStepType: named(scorable.previousStepType) }),
      ...(scorable.nextStepType === undefined ? {} : { nextStepType: named(scorable.nextStepType) }),
    });
    records.forEach((r) => corpus.addScore(r));
  }
  return corpus;
}

function queryRow({ title, planted, traces, corpus }: Corpus): readonly string[] {
  const { rows } = corpus.groupBy('stepType', { dimension: 'reasoning_quality', scorer: 'consensus', metric: 'uncertainty' });
  const known = rows.filter((r) => r.mean !== null);
  const types = known.map((r) => r.key ?? '');
  const sums = types.map((type) => sumsOf(traces, (s) => ((s.type === CUT_TYPE ? planted : s.type) === type ? s.uncertainty : undefined)));
  const draws = bootstrap.drawsOf(traces.length);
  const firsts = draws.filter((draw) => {
    const means = sums.map((s) => meanOf(s, draw));
    const at = types.indexOf(planted);
    return means.every((m, i) => i === at || Number.isNaN(m) || m < (means[at] ?? Number.NaN));
  }).length;
  return [title, known.map((r) => `${r.key ?? ''} ${fixed(r.mean ?? Number.NaN)} (${fixed(r.lift ?? Number.NaN)})`).join(', '), types[0] === planted ? 'yes' : 'no', traces.length < FEWEST_TRACES ? '–' : `${Math.round((100 * firsts) / draws.length)} %`];
}

function patternLines(traces: readonly StudyTrace[], facts: StudyFacts): readonly string[] {
  const both = corpora(traces).at(-1);
  if (both === undefined) return [];
  const found = findPatterns(both.corpus, { firstErrorBelow: facts.firstErrorBelow });
  const advice = recommendPatterns(found).filter((r) => r.kind === 'bottleneck');
  const planted = found.patterns.find((p) => p.kind === 'step_type' && p.values[0] === CUT_TYPE);
  return [
    `Both halves, cut results named ${CUT_TYPE}. Bottlenecks:`, '', ...(advice.length === 0 ? ['- none'] : advice.slice(0, 5).map((r) => `- ${r.text}`)), '',
    planted === undefined ? `There are too few ${CUT_TYPE} steps for a pattern.`
      : `${CUT_TYPE} itself: uncertainty lift ${fixed(planted.stats.uncertainty?.lift ?? Number.NaN)} (a fault from 1.5 on), ${planted.faults.length === 0 ? 'no fault' : planted.faults.join(', ')}; it starts ${found.failures.byStepType.find((s) => s.stepType === CUT_TYPE)?.share.count ?? 0} of ${found.failures.basis.label + found.failures.basis.score} failures.`,
  ];
}

function lossRows(file: string, traces: readonly StudyTrace[]): readonly (readonly string[])[] {
  const of = (arm: Arm): readonly StudyTrace[] => traces.filter((t) => t.arm === arm);
  const runRows = (traceSet: readonly StudyTrace[], scoreOf: (t: StudyTrace) => number | undefined): Rows => rowsOf(traceSet.map((t) => (t.outcome === undefined ? [] : [{ score: scoreOf(t), isGood: t.outcome >= SUCCESS }])));
  const stepRows = (traceSet: readonly StudyTrace[]): Rows => rowsOf(traceSet.map((t) => t.steps.flatMap((s) => (s.label === 1 || s.label === 0 ? [{ score: s.score, isGood: s.label === 1 }] : []))));
  const scores = (t: StudyTrace): readonly number[] => t.steps.flatMap((s) => s.score ?? []);
  const figures: readonly (readonly [string, (t: readonly StudyTrace[]) => Rows])[] = [
    ['outcome by chance of success (hrm)', (t) => runRows(t, (x) => x.run)],
    ['outcome by mean of steps', (t) => runRows(t, (x) => (scores(x).length === 0 ? undefined : scores(x).reduce((sum, s) => sum + logit(s), 0) / scores(x).length))],
    ['outcome by lowest step', (t) => runRows(t, (x) => (scores(x).length === 0 ? undefined : scores(x).reduce((a, b) => Math.min(a, b))))],
    ['labels by step score', stepRows],
  ];
  return figures.flatMap(([title, rows]) => {
    const [control, whole, cut] = [rows(of('control')), rows(of('whole')), rows(of('cut'))];
    if (whole.score.length === 0) return [];
    const [before, after] = [auroc(whole.score, whole.isGood), auroc(cut.score, cut.isGood)];
    const draws = bootstrap.drawsOf(of('whole').length);
    const [drawnBefore, drawnAfter] = [aurocDraws(whole, draws), aurocDraws(cut, draws)];
    const lost = before === null || after === null ? '–' : ranged({ value: before - after, interval: bounds(of('whole').length, drawnBefore.map((b, i) => b - (drawnAfter[i] ?? Number.NaN))) });
    return [[file, title, String(whole.score.length), fixed(auroc(control.score, control.isGood)), fixed(before), fixed(after), lost]];
  });
}

interface Rows { readonly score: readonly number[]; readonly isGood: readonly number[]; readonly problem: readonly number[] }

/** `problem` numbers the traces, which are drawn as wholes. */
function rowsOf(byTrace: readonly (readonly { readonly score: number | undefined; readonly isGood: boolean }[])[]): Rows {
  const rows = byTrace.flatMap((of, problem) => of.flatMap(({ score, isGood }) => (score === undefined ? [] : [{ score, isGood: isGood ? 1 : 0, problem }])));
  return { score: rows.map((r) => r.score), isGood: rows.map((r) => r.isGood), problem: rows.map((r) => r.problem) };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function ranged({ value, interval: range }: Figure): string {
  return `${fixed(value)}${range === null ? '' : ` [${fixed(range[0])}, ${fixed(range[1])}]`}`;
}

function fixed(value: number | null): string {
  return value === null || Number.isNaN(value) ? '–' : value.toFixed(3);
}
