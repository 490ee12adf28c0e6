/** From the spans of a file to its traces: the last part of every format that records spans. */
import type { OffsetRange, PlanTrace, TraceMeta } from '../core/planTrace.ts';
import { settled } from './jsonFields.ts';
import { stepDraft, type Judgements } from './spanDrafts.ts';
import { firstUserText, plainWords } from './spanMessages.ts';
import type { SpanReader, SpanReading, SpanScore } from './spanReading.ts';
import { spanSteps, type SpanStep } from './spanSteps.ts';
import { msInReach, spanTrees, type SpanNode, type SpanTree, type TraceSpan } from './spanTree.ts';
import { findWords } from './spanWords.ts';
import { assembleTrace, UniqueIds } from './traceAssembly.ts';

/** The file the spans came from. */
export interface SpanFile {
  readonly format: string;
  readonly formatVersion: string;
  readonly text: string;
  /** How the format understands a span. */
  readonly read: SpanReader;
  /** Whether the file ends in the middle, so that each trace's last step may grow. */
  readonly isCut: boolean;
  /** What the file says of a trace outside its spans, by trace id. */
  readonly about?: ReadonlyMap<string, TraceNotes> | undefined;
}

/** What a file says of a whole trace beside its spans. What is left out is taken from the spans. */
export interface TraceNotes {
  readonly goal?: { readonly text: string; readonly range: OffsetRange | null } | undefined;
  readonly finalOutputText?: string | undefined;
  readonly createdAt?: string | undefined;
  readonly meta?: TraceMeta | undefined;
  readonly scores?: readonly SpanScore[] | undefined;
  readonly range?: OffsetRange | undefined;
}

/** One trace for each trace id that holds a step, in order of its first span in the file. `spans` in file order. */
export function spanTraces(spans: readonly TraceSpan[], file: SpanFile, traceIds: UniqueIds = new UniqueIds()): PlanTrace[] {
  const read = spanTrees(spans).map((tree) => ({ tree, readings: new Map(tree.nodes.map((node) => [node, file.read(node.span)])) }));
  const scoresBySpan = scoresOfOthers(read.flatMap(({ readings }) => [...readings.values()]));
  const order = new Map(spans.map((span, i) => [span, i]));
  return read.flatMap(({ tree, readings }) => {
    const { steps, owners } = spanSteps(tree, readings);
    if (steps.length === 0) return [];
    const ownersBySpan = new Map([...owners].map(([node, step]) => [node.span, step]));
    const judgements = new Assigned(steps, tree, readings, { scoresBySpan, ofTrace: file.about?.get(tree.traceId)?.scores ?? [], owners });
    const last = steps.at(-1);
    const drafts = steps.map((step) =>
      stepDraft(step, {
        text: file.text,
        range: step.reading.wordsRange ?? stepRange(step, spans, { order, ownersBySpan }),
        isProvisional: file.isCut && step === last,
        judgements: judgements.of(step),
        traceLabels: step === steps[0] ? judgements.ofTrace().labels : [],
      }),
    );
    return [assembleTrace({ ...traceFields(tree, readings, steps, file), steps: drafts, importedScores: judgements.ofTrace().scores }, traceIds)];
  });
}

/** The step's span with those of its tools that stand right beside it in the file. */
function stepRange(step: SpanStep, spans: readonly TraceSpan[], where: { readonly order: ReadonlyMap<TraceSpan, number>; readonly ownersBySpan: ReadonlyMap<TraceSpan, SpanStep> }): OffsetRange {
  const own = step.node.span;
  const at = where.order.get(own) ?? 0;
  let { start, end } = own.range;
  for (const direction of [-1, 1]) {
    for (let i = at + direction; ; i += direction) {
      const span = spans[i];
      if (span === undefined || where.ownersBySpan.get(span) !== step) break;
      start = Math.min(start, span.range.start);
      end = Math.max(end, span.range.end);
    }
  }
  return { start, end };
}

