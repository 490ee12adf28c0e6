/** One trace file as the server knows it, and the views of it that editors show. */
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import { matchLabels } from '../core/labels.ts';
import type { LabelRecord } from '../core/labels.ts';
import { buildLineIndex } from '../core/lineIndex.ts';
import type { LineIndex } from '../core/lineIndex.ts';
import type { PlanTrace, TraceWarning } from '../core/planTrace.ts';
import type { Finding, Problem } from '../core/problems.ts';
import { severityOf } from '../core/effectiveSettings.ts';
import { capProblems, worstFirst } from './problems.ts';
import { presentTrace } from './presentTrace.ts';
import type { RawScore } from './presentTrace.ts';
import { renderReadable } from './readable.ts';
import type { PageLink } from './readable.ts';
import type { ScoredTrace } from './scoredTrace.ts';
import type { ParsedFile } from '../formats/format.ts';
import type { ScoreDelta } from '../corpus/scoreMemory.ts';
import type { ModelManifest } from '../scoring/manifest.ts';
import { RULES } from '../scoring/rules/index.ts';
import { prepareTrace } from '../scoring/traceWork.ts';
import type { TraceWork } from '../scoring/traceWork.ts';

export interface TraceFile {
  readonly uri: string;
  readonly path: string;
  readonly settings: EffectiveSettings;
  readonly lines: LineIndex;
  readonly textLength: number;
  readonly parsed: ParsedFile;
  /** Unpacked from the file: its steps have no place in it, its Problems stand at the first line. */
  readonly isVirtual: boolean;
  readonly works: readonly TraceWork[];
  readonly findings: readonly (readonly Finding[])[];
  /** By trace id, then step id; filled while scoring. */
  readonly rawByTraceId: ReadonlyMap<string, Map<string, RawScore>>;
  labels: readonly LabelRecord[];
  /** By trace id, then step id: how its consensus changed when it was last scored anew. */
  readonly deltasByTraceId: Map<string, Map<string, ScoreDelta>>;
}

/** A text that shows a trace file: the file itself, or the readable rendering. */
export interface TraceView {
  readonly uri: string;
  readonly source: TraceFile;
  readonly lines: LineIndex;
  /** Every step stands on one line of the text, or in no text an editor shows, so that one chip must do. */
  readonly isSingleLine: boolean;
  readonly traces: readonly ScoredTrace[];
  /** Of the whole text, worst first, capped. */
  readonly problems: readonly { readonly problem: Problem; readonly traceId: string; readonly stepId: string | null }[];
}

export interface ViewContext {
  readonly manifest: ModelManifest | undefined;
  readonly scorersOf: (settings: EffectiveSettings) => readonly string[];
  readonly matchesGlob: (path: string, globs: readonly string[]) => boolean;
  readonly labelKeyOf: (path: string) => string;
  readonly textHashOf: (text: string) => string;
}

/** Builds the state of a file from its text, keeping the raw scores of the state before. */
export function buildTraceFile(input: {
  readonly uri: string;
  readonly path: string;
  readonly text: string;
  readonly parsed: ParsedFile;
  readonly isVirtual?: boolean;
  readonly settings: EffectiveSettings;
  readonly manifest: ModelManifest | undefined;
  readonly sha256: (text: string) => string;
  readonly labels: readonly LabelRecord[];
  readonly before: TraceFile | undefined;
}): TraceFile {
  const { parsed, manifest, before } = input;
  const works = parsed.traces.map((trace) => prepareOrList(trace, { manifest, maxStepCharacters: input.settings.limits.maxStepCharacters, sha256: input.sha256 }));
  return {
    uri: input.uri, path: input.path, settings: input.settings, lines: buildLineIndex(input.text), textLength: input.text.length, parsed, isVirtual: input.isVirtual === true, works,
    findings: parsed.traces.map(runRules),
    rawByTraceId: new Map(parsed.traces.map((t) => [t.traceId, before?.rawByTraceId.get(t.traceId) ?? new Map<string, RawScore>()])),
    labels: input.labels,
    deltasByTraceId: before?.deltasByTraceId ?? new Map(),
  };
}

/** Indices of the steps of a trace whose score is missing or out of date for these scorers. */
export function pendingSteps(file: TraceFile, traceIndex: number, scorers: readonly string[]): readonly number[] {
  const work = file.works[traceIndex];
  const raws = work === undefined ? undefined : file.rawByTraceId.get(work.trace.traceId);
  if (work === undefined || raws === undefined) return [];
  return work.steps.flatMap((s, i) => {
    if (s.unscored !== undefined) return [];
    const known = raws.get(s.step.stepId);
    return known !== undefined && known.chainKey === s.chainKey && scorers.every((id) => known.raw.has(id)) ? [] : [i];
  });
}

/** The file as it stands on disk or in the editor. */
export function sourceView(file: TraceFile, context: ViewContext): TraceView {
  const traces = file.works.map((work, i) => present(file, { work, findings: file.findings[i] ?? [] }, context));
  return view(file, { uri: file.uri, lines: file.lines, traces, fileWarnings: file.parsed.warnings }, context);
}

export interface ReadableView {
  readonly text: string;
  readonly view: TraceView;
  readonly links: readonly PageLink[];
}

