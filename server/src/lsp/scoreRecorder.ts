/** Hands what was scored to the memory, once a file has come to rest, and brings back what changed. */
import { PRIMARY_DIMENSION } from '../core/dimensions.ts';
import type { LineIndex } from '../core/lineIndex.ts';
import { CONSENSUS_SCORER, corpusId } from '../core/scoreRecord.ts';
import type { Evaluation, ScoreDelta, ScoreMemory } from '../corpus/scoreMemory.ts';
import { evaluationsOf, recordOfStep, recordOfWhole } from '../features/scoreRecords.ts';
import type { RecordedScorable } from '../features/scoreRecords.ts';
import type { ScoredStep, ScoredTrace } from '../features/scoredTrace.ts';
import type { TraceFile, TraceView } from '../features/traceFile.ts';
import type { ModelKeys } from '../scoring/modelKeys.ts';

/** While somebody types, every keystroke makes scores: only what stays is remembered. */
const REST_MS = 1_500;
/** Steps laid out between two breaths, so that a long trace keeps nobody waiting. */
const STEPS_AT_ONCE = 500;

export interface ScoreRecorder {
  /** The scores of a file are complete. Waits for the file to come to rest where `isOpen`. */
  note(file: TraceFile, isOpen: boolean): void;
  /** Resolves when all that was noted of a file is recorded; until then its words must be there to be read. */
  finish(uri: string): Promise<void>;
  /** A file is gone: so is what was remembered of it. */
  forget(name: string): void;
  /** Writes what waits; resolves when it is on disk. */
  flush(): Promise<void>;
}

export interface RecorderOptions {
  readonly memory: () => ScoreMemory | undefined;
  readonly models: () => ModelKeys | undefined;
  readonly viewOf: (file: TraceFile) => TraceView;
  /** Name of a file in the memory. */
  readonly nameOf: (file: TraceFile) => string;
  readonly nowMs: () => number;
  readonly sha256: (text: string) => string;
  /** Evaluations that are new, for who keeps a corpus; `isShorter`: scorables of the file went away. */
  readonly onRecorded: (evaluations: readonly Evaluation[], isShorter: boolean) => void;
  /** The changes shown beside a file's steps are others. */
  readonly onDeltas: (file: TraceFile) => void;
  readonly log: (message: string) => void;
}

export function createScoreRecorder(options: RecorderOptions): ScoreRecorder {
  const timers = new Map<string, { readonly timer: NodeJS.Timeout; readonly file: TraceFile }>();
  /** By file name: what was recorded of each scorable, so that an edit sends its own steps only. */
  const recorded = new Map<string, Map<string, string>>();
  /** Steps handed over as they stand: those that an edit leaves alone need no second look. */
  const seen = new WeakMap<ScoredStep, { readonly id: string; readonly line: number }>();
  let last: Promise<void> = Promise.resolve();

  const complain = (error: unknown): void => options.log(`Scores were not remembered: ${error instanceof Error ? error.message : String(error)}`);
  const run = (file: TraceFile): void => {
    last = last.then(() => record(file)).catch(complain);
  };

  async function record(file: TraceFile): Promise<void> {
    const [memory, models] = [options.memory(), options.models()];
    if (memory === undefined || models === undefined) return;
    const name = options.nameOf(file);
    const known = recorded.get(name);
    const state = options.sha256(fileState(file, models));
    // Opened again and nothing changed: all of it is in the memory.
    if (known === undefined && await memory.fileState(name) === state) return showDeltas(file, name, memory);
    const view = options.viewOf(file);
    const now = new Map<string, string>();
    const deltas: ScoreDelta[] = [];
    for (const [i, work] of file.works.entries()) {
      const scored = view.traces[i];
      if (scored === undefined) continue;
      for (let from = 0; from <= scored.steps.length; from += STEPS_AT_ONCE) {
        const isEnd = from + STEPS_AT_ONCE > scored.steps.length;
        const changed = [...changedSteps(scored, { from, name, lines: view.lines, known, now }), ...(isEnd ? recordOfWhole(name, scored, view.lines) : [])];
        const slice = evaluationsOf(changed, { work, models }).filter((e) => {
          const signature = options.sha256(signatureOf(e));
          now.set(e.scorable.id, signature);
          return known?.get(e.scorable.id) !== signature;
        });
        if (slice.length === 0) continue;
        deltas.push(...await memory.record(slice, options.nowMs()));
        options.onRecorded(slice, false);
      }
    }
    const isShorter = known !== undefined && [...known.keys()].some((id) => !now.has(id));
    recorded.set(name, now);
    await memory.retain(name, [...now.keys()], isComplete(view) ? state : '');
    if (isShorter) options.onRecorded([], true);
    if (known === undefined) await showDeltas(file, name, memory);
    else if (keepDeltas(file, name, deltas)) options.onDeltas(file);
  }

  /** Records of the steps of a slice that are not known to be recorded as they are; those that are go straight into `now`. */
  function changedSteps(scored: ScoredTrace, at: { readonly from: number; readonly name: string; readonly lines: LineIndex; readonly known: ReadonlyMap<string, string> | undefined; readonly now: Map<string, string> }): readonly RecordedScorable[] {
    return scored.steps.slice(at.from, at.from + STEPS_AT_ONCE).flatMap((state, i): readonly RecordedScorable[] => {
      const index = at.from + i;
      const range = scored.trace.steps[index]?.range ?? null;
      const line = range === null ? -1 : at.lines.positionAt(range.start).line;
      const before = seen.get(state);
      const signature = before === undefined || before.line !== line ? undefined : at.known?.get(before.id);
      if (before !== undefined && signature !== undefined) {
        at.now.set(before.id, signature);
        return [];
      }
      const record = recordOfStep(at.name, scored, { index, lines: at.lines });
      if (record === undefined) return [];
      seen.set(state, { id: record.scorable.id, line });
      return [record];
    });
  }

  function finish(uri: string): Promise<void> {
    const waiting = timers.get(uri);
    if (waiting !== undefined) {
      clearTimeout(waiting.timer);
      timers.delete(uri);
      run(waiting.file);
    }
    return last;
  }

  async function showDeltas(file: TraceFile, name: string, memory: ScoreMemory): Promise<void> {
    if (keepDeltas(file, name, (await memory.deltas({ file: name })).toReversed())) options.onDeltas(file);
  }

  return {
    note(file, isOpen) {
      const waiting = timers.get(file.uri);
      if (waiting !== undefined) clearTimeout(waiting.timer);
      timers.delete(file.uri);
      if (!isOpen) return run(file);
      timers.set(file.uri, { file, timer: setTimeout(() => {
        timers.delete(file.uri);
        run(file);
      }, REST_MS) });
    },
    finish,
    forget(name) {
      recorded.delete(name);
      last = last.then(() => options.memory()?.retain(name, [])).then(() => options.onRecorded([], true)).catch(complain);
    },
    async flush() {
      for (const uri of [...timers.keys()]) void finish(uri);
      await last;
    },
  };
}