/** Judgements that name another span, by its id. */
function scoresOfOthers(readings: readonly SpanReading[]): ReadonlyMap<string, readonly SpanScore[]> {
  const scores = new Map<string, SpanScore[]>();
  for (const reading of readings) {
    for (const score of reading.scores ?? []) {
      if (score.spanId === undefined || score.isOfTrace === true) continue;
      const group = scores.get(score.spanId);
      if (group === undefined) scores.set(score.spanId, [score]);
      else group.push(score);
    }
  }
  return scores;
}

interface ScoreSources {
  readonly scoresBySpan: ReadonlyMap<string, readonly SpanScore[]>;
  readonly ofTrace: readonly SpanScore[];
  readonly owners: ReadonlyMap<SpanNode, SpanStep>;
}

/** Which step each judgement of a trace is about; those about no step are about the trace. */
class Assigned {
  private readonly byStep = new Map<SpanStep, SpanScore[]>();
  private readonly rest: SpanScore[] = [];

  constructor(steps: readonly SpanStep[], tree: SpanTree, readings: ReadonlyMap<SpanNode, SpanReading>, sources: ScoreSources) {
    const stepsByResponse = new Map(steps.flatMap((step) => (step.reading.responseId === undefined ? [] : [[step.reading.responseId, step] as const])));
    for (const node of tree.nodes) {
      const own = readings.get(node)?.scores?.filter((score) => score.spanId === undefined || score.isOfTrace === true) ?? [];
      const given = node.span.spanId === '' ? [] : (sources.scoresBySpan.get(node.span.spanId) ?? []);
      for (const score of [...own, ...given]) {
        const answered = score.responseId === undefined ? undefined : stepsByResponse.get(score.responseId);
        this.add(score.isOfTrace === true ? undefined : (answered ?? sources.owners.get(node)), score);
      }
    }
    for (const score of sources.ofTrace) this.add(undefined, score);
  }

  of(step: SpanStep): Judgements {
    return judgements(this.byStep.get(step) ?? []);
  }

  ofTrace(): Judgements {
    return judgements(this.rest);
  }

  private add(step: SpanStep | undefined, score: SpanScore): void {
    if (step === undefined) {
      this.rest.push(score);
      return;
    }
    const group = this.byStep.get(step);
    if (group === undefined) this.byStep.set(step, [score]);
    else group.push(score);
  }
}

/** Numbers become imported scores; words without a number are kept beside them. */
function judgements(scores: readonly SpanScore[]): Judgements {
  return {
    scores: scores.flatMap(({ source, dimension, value, scale, label, explanation }) => {
      if (value === undefined) return [];
      const rationale = label === undefined || label === '' ? explanation : explanation === undefined || explanation === '' ? label : `${label}: ${explanation}`;
      return [{ source, dimension, value, ...(scale === undefined ? {} : { scale }), ...(rationale === undefined ? {} : { rationale }), attributes: {} }];
    }),
    labels: scores.flatMap(({ source, dimension, value, label, explanation }) => (value !== undefined ? [] : [settled({ source, dimension, label, explanation })])),
  };
}

type TraceFields = Omit<Parameters<typeof assembleTrace>[0], 'steps' | 'importedScores'>;