/** A page, from 1, of the readable rendering of what a file shows. Scores and Problems are the file's; only their places are others. */
export function readableView(source: TraceView, at: { readonly uri: string; readonly page: number }, context: ViewContext): ReadableView {
  const file = source.source;
  const readable = renderReadable(file.parsed.traces, at.page);
  const traces = source.traces.flatMap((scored, i): readonly ScoredTrace[] => {
    const trace = readable.traces[i];
    if (trace === undefined) return [];
    const stepByStart = new Map(scored.trace.steps.flatMap((step, k) => (step.range === null ? [] : [[step.range.start, k] as const])));
    return [{ ...scored, trace, problems: scored.problems.flatMap((problem) => placedIn(trace, problem, { before: scored.trace, stepByStart }) ?? []) }];
  });
  return { text: readable.text, links: readable.links, view: view(file, { uri: at.uri, lines: buildLineIndex(readable.text), traces, fileWarnings: [] }, context) };
}

/** A Problem where its step, or its trace, stands in another text; undefined where it does not stand there. */
function placedIn(trace: PlanTrace, problem: Problem, { before, stepByStart }: { readonly before: PlanTrace; readonly stepByStart: ReadonlyMap<number, number> }): Problem | undefined {
  const step = problem.stepIndex === undefined ? undefined : trace.steps[problem.stepIndex];
  const range = problem.stepIndex === undefined ? trace.goalRange : step?.textRange ?? step?.range ?? null;
  if (range === null) return undefined;
  const own = problem.stepIndex === undefined ? undefined : before.steps[problem.stepIndex]?.range;
  const evidence = problem.evidence.flatMap((e) => {
    const found = before.goalRange !== null && e.range.start === before.goalRange.start ? trace.goalRange
      : own !== null && own !== undefined && own.start <= e.range.start && e.range.end <= own.end ? step?.range
      : trace.steps[stepByStart.get(e.range.start) ?? -1]?.range;
    return found === null || found === undefined ? [] : [{ ...e, range: found }];
  });
  return { ...problem, range, evidence };
}

function prepareOrList(trace: PlanTrace, options: { readonly manifest: ModelManifest | undefined; readonly maxStepCharacters: number; readonly sha256: (text: string) => string }): TraceWork {
  const { manifest } = options;
  if (manifest !== undefined) return prepareTrace(trace, { ...options, manifest });
  return { trace, goalKey: '', steps: trace.steps.map((step) => ({ step, text: '', textKey: '', contextKey: '', chainKey: '', isShortened: false, unscored: 'no-model' })) };
}

function runRules(trace: PlanTrace): readonly Finding[] {
  return RULES.flatMap((rule) => rule.check(trace));
}

function present(file: TraceFile, part: { readonly work: TraceWork; readonly findings: readonly Finding[] }, context: ViewContext): ScoredTrace {
  const { trace } = part.work;
  return presentTrace({
    work: part.work, ruleFindings: part.findings, manifest: context.manifest, settings: file.settings, scorers: context.scorersOf(file.settings),
    rawByStepId: file.rawByTraceId.get(trace.traceId) ?? new Map(),
    labelByStepId: matchLabels(file.labels, { file: context.labelKeyOf(file.path), traceId: trace.traceId, steps: trace.steps, textHashOf: (s) => context.textHashOf(labelText(s)) }),
    deltaByStepId: file.deltasByTraceId.get(trace.traceId) ?? new Map(),
    isExcluded: (globs) => globs.length > 0 && context.matchesGlob(file.path, globs),
  });
}

/** The words by which a label finds its step again. */
export function labelText(step: PlanTrace['steps'][number]): string {
  return `${step.reasoning ?? ''}\n${step.output ?? step.input ?? ''}\n${step.tools.map((t) => `${t.name}${JSON.stringify(t.args)}`).join('\n')}`;
}

function view(file: TraceFile, parts: { readonly uri: string; readonly lines: LineIndex; readonly traces: readonly ScoredTrace[]; readonly fileWarnings: readonly TraceWarning[] }, context: ViewContext): TraceView {
  const problems = parts.traces.flatMap((scored) => scored.problems.map((problem) => ({
    problem, traceId: scored.trace.traceId, stepId: problem.stepIndex === undefined ? null : scored.trace.steps[problem.stepIndex]?.stepId ?? null,
  })));
  for (const warning of parts.fileWarnings) {
    const code = warning.code === 'unknown-records' ? 'unknown-records' : 'file-not-strict-json';
    const severity = severityOf(file.settings, code);
    if (severity === 'off' || context.matchesGlob(file.path, file.settings.problems[code]?.exclude ?? [])) continue;
    problems.push({ problem: { code, severity, range: warning.range, message: warning.message, evidence: [], weight: 0 }, traceId: '', stepId: null });
  }
  problems.sort((a, b) => worstFirst(a.problem, b.problem));
  const ownerOf = new Map(problems.map((p) => [p.problem, p] as const));
  const capped = capProblems(problems.map((p) => p.problem), file.settings.limits.maxProblemsPerFile);
  return {
    uri: parts.uri, source: file, lines: parts.lines, traces: parts.traces, isSingleLine: (file.isVirtual && parts.uri === file.uri) || isOnOneLine(parts.traces, parts.lines),
    problems: capped.map((problem) => ownerOf.get(problem) ?? { problem, traceId: '', stepId: null }),
  };
}

function isOnOneLine(traces: readonly ScoredTrace[], lines: LineIndex): boolean {
  const starts = traces.flatMap((t) => t.trace.steps.flatMap((s) => (s.range === null ? [] : [s.range.start])));
  const [first] = starts;
  const last = starts.at(-1);
  return first !== undefined && last !== undefined && starts.length > 1 && traces.length === 1 && lines.positionAt(first).line === lines.positionAt(last).line;
}
