/** From the raw outputs of one step to its calibrated results and their consensus. */
import type { Finding } from '../core/problems.ts';
import type { ScoreBundle, ScoreResult } from '../core/scoreResult.ts';
import { consensusByDimension } from './consensus.ts';
import type { ModelManifest } from './manifest.ts';
import { splitOutputs } from './rawScores.ts';
import type { RawByScorer } from './rawScores.ts';
import { findScorer } from './registry.ts';
import { toResult } from './scorer.ts';
import { judgeRules } from './scorers/rules.ts';

export type Judgement = Pick<ScoreBundle, 'results' | 'consensusByDimension'>;

interface JudgeOptions {
  readonly manifest: ModelManifest;
  readonly scorers: readonly string[];
  readonly dimensions: readonly string[];
  /** What the rules found on the step; undefined where they do not take part. */
  readonly findings: readonly Finding[] | undefined;
}

/** Judgements of raw outputs seen before: after an edit all steps but a few are the same. */
const known = new WeakMap<RawByScorer, { readonly manifest: ModelManifest; readonly asked: string; readonly judgement: Judgement }>();

/** Calibration is applied here, on reading, so that a new calibration needs no new run. */
export function judge(raw: RawByScorer, options: JudgeOptions): Judgement {
  const asked = [options.scorers.join(), options.dimensions.join(), ...(options.findings ?? ['-']).map((f) => (typeof f === 'string' ? f : `${f.code}: ${f.message}`))].join('|');
  const before = known.get(raw);
  if (before !== undefined && before.manifest === options.manifest && before.asked === asked) return before.judgement;
  const judgement = judgeAfresh(raw, options);
  known.set(raw, { manifest: options.manifest, asked, judgement });
  return judgement;
}

function judgeAfresh(raw: RawByScorer, options: JudgeOptions): Judgement {
  const { manifest } = options;
  const results = manifest.scorers.flatMap((entry): ScoreResult[] => {
    const scorer = findScorer(entry.id);
    const values = raw.get(entry.id);
    if (scorer === undefined || !options.scorers.includes(entry.id)) return [];
    const dimensions = entry.dimensions.filter((d) => options.dimensions.includes(d));
    // A recurrent scorer may not have read the steps before yet.
    if (values === undefined) return dimensions.filter((d) => entry.calibration[d] !== undefined).map((dimension) => ({ kind: 'unscored', dimension, scorer: entry.id, scorerVersion: entry.version, reason: 'pending' }));
    const row = splitOutputs(entry, values);
    return dimensions.map((dimension) => toResult({ scorer, entry, row, dimension }));
  });
  if (options.findings !== undefined) results.push(...judgeRules({ findings: options.findings, dimensions: options.dimensions }, manifest.rules ?? {}));
  return { results, consensusByDimension: consensusByDimension(results, manifest) };
}