function traceFields(tree: SpanTree, readings: ReadonlyMap<SpanNode, SpanReading>, steps: readonly SpanStep[], file: SpanFile): TraceFields {
  const notes = file.about?.get(tree.traceId);
  const goal = notes?.goal ?? findGoal(tree, readings, { steps, text: file.text });
  const all = [...readings.values()];
  const costs = steps.flatMap((step) => step.reading.costUsd ?? []);
  const agent = all.find((reading) => reading.role === 'agent' && reading.agentName !== undefined)?.agentName ?? steps.find((step) => step.agentName !== undefined)?.agentName;
  const starts = tree.nodes.flatMap((node) => msInReach(node.span.startMs) ?? []);
  const start = starts.length === 0 ? undefined : starts.reduce((least, ms) => Math.min(least, ms));
  const ranges = tree.nodes.map((node) => node.span.range);
  return {
    format: file.format,
    formatVersion: file.formatVersion,
    traceId: tree.traceId === '' ? undefined : tree.traceId,
    goalText: goal.text,
    goalRange: goal.range,
    planSignature: agent ?? tree.roots[0]?.span.name ?? file.format,
    finalOutputText: notes?.finalOutputText ?? finalWords(tree, readings),
    createdAt: notes?.createdAt ?? (start === undefined ? undefined : new Date(start).toISOString()),
    meta: settled<TraceMeta>({
      model: notes?.meta?.model ?? steps.find((step) => step.reading.model !== undefined)?.reading.model,
      agent: notes?.meta?.agent ?? agent,
      session: notes?.meta?.session ?? all.find((reading) => reading.session !== undefined)?.session,
      cwd: notes?.meta?.cwd,
      costUsd: notes?.meta?.costUsd ?? (costs.length === 0 ? undefined : costs.reduce((sum, cost) => sum + cost, 0)),
      outcome: notes?.meta?.outcome,
    }),
    range: notes?.range ?? { start: ranges.reduce((least, range) => Math.min(least, range.start), Number.MAX_SAFE_INTEGER), end: ranges.reduce((most, range) => Math.max(most, range.end), 0) },
  };
}

interface Goal {
  readonly text: string;
  readonly range: OffsetRange | null;
}

/** What the user asked: of the outermost spans that say, else of the first decision; else whatever the root was given. */
function findGoal(tree: SpanTree, readings: ReadonlyMap<SpanNode, SpanReading>, from: { readonly steps: readonly SpanStep[]; readonly text: string }): Goal {
  const firstAgent = tree.nodes.find((node) => readings.get(node)?.role === 'agent');
  const firstStep = from.steps[0]?.node;
  const asked = tree.nodes.find((node) => readings.get(node)?.request !== undefined);
  const places = [asked, ...tree.roots.slice(0, 3), firstAgent, firstStep, ...from.steps.slice(1, 8).map((step) => step.node)];
  for (const node of places) {
    const reading = node === undefined ? undefined : readings.get(node);
    if (node === undefined || reading === undefined || reading.role === 'judge' || reading.role === 'tool') continue;
    const words = reading.request ?? firstUserText(reading.heard ?? []) ?? plainWords(reading.inputText, 'user');
    if (words !== undefined && words.trim() !== '') return goalAt(node, reading, words, from.text);
  }
  for (const node of [...tree.roots.slice(0, 3), firstStep]) {
    const reading = node === undefined ? undefined : readings.get(node);
    if (node !== undefined && reading?.inputText !== undefined && reading.inputText.trim() !== '') return goalAt(node, reading, reading.inputText, from.text);
  }
  return { text: '', range: null };
}

function goalAt(node: SpanNode, reading: SpanReading, words: string, text: string): Goal {
  const keys = reading.inputKeys ?? [];
  for (const range of [node.span.range, ...node.span.events.flatMap((event) => event.range ?? [])]) {
    const found = findWords(text, { range, keys }, words);
    if (found !== undefined) return { text: words, range: found };
  }
  return { text: words, range: null };
}

/** The last words of the outermost agent; undefined where they were not recorded. */
function finalWords(tree: SpanTree, readings: ReadonlyMap<SpanNode, SpanReading>): string | undefined {
  const outermost = [...tree.roots].reverse();
  const agent = tree.nodes.find((node) => readings.get(node)?.role === 'agent');
  for (const node of agent === undefined ? outermost : [...outermost, agent]) {
    const reading = readings.get(node);
    if (reading === undefined || (reading.role !== 'agent' && reading.role !== 'other')) continue;
    const spoken = (reading.said ?? []).filter((message) => message.role === 'assistant' && (message.text ?? '').trim() !== '').at(-1)?.text;
    const words = spoken ?? plainWords(reading.outputText, 'assistant');
    if (words !== undefined && words.trim() !== '') return words;
  }
  return undefined;
}
