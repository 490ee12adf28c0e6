/** Traces read from a text, with scores made by hand. */
import type { ScoreResult } from '../../server/src/core/scoreResult.ts';
import type { ScoredStep, ScoredTrace } from '../../server/src/features/scoredTrace.ts';
import { importedResult } from '../../server/src/features/presentTrace.ts';
import { writeTraceScores } from '../../server/src/features/writeBack.ts';
import { applyEdits } from '../../server/src/formats/jsonEdits.ts';
import type { TextEdit } from '../../server/src/formats/jsonEdits.ts';
import type { ParsedFile } from '../../server/src/formats/format.ts';
import { readTraces } from '../../server/src/formats/readTraces.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { bundleOf } from './bundles.ts';

/** Scores, 0–1, of scorers by name; undefined leaves the step unscored. */
export type Judged = Readonly<Record<string, number>> | undefined;

/** Every trace of a file; `judged` says what the scorers think of step `index` of trace `traceIndex`. */
export function scoredTraces(parsed: ParsedFile, judged: (index: number, traceIndex: number) => Judged): readonly ScoredTrace[] {
  return parsed.traces.map((trace, traceIndex): ScoredTrace => ({
    trace, ruleFindings: [], problems: [], traceResults: trace.importedScores.map((s) => importedResult(s, defaultSettings())),
    steps: trace.steps.map((step, index): ScoredStep => {
      const by = judged(index, traceIndex);
      const imported = step.importedScores.map((s) => importedResult(s, defaultSettings()));
      if (by === undefined) return { isStale: false, isPending: true, bundle: bundleOf(step.stepId, imported) };
      const scores = Object.values(by);
      const results = Object.entries(by).map(([scorer, score]): ScoreResult => ({ kind: 'scored', dimension: 'reasoning_quality', scorer, scorerVersion: '7', score, rationale: `${scorer} says so`, weight: 1, attributes: { energy: score / 2 } }));
      const [low, high] = Object.entries(by).sort((a, b) => a[1] - b[1]).filter((_, i, all) => i === 0 || i === all.length - 1).map(([scorer]) => scorer);
      const consensus = { ...(low === undefined || high === undefined ? {} : { conflict: { high, low } }), score: scores.reduce((a, b) => a + b, 0) / scores.length, uncertainty: 0.25, spread: Math.max(...scores) - Math.min(...scores), scorers: Object.keys(by) };
      return { isStale: false, isPending: false, bundle: bundleOf(step.stepId, [...results, ...imported], { reasoning_quality: consensus }) };
    }),
  }));
}

/** The text with the scores of all its traces written into it, and the edits that did it. */
export function written(text: string, judged: (index: number, traceIndex: number) => Judged): { readonly text: string; readonly edits: readonly TextEdit[]; readonly left: readonly string[] } {
  const parsed = readTraces({ path: 'x.trace.json', text });
  const results = parsed === undefined ? [] : scoredTraces(parsed, judged).map((scored) => writeTraceScores(text, parsed, scored));
  const edits = results.flatMap((r) => (r.kind === 'edits' ? r.edits : []));
  return { text: applyEdits(text, edits), edits, left: results.flatMap((r) => (r.kind === 'left' ? [r.reason] : [])) };
}