/** Whether every step has its scores: what was stopped half-way is recorded again next time. */
function isComplete(view: TraceView): boolean {
  return view.traces.every(({ steps }) => steps.every((s) => !s.isStale && !s.isPending));
}

/** Everything that what is recorded of a file hangs on, in words. */
function fileState(file: TraceFile, models: ModelKeys): string {
  const traces = file.works.map(({ trace, steps }) => [trace.traceId, trace.meta, trace.planSignature, trace.importedScores, steps.map((s) => [s.step.stepId, s.step.stepType, s.textKey, s.step.range?.start, s.step.importedScores, s.step.durationMs])]);
  return JSON.stringify([models, file.settings.scorers, file.settings.dimensions, file.settings.importedScales, file.labels, file.textLength, traces]);
}

/** Everything whose change makes a new evaluation. */
function signatureOf({ inputs, records, scorable }: Evaluation): string {
  return [inputs.text, inputs.context, inputs.model, inputs.calibration, scorable.line, ...records.map((r) => `${r.scorer} ${r.dimension} ${r.score}`)].join('|');
}

/** `deltas`: oldest first. The consensus' change is told with the attribute of the scorer that moved most. Answers whether any is new. */
function keepDeltas(file: TraceFile, name: string, deltas: readonly ScoreDelta[]): boolean {
  const primary = deltas.filter((d) => d.dimension === PRIMARY_DIMENSION);
  const byScorable = Map.groupBy(primary.filter((d) => d.scorer !== CONSENSUS_SCORER), (d) => d.scorable.id);
  let isChanged = false;
  for (const delta of primary) {
    if (delta.scorer !== CONSENSUS_SCORER || delta.scorable.stepId === '') continue;
    const { traceId, stepId } = delta.scorable;
    const mover = (byScorable.get(corpusId({ file: name, traceId, stepId })) ?? []).filter((d) => d.timeMs === delta.timeMs).sort((a, b) => Math.abs(b.delta) - Math.abs(a.delta))[0];
    const moved = mover?.movedMost === undefined ? undefined : { ...mover.movedMost, attribute: `${mover.scorer}.${mover.movedMost.attribute}` };
    let ofTrace = file.deltasByTraceId.get(traceId);
    if (ofTrace === undefined) file.deltasByTraceId.set(traceId, ofTrace = new Map());
    const { movedMost: _own, ...rest } = delta;
    ofTrace.set(stepId, moved === undefined ? rest : { ...rest, movedMost: moved });
    isChanged = true;
  }
  return isChanged;
}
