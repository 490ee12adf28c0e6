/** Traces of any format, with their scores where there are any, as text of a format made for exchange. */
import type { PlanTrace } from '../core/planTrace.ts';
import { TRACE_SCORER } from '../core/scoreRecord.ts';
import type { ScoreRecord } from '../core/scoreRecord.ts';
import { printAtif } from '../formats/printAtif.ts';
import type { PrintedTraces, PrintOptions, TraceScores } from '../formats/printedTraces.ts';
import { printOtlp } from '../formats/printOtlp.ts';
import { printPlanTraces } from '../formats/printPlanTrace.ts';
import { recordsOfTrace } from './scoreRecords.ts';
import type { ScoredTrace } from './scoredTrace.ts';

/** Every format that traces can be exported to: its name for people, the ending of its files, its printer. */
export const EXPORT_TARGETS = {
  plantrace: { title: 'PlanTrace JSON', ending: '.trace.json', print: printPlanTraces },
  atif: { title: 'ATIF trajectory', ending: '.trajectory.json', print: printAtif },
  otlp: { title: 'OpenTelemetry (OTLP JSON)', ending: '.otlp.json', print: printOtlp },
} as const satisfies Readonly<Record<string, { readonly title: string; readonly ending: string; readonly print: (traces: readonly PlanTrace[], options?: PrintOptions) => PrintedTraces }>>;

export type ExportTarget = keyof typeof EXPORT_TARGETS;

export function isExportTarget(name: string): name is ExportTarget {
  return Object.hasOwn(EXPORT_TARGETS, name);
}

/** Traces that were scored, with every judgement of every scorer; unscored ones print as they are. */
export function exportScored(traces: readonly ScoredTrace[], target: ExportTarget): PrintedTraces {
  return EXPORT_TARGETS[target].print(traces.map((scored) => scored.trace), { scores: traces.map(scoresOf) });
}

/** Traces as their file has them. */
export function exportTraces(traces: readonly PlanTrace[], target: ExportTarget): PrintedTraces {
  return EXPORT_TARGETS[target].print(traces);
}

/** Without what the printers take from the trace itself: scores that the file came with, and recorded facts. */
function scoresOf(scored: ScoredTrace): TraceScores {
  const recorded = recordsOfTrace('', scored);
  const own = (records: readonly ScoreRecord[]): readonly ScoreRecord[] => records.filter((record) => record.scorer !== TRACE_SCORER && !record.scorer.startsWith('file:'));
  return {
    byStepId: new Map(recorded.flatMap(({ scorable, records }) => (scorable.stepId === '' ? [] : [[scorable.stepId, own(records)] as const]))),
    ofTrace: own(recorded.find(({ scorable }) => scorable.stepId === '')?.records ?? []),
  };
}

/** Name for the exported file: that of the trace file with the ending of the target in place of its own; never the same name. */
export function exportName(path: string, target: ExportTarget): string {
  const name = path.replaceAll('\\', '/').split('/').at(-1) ?? '';
  const { ending } = EXPORT_TARGETS[target];
  const stem = name.replace(/(?:\.(?:trace|trajectory|otlp|session|messages|rollout|traj|results|px|phoenix|langfuse|mlflow))?\.(?:json|jsonl|ndjson|traj|eval|log|txt)$/i, '');
  const exported = `${stem === '' || stem === '-' ? 'trace' : stem}${ending}`;
  return exported === name ? `${stem}.exported${ending}` : exported;
}
